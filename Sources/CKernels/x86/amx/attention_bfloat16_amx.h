/* The tiles of attention in bfloat16 with AMX. Include it before attention_bfloat16.h. */
#include "tile_shapes.h"

/* Queries of a block, and rows of a panel of keys: those beyond the width are 0. */
enum { QUERIES = 32, KEY_UNITS = 48, STEP_UNITS = 16 };

#include "../../portable/attention_bfloat16_block.h"

/* Sums of 32 by 32 numbers are in tiles 0 to 3, the left matrix in 4 and 5, the right one in 6 and 7. */
static void begin_tiles(void) {
    _Alignas(64) tile_shapes shapes = largest_tiles(8);
    _tile_loadconfig(&shapes);
}

static void end_tiles(void) { _tile_release(); }

/* Adds a product of 32 by 32 by 32 numbers; strides are in bytes. */
INLINE void multiply_tiles(const uint16_t *left, size_t left_stride, const uint32_t *right, size_t right_stride,
                           int both) {
    _tile_loadd(4, left, left_stride);
    _tile_loadd(6, right, right_stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(5, (const char *)left + 16 * left_stride, left_stride);
    _tile_dpbf16ps(2, 5, 6);
    if (both) {
        _tile_loadd(7, right + 16, right_stride);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
    }
}

/* score = query times `panels` panels of keys */
static void score_block(size_t queries, size_t panels, size_t width, const uint16_t *query, size_t stride,
                        const uint32_t *key, float *score) {
    _Alignas(64) uint16_t row[QUERIES][2 * KEY_UNITS];
    size_t steps = (width / 2 + STEP_UNITS - 1) / STEP_UNITS;
    for (size_t i = 0; i < QUERIES; i++)
        for (size_t step = 0; step < steps; step++) {
            size_t rest = width - 32 * step;
            __mmask32 mask = i >= queries ? 0 : rest < 32 ? (1u << rest) - 1 : ~0u;
            _mm512_store_si512(row[i] + 32 * step, _mm512_maskz_loadu_epi16(mask, query + i * stride + 32 * step));
        }
    for (size_t i = 0; i < panels; i++, key += KEY_UNITS * NATIVE_PANEL, score += NATIVE_PANEL) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (size_t step = 0; step < steps; step++)
            multiply_tiles(row[0] + 32 * step, sizeof *row, key + step * STEP_UNITS * NATIVE_PANEL,
                           NATIVE_PANEL * sizeof *key, 1);
        _tile_stored(0, score, SCORE_STRIDE * sizeof *score);
        _tile_stored(1, score + 16, SCORE_STRIDE * sizeof *score);
        _tile_stored(2, score + 16 * SCORE_STRIDE, SCORE_STRIDE * sizeof *score);
        _tile_stored(3, score + 16 * SCORE_STRIDE + 16, SCORE_STRIDE * sizeof *score);
    }
}

/* sum += weight times the values of a block. Rows beyond the last query are computed and ignored. */
static void add_block(size_t queries, size_t keys, const uint16_t *weight, const uint32_t *value, float *sum) {
    (void)queries;
    const size_t stride = COLUMNS * sizeof *sum;
    for (size_t column = 0; column < COLUMNS; column += 32, value += 32, sum += 32) {
        int both = column + 16 < COLUMNS;
        _tile_loadd(0, sum, stride);
        _tile_loadd(2, sum + 16 * COLUMNS, stride);
        if (both) {
            _tile_loadd(1, sum + 16, stride);
            _tile_loadd(3, sum + 16 * COLUMNS + 16, stride);
        }
        for (size_t i = 0; i < keys; i += 32)
            multiply_tiles(weight + i, WEIGHT_STRIDE * sizeof *weight, value + i / 2 * COLUMNS, COLUMNS * sizeof *value,
                           both);
        _tile_stored(0, sum, stride);
        _tile_stored(2, sum + 16 * COLUMNS, stride);
        if (both) {
            _tile_stored(1, sum + 16, stride);
            _tile_stored(3, sum + 16 * COLUMNS + 16, stride);
        }
    }
}
