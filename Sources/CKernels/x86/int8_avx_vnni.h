/* The int8 GEMM with the 256-bit instructions of VNNI: tiles of up to 6 rows by 16 columns, or 3 rows by 32. Include it
 * after loops.h and tiles.h, and define DPBUSD, the instruction in the encoding that the set has. */
#include "int8_panels_avx2.h"

enum { INT8_TILE = 6, WIDE_INT8_TILE = 3 };

INLINE void tile_int8(const int rows, const int vectors, size_t columns, size_t units, const uint8_t *left,
                      size_t stride, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                      const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    __m256i sum[INT8_TILE][4];
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

/* Tiles of few rows are as wide as the panel, others half as wide. */
static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    const size_t width = rows <= WIDE_INT8_TILE ? NATIVE_PANEL : NATIVE_PANEL / 2;
    const size_t tiles = (rows + INT8_TILE - 1) / INT8_TILE;
    prefetcher prefetch = prefetcher_of(ahead, panel, tiles * ((columns + width - 1) / width));
    while (rows > 0) {
        size_t count = tile_rows(rows, INT8_TILE);
        for (size_t first = 0; first < columns; first += width, prefetch.next += units * prefetch.step) {
#define TILE(N, vectors)                                                                                               \
    tile_int8(N, vectors, columns - first, units, left, left_stride, (const uint32_t *)panel + first, prefetch,        \
              sums + first, row_scales, column_scales + first, out + first, out_stride)
#define TILE_WIDE(N) TILE(N, 4)
#define TILE_HALF(N) TILE(N, 2)
            if (width == NATIVE_PANEL) {
                switch (count) { CASES_3(TILE_WIDE) }
            } else {
                switch (count) { CASES_6(TILE_HALF) }
            }
#undef TILE_WIDE
#undef TILE_HALF
#undef TILE
        }
        left += count * left_stride;
        row_scales += count;
        out += count * out_stride;
        rows -= count;
    }
}
