/* The int8 GEMM with the matrix instructions of FEAT_I8MM, exact: tiles of up to 6 rows by 16 columns, or 2 rows by 32.
 * One instruction multiplies two rows by two columns, eight bytes of each, which are two units. Include it after
 * gemm_neon.h. */
#include "../portable/int8_panels.h"

/* Pairs of rows of a tile. The sums of a pair are 2x2 blocks: four columns have two. */
enum { PAIRS = TILE / 2 };
typedef int32x4_t pair_sums[PAIRS][16];

/* Adds four columns of two units. */
INLINE void add_columns(const int pairs, const int v, const uint8x16_t x[PAIRS], uint32x4_t first, uint32x4_t second,
                        pair_sums sum) {
    int8x16_t low = vreinterpretq_s8_u32(vzip1q_u32(first, second));
    int8x16_t high = vreinterpretq_s8_u32(vzip2q_u32(first, second));
#pragma unroll
    for (int pair = 0; pair < pairs; pair++) {
        sum[pair][2 * v] = vusmmlaq_s32(sum[pair][2 * v], x[pair], low);
        sum[pair][2 * v + 1] = vusmmlaq_s32(sum[pair][2 * v + 1], x[pair], high);
    }
}

/* The last unit of a row, if their number is odd. */
INLINE uint8x8_t load_last(const uint8_t *source) {
    uint32_t bits;
    memcpy(&bits, source, sizeof bits);
    return vcreate_u8(bits);
}

/* Sums of all units of `rows` rows. `pairs` is half of their number, rounded up: the last row counts twice if it is
 * odd. */
INLINE void sum_pairs(const int pairs, const int vectors, size_t rows, size_t units, const uint8_t *left, size_t stride,
                      const uint32_t *panel, prefetcher prefetch, pair_sums sum) {
    const uint8_t *row[TILE];
#pragma unroll
    for (int i = 0; i < 2 * pairs; i++)
        row[i] = left + ((size_t)i < rows ? (size_t)i : rows - 1) * stride;
#pragma unroll
    for (int pair = 0; pair < pairs; pair++)
#pragma unroll
        for (int v = 0; v < 2 * vectors; v++)
            sum[pair][v] = vdupq_n_s32(0);
    uint8x16_t x[PAIRS];
    size_t unit = 0;
    for (; unit + 2 <= units; unit += 2, panel += 2 * NATIVE_PANEL) {
        prefetch_step(&prefetch);
        prefetch_step(&prefetch);
#pragma unroll
        for (int pair = 0; pair < pairs; pair++)
            x[pair] = vcombine_u8(vld1_u8(row[2 * pair] + 4 * unit), vld1_u8(row[2 * pair + 1] + 4 * unit));
#pragma unroll
        for (int v = 0; v < vectors; v++)
            add_columns(pairs, v, x, vld1q_u32(panel + 4 * v), vld1q_u32(panel + NATIVE_PANEL + 4 * v), sum);
    }
    if (unit == units)
        return;
#pragma unroll
    for (int pair = 0; pair < pairs; pair++)
        x[pair] = vcombine_u8(load_last(row[2 * pair] + 4 * unit), load_last(row[2 * pair + 1] + 4 * unit));
#pragma unroll
    for (int v = 0; v < vectors; v++)
        add_columns(pairs, v, x, vld1q_u32(panel + 4 * v), vdupq_n_u32(0), sum);
}

/* Four columns of one row of a tile. */
INLINE int32x4_t row_of_pair(const pair_sums sum, int row, int v) {
    int64x2_t low = vreinterpretq_s64_s32(sum[row / 2][2 * v]);
    int64x2_t high = vreinterpretq_s64_s32(sum[row / 2][2 * v + 1]);
    return vreinterpretq_s32_s64(row % 2 == 0 ? vzip1q_s64(low, high) : vzip2q_s64(low, high));
}

INLINE void tile_int8(const int pairs, const int vectors, size_t rows, size_t columns, size_t units,
                      const uint8_t *left, size_t stride, const uint32_t *panel, prefetcher prefetch,
                      const int32_t *sums, const float *row_scales, const float *column_scales, float *out,
                      size_t out_stride) {
    pair_sums sum;
    sum_pairs(pairs, vectors, rows, units, left, stride, panel, prefetch, sum);
#pragma unroll
    for (int row = 0; row < 2 * pairs; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            if ((size_t)row < rows) {
                int32x4_t exact = vsubq_s32(row_of_pair(sum, row, v), vld1q_s32(sums + 4 * v));
                store_scaled(exact, columns, (size_t)v, row_scales[row], column_scales, out + (size_t)row * out_stride);
            }
}

/* Tiles of one pair of rows are as wide as the panel, others half as wide. */
static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    const size_t width = rows <= 2 ? NATIVE_PANEL : NATIVE_PANEL / 2;
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + TILE - 1) / TILE * ((columns + width - 1) / width));
    while (rows > 0) {
        size_t count = tile_rows(rows, TILE);
        for (size_t first = 0; first < columns; first += width, prefetch.next += units * prefetch.step) {
#define TILE_OF(N, vectors)                                                                                            \
    tile_int8(N, vectors, count, columns - first, units, left, left_stride, (const uint32_t *)panel + first, prefetch, \
              sums + first, row_scales, column_scales + first, out + first, out_stride)
#define TILE_HALF(N) TILE_OF(N, 4)
            if (width == NATIVE_PANEL)
                TILE_OF(1, 8);
            else
                switch ((count + 1) / 2) { CASES_3(TILE_HALF) }
#undef TILE_HALF
#undef TILE_OF
        }
        left += count * left_stride;
        row_scales += count;
        out += count * out_stride;
        rows -= count;
    }
}
