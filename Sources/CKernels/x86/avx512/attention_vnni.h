/* The tiles of int8 attention with AVX-512 VNNI: products of four pairs of 8-bit numbers, the first unsigned, added in
 * 32 bits. Include it after loops.h and before attention_int8.h. */
#include "../../portable/attention_block.h"

/* Queries of a tile of scores, and of a tile of values. */
enum { SCORE_TILE = 12, VALUE_TILE = 5, KEY_PANEL = 32, UNIT = 4 };

/* What a query and a weight are stored as. */
typedef int8_t attention_query;
typedef uint8_t attention_weight;

/* The tiles read blocks as they are stored: keys plus 128 in panels of 32, in units of 4 channels; and units of 4 keys
 * of all channels. */
typedef attention_block open_block;

/* The first key of a unit of weights: packing 64 weights transposes 4 vectors of 4 units. */
INLINE size_t key_of_unit(size_t unit) { return unit % 4 * 16 + unit / 4 * UNIT; }

static void order_keys(const int8_t key[BLOCK_KEYS][CHANNELS], attention_block *out) {
    int8_t *target = out->key;
    for (size_t first = 0; first < BLOCK_KEYS; first += KEY_PANEL)
        for (size_t c = 0; c < CHANNELS; c += UNIT)
            for (size_t i = 0; i < KEY_PANEL; i++, target += UNIT) {
                int32_t unit = load_unit(&key[first + i][c]) ^ (int32_t)0x80808080;
                memcpy(target, &unit, UNIT);
            }
}

static void order_values(const int8_t value[BLOCK_KEYS][CHANNELS], attention_block *out) {
    int8_t *target = out->value;
    for (size_t unit = 0; unit < BLOCK_KEYS / UNIT; unit++)
        for (size_t c = 0; c < CHANNELS; c += 16, target += 16 * UNIT)
            interleave_four(&value[key_of_unit(unit)][c], CHANNELS, target);
}

static const open_block *opened(const attention_block *block, size_t width, open_block *room) {
    (void)width;
    (void)room;
    return block;
}

/* What a score has too much: a constant of the query. */
static int32_t surplus(const int8_t query[CHANNELS]) {
    int32_t sum = 0;
    for (size_t c = 0; c < CHANNELS; c++)
        sum += query[c];
    return 128 * sum;
}

static void score_queries(const open_block *block, size_t width, const attention_query *query, float *score) {
    for (size_t first = 0; first < BLOCK_KEYS; first += KEY_PANEL, score += KEY_PANEL) {
        __m512i sum[SCORE_TILE][2];
        const int8_t *panel = block->key + first * CHANNELS;
#pragma unroll
        for (size_t row = 0; row < SCORE_TILE; row++)
            sum[row][0] = sum[row][1] = _mm512_set1_epi32(SCORE_START);
#pragma unroll 2
        for (size_t unit = 0; unit < (width + UNIT - 1) / UNIT; unit++, panel += KEY_PANEL * UNIT) {
            __m512i low = _mm512_load_si512(panel), high = _mm512_load_si512(panel + 64);
#pragma unroll
            for (size_t row = 0; row < SCORE_TILE; row++) {
                __m512i x = _mm512_set1_epi32(load_unit(query + row * CHANNELS + UNIT * unit));
                sum[row][0] = _mm512_dpbusd_epi32(sum[row][0], low, x);
                sum[row][1] = _mm512_dpbusd_epi32(sum[row][1], high, x);
            }
        }
#pragma unroll
        for (size_t row = 0; row < SCORE_TILE; row++)
#pragma unroll
            for (size_t v = 0; v < 2; v++)
                _mm512_store_si512(score + row * BLOCK_KEYS + 16 * v, sum[row][v]);
    }
}

/* Weights of 32 scores as 16-bit numbers, the halves of both vectors in turn, in quarters of a register. */
INLINE __m512i softmax_weights_of(const __m512 below[2], __m512i first, __m512i second, __m512i dither) {
    __m512i y = _mm512_packs_epi32(_mm512_cvtps_epi32(below[0]), _mm512_cvtps_epi32(below[1]));
    __m512i weight = _mm512_srlv_epi16(_mm512_permutex2var_epi16(first, y, second), _mm512_srli_epi16(y, 6));
    return _mm512_srli_epi16(_mm512_add_epi16(weight, dither), 8);
}

static void weigh_scores(size_t rows, const float *score, const float *steps, float *largest,
                         attention_weight *weight) {
    const __m512i first = _mm512_loadu_si512(octave), second = _mm512_loadu_si512(octave + 32);
    __m512i dithers[2];
    for (size_t v = 0; v < 2; v++)
        dithers[v] = _mm512_packs_epi32(_mm512_loadu_si512(dither + 32 * v), _mm512_loadu_si512(dither + 32 * v + 16));
    for (size_t row = 0; row < rows; row++, score += BLOCK_KEYS, weight += BLOCK_KEYS) {
        __m512 x[4];
#pragma unroll
        for (size_t v = 0; v < 4; v++)
            x[v] = _mm512_load_ps(score + 16 * v);
        largest[row] = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(x[0], x[1]), _mm512_max_ps(x[2], x[3])));
        __m512 most = _mm512_set1_ps(largest[row]), step = _mm512_set1_ps(steps[row]);
#pragma unroll
        for (size_t v = 0; v < 4; v++)
            x[v] = _mm512_mul_ps(_mm512_sub_ps(most, x[v]), step);
        _mm512_store_si512(weight, _mm512_packus_epi16(softmax_weights_of(x, first, second, dithers[0]),
                                                       softmax_weights_of(x + 2, first, second, dithers[1])));
    }
}

static void add_values(const open_block *block, size_t width, const attention_weight *weight, const float *factor,
                       const float *correction, float *sum) {
    (void)width;
    enum { VECTORS = CHANNELS / 16 };
    __m512i total[VALUE_TILE][VECTORS];
#pragma unroll
    for (size_t row = 0; row < VALUE_TILE; row++)
#pragma unroll
        for (size_t v = 0; v < VECTORS; v++)
            total[row][v] = _mm512_setzero_si512();
    const int8_t *value = block->value;
    for (size_t unit = 0; unit < BLOCK_KEYS / UNIT; unit++, value += CHANNELS * UNIT) {
        __m512i columns[VECTORS];
#pragma unroll
        for (size_t v = 0; v < VECTORS; v++)
            columns[v] = _mm512_load_si512(value + 64 * v);
#pragma unroll
        for (size_t row = 0; row < VALUE_TILE; row++) {
            __m512i x = _mm512_set1_epi32(load_unit(weight + row * BLOCK_KEYS + UNIT * unit));
#pragma unroll
            for (size_t v = 0; v < VECTORS; v++)
                total[row][v] = _mm512_dpbusd_epi32(total[row][v], x, columns[v]);
        }
    }
#pragma unroll
    for (size_t row = 0; row < VALUE_TILE; row++)
#pragma unroll
        for (size_t v = 0; v < VECTORS; v++) {
            float *target = sum + row * CHANNELS + 16 * v;
            __m512 before = _mm512_mul_ps(_mm512_load_ps(target), _mm512_set1_ps(correction[row]));
            __m512 now = _mm512_mul_ps(_mm512_cvtepi32_ps(total[row][v]), _mm512_set1_ps(factor[row]));
            _mm512_store_ps(target, _mm512_add_ps(before, now));
        }
}
