/* The tiles of AMX as plain C computes them on every processor: for the tests of kernels. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

enum { TILE_COUNT = 8, TILE_ROWS = 16, TILE_BYTES = 64 };

typedef struct {
    uint8_t byte[TILE_ROWS][TILE_BYTES];
    size_t rows, row_bytes;
} emulated_tile;

static emulated_tile emulated_tiles[TILE_COUNT];

static inline void emulated_loadconfig(const void *shapes) {
    const uint8_t *bytes = shapes;
    assert(bytes[0] == 1 && bytes[1] == 0);
    memset(emulated_tiles, 0, sizeof emulated_tiles);
    for (size_t i = 0; i < TILE_COUNT; i++) {
        emulated_tile *tile = emulated_tiles + i;
        tile->row_bytes = bytes[16 + 2 * i] + 256u * bytes[17 + 2 * i];
        tile->rows = bytes[48 + i];
        assert(tile->rows <= TILE_ROWS && tile->row_bytes <= TILE_BYTES && (tile->rows == 0) == (tile->row_bytes == 0));
    }
}

static inline void emulated_release(void) { memset(emulated_tiles, 0, sizeof emulated_tiles); }

static inline emulated_tile *configured_tile(size_t number) {
    assert(number < TILE_COUNT && emulated_tiles[number].rows > 0);
    return emulated_tiles + number;
}

static inline void emulated_zero(size_t number) {
    emulated_tile *tile = configured_tile(number);
    memset(tile->byte, 0, sizeof tile->byte);
}

static inline void emulated_loadd(size_t number, const void *source, size_t stride) {
    emulated_zero(number);
    for (size_t i = 0; i < emulated_tiles[number].rows; i++)
        memcpy(emulated_tiles[number].byte[i], (const char *)source + i * stride, emulated_tiles[number].row_bytes);
}

static inline void emulated_stored(size_t number, void *target, size_t stride) {
    const emulated_tile *tile = configured_tile(number);
    for (size_t i = 0; i < tile->rows; i++)
        memcpy((char *)target + i * stride, tile->byte[i], tile->row_bytes);
}

static inline int32_t emulated_number(uint8_t byte, int is_signed) { return is_signed ? (int8_t)byte : byte; }

/* sum += left * right, where a unit of 4 bytes of a left row meets a row of the right tile. */
static inline void emulated_multiply(size_t sum, size_t left, int left_signed, size_t right, int right_signed) {
    emulated_tile *c = configured_tile(sum);
    const emulated_tile *a = configured_tile(left), *b = configured_tile(right);
    assert(a->rows == c->rows && b->row_bytes == c->row_bytes && a->row_bytes == 4 * b->rows);
    for (size_t i = 0; i < c->rows; i++)
        for (size_t j = 0; j < c->row_bytes; j += 4) {
            int32_t total;
            memcpy(&total, c->byte[i] + j, 4);
            for (size_t k = 0; k < a->row_bytes; k++)
                total += emulated_number(a->byte[i][k], left_signed) *
                         emulated_number(b->byte[k / 4][j + k % 4], right_signed);
            memcpy(c->byte[i] + j, &total, 4);
        }
}

/* What immintrin.h defines as macros. */
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbssd
#undef _tile_dpbsud
#define _tile_loadconfig emulated_loadconfig
#define _tile_release emulated_release
#define _tile_zero emulated_zero
#define _tile_loadd emulated_loadd
#define _tile_stored emulated_stored
#define _tile_dpbssd(sum, left, right) emulated_multiply(sum, left, 1, right, 1)
#define _tile_dpbsud(sum, left, right) emulated_multiply(sum, left, 1, right, 0)
