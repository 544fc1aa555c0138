#include "unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Writes the full decomposition of `text`, in the order of the text, to `out`, up to `room` elements. Returns the
 * length of the whole decomposition, or a negative number if `text` is malformed. */
static utf8proc_ssize_t decompose(const uint8_t *text, size_t count, utf8proc_option_t options, utf8proc_int32_t *out,
                                  utf8proc_ssize_t room) {
    utf8proc_ssize_t length = 0;
    int boundary = 0;
    for (size_t read = 0; read < count;) {
        utf8proc_int32_t character;
        utf8proc_ssize_t bytes = utf8proc_iterate(text + read, (utf8proc_ssize_t)(count - read), &character);
        if (bytes < 0)
            return bytes;
        read += (size_t)bytes;
        utf8proc_ssize_t left = length < room ? room - length : 0;
        utf8proc_ssize_t added =
            utf8proc_decompose_char(character, left > 0 ? out + length : NULL, left, options, &boundary);
        if (added < 0)
            return added;
        length += added;
    }
    return length;
}

static unsigned combining_class(utf8proc_int32_t character) {
    return (unsigned)utf8proc_get_property(character)->combining_class & 0xff;
}

/* Sorts each run of combining marks by combining class and keeps the order within a class. It is a counting sort,
 * because utf8proc's sort exchanges neighbours, which takes quadratic time in a long run. */
static void order(utf8proc_int32_t *text, size_t length, utf8proc_int32_t *sorted) {
    for (size_t start = 0; start < length;) {
        if (combining_class(text[start]) == 0) {
            start++;
            continue;
        }
        size_t places[256] = {0};
        size_t end = start;
        for (unsigned class; end < length && (class = combining_class(text[end])) != 0; end++)
            places[class]++;
        size_t place = 0;
        for (int class = 0; class < 256; class++) {
            size_t marks = places[class];
            places[class] = place;
            place += marks;
        }
        for (size_t i = start; i < end; i++)
            sorted[places[combining_class(text[i])]++] = text[i];
        memcpy(text + start, sorted, (end - start) * sizeof *text);
        start = end;
    }
}

uint8_t *native_unicode_compose(const uint8_t *text, size_t count, int compatible, size_t *out_count) {
    utf8proc_option_t options =
        (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE | (compatible ? UTF8PROC_COMPAT : 0));
    utf8proc_ssize_t length = decompose(text, count, options, NULL, 0);
    if (length < 0)
        return NULL;
    /* UTF-8 replaces the characters in their own memory, with a zero after them. */
    utf8proc_int32_t *characters = malloc(((size_t)length + 1) * sizeof *characters);
    utf8proc_int32_t *sorted = malloc(((size_t)length + 1) * sizeof *sorted);
    if (characters != NULL && sorted != NULL) {
        decompose(text, count, options, characters, length);
        order(characters, (size_t)length, sorted);
        length = utf8proc_reencode(characters, length, options);
    } else {
        length = -1;
    }
    free(sorted);
    if (length < 0) {
        free(characters);
        return NULL;
    }
    *out_count = (size_t)length;
    return (uint8_t *)characters;
}
