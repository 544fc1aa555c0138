/* The int8 GEMM with NEON, exact: tiles of up to 6 rows by 16 columns, or 3 rows by 32. Include it after gemm_neon.h,
 * and define ADD_PRODUCTS(sum, weights, x), which adds the products of signed bytes, four for each lane.
 *
 * Rows are unsigned with zero point 128. With their highest bits flipped they are signed without a zero point, so there
 * is nothing to subtract from the sums. */
#include "../portable/int8_panels.h"

/* Adds `count` units of each row, at most 4, to the sums. The others of `x` are not read. */
INLINE void add_units(const int rows, const int vectors, const int count, const int8x16_t x[TILE],
                      const uint32_t *panel, int32x4_t sum[TILE][8]) {
#pragma unroll
    for (int unit = 0; unit < count; unit++, panel += NATIVE_PANEL)
#pragma unroll
        for (int v = 0; v < vectors; v++) {
            int8x16_t weights = vreinterpretq_s8_u32(vld1q_u32(panel + 4 * v));
#pragma unroll
            for (int row = 0; row < rows; row++) {
                int32x4_t same = vdupq_n_s32(vreinterpretq_s32_s8(x[row])[unit]);
                sum[row][v] = ADD_PRODUCTS(sum[row][v], weights, vreinterpretq_s8_s32(same));
            }
        }
}

INLINE int8x16_t without_zero_point(uint8x16_t x) { return vreinterpretq_s8_u8(veorq_u8(x, vdupq_n_u8(128))); }

INLINE int8x16_t broadcast_unit(const uint8_t *source) {
    uint32_t bits;
    memcpy(&bits, source, sizeof bits);
    return without_zero_point(vreinterpretq_u8_u32(vdupq_n_u32(bits)));
}

INLINE void tile_int8(const int rows, const int vectors, size_t columns, size_t units, const uint8_t *left,
                      size_t stride, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                      const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    (void)sums; /* the rows have no zero point any more */
    int32x4_t sum[TILE][8];
    int8x16_t x[TILE];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = vdupq_n_s32(0);
    for (; units >= 4; units -= 4, left += 16, panel += 4 * NATIVE_PANEL) {
#pragma unroll
        for (int unit = 0; unit < 4; unit++)
            prefetch_step(&prefetch);
#pragma unroll
        for (int row = 0; row < rows; row++)
            x[row] = without_zero_point(vld1q_u8(left + (size_t)row * stride));
        add_units(rows, vectors, 4, x, panel, sum);
    }
    for (; units > 0; units--, left += 4, panel += NATIVE_PANEL) {
#pragma unroll
        for (int row = 0; row < rows; row++)
            x[row] = broadcast_unit(left + (size_t)row * stride);
        add_units(rows, vectors, 1, x, panel, sum);
    }
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            store_scaled(sum[row][v], columns, (size_t)v, row_scales[row], column_scales,
                         out + (size_t)row * out_stride);
}

#include "../portable/tiles_int8.h"
