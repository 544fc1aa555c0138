/* The tiles of attention in bfloat16 with AVX-512 BF16. Include it before attention_bfloat16.h. */

/* Queries of a block, and rows of a panel of keys. */
enum { QUERIES = 24, KEY_UNITS = 40 };

#include "../../portable/attention_bfloat16_block.h"

static void begin_tiles(void) {}
static void end_tiles(void) {}

/* score[rows][32] = query[rows][units] * panel */
INLINE void score_tile(const int rows, size_t units, const uint16_t *query, size_t stride, const uint32_t *panel,
                       float *score) {
    __m512 sum[TILE][2];
#pragma unroll
    for (int row = 0; row < rows; row++)
        sum[row][0] = sum[row][1] = _mm512_setzero_ps();
    const uint16_t *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = query + (size_t)(3 * i) * stride;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        __m512bh first = (__m512bh)_mm512_load_si512(panel), second = (__m512bh)_mm512_load_si512(panel + 16);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512bh x = (__m512bh)broadcast(base[row / 3] + (size_t)(row % 3) * stride + 2 * unit);
            sum[row][0] = _mm512_dpbf16_ps(sum[row][0], x, first);
            sum[row][1] = _mm512_dpbf16_ps(sum[row][1], x, second);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++) {
        _mm512_store_ps(score + row * SCORE_STRIDE, sum[row][0]);
        _mm512_store_ps(score + row * SCORE_STRIDE + 16, sum[row][1]);
    }
}

/* sum[rows][COLUMNS] += weight[rows][pairs] * value[pairs][COLUMNS] */
INLINE void value_tile(const int rows, size_t pairs, const uint16_t *weight, const uint32_t *value, float *sum) {
    __m512 total[5][COLUMNS / 16];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < COLUMNS / 16; v++)
            total[row][v] = _mm512_load_ps(sum + row * COLUMNS + 16 * v);
    for (size_t pair = 0; pair < pairs; pair++, value += COLUMNS) {
        __m512bh columns[COLUMNS / 16];
#pragma unroll
        for (int v = 0; v < COLUMNS / 16; v++)
            columns[v] = (__m512bh)_mm512_load_si512(value + 16 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512bh x = (__m512bh)broadcast(weight + row * WEIGHT_STRIDE + 2 * pair);
#pragma unroll
            for (int v = 0; v < COLUMNS / 16; v++)
                total[row][v] = _mm512_dpbf16_ps(total[row][v], x, columns[v]);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < COLUMNS / 16; v++)
            _mm512_store_ps(sum + row * COLUMNS + 16 * v, total[row][v]);
}

#define SCORE(N) score_tile(N, width / 2, query, stride, panel, target)
#define VALUE(N) value_tile(N, (keys + 1) / 2, weight, value, sum)

/* score = query times `panels` panels of keys */
static void score_block(size_t queries, size_t panels, size_t width, const uint16_t *query, size_t stride,
                        const uint32_t *key, float *score) {
    for (; queries > 0; query += TILE * stride, score += TILE * SCORE_STRIDE) {
        size_t count = queries < TILE ? queries : TILE;
        for (size_t i = 0; i < panels; i++) {
            const uint32_t *panel = key + i * KEY_UNITS * NATIVE_PANEL;
            float *target = score + i * NATIVE_PANEL;
            switch (count) { CASES_12(SCORE) }
        }
        queries -= count;
    }
}

/* sum += weight times the values of a block */
static void add_block(size_t queries, size_t keys, const uint16_t *weight, const uint32_t *value, float *sum) {
    for (; queries > 0; weight += 5 * WEIGHT_STRIDE, sum += 5 * COLUMNS) {
        size_t count = queries < 5 ? queries : 5;
        switch (count) { CASES_5(VALUE) }
        queries -= count;
    }
}
