#include "unicode.h"
#include <utf8proc.h>

uint8_t *native_unicode_compose(const uint8_t *text, size_t count, int compatible, size_t *out_count) {
    static const uint8_t nothing = 0;
    utf8proc_uint8_t *out = NULL;
    int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    utf8proc_ssize_t length =
        utf8proc_map(text != NULL ? text : &nothing, (utf8proc_ssize_t)count, &out, (utf8proc_option_t)options);
    if (length < 0) return NULL;
    *out_count = (size_t)length;
    return out;
}
