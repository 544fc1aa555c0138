/* JSON by json-c: text to a tree of values, and back. The parser is json-c's strict one. It also accepts the bare
 * numbers NaN, Infinity and -Infinity that Python writes.
 *
 * The caller must handle three faults of json-c: of two equal names in an object only the last is kept, a name ends at
 * its first NUL, and integers beyond 64 bits are clamped. */
#ifndef PIXART_JSON_TREE_H
#define PIXART_JSON_TREE_H

#include <stddef.h>
#include <stdint.h>

/* A value of a tree. The caller owns a root; a root owns the values inside. */
typedef struct json_object native_json;

#define NATIVE_JSON_NULL 0
#define NATIVE_JSON_BOOL 1
#define NATIVE_JSON_INTEGER 2  /* fits int64_t */
#define NATIVE_JSON_UNSIGNED 3 /* above INT64_MAX */
#define NATIVE_JSON_NUMBER 4
#define NATIVE_JSON_STRING 5
#define NATIVE_JSON_ARRAY 6
#define NATIVE_JSON_OBJECT 7

/* Parses `size` bytes of UTF-8 with one value and white space. On failure, *reason is a static text and *offset the
 * position of the fault. On success, *reason is NULL; the result may be NULL too, which is json-c's null. */
native_json *native_json_parse(const char *text, size_t size, int depth, size_t *offset, const char **reason);

/* Releases a tree. NULL does nothing. */
void native_json_release(native_json *root);

int native_json_kind(const native_json *value);
int native_json_bool(const native_json *value);
int64_t native_json_integer(const native_json *value);
uint64_t native_json_unsigned(const native_json *value);
double native_json_number(const native_json *value);
const char *native_json_string(const native_json *value, size_t *size);

/* The number of elements of an array or members of an object. */
size_t native_json_count(const native_json *value);
native_json *native_json_element(const native_json *array, size_t index);
/* Fills two arrays of native_json_count() entries with names and values, in the text's order. */
void native_json_members(const native_json *object, const char **names, native_json **values);

/* These functions make values. They return NULL if out of memory. */
native_json *native_json_new_bool(int value);
native_json *native_json_new_integer(int64_t value);
native_json *native_json_new_unsigned(uint64_t value);
/* `digits` is the text of the number, or NULL for json-c's. */
native_json *native_json_new_number(double value, const char *digits);
native_json *native_json_new_string(const char *text, size_t size);
native_json *native_json_new_array(void);
native_json *native_json_new_object(void);

/* Appends to an array, or adds a member to an object, which then owns `value` (NULL is null). Returns 0 on success; on
 * failure, the caller still owns `value`. */
int native_json_append(native_json *array, native_json *value);
int native_json_add(native_json *object, const char *name, native_json *value);

/* A tree as text of *size bytes, owned by `value` and valid until it changes; NULL if out of memory. */
const char *native_json_text(native_json *value, int pretty, size_t *size);

#endif
