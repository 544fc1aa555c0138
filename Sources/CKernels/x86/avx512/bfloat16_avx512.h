/* The bfloat16 GEMM with AVX-512 BF16. Include it after loops.h and gemm_avx512.h. */

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
