/* The int8 GEMM with AVX-512 VNNI. Include it after loops.h and gemm_avx512.h. */
#include "int8_panels_vnni.h"

INLINE void tile_int8(const int rows, size_t columns, size_t units, const uint8_t *left, size_t stride,
                      const uint32_t *panel, prefetcher prefetch, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    __m512i sum[TILE][2];
#pragma unroll
    for (int row = 0; row < rows; row++)
        sum[row][0] = sum[row][1] = _mm512_setzero_si512();
    const uint8_t *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = left + (size_t)(3 * i) * stride;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        prefetch_step(&prefetch);
        __m512i first = _mm512_load_si512(panel), second = _mm512_load_si512(panel + 16);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512i x = broadcast(base[row / 3] + (size_t)(row % 3) * stride + 4 * unit);
            sum[row][0] = _mm512_dpbusd_epi32(sum[row][0], x, first);
            sum[row][1] = _mm512_dpbusd_epi32(sum[row][1], x, second);
        }
    }
#pragma unroll
    for (int v = 0; v < 2; v++) {
        __mmask16 mask = lanes(columns, (size_t)v);
        __m512 scale = _mm512_maskz_loadu_ps(mask, column_scales + 16 * v);
        __m512i offset = _mm512_loadu_si512(sums + 16 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512 value = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum[row][v], offset));
            value = _mm512_mul_ps(value, _mm512_mul_ps(scale, _mm512_set1_ps(row_scales[row])));
            _mm512_mask_storeu_ps(out + (size_t)row * out_stride + 16 * v, mask, value);
        }
    }
}

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + TILE - 1) / TILE);
    for (; rows > 0; prefetch.next += units * prefetch.step) {
        size_t count = tile_rows(rows, TILE);
#define TILE_INT8(N)                                                                                                   \
    tile_int8(N, columns, units, left, left_stride, panel, prefetch, sums, row_scales, column_scales, out, out_stride)
        switch (count) { CASES_12(TILE_INT8) }
#undef TILE_INT8
        left += count * left_stride;
        row_scales += count;
        out += count * out_stride;
        rows -= count;
    }
}
