/* Regular expressions by PCRE2: compile once, then search from any number of threads, each with its own matcher. */
#ifndef PIXART_REGULAR_EXPRESSION_H
#define PIXART_REGULAR_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

typedef struct native_regex native_regex;
typedef struct native_matcher native_matcher;

/* Failures: memory is short, and anything else. */
#define NATIVE_REGEX_NO_MEMORY (-1)
#define NATIVE_REGEX_FAILED (-2)

/* Compiles `count` bytes of pattern: 0, or a failure. With `utf8`, pattern and texts are UTF-8 and a dot is a code
 * point; without, everything is bytes. The caller releases *out. */
int native_regex_compile(const char *pattern, size_t count, int utf8, native_regex **out);
void native_regex_release(native_regex *regex);

/* Room for the results of one search at a time; NULL when memory is short. */
native_matcher *native_matcher_create(const native_regex *regex);
void native_matcher_release(native_matcher *matcher);

/* Finds the first match that begins at `start` or later: 1 found, 0 none, or a failure. There is no
 * limit on the steps taken, so an answer is never a guess. Under `utf8`, `text` must be valid UTF-8 and `start` must
 * lie between characters. A match is the bytes from *lower to *upper. */
int native_regex_search(const native_regex *regex, native_matcher *matcher, const uint8_t *text, size_t count,
                        size_t start, size_t *lower, size_t *upper);

/* The bytes of a group in the last match; 0 when the group took no part. */
int native_matcher_group(const native_matcher *matcher, uint32_t group, size_t *lower, size_t *upper);

#endif
