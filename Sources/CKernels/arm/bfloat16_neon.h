/* The bfloat16 GEMM with the matrix instructions of FEAT_BF16. Include it after pairs_neon.h.
 *
 * The instructions round each sum of two products, and each addition, to odd, and take denormal numbers for 0. So
 * results are not those of fused multiply-adds. */

INLINE uint32x4_t multiply_bfloat16(uint32x4_t sum, uint8x16_t rows, uint32x4_t columns) {
    return vreinterpretq_u32_f32(
        vbfmmlaq_f32(vreinterpretq_f32_u32(sum), vreinterpretq_bf16_u8(rows), vreinterpretq_bf16_u32(columns)));
}

INLINE void store_bfloat16_sums(uint32x4_t sum, size_t row, size_t v, const pair_results *to) {
    float32x4_t scale = to->column_scales ? load_lanes(to->column_scales, to->columns, v) : vdupq_n_f32(1);
    store_lanes(to->out + row * to->out_stride, to->columns, v, vmulq_f32(vreinterpretq_f32_u32(sum), scale));
}

static void gemm_bfloat16(size_t rows, size_t columns, size_t units, const uint16_t *left, size_t left_stride,
                          const void *panel, const void *ahead, const float *column_scales, float *out,
                          size_t out_stride) {
    gemm_of_pairs(
        multiply_bfloat16, store_bfloat16_sums, rows, units,
        (pair_factors){left, panel, left_stride * sizeof *left, NATIVE_PANEL}, ahead,
        (pair_results){.column_scales = column_scales, .out = out, .out_stride = out_stride, .columns = columns});
}
