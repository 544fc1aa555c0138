/* PNG encoding by libpng, into memory. libpng leaves a failed call with longjmp, which must not cross Swift. It ends in
 * png_encode.c. */
#ifndef PIXART_PNG_ENCODE_H
#define PIXART_PNG_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* A text chunk. The caller has checked that the keyword is one that PNG allows. */
typedef struct {
    const char *keyword; /* Latin-1 */
    const char *text;    /* UTF-8 if `utf8` is not 0 (iTXt), else Latin-1 (tEXt, zTXt) */
    int utf8;
    int compressed;
} native_png_text;

/* Encodes 8-bit RGB pixels, rows from the top without padding, with text chunks before the image. Returns *size bytes
 * that the caller releases. On failure it returns NULL, and `message` has up to `room` bytes of text, terminated by
 * NUL.
 */
unsigned char *native_png_encode(uint32_t width, uint32_t height, const unsigned char *pixels,
                                 const native_png_text *texts, size_t count, size_t *size, char *message, size_t room);

/* Releases an encoded image. NULL does nothing. */
void native_png_release(unsigned char *bytes);

#endif
