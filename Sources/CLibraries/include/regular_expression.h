/* Regular expressions by PCRE2. A pattern is compiled once and may be searched with by any number of threads, each with
 * its own matcher. */
#ifndef PIXART_REGULAR_EXPRESSION_H
#define PIXART_REGULAR_EXPRESSION_H

#include <stddef.h>
#include <stdint.h>

typedef struct native_regex native_regex;
typedef struct native_matcher native_matcher;

/* Failures: out of memory, and anything else. */
#define NATIVE_REGEX_NO_MEMORY (-1)
#define NATIVE_REGEX_FAILED (-2)

/* Compiles `count` bytes of pattern. Returns 0 or a failure. With `utf8`, pattern and texts are UTF-8, and a dot
 * matches a code point; without it, everything is bytes. The caller releases *out. */
int native_regex_compile(const char *pattern, size_t count, int utf8, native_regex **out);
void native_regex_release(native_regex *regex);

/* Makes room for the results of one search at a time. Returns NULL if out of memory. */
native_matcher *native_matcher_create(const native_regex *regex);
void native_matcher_release(native_matcher *matcher);

/* Finds the first match that begins at `start` or later. Returns 1 if there is one, 0 if there is none, or a failure.
 * The number of steps is not limited, so the result is always exact. With `utf8`, `text` must be valid UTF-8 and
 * `start` must lie between characters. A match is the bytes from *lower to *upper. */
int native_regex_search(const native_regex *regex, native_matcher *matcher, const uint8_t *text, size_t count,
                        size_t start, size_t *lower, size_t *upper);

/* The bytes of a group in the last match. Returns 0 if the group did not take part. */
int native_matcher_group(const native_matcher *matcher, uint32_t group, size_t *lower, size_t *upper);

#endif
