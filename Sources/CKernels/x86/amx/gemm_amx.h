/* The int8 and bfloat16 GEMMs with AMX. Include it after gemm_avx512.h.
 *
 * A panel is what AMX multiplies by: 16 units are the 16 rows of two tiles, side by side. The other factor is a tile of
 * 16 activation rows, which are read where they lie. Two tiles of rows by two of columns are multiplied at a time. */

#include "tile_shapes.h"

enum { BLOCK_ROWS = 2 * TILE_ROWS };

/* The tiles: sums of the first and second rows by the first and second columns, rows, and panels. */
#define SUM00 0
#define SUM01 1
#define SUM10 2
#define SUM11 3
#define ROWS0 4
#define ROWS1 5
#define PANEL0 6
#define PANEL1 7

/* Gives the tiles shapes for up to 32 rows. */
static void configure_tiles(size_t rows) {
    size_t first = rows < TILE_ROWS ? rows : TILE_ROWS, second = rows - first;
    tile_shapes shapes = {.palette = 1};
    const uint8_t counts[8] = {(uint8_t)first, (uint8_t)first,  (uint8_t)second, (uint8_t)second,
                               (uint8_t)first, (uint8_t)second, TILE_UNITS,      TILE_UNITS};
    for (size_t i = 0; i < sizeof counts; i++) {
        shapes.rows[i] = counts[i];
        shapes.row_bytes[i] = counts[i] ? 64 : 0;
    }
    _tile_loadconfig(&shapes);
}

#define MULTIPLY_TILES(type, sum, rows, panel)                                                                         \
    ((type) == NATIVE_INT8 ? _tile_dpbusd(sum, rows, panel) : _tile_dpbf16ps(sum, rows, panel))

/* Adds the products of 16 units to the sums. */
INLINE void multiply_part(const int type, const int second, const char *left, size_t stride, const char *panel) {
    const size_t panel_stride = NATIVE_PANEL * sizeof(uint32_t);
    _tile_loadd(PANEL0, panel, panel_stride);
    _tile_loadd(ROWS0, left, stride);
    MULTIPLY_TILES(type, SUM00, ROWS0, PANEL0);
    _tile_loadd(PANEL1, panel + 64, panel_stride);
    MULTIPLY_TILES(type, SUM01, ROWS0, PANEL1);
    if (second) {
        _tile_loadd(ROWS1, left + TILE_ROWS * stride, stride);
        MULTIPLY_TILES(type, SUM10, ROWS1, PANEL0);
        MULTIPLY_TILES(type, SUM11, ROWS1, PANEL1);
    }
}

/* The units behind a panel's last 16, and the same units of up to 32 rows, followed by zeros. */
typedef struct {
    _Alignas(64) char panel[TILE_UNITS][NATIVE_PANEL * 4], rows[BLOCK_ROWS][TILE_UNITS * 4];
    size_t units;
} tail;

/* sums[rows][32] = left[rows][units] * panel, for up to 32 rows; second: there are more than 16. */
INLINE void sum_tiles(const int type, const int second, size_t rows, size_t units, const char *left, size_t stride,
                      const char *panel, prefetcher *prefetch, tail *end, void *sums) {
    const size_t sums_stride = NATIVE_PANEL * sizeof(float);
    _tile_zero(SUM00);
    _tile_zero(SUM01);
    if (second) {
        _tile_zero(SUM10);
        _tile_zero(SUM11);
    }
    const char *last = left + (units - end->units) * 4;
    for (const char *x = left; x < last; x += TILE_UNITS * 4, panel += TILE_UNITS * NATIVE_PANEL * 4) {
        for (size_t i = 0; i < TILE_UNITS * prefetch->step; i += 64)
            __builtin_prefetch(prefetch->next + i, 0, 2);
        prefetch->next += TILE_UNITS * prefetch->step;
        multiply_part(type, second, x, stride, panel);
    }
    if (end->units) {
        for (size_t row = 0; row < rows; row++)
            memcpy(end->rows[row], last + row * stride, end->units * 4);
        multiply_part(type, second, end->rows[0], sizeof end->rows[0], end->panel[0]);
    }
    _tile_stored(SUM00, sums, sums_stride);
    _tile_stored(SUM01, (char *)sums + 64, sums_stride);
    if (second) {
        _tile_stored(SUM10, (char *)sums + TILE_ROWS * sums_stride, sums_stride);
        _tile_stored(SUM11, (char *)sums + TILE_ROWS * sums_stride + 64, sums_stride);
    }
}

