/* Unicode normalization by utf8proc. */
#ifndef PIXART_UNICODE_H
#define PIXART_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* Normalizes `count` bytes of valid UTF-8 to NFC, or to NFKC with `compatible`. The result is *out_count bytes that the
 * caller frees with `free`; NULL if out of memory. */
uint8_t *native_unicode_compose(const uint8_t *text, size_t count, int compatible, size_t *out_count);

#endif
