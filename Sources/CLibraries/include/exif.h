/* The orientation of an image in Exif metadata. */
#ifndef PIXART_EXIF_H
#define PIXART_EXIF_H

#include <stddef.h>

/* Returns the value of the tag Orientation, 1 to 8, in the first directory of `count` bytes of Exif: an optional
 * "Exif\0\0", a TIFF header, and its content. Returns 1, upright, if there is none or the bytes are damaged. */
int native_exif_orientation(const unsigned char *_Nullable bytes, size_t count);

#endif
