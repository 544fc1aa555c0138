#include "png_encode.h"
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything that must survive a longjmp. */
struct encoding {
    png_structp png;
    png_infop info;
    png_textp texts;
    unsigned char *bytes;
    size_t size;
    size_t capacity;
    char *message;
    size_t room;
};

static void on_error(png_structp png, png_const_charp text) {
    struct encoding *encoding = png_get_error_ptr(png);
    snprintf(encoding->message, encoding->room, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_write(png_structp png, png_bytep bytes, size_t size) {
    struct encoding *encoding = png_get_io_ptr(png);
    if (size > encoding->capacity - encoding->size) {
        size_t capacity = encoding->capacity + (size > encoding->capacity ? size : encoding->capacity) + 65536;
        unsigned char *grown = realloc(encoding->bytes, capacity);
        if (grown == NULL)
            png_error(png, "out of memory");
        encoding->bytes = grown;
        encoding->capacity = capacity;
    }
    memcpy(encoding->bytes + encoding->size, bytes, size);
    encoding->size += size;
}

static void on_flush(png_structp png) { (void)png; }

static void set_texts(struct encoding *encoding, const native_png_text *texts, size_t count) {
    if (count == 0)
        return;
    encoding->texts = calloc(count, sizeof *encoding->texts);
    if (encoding->texts == NULL)
        png_error(encoding->png, "out of memory");
    for (size_t i = 0; i < count; i += 1) {
        png_textp text = &encoding->texts[i];
        text->key = (png_charp)texts[i].keyword;
        text->text = (png_charp)texts[i].text;
        if (texts[i].utf8) {
            text->compression = texts[i].compressed ? PNG_ITXT_COMPRESSION_zTXt : PNG_ITXT_COMPRESSION_NONE;
        } else {
            text->compression = texts[i].compressed ? PNG_TEXT_COMPRESSION_zTXt : PNG_TEXT_COMPRESSION_NONE;
        }
    }
    png_set_text(encoding->png, encoding->info, encoding->texts, (int)count);
}

/* Returns 0 if libpng failed. What is needed after a longjmp is in *encoding; local variables do not change after
 * setjmp. */
static int encode(struct encoding *encoding, uint32_t width, uint32_t height, const unsigned char *pixels,
                  const native_png_text *texts, size_t count) {
    png_structp png = encoding->png;
    if (setjmp(png_jmpbuf(png)))
        return 0;
    png_set_write_fn(png, encoding, on_write, on_flush);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_IHDR(png, encoding->info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_texts(encoding, texts, count);
    png_write_info(png, encoding->info);
    for (size_t row = 0; row < height; row += 1)
        png_write_row(png, pixels + row * width * 3);
    png_write_end(png, NULL);
    return 1;
}

unsigned char *native_png_encode(uint32_t width, uint32_t height, const unsigned char *pixels,
                                 const native_png_text *texts, size_t count, size_t *size, char *message, size_t room) {
    struct encoding encoding = {.message = message, .room = room};
    snprintf(message, room, "out of memory");
    encoding.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &encoding, on_error, on_warning);
    if (encoding.png != NULL)
        encoding.info = png_create_info_struct(encoding.png);
    int done = encoding.info != NULL && encode(&encoding, width, height, pixels, texts, count);
    png_destroy_write_struct(&encoding.png, &encoding.info);
    free(encoding.texts);
    if (!done) {
        free(encoding.bytes);
        return NULL;
    }
    *size = encoding.size;
    return encoding.bytes;
}

void native_png_release(unsigned char *bytes) { free(bytes); }