/* out = (sums - offsets) * row_scales * column_scales */
INLINE void scale_int8(size_t rows, size_t columns, const int32_t (*sums)[NATIVE_PANEL], const int32_t *offsets,
                       const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    __mmask16 mask0 = lanes(columns, 0), mask1 = lanes(columns, 1);
    __m512 scale0 = _mm512_maskz_loadu_ps(mask0, column_scales),
           scale1 = _mm512_maskz_loadu_ps(mask1, column_scales + 16);
    __m512i offset0 = _mm512_loadu_si512(offsets), offset1 = _mm512_loadu_si512(offsets + 16);
    for (size_t row = 0; row < rows; row++, out += out_stride) {
        __m512 factor = _mm512_set1_ps(row_scales[row]);
        __m512 value0 = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_load_si512(sums[row]), offset0));
        __m512 value1 = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_load_si512(sums[row] + 16), offset1));
        _mm512_mask_storeu_ps(out, mask0, _mm512_mul_ps(value0, _mm512_mul_ps(scale0, factor)));
        _mm512_mask_storeu_ps(out + 16, mask1, _mm512_mul_ps(value1, _mm512_mul_ps(scale1, factor)));
    }
}

/* out = sums * column_scales, of sums that are floats */
INLINE void scale_bfloat16(size_t rows, size_t columns, const void *all_sums, const float *column_scales, float *out,
                           size_t out_stride) {
    const float (*sums)[NATIVE_PANEL] = all_sums;
    __mmask16 mask0 = lanes(columns, 0), mask1 = lanes(columns, 1);
    __m512 scale0 = _mm512_set1_ps(1), scale1 = scale0;
    if (column_scales) {
        scale0 = _mm512_maskz_loadu_ps(mask0, column_scales);
        scale1 = _mm512_maskz_loadu_ps(mask1, column_scales + 16);
    }
    for (size_t row = 0; row < rows; row++, out += out_stride) {
        _mm512_mask_storeu_ps(out, mask0, _mm512_mul_ps(_mm512_load_ps(sums[row]), scale0));
        _mm512_mask_storeu_ps(out + 16, mask1, _mm512_mul_ps(_mm512_load_ps(sums[row] + 16), scale1));
    }
}

/* Copies the last units of a panel. */
INLINE void start_tail(tail *end, size_t units, const void *panel) {
    end->units = units % TILE_UNITS;
    if (end->units) {
        memset(end, 0, offsetof(tail, units));
        memcpy(end->panel, (const char *)panel + (units - end->units) * sizeof end->panel[0],
               end->units * sizeof end->panel[0]);
    }
}

/* Both GEMMs. `offsets` and `row_scales` are those of int8, the stride is in bytes. */
INLINE void gemm_tiles(const int type, size_t rows, size_t columns, size_t units, const char *left, size_t stride,
                       const void *panel, const void *ahead, const int32_t *offsets, const float *row_scales,
                       const float *column_scales, float *out, size_t out_stride) {
    _Alignas(64) int32_t sums[BLOCK_ROWS][NATIVE_PANEL]; /* floats in bfloat16 */
    tail end;
    start_tail(&end, units, panel);
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + BLOCK_ROWS - 1) / BLOCK_ROWS);
    for (size_t first = 0, count, configured = 0; first < rows; first += count) {
        count = rows - first < BLOCK_ROWS ? rows - first : BLOCK_ROWS;
        if (count != configured)
            configure_tiles(configured = count);
        const char *x = left + first * stride;
        if (count > TILE_ROWS)
            sum_tiles(type, 1, count, units, x, stride, panel, &prefetch, &end, sums);
        else
            sum_tiles(type, 0, count, units, x, stride, panel, &prefetch, &end, sums);
        float *target = out + first * out_stride;
        if (type == NATIVE_INT8)
            scale_int8(count, columns, (const int32_t (*)[NATIVE_PANEL])sums, offsets, row_scales + first,
                       column_scales, target, out_stride);
        else
            scale_bfloat16(count, columns, sums, column_scales, target, out_stride);
    }
    _tile_release();
}

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    gemm_tiles(NATIVE_INT8, rows, columns, units, (const char *)left, left_stride, panel, ahead, sums, row_scales,
               column_scales, out, out_stride);
}

static void gemm_bfloat16(size_t rows, size_t columns, size_t units, const uint16_t *left, size_t left_stride,
                          const void *panel, const void *ahead, const float *column_scales, float *out,
                          size_t out_stride) {
    gemm_tiles(NATIVE_BFLOAT16, rows, columns, units, (const char *)left, left_stride * sizeof *left, panel, ahead,
               NULL, NULL, column_scales, out, out_stride);
}
