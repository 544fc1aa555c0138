#include "exif.h"
#include <stdint.h>
#include <string.h>

enum { UPRIGHT = 1, ENTRY_BYTES = 12, ORIENTATION = 0x0112, SHORT = 3, LONG = 4 };

static uint32_t number(const unsigned char *bytes, size_t width, int is_little) {
    uint32_t value = 0;
    for (size_t i = 0; i < width; i++)
        value = value << 8 | bytes[is_little ? width - 1 - i : i];
    return value;
}

int native_exif_orientation(const unsigned char *bytes, size_t count) {
    static const char prefix[6] = "Exif\0";
    while (count >= sizeof prefix && memcmp(bytes, prefix, sizeof prefix) == 0) {
        bytes += sizeof prefix;
        count -= sizeof prefix;
    }
    if (count < 8 || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
        return UPRIGHT;
    int is_little = bytes[0] == 'I';
    size_t place = number(bytes + 4, 4, is_little);
    if (place > count || count - place < 2)
        return UPRIGHT;
    size_t entries = number(bytes + place, 2, is_little);
    uint32_t orientation = UPRIGHT;
    place += 2;
    /* If there are several entries, the last counts, as in Pillow. A truncated directory is read as far as it goes. */
    for (; entries > 0 && count - place >= ENTRY_BYTES; entries--, place += ENTRY_BYTES) {
        const unsigned char *entry = bytes + place;
        uint32_t type = number(entry + 2, 2, is_little);
        if (number(entry, 2, is_little) != ORIENTATION || (type != SHORT && type != LONG))
            continue;
        if (number(entry + 4, 4, is_little) == 1)
            orientation = number(entry + 8, type == SHORT ? 2 : 4, is_little);
    }
    return orientation >= 1 && orientation <= 8 ? (int)orientation : UPRIGHT;
}
