/* GEMM with AVX2 and FMA: tiles of up to 6 rows by 16 columns, or 3 rows by 32, whose sums fill the registers. Each sum
 * is one chain of fused multiply-adds in the order of the units, as with AVX-512. Include it after loops.h. */

/* Rows of a tile, and of one that is as wide as a panel. */
enum { TILE = 6, WIDE_TILE = 3 };

#include "lanes_avx2.h"
#include "../../portable/tiles.h"

/* Transposes 8 units of 8 rows into a panel. */
INLINE void transpose_units(const char *rows, size_t stride, float *out) {
    __m256 row[8], pair[8];
#pragma unroll
    for (size_t i = 0; i < 4; i++) {
        /* Rows i and i + 4 side by side, so that the rest stays within halves of a register. */
        const char *low = rows + i * stride, *high = low + 4 * stride;
        row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)low)),
                                      _mm_loadu_ps((const float *)high), 1);
        row[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps((const float *)(low + 16))),
                                          _mm_loadu_ps((const float *)(high + 16)), 1);
    }
#pragma unroll
    for (size_t half = 0; half < 8; half += 4) {
        pair[0] = _mm256_unpacklo_ps(row[half], row[half + 1]);
        pair[1] = _mm256_unpackhi_ps(row[half], row[half + 1]);
        pair[2] = _mm256_unpacklo_ps(row[half + 2], row[half + 3]);
        pair[3] = _mm256_unpackhi_ps(row[half + 2], row[half + 3]);
        _mm256_store_ps(out, _mm256_shuffle_ps(pair[0], pair[2], 0x44));
        _mm256_store_ps(out + NATIVE_PANEL, _mm256_shuffle_ps(pair[0], pair[2], 0xee));
        _mm256_store_ps(out + 2 * NATIVE_PANEL, _mm256_shuffle_ps(pair[1], pair[3], 0x44));
        _mm256_store_ps(out + 3 * NATIVE_PANEL, _mm256_shuffle_ps(pair[1], pair[3], 0xee));
        out += 4 * NATIVE_PANEL;
    }
}

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    for (size_t first = 0; first < NATIVE_PANEL; first += 8) {
        const char *source = (const char *)rows + first * stride;
        uint32_t *target = (uint32_t *)panel + first;
        size_t there = outputs > first ? outputs - first : 0, unit = 0;
        if (there >= 8)
            for (; unit + 8 <= units; unit += 8)
                transpose_units(source + 4 * unit, stride, (float *)target + unit * NATIVE_PANEL);
        for (; unit < units; unit++) /* ragged ends */
            for (size_t output = 0; output < 8; output++) {
                uint32_t value = 0;
                if (output < there)
                    memcpy(&value, source + output * stride + 4 * unit, sizeof value);
                target[unit * NATIVE_PANEL + output] = value;
            }
    }
}

/* Prefetches the share of a run of units: one cache line of a row. */
enum { PREFETCH_RUN = 16 };

INLINE void prefetch_run(prefetcher *prefetch) {
    for (size_t i = 0; i < PREFETCH_RUN * prefetch->step; i += 64)
        _mm_prefetch(prefetch->next + i, _MM_HINT_T1);
    prefetch->next += PREFETCH_RUN * prefetch->step;
}

INLINE void tile_float32(const int rows, const int vectors, size_t columns, size_t units, const float *left,
                         size_t stride, const float *panel, prefetcher prefetch, float *out, size_t out_stride,
                         int accumulate) {
    __m256 sum[TILE][4];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = _mm256_setzero_ps();
    /* Three rows share one address; the others are one and two strides away. */
    const float *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = left + (size_t)(3 * i) * stride;
    for (size_t rest = units; rest > 0;) {
        prefetch_run(&prefetch);
#pragma unroll
        for (int row = 0; row < rows; row++) /* the rows of the next tile, probably */
            _mm_prefetch((const char *)(base[row / 3] + (size_t)(rows + row % 3) * stride), _MM_HINT_T0);
        size_t run = rest < PREFETCH_RUN ? rest : PREFETCH_RUN;
        rest -= run;
#pragma unroll 4
        for (; run > 0; run--, panel += NATIVE_PANEL) {
            __m256 weight[4];
#pragma unroll
            for (int v = 0; v < vectors; v++)
                weight[v] = _mm256_load_ps(panel + 8 * v);
#pragma unroll
            for (int row = 0; row < rows; row++) {
                __m256 x = _mm256_broadcast_ss(base[row / 3] + (size_t)(row % 3) * stride);
#pragma unroll
                for (int v = 0; v < vectors; v++)
                    sum[row][v] = _mm256_fmadd_ps(x, weight[v], sum[row][v]);
            }
#pragma unroll
            for (int i = 0; i < (rows + 2) / 3; i++)
                base[i]++;
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++) {
        float *target = out + (size_t)row * out_stride;
#pragma unroll
        for (int v = 0; v < vectors; v++) {
            /* Several short sums, added at the end, round less than one long sum. */
            if (accumulate)
                sum[row][v] = _mm256_add_ps(sum[row][v], load_lanes(target, columns, (size_t)v));
            store_lanes(target, columns, (size_t)v, sum[row][v]);
        }
    }
}

enum { PANEL_VECTORS = NATIVE_PANEL / 8 };

#include "../../portable/tiles_float32.h"
