/* The int8 GEMM with the matrix instructions of FEAT_I8MM, exact. Include it after pairs_neon.h. */
#include "../portable/int8_panels.h"

INLINE uint32x4_t multiply_int8(uint32x4_t sum, uint8x16_t rows, uint32x4_t columns) {
    return vreinterpretq_u32_s32(vusmmlaq_s32(vreinterpretq_s32_u32(sum), rows, vreinterpretq_s8_u32(columns)));
}

INLINE void store_int8(uint32x4_t sum, size_t row, size_t v, const pair_results *to) {
    int32x4_t exact = vsubq_s32(vreinterpretq_s32_u32(sum), vld1q_s32(to->sums + 4 * v));
    store_scaled(exact, to->columns, v, to->row_scales[row], to->column_scales, to->out + row * to->out_stride);
}

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    gemm_of_pairs(multiply_int8, store_int8, rows, units, (pair_factors){left, panel, left_stride, NATIVE_PANEL}, ahead,
                  (pair_results){sums, row_scales, column_scales, out, out_stride, columns});
}
