/* The orientation that Exif metadata gives an image. */
#ifndef PIXART_EXIF_H
#define PIXART_EXIF_H

#include <stddef.h>

/* Returns the value of the tag Orientation, 1 to 8, in the first directory of `count` bytes of Exif (a TIFF header and
 * what follows, after an optional "Exif\0\0"). Returns 1, upright, if there is none, or if the bytes are damaged. */
int native_exif_orientation(const unsigned char *_Nullable bytes, size_t count);

#endif
