/* The int8 GEMM with the 256-bit instructions of VNNI: tiles of up to 6 rows by 16 columns, or 3 rows by 32. Include it
 * after loops.h and tiles.h, and define DPBUSD, the instruction in the encoding that the set has. */
#include "int8_panels_avx2.h"

INLINE void tile_int8(const int rows, const int vectors, size_t columns, size_t units, const uint8_t *left,
                      size_t stride, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                      const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    __m256i sum[TILE][4];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = _mm256_setzero_si256();
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL, left += 4) {
        prefetch_step(&prefetch);
        __m256i weight[4];
#pragma unroll
        for (int v = 0; v < vectors; v++)
            weight[v] = _mm256_load_si256((const __m256i *)(panel + 8 * v));
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m256i x = broadcast_unit(left + (size_t)row * stride);
#pragma unroll
            for (int v = 0; v < vectors; v++)
                sum[row][v] = DPBUSD(sum[row][v], x, weight[v]);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            store_scaled(sum[row][v], columns, (size_t)v, sums, row_scales[row], column_scales,
                         out + (size_t)row * out_stride);
}

#include "../../portable/tiles_int8.h"
