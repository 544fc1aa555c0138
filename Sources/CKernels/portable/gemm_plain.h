/* The float32 GEMM in plain C: tiles of up to TILE rows by 8 columns, whose sums fill 16 registers of 128 bits. Each
 * sum is one chain in the order of the units. Include it after loops.h. */

/* Rows of a tile. */
enum { TILE = 6 };

#include "tiles.h"

typedef float quad __attribute__((vector_size(16), may_alias));

enum { TILE_QUADS = 2, TILE_COLUMNS = 4 * TILE_QUADS };

INLINE void tile_float32(const int rows, size_t columns, size_t units, const float *left, size_t stride,
                         const float *panel, prefetcher prefetch, float *out, size_t out_stride, int accumulate) {
    quad sum[TILE][TILE_QUADS];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < TILE_QUADS; v++)
            sum[row][v] = (quad){0};
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        prefetch_step(&prefetch);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            float number = left[(size_t)row * stride + unit];
            quad x = {number, number, number, number};
#pragma unroll
            for (int v = 0; v < TILE_QUADS; v++)
                sum[row][v] = MULTIPLY_ADD(x, *(const quad *)(panel + 4 * v), sum[row][v]);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++) {
        float *target = out + (size_t)row * out_stride, sums[TILE_COLUMNS];
        memcpy(sums, sum[row], sizeof sums);
        if (accumulate)
            for (size_t c = 0; c < columns; c++)
                sums[c] += target[c];
        memcpy(target, sums, columns * sizeof *target);
    }
}

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    const size_t passes = (rows + TILE - 1) / TILE * ((columns + TILE_COLUMNS - 1) / TILE_COLUMNS);
    prefetcher prefetch = prefetcher_of(ahead, panel, passes);
    while (rows > 0) {
        size_t count = tile_rows(rows, TILE);
        for (size_t first = 0; first < columns; first += TILE_COLUMNS, prefetch.next += units * prefetch.step) {
            size_t width = columns - first < TILE_COLUMNS ? columns - first : TILE_COLUMNS;
#define TILE_OF(N)                                                                                                     \
    tile_float32(N, width, units, left, left_stride, panel + first, prefetch, out + first, out_stride, accumulate)
            switch (count) { CASES_6(TILE_OF) }
#undef TILE_OF
        }
        left += count * left_stride;
        out += count * out_stride;
        rows -= count;
    }
}
