/* The bfloat16 GEMM with AVX-512 BF16, and the epilogue for results in bfloat16. Include it after loops.h and
 * gemm_avx512.h. */

INLINE void tile_bfloat16(const int rows, const int vectors, size_t columns, size_t units, const uint16_t *left,
                          size_t stride, const uint32_t *panel, prefetcher prefetch, const float *scales, float *out,
                          size_t out_stride) {
    __m512 sum[TILE][2];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = _mm512_setzero_ps();
    const uint16_t *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = left + (size_t)(3 * i) * stride;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        prefetch_step(&prefetch);
        __m512i weight[2];
#pragma unroll
        for (int v = 0; v < vectors; v++)
            weight[v] = _mm512_load_si512(panel + 16 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512i x = broadcast(base[row / 3] + (size_t)(row % 3) * stride + 2 * unit);
#pragma unroll
            for (int v = 0; v < vectors; v++)
                sum[row][v] = _mm512_dpbf16_ps(sum[row][v], (__m512bh)x, (__m512bh)weight[v]);
        }
    }
#pragma unroll
    for (int v = 0; v < vectors; v++) {
        __mmask16 mask = lanes(columns, (size_t)v);
        __m512 scale = scales ? _mm512_maskz_loadu_ps(mask, scales + 16 * v) : _mm512_set1_ps(1);
#pragma unroll
        for (int row = 0; row < rows; row++)
            _mm512_mask_storeu_ps(out + (size_t)row * out_stride + 16 * v, mask, _mm512_mul_ps(sum[row][v], scale));
    }
}

static void gemm_bfloat16(size_t rows, size_t columns, size_t units, const uint16_t *left, size_t left_stride,
                          const void *panel, const void *ahead, const float *column_scales, float *out,
                          size_t out_stride) {
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + TILE - 1) / TILE);
    for (; rows > 0; prefetch.next += units * prefetch.step) {
        size_t count = tile_rows(rows, TILE);
#define TILE_WIDE(N)                                                                                                   \
    tile_bfloat16(N, 2, columns, units, left, left_stride, panel, prefetch, column_scales, out, out_stride)
#define TILE_NARROW(N)                                                                                                 \
    tile_bfloat16(N, 1, columns, units, left, left_stride, panel, prefetch, column_scales, out, out_stride)
        if (columns > 16) {
            switch (count) { CASES_12(TILE_WIDE) }
        } else {
            switch (count) { CASES_12(TILE_NARROW) }
        }
#undef TILE_WIDE
#undef TILE_NARROW
        left += count * left_stride;
        out += count * out_stride;
        rows -= count;
    }
}

/* ---- Epilogue ---------------------------------------------------------------------------------------------------- */

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
