/* PNG decoding by libpng, from a file. libpng leaves a failed call with longjmp, which must not cross Swift. It ends in
 * png_decode.c. */
#ifndef PIXART_PNG_DECODE_H
#define PIXART_PNG_DECODE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The result of a call. */
enum {
    NATIVE_PNG_OK = 0,
    NATIVE_PNG_MALFORMED = 1, /* the file is not a PNG, or damaged */
    NATIVE_PNG_UNREADABLE = 2,
    NATIVE_PNG_NO_MEMORY = 3
};

typedef struct native_png_decoder native_png_decoder;

typedef struct {
    uint32_t width, height;
    uint64_t bytes; /* at least as many bytes as the file's pixels have before compression */
} native_png_size;

/* Reads the file up to the pixels. `channels` is 1 (grey), 3 (RGB) or 4 (RGBA). On failure, *out is NULL, and `message`
 * has up to `room` bytes of text, terminated by NUL. The caller owns the file and `message`, and must keep both until
 * the decoder is released. */
int native_png_decode_begin(FILE *_Nonnull file, int channels, char *_Nonnull message, size_t room,
                            native_png_size *_Nonnull size, native_png_decoder *_Nullable *_Nonnull out);

/* Reads the pixels, [height][width][channels] in 8 bits, and the rest of the file. Call it once. */
int native_png_decode_pixels(native_png_decoder *_Nonnull decoder, unsigned char *_Nonnull pixels);

/* Returns the orientation in the file's eXIf chunk, 1 to 8; 1 is upright. Call it after the pixels are read, because
 * the chunk may follow them. */
int native_png_orientation(const native_png_decoder *_Nonnull decoder);

/* Releases a decoder. NULL does nothing. */
void native_png_decode_end(native_png_decoder *_Nullable decoder);

#endif
