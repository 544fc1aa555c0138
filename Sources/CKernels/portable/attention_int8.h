/* Attention in int8, as docs/numerics.md defines it: one block of keys at a time, with an online softmax. Include it
 * after the tiles of the instruction set. All sets give the same bits: integers are exact, and the arithmetic of floats
 * has one order, without fused multiply-adds. */
#include "attention_layout.h"

/* Queries that are attended at a time, and those whose sums are held. */
enum { SOME_QUERIES = 60, MOST_QUERIES = 480 };

/* The scratch memory of a call. Rows beyond the last query are computed to the end of a tile, and ignored. */
typedef struct {
    float sum[MOST_QUERIES][CHANNELS]; /* weighted values, and the sum of the weights */
    float score[SOME_QUERIES][BLOCK_KEYS];
    attention_weight weight[SOME_QUERIES][BLOCK_KEYS];
    attention_query query[MOST_QUERIES][CHANNELS];
    float scale[MOST_QUERIES], surplus[MOST_QUERIES], maximum[MOST_QUERIES];
    float factor[SOME_QUERIES], correction[SOME_QUERIES];
    float steps[SOME_QUERIES], largest[SOME_QUERIES];
    open_block room;
} int8_attention_scratch;

_Static_assert(sizeof(int8_attention_scratch) <= NATIVE_ATTENTION_SCRATCH, "NATIVE_ATTENTION_SCRATCH is too small");
_Static_assert(MOST_QUERIES % SOME_QUERIES == 0 && SOME_QUERIES % SCORE_TILE == 0 && SOME_QUERIES % VALUE_TILE == 0,
               "the last tile ends beyond the scratch memory");

/* ---- Queries ----------------------------------------------------------------------------------------------------- */

/* 2^x within 1e-7, for x <= 0; x is clamped to -120. */
INLINE float exp2_of(float x) {
    x = x < -120.0f ? -120.0f : x;
    float shifted = x + ROUNDER;
    float r = x - (shifted - ROUNDER);
    float p = 1.5403531e-4f;
    p = p * r + 1.3333558e-3f;
    p = p * r + 9.6181291e-3f;
    p = p * r + 5.5504109e-2f;
    p = p * r + 2.4022651e-1f;
    p = p * r + 6.9314718e-1f;
    p = p * r + 1.0f;
    return p * as_float((as_bits(shifted) - as_bits(ROUNDER) + 127u) << 23);
}

/* Quantizes queries, with `factor` in their scales, and clears their sums. */
static void begin_queries(int8_attention_scratch *s, const native_rows *rows, size_t first, size_t count, size_t width,
                          float factor) {
    float row[CHANNELS] = {0};
    int8_t query[CHANNELS];
    size_t rows_of_tiles = (count + SOME_QUERIES - 1) / SOME_QUERIES * SOME_QUERIES;
    memset(s->sum, 0, rows_of_tiles * sizeof *s->sum);
    memset(s->query, 0, rows_of_tiles * sizeof *s->query);
    for (size_t i = 0; i < count; i++) {
        read_row(rows, first + i, width, row);
        s->scale[i] = quantize_int8(CHANNELS, row, query) * factor;
        for (size_t c = 0; c < CHANNELS; c++)
            s->query[i][c] = query[c];
        s->surplus[i] = as_float((uint32_t)(SCORE_START + surplus(query)));
        s->maximum[i] = -INFINITY;
    }
}

/* Most steps of a score of 1: even the largest score then has fewer than 2^31. */
#define MOST_STEPS 800.0f

/* Adds a block of keys to the sums of some queries, which begin with number `first`. */
static void attend_queries(int8_attention_scratch *s, const open_block *block, float key_scale, size_t first,
                           size_t count, size_t width) {
    for (size_t i = 0; i < count; i += SCORE_TILE)
        score_queries(block, width, s->query[first + i], s->score[i]);
    for (size_t i = 0; i < count; i++) {
        float steps = s->scale[first + i] * key_scale * OCTAVE_STEPS;
        s->steps[i] = steps < MOST_STEPS ? steps : MOST_STEPS;
    }
    weigh_scores(count, s->score[0], s->steps, s->largest, s->weight[0]);
    for (size_t i = 0; i < count; i++) {
        float largest = (s->largest[i] - s->surplus[first + i]) * (s->scale[first + i] * key_scale);
        float before = s->maximum[first + i], now = largest > before ? largest : before;
        s->maximum[first + i] = now;
        s->correction[i] = exp2_of(before - now);
        s->factor[i] = exp2_of(largest - now);
    }
    for (size_t i = 0; i < count; i += VALUE_TILE)
        add_values(block, width, s->weight[i], s->factor + i, s->correction + i, s->sum[first + i]);
}

/* Writes the rows of queries whose sums are complete. */
static void end_queries(int8_attention_scratch *s, const attention_head *head, size_t first, size_t count, size_t width,
                        const native_rows *out) {
    for (size_t i = 0; i < count; i++) {
        float *row = s->sum[i], inverse = 1 / row[width];
        for (size_t c = 0; c < width; c++)
            row[c] = row[c] * inverse * head->value_scale[c] + head->value_mean[c];
        store_row(width, row, out, first + i);
    }
}

static void attention_int8(size_t queries, size_t keys, size_t width, float scale, const native_rows *query,
                           const void *head, void *scratch, const native_rows *out) {
    const float log2_of_e = 1.44269504f;
    int8_attention_scratch *s = scratch;
    const attention_block *blocks = ((const attention_head *)head)->block;
    for (size_t first = 0; first < queries; first += MOST_QUERIES) {
        size_t count = queries - first < MOST_QUERIES ? queries - first : MOST_QUERIES;
        begin_queries(s, query, first, count, width, scale * log2_of_e);
        for (size_t i = 0; i < (keys + BLOCK_KEYS - 1) / BLOCK_KEYS; i++) {
            const open_block *block = opened(blocks + i, width, &s->room);
            for (size_t row = 0; row < count; row += SOME_QUERIES)
                attend_queries(s, block, blocks[i].key_scale, row,
                               count - row < SOME_QUERIES ? count - row : SOME_QUERIES, width);
        }
        end_queries(s, head, first, count, width, out);
    }
}

/* The members of a kernel table that this file defines. */
#define ATTENTION_KERNELS .lay_out_head = lay_out_head, .attention_int8 = attention_int8
