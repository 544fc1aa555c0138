/* The float32 GEMM with NEON: tiles of up to 6 rows by 16 columns, or 3 rows by 32, whose sums fill the registers. Each
 * sum is one chain of fused multiply-adds in the order of the units, as on x86-64. Include it after loops.h. */

/* Rows of a tile, and of one that is as wide as a panel. */
enum { TILE = 6, WIDE_TILE = 3 };

#include "../portable/tiles.h"
#include "lanes_neon.h"

/* Transposes 4 units of 4 rows into a panel. */
INLINE void transpose_units(const char *rows, size_t stride, uint32_t *out) {
    uint32x4_t row[4];
#pragma unroll
    for (size_t i = 0; i < 4; i++)
        row[i] = vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)rows + i * stride));
    uint64x2_t even01 = vreinterpretq_u64_u32(vtrn1q_u32(row[0], row[1]));
    uint64x2_t odd01 = vreinterpretq_u64_u32(vtrn2q_u32(row[0], row[1]));
    uint64x2_t even23 = vreinterpretq_u64_u32(vtrn1q_u32(row[2], row[3]));
    uint64x2_t odd23 = vreinterpretq_u64_u32(vtrn2q_u32(row[2], row[3]));
    vst1q_u32(out, vreinterpretq_u32_u64(vtrn1q_u64(even01, even23)));
    vst1q_u32(out + NATIVE_PANEL, vreinterpretq_u32_u64(vtrn1q_u64(odd01, odd23)));
    vst1q_u32(out + 2 * NATIVE_PANEL, vreinterpretq_u32_u64(vtrn2q_u64(even01, even23)));
    vst1q_u32(out + 3 * NATIVE_PANEL, vreinterpretq_u32_u64(vtrn2q_u64(odd01, odd23)));
}

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    for (size_t first = 0; first < NATIVE_PANEL; first += 4) {
        const char *source = (const char *)rows + first * stride;
        uint32_t *target = (uint32_t *)panel + first;
        size_t there = outputs > first ? outputs - first : 0, unit = 0;
        if (there >= 4)
            for (; unit + 4 <= units; unit += 4)
                transpose_units(source + 4 * unit, stride, target + unit * NATIVE_PANEL);
        for (; unit < units; unit++) /* ragged ends */
            for (size_t output = 0; output < 4; output++) {
                uint32_t value = 0;
                if (output < there)
                    memcpy(&value, source + output * stride + 4 * unit, sizeof value);
                target[unit * NATIVE_PANEL + output] = value;
            }
    }
}

INLINE void tile_float32(const int rows, const int vectors, size_t columns, size_t units, const float *left,
                         size_t stride, const float *panel, prefetcher prefetch, float *out, size_t out_stride,
                         int accumulate) {
    float32x4_t sum[TILE][8];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = vdupq_n_f32(0);
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        prefetch_step(&prefetch);
        float32x4_t weight[8];
#pragma unroll
        for (int v = 0; v < vectors; v++)
            weight[v] = vld1q_f32(panel + 4 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            float x = left[(size_t)row * stride + unit];
#pragma unroll
            for (int v = 0; v < vectors; v++)
                sum[row][v] = vfmaq_n_f32(sum[row][v], weight[v], x);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++) {
        float *target = out + (size_t)row * out_stride;
#pragma unroll
        for (int v = 0; v < vectors; v++) {
            /* Several short sums, added at the end, round less than one long sum. */
            if (accumulate)
                sum[row][v] = vaddq_f32(sum[row][v], load_lanes(target, columns, (size_t)v));
            store_lanes(target, columns, (size_t)v, sum[row][v]);
        }
    }
}

enum { PANEL_VECTORS = NATIVE_PANEL / 4 };

#include "../portable/tiles_float32.h"
