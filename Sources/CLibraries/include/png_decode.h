/* PNG by libpng, from a file. libpng leaves a failed call by longjmp, which must not cross Swift: it ends in this file.
 */
#ifndef PIXART_PNG_DECODE_H
#define PIXART_PNG_DECODE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a call came to. */
enum {
    NATIVE_PNG_OK = 0,
    NATIVE_PNG_MALFORMED = 1, /* the file is no PNG, or a damaged one */
    NATIVE_PNG_UNREADABLE = 2,
    NATIVE_PNG_NO_MEMORY = 3
};

typedef struct native_png_decoder native_png_decoder;

typedef struct {
    uint32_t width, height;
    uint64_t bytes; /* that the file's pixels take before they are compressed, at least */
} native_png_size;

/* Reads up to the pixels. `channels` is 1 (grey), 3 (RGB) or 4 (RGBA). On failure *out is NULL and `message` has up to
 * `room` bytes of text, closed by NUL. The file stays the caller's, and open until the decoder is released; `message`
 * likewise. */
int native_png_decode_begin(FILE *_Nonnull file, int channels, char *_Nonnull message, size_t room,
                            native_png_size *_Nonnull size, native_png_decoder *_Nullable *_Nonnull out);

/* Reads the pixels, [height][width][channels] in 8 bits, and the file's end. Once only. */
int native_png_decode_pixels(native_png_decoder *_Nonnull decoder, unsigned char *_Nonnull pixels);

/* Returns the orientation that the file's eXIf chunk gives the image, 1 to 8; 1 is upright. Known once the pixels are
 * read, since the chunk may follow them. */
int native_png_orientation(const native_png_decoder *_Nonnull decoder);

/* Releases a decoder; NULL is fine. */
void native_png_decode_end(native_png_decoder *_Nullable decoder);

#endif
