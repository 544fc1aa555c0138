#include "json_tree.h"
#include <json-c/json.h>
#include <limits.h>

native_json *native_json_parse(const char *text, size_t size, int depth, size_t *offset, const char **reason) {
    *offset = 0;
    *reason = NULL;
    if (size > INT_MAX) {
        *reason = "more than 2 GiB of text";
        return NULL;
    }
    struct json_tokener *tokener = json_tokener_new_ex(depth);
    if (tokener == NULL) {
        *reason = "out of memory";
        return NULL;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *root = json_tokener_parse_ex(tokener, text, (int)size);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t end = json_tokener_get_parse_end(tokener);
    if (error == json_tokener_continue) { /* a number at the end of the text: only a NUL ends it */
        root = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
        end = size;
    }
    json_tokener_free(tokener);
    while (error == json_tokener_success && end < size && text[end] != '\0' && text[end] <= ' ')
        end += 1;
    if (error == json_tokener_success && end < size)
        error = json_tokener_error_parse_unexpected;
    if (error == json_tokener_success)
        return root;
    json_object_put(root);
    *offset = end;
    *reason = json_tokener_error_desc(error);
    return NULL;
}

void native_json_release(native_json *root) { json_object_put(root); }

int native_json_kind(const native_json *value) {
    switch (json_object_get_type(value)) {
    case json_type_null:
        return NATIVE_JSON_NULL;
    case json_type_boolean:
        return NATIVE_JSON_BOOL;
    case json_type_double:
        return NATIVE_JSON_NUMBER;
    case json_type_int:
        break;
    case json_type_object:
        return NATIVE_JSON_OBJECT;
    case json_type_array:
        return NATIVE_JSON_ARRAY;
    case json_type_string:
        return NATIVE_JSON_STRING;
    }
    return json_object_get_uint64(value) > INT64_MAX ? NATIVE_JSON_UNSIGNED : NATIVE_JSON_INTEGER;
}

int native_json_bool(const native_json *value) { return json_object_get_boolean(value); }
int64_t native_json_integer(const native_json *value) { return json_object_get_int64(value); }
uint64_t native_json_unsigned(const native_json *value) { return json_object_get_uint64(value); }
double native_json_number(const native_json *value) { return json_object_get_double(value); }

const char *native_json_string(const native_json *value, size_t *size) {
    *size = (size_t)json_object_get_string_len(value);
    return json_object_get_string((struct json_object *)value); /* returns the text of a string and changes nothing */
}

size_t native_json_count(const native_json *value) {
    if (json_object_is_type(value, json_type_array))
        return json_object_array_length(value);
    return (size_t)json_object_object_length(value);
}

native_json *native_json_element(const native_json *array, size_t index) {
    return json_object_array_get_idx(array, index);
}

void native_json_members(const native_json *object, const char **names, native_json **values) {
    size_t count = 0;
    json_object_object_foreach(object, name, value) {
        names[count] = name;
        values[count] = value;
        count += 1;
    }
}

native_json *native_json_new_bool(int value) { return json_object_new_boolean(value); }
native_json *native_json_new_integer(int64_t value) { return json_object_new_int64(value); }
native_json *native_json_new_unsigned(uint64_t value) { return json_object_new_uint64(value); }
native_json *native_json_new_number(double value, const char *digits) {
    return digits != NULL ? json_object_new_double_s(value, digits) : json_object_new_double(value);
}
native_json *native_json_new_string(const char *text, size_t size) {
    return size > INT_MAX ? NULL : json_object_new_string_len(text, (int)size);
}
native_json *native_json_new_array(void) { return json_object_new_array(); }
native_json *native_json_new_object(void) { return json_object_new_object(); }

int native_json_append(native_json *array, native_json *value) { return json_object_array_add(array, value); }
int native_json_add(native_json *object, const char *name, native_json *value) {
    return json_object_object_add(object, name, value);
}

const char *native_json_text(native_json *value, int pretty, size_t *size) {
    int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
    flags |= pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
    return json_object_to_json_string_length(value, flags, size);
}
