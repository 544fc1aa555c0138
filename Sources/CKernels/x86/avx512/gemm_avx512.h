/* GEMM with AVX-512: tiles of up to 12 rows by 32 columns, whose sums fill the registers. */

/* Rows of a tile. */
enum { TILE = 12 };

#include "../../portable/tiles.h"

/* Loads 16 bytes of each of four rows side by side. */
INLINE __m512i gather_quarters(const char *row, size_t step) {
    __m512i v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)row));
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(row + step)), 1);
    v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(row + 2 * step)), 2);
    return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(row + 3 * step)), 3);
}

/* Transposes 16 units of 16 rows into a panel. Loading puts every fourth row side by side, so the rest of the
 * transposition stays within quarters of a register. */
INLINE void transpose_units(const char *rows, size_t stride, uint32_t *out) {
    __m512i quarters[4][4];
#pragma unroll
    for (size_t row = 0; row < 4; row++)
#pragma unroll
        for (size_t i = 0; i < 4; i++)
            quarters[row][i] = gather_quarters(rows + row * stride + 16 * i, 4 * stride);
#pragma unroll
    for (size_t i = 0; i < 4; i++, out += 4 * NATIVE_PANEL) {
        __m512i low01 = _mm512_unpacklo_epi32(quarters[0][i], quarters[1][i]);
        __m512i high01 = _mm512_unpackhi_epi32(quarters[0][i], quarters[1][i]);
        __m512i low23 = _mm512_unpacklo_epi32(quarters[2][i], quarters[3][i]);
        __m512i high23 = _mm512_unpackhi_epi32(quarters[2][i], quarters[3][i]);
        _mm512_store_si512(out, _mm512_unpacklo_epi64(low01, low23));
        _mm512_store_si512(out + NATIVE_PANEL, _mm512_unpackhi_epi64(low01, low23));
        _mm512_store_si512(out + 2 * NATIVE_PANEL, _mm512_unpacklo_epi64(high01, high23));
        _mm512_store_si512(out + 3 * NATIVE_PANEL, _mm512_unpackhi_epi64(high01, high23));
    }
}

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    for (size_t half = 0; half < NATIVE_PANEL; half += 16) {
        const char *source = (const char *)rows + half * stride;
        uint32_t *target = (uint32_t *)panel + half;
        size_t there = outputs > half ? outputs - half : 0, unit = 0;
        if (there >= 16)
            for (; unit + 16 <= units; unit += 16)
                transpose_units(source + 4 * unit, stride, target + unit * NATIVE_PANEL);
        for (; unit < units; unit++) /* ragged ends */
            for (size_t output = 0; output < 16; output++) {
                uint32_t value = 0;
                if (output < there)
                    memcpy(&value, source + output * stride + 4 * unit, sizeof value);
                target[unit * NATIVE_PANEL + output] = value;
            }
    }
}

/* The mask of valid lanes in vector `index` of a row of `columns` elements. */
INLINE __mmask16 lanes(size_t columns, size_t index) {
    size_t first = 16 * index;
    return columns >= first + 16 ? 0xffff : columns <= first ? 0 : (__mmask16)((1u << (columns - first)) - 1);
}

/* Broadcasts a unit of a row to every lane. */
INLINE __m512i broadcast(const void *unit) {
    int32_t bits;
    memcpy(&bits, unit, sizeof bits);
    return _mm512_set1_epi32(bits);
}

INLINE void tile_float32(const int rows, const int vectors, size_t columns, size_t units, const float *left,
                         size_t stride, const float *panel, prefetcher prefetch, float *out, size_t out_stride,
                         int accumulate) {
    __m512 sum[TILE][2];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = _mm512_setzero_ps();
    /* Three rows share one address; the others are one and two strides away. */
    const float *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = left + (size_t)(3 * i) * stride;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        prefetch_step(&prefetch);
        __m512 weight[2];
#pragma unroll
        for (int v = 0; v < vectors; v++)
            weight[v] = _mm512_load_ps(panel + 16 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512 x = _mm512_set1_ps(base[row / 3][(size_t)(row % 3) * stride + unit]);
#pragma unroll
            for (int v = 0; v < vectors; v++)
                sum[row][v] = _mm512_fmadd_ps(x, weight[v], sum[row][v]);
        }
    }
#pragma unroll
    for (int v = 0; v < vectors; v++) {
        __mmask16 mask = lanes(columns, (size_t)v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            float *target = out + (size_t)row * out_stride + 16 * v;
            /* Several short sums, added at the end, round less than one long sum. */
            if (accumulate)
                sum[row][v] = _mm512_add_ps(sum[row][v], _mm512_maskz_loadu_ps(mask, target));
            _mm512_mask_storeu_ps(target, mask, sum[row][v]);
        }
    }
}

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + TILE - 1) / TILE);
    for (; rows > 0; prefetch.next += units * prefetch.step) {
        size_t count = tile_rows(rows, TILE);
#define TILE_WIDE(N) tile_float32(N, 2, columns, units, left, left_stride, panel, prefetch, out, out_stride, accumulate)
#define TILE_NARROW(N)                                                                                                 \
    tile_float32(N, 1, columns, units, left, left_stride, panel, prefetch, out, out_stride, accumulate)
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
