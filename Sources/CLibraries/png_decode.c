#include "png_decode.h"
#include "exif.h"
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* Everything that must survive a longjmp. */
struct native_png_decoder {
    png_structp png;
    png_infop info;
    FILE *file;
    int channels;
    int reduces;     /* the file has colours, and grey is wanted */
    int orientation; /* of Exif, 1 to 8 */
    uint32_t width, height;
    unsigned char *colours; /* [height][width][3] of these */
    int outcome;
    char *message;
    size_t room;
};

static void on_error(png_structp png, png_const_charp text) {
    native_png_decoder *decoder = png_get_error_ptr(png);
    if (decoder->outcome == NATIVE_PNG_OK) {
        decoder->outcome = NATIVE_PNG_MALFORMED;
        snprintf(decoder->message, decoder->room, "%s", text);
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static png_voidp on_allocate(png_structp png, png_alloc_size_t size) {
    native_png_decoder *decoder = png_get_mem_ptr(png);
    void *memory = malloc(size);
    if (memory == NULL && decoder->outcome == NATIVE_PNG_OK) {
        decoder->outcome = NATIVE_PNG_NO_MEMORY;
        snprintf(decoder->message, decoder->room, "out of memory");
    }
    return memory;
}

static void on_free(png_structp png, png_voidp memory) {
    (void)png;
    free(memory);
}

static void on_read(png_structp png, png_bytep bytes, size_t size) {
    native_png_decoder *decoder = png_get_io_ptr(png);
    errno = 0;
    if (fread(bytes, 1, size, decoder->file) == size)
        return;
    if (ferror(decoder->file)) {
        decoder->outcome = NATIVE_PNG_UNREADABLE;
        snprintf(decoder->message, decoder->room, "%s", strerror(errno));
    }
    png_error(png, "truncated");
}

/* Chunks that do not change the pixels. They are ignored, whatever they contain. */
static const png_byte unwanted[] = "bKGD\0cHRM\0cICP\0cLLI\0gAMA\0hIST\0iCCP\0iTXt\0mDCV\0oFFs\0pCAL\0pHYs\0"
                                   "sBIT\0sCAL\0sPLT\0sRGB\0tEXt\0tIME\0zTXt";

/* Reads eXIf before or after the pixels, because libpng's reader takes only the first one. Returns 0 for an unknown
 * critical chunk, which makes it an error. */
static int on_chunk(png_structp png, png_unknown_chunkp chunk) {
    native_png_decoder *decoder = png_get_user_chunk_ptr(png);
    if (memcmp(chunk->name, "eXIf", 4) == 0)
        decoder->orientation = native_exif_orientation(chunk->data, chunk->size);
    return (chunk->name[0] & 0x20) != 0;
}

/* Returns 0 if libpng failed. Local variables do not change after setjmp. */
static int begin(native_png_decoder *decoder) {
    png_structp png = decoder->png;
    if (setjmp(png_jmpbuf(png)))
        return 0;
    png_set_read_fn(png, decoder, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, unwanted, (int)(sizeof unwanted / 5));
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, (png_const_bytep) "eXIf", 1);
    png_set_read_user_chunk_fn(png, decoder, on_chunk);
    png_read_info(png, decoder->info);
    decoder->width = png_get_image_width(png, decoder->info);
    decoder->height = png_get_image_height(png, decoder->info);
    return 1;
}

int native_png_decode_begin(FILE *file, int channels, char *message, size_t room, native_png_size *size,
                            native_png_decoder **out) {
    *out = NULL;
    snprintf(message, room, "out of memory");
    native_png_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder == NULL)
        return NATIVE_PNG_NO_MEMORY;
    decoder->file = file;
    decoder->channels = channels;
    decoder->orientation = 1;
    decoder->message = message;
    decoder->room = room;
    decoder->png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning, decoder, on_allocate, on_free);
    if (decoder->png != NULL)
        decoder->info = png_create_info_struct(decoder->png);
    if (decoder->info == NULL || !begin(decoder)) {
        int outcome = decoder->outcome == NATIVE_PNG_OK ? NATIVE_PNG_NO_MEMORY : decoder->outcome;
        native_png_decode_end(decoder);
        return outcome;
    }
    size->width = decoder->width;
    size->height = decoder->height;
    /* Interlaced or not, a file contains the bytes of its rows, and a row takes at least its bits. */
    size->bytes = (uint64_t)png_get_rowbytes(decoder->png, decoder->info) * decoder->height;
    *out = decoder;
    return NATIVE_PNG_OK;
}

/* Makes libpng return 8 bits of the wanted channels, or RGB if grey is to be made from colours. */
static void set_transforms(native_png_decoder *decoder) {
    png_structp png = decoder->png;
    int type = png_get_color_type(png, decoder->info);
    int has_alpha = (type & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, decoder->info, PNG_INFO_tRNS) != 0;
    decoder->reduces = decoder->channels == 1 && (type & PNG_COLOR_MASK_COLOR) != 0;
    png_set_expand(png);   /* palettes, bits, and transparency from tRNS */
    png_set_scale_16(png); /* rounds; png_set_strip_16 would truncate */
    if (decoder->channels != 1)
        png_set_gray_to_rgb(png);
    if (decoder->channels != 4)
        png_set_strip_alpha(png);
    else if (!has_alpha)
        png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
}

/* Returns 0 if libpng failed. Local variables other than loop counters do not change after setjmp. */
static int read_rows(native_png_decoder *decoder, unsigned char *pixels) {
    png_structp png = decoder->png;
    if (setjmp(png_jmpbuf(png)))
        return 0;
    set_transforms(decoder);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, decoder->info);
    size_t channels = decoder->reduces ? 3 : (size_t)decoder->channels, stride = decoder->width * channels;
    if (png_get_rowbytes(png, decoder->info) != stride)
        png_error(png, "a form of pixels that is not known here");
    if (decoder->reduces) {
        decoder->colours = png_malloc(png, stride * decoder->height);
        pixels = decoder->colours;
    }
    for (int pass = 0; pass < passes; pass++)
        for (size_t row = 0; row < decoder->height; row++)
            png_read_row(png, pixels + row * stride, NULL);
    png_read_end(png, decoder->info);
    return 1;
}

/* Luma of ITU-R 601 with 16 fractional bits, rounded. */
static void reduce(size_t count, const unsigned char *colours, unsigned char *pixels) {
    for (size_t i = 0; i < count; i++, colours += 3)
        pixels[i] = (unsigned char)((colours[0] * 19595u + colours[1] * 38470u + colours[2] * 7471u + 0x8000u) >> 16);
}

int native_png_decode_pixels(native_png_decoder *decoder, unsigned char *pixels) {
    if (!read_rows(decoder, pixels))
        return decoder->outcome;
    if (decoder->reduces)
        reduce((size_t)decoder->width * decoder->height, decoder->colours, pixels);
    return NATIVE_PNG_OK;
}

int native_png_orientation(const native_png_decoder *decoder) { return decoder->orientation; }

void native_png_decode_end(native_png_decoder *decoder) {
    if (decoder == NULL)
        return;
    png_destroy_read_struct(&decoder->png, &decoder->info, NULL);
    free(decoder->colours);
    free(decoder);
}
