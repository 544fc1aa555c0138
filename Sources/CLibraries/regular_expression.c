#define PCRE2_CODE_UNIT_WIDTH 8
#include "regular_expression.h"
#include <pcre2.h>
#include <stdlib.h>

/* The most memory that one search may take for backtracking, in KiB. */
static const uint32_t backtracking_limit = 1024 * 1024;

struct native_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static int failure(int error) {
    switch (error) {
    case PCRE2_ERROR_HEAP_FAILED:
    case PCRE2_ERROR_NOMEMORY:
    case PCRE2_ERROR_HEAPLIMIT:
        return NATIVE_REGEX_NO_MEMORY;
    default:
        return NATIVE_REGEX_FAILED;
    }
}

int native_regex_compile(const char *pattern, size_t count, int utf8, native_regex **out) {
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context == NULL)
        return NATIVE_REGEX_NO_MEMORY;
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, count, utf8 ? PCRE2_UTF : 0, &error, &offset, context);
    pcre2_compile_context_free(context);
    *out = (native_regex *)code;
    return code != NULL ? 0 : failure(error);
}

void native_regex_release(native_regex *regex) { pcre2_code_free((pcre2_code *)regex); }

native_matcher *native_matcher_create(const native_regex *regex) {
    native_matcher *matcher = calloc(1, sizeof *matcher);
    if (matcher == NULL)
        return NULL;
    matcher->data = pcre2_match_data_create_from_pattern((const pcre2_code *)regex, NULL);
    matcher->context = pcre2_match_context_create(NULL);
    if (matcher->data == NULL || matcher->context == NULL) {
        native_matcher_release(matcher);
        return NULL;
    }
    pcre2_set_match_limit(matcher->context, UINT32_MAX);
    pcre2_set_depth_limit(matcher->context, UINT32_MAX);
    pcre2_set_heap_limit(matcher->context, backtracking_limit);
    return matcher;
}

void native_matcher_release(native_matcher *matcher) {
    if (matcher == NULL)
        return;
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    free(matcher);
}

int native_regex_search(const native_regex *regex, native_matcher *matcher, const uint8_t *text, size_t count,
                        size_t start, size_t *lower, size_t *upper) {
    static const uint8_t nothing = 0;
    int found = pcre2_match((const pcre2_code *)regex, text != NULL ? text : &nothing, count, start, PCRE2_NO_UTF_CHECK,
                            matcher->data, matcher->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    if (found < 0)
        return failure(found);
    native_matcher_group(matcher, 0, lower, upper);
    return 1;
}

int native_matcher_group(const native_matcher *matcher, uint32_t group, size_t *lower, size_t *upper) {
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(matcher->data);
    if (group >= pcre2_get_ovector_count(matcher->data) || spans[2 * group] == PCRE2_UNSET)
        return 0;
    *lower = spans[2 * group];
    *upper = spans[2 * group + 1];
    return 1;
}
