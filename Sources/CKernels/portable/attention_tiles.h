/* The tiles of int8 attention in plain C. Include it after loops.h and before attention_int8.h. */
#include "attention_block.h"

/* Queries of a tile of scores, and of a tile of values. */
enum { SCORE_TILE = 1, VALUE_TILE = 1 };

/* What a query and a weight are stored as. */
typedef int16_t attention_query, attention_weight;

/* A block as the tiles read it. */
typedef struct {
    int16_t key[BLOCK_KEYS][CHANNELS];
    int16_t value[CHANNELS][BLOCK_KEYS];
} open_block;

static void order_keys(const int8_t key[BLOCK_KEYS][CHANNELS], attention_block *out) {
    memcpy(out->key, key, sizeof out->key);
}

static void order_values(const int8_t value[BLOCK_KEYS][CHANNELS], attention_block *out) {
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < BLOCK_KEYS; i++)
            out->value[c * BLOCK_KEYS + i] = value[i][c];
}

static void widen_bytes(size_t count, const int8_t *bytes, int16_t *out) {
    for (size_t i = 0; i < count; i++)
        out[i] = bytes[i];
}

static const open_block *opened(const attention_block *block, size_t width, open_block *room) {
    (void)width;
    widen_bytes(BLOCK_KEYS * CHANNELS, block->key, room->key[0]);
    widen_bytes(BLOCK_KEYS * CHANNELS, block->value, room->value[0]);
    return room;
}

/* What a score has too much: a constant of the query. */
static int32_t surplus(const int8_t query[CHANNELS]) {
    (void)query;
    return 0;
}

INLINE int32_t dot(size_t count, const int16_t *a, const int16_t *b) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static void score_queries(const open_block *block, size_t width, const attention_query *query, float *score) {
    (void)width;
    for (size_t i = 0; i < BLOCK_KEYS; i++)
        score[i] = as_float((uint32_t)(SCORE_START + dot(CHANNELS, query, block->key[i])));
}

static void weigh_scores(size_t rows, const float *score, const float *steps, float *largest,
                         attention_weight *weight) {
    for (size_t row = 0; row < rows; row++, score += BLOCK_KEYS, weight += BLOCK_KEYS) {
        largest[row] = largest_of(BLOCK_KEYS, score);
        for (size_t i = 0; i < BLOCK_KEYS; i++) {
            float below = (largest[row] - score[i]) * steps[row];
            int32_t y = rounded(below < 1024 ? below : 1024);
            weight[i] = (int16_t)(((octave[y % OCTAVE_STEPS] >> y / OCTAVE_STEPS) + dither[i]) >> 8);
        }
    }
}

static void add_values(const open_block *block, size_t width, const attention_weight *weight, const float *factor,
                       const float *correction, float *sum) {
    for (size_t c = 0; c <= width; c++)
        sum[c] = sum[c] * *correction + (float)dot(BLOCK_KEYS, weight, block->value[c]) * *factor;
}
