/* The epilogue for results in bfloat16. Include it after loops.h and gemm_avx512.h. */

/* 2^x for x <= 126, within 1e-4, which suffices for results that are rounded to bfloat16. */
INLINE __m512 exp2_rough(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-126));
    __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 part = _mm512_sub_ps(x, whole);
    __m512 p = _mm512_fmadd_ps(part, _mm512_set1_ps(0.0551713f), _mm512_set1_ps(0.2402265f));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(0.6931472f));
    p = _mm512_fmadd_ps(p, part, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, whole);
}

/* gelu(x) in the tanh form, with the same accuracy: x / (1 + 2^(-2 log2(e) u)) with u = sqrt(2/pi) (x + 0.044715 x^3).
 */
INLINE __m512 gelu_rough(__m512 x) {
    const __m512 linear = _mm512_set1_ps(-2.3022082f), cubic = _mm512_set1_ps(-0.10294324f);
    __m512 exponent = _mm512_mul_ps(x, _mm512_fmadd_ps(_mm512_mul_ps(x, x), cubic, linear));
    __m512 e = exp2_rough(_mm512_min_ps(exponent, _mm512_set1_ps(126)));
    return _mm512_mul_ps(x, _mm512_rcp14_ps(_mm512_add_ps(e, _mm512_set1_ps(1))));
}

static void apply_epilogue_bfloat16(size_t rows, size_t columns, float *tile, size_t tile_stride,
                                    const native_epilogue *epilogue, void *out, size_t out_stride) {
    if (epilogue->type != NATIVE_BFLOAT16 || epilogue->accumulate || epilogue->multiply || !epilogue->bias) {
        apply_epilogue(rows, columns, tile, tile_stride, epilogue, out, out_stride);
        return;
    }
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < columns; c += 16) {
            __mmask16 mask = lanes(columns, c / 16);
            __m512 x = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, tile + row * tile_stride + c),
                                     _mm512_maskz_loadu_ps(mask, epilogue->bias + c));
            if (epilogue->gelu)
                x = gelu_rough(x);
            _mm256_mask_storeu_epi16((uint16_t *)out + row * out_stride + c, mask, (__m256i)_mm512_cvtneps_pbh(x));
        }
}
