/* The tiles of int8 attention with AVX2: products of pairs of 16-bit numbers, added in 32 bits. Include it after
 * loops.h and before attention_int8.h. */
#include "../../portable/attention_block.h"

/* Queries of a tile of scores, and of a tile of values. A tile has 16 columns. */
enum { SCORE_TILE = 6, VALUE_TILE = 6, COLUMN_PANEL = 16 };

/* What a query and a weight are stored as. */
typedef int16_t attention_query, attention_weight;

/* Panels of 16 columns: pairs of channels of 16 keys, and pairs of keys of 16 channels. */
typedef struct {
    int16_t key[BLOCK_KEYS / COLUMN_PANEL][CHANNELS / 2][COLUMN_PANEL][2];
    int16_t value[CHANNELS / COLUMN_PANEL][BLOCK_KEYS / 2][COLUMN_PANEL][2];
} open_block;

/* The first key of a pair of weights: packing 16 weights exchanges its two middle quarters. */
INLINE size_t key_of_pair(size_t pair) {
    size_t quarter = pair / 2 % 4;
    return pair / 8 * 16 + (quarter == 1 ? 2 : quarter == 2 ? 1 : quarter) * 4 + pair % 2 * 2;
}

static void order_keys(const int8_t key[BLOCK_KEYS][CHANNELS], attention_block *out) {
    int8_t *target = out->key;
    for (size_t first = 0; first < BLOCK_KEYS; first += COLUMN_PANEL)
        for (size_t c = 0; c < CHANNELS; c += 2)
            for (size_t i = 0; i < COLUMN_PANEL; i++, target += 2)
                memcpy(target, &key[first + i][c], 2);
}

static void order_values(const int8_t value[BLOCK_KEYS][CHANNELS], attention_block *out) {
    int8_t *target = out->value;
    for (size_t first = 0; first < CHANNELS; first += COLUMN_PANEL)
        for (size_t pair = 0; pair < BLOCK_KEYS / 2; pair++, target += 2 * COLUMN_PANEL) {
            size_t i = key_of_pair(pair);
            interleave_two(&value[i][first], &value[i + 1][first], target);
        }
}

INLINE void widen(const int8_t *source, int16_t *target) {
    for (size_t i = 0; i < BLOCK_KEYS * CHANNELS; i += 16)
        _mm256_store_si256((__m256i *)(target + i),
                           _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(source + i))));
}

static const open_block *opened(const attention_block *block, size_t width, open_block *room) {
    (void)width;
    widen(block->key, room->key[0][0][0]);
    widen(block->value, room->value[0][0][0]);
    return room;
}

/* What a score has too much: a constant of the query. */
static int32_t surplus(const int8_t query[CHANNELS]) {
    (void)query;
    return 0;
}

/* sum[row] += left[row][pairs] * panel[pairs], for the rows of a tile. */
INLINE void add_pairs(size_t pairs, const int16_t *left, size_t stride, const int16_t *panel, __m256i sum[6][2]) {
#pragma unroll 2
    for (size_t pair = 0; pair < pairs; pair++, left += 2, panel += 2 * COLUMN_PANEL) {
        __m256i first = _mm256_load_si256((const __m256i *)panel);
        __m256i second = _mm256_load_si256((const __m256i *)(panel + COLUMN_PANEL));
#pragma unroll
        for (size_t row = 0; row < 6; row++) {
            __m256i x = _mm256_set1_epi32(load_unit(left + row * stride));
            sum[row][0] = _mm256_add_epi32(sum[row][0], _mm256_madd_epi16(x, first));
            sum[row][1] = _mm256_add_epi32(sum[row][1], _mm256_madd_epi16(x, second));
        }
    }
}

static void score_queries(const open_block *block, size_t width, const attention_query *query, float *score) {
    for (size_t panel = 0; panel < BLOCK_KEYS / COLUMN_PANEL; panel++, score += COLUMN_PANEL) {
        __m256i sum[SCORE_TILE][2];
#pragma unroll
        for (size_t row = 0; row < SCORE_TILE; row++)
            sum[row][0] = sum[row][1] = _mm256_set1_epi32(SCORE_START);
        add_pairs((width + 1) / 2, query, CHANNELS, block->key[panel][0][0], sum);
#pragma unroll
        for (size_t row = 0; row < SCORE_TILE; row++)
#pragma unroll
            for (size_t v = 0; v < 2; v++)
                _mm256_store_si256((__m256i *)(score + row * BLOCK_KEYS + 8 * v), sum[row][v]);
    }
}

INLINE float largest_score(const float *score) {
    __m256 most = _mm256_load_ps(score);
    for (size_t i = 8; i < BLOCK_KEYS; i += 8)
        most = _mm256_max_ps(most, _mm256_load_ps(score + i));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps(most, 1));
    __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* Weights of 8 scores. An entry of `octave` is the product of one of 8 eighths of an octave and one of 8 steps of an
 * eighth, rounded: equal for all 64. */
INLINE __m256i softmax_weights_of(__m256 below, __m256i dither) {
    const __m256 eighths =
        _mm256_setr_ps(65280.0f, 59862.023f, 54893.719f, 50337.762f, 46159.930f, 42328.844f, 38815.719f, 35594.172f);
    const __m256 steps =
        _mm256_setr_ps(1.0f, 0.98922801f, 0.97857207f, 0.96803087f, 0.95760328f, 0.94728798f, 0.93708384f, 0.92698956f);
    __m256i y = _mm256_cvtps_epi32(below);
    __m256 weight =
        _mm256_mul_ps(_mm256_permutevar8x32_ps(eighths, _mm256_srli_epi32(y, 3)), _mm256_permutevar8x32_ps(steps, y));
    __m256i shifted = _mm256_srlv_epi32(_mm256_cvtps_epi32(weight), _mm256_srli_epi32(y, 6));
    return _mm256_srli_epi32(_mm256_add_epi32(shifted, dither), 8);
}

static void weigh_scores(size_t rows, const float *score, const float *steps, float *largest,
                         attention_weight *weight) {
    for (size_t row = 0; row < rows; row++, score += BLOCK_KEYS, weight += BLOCK_KEYS) {
        largest[row] = largest_score(score);
        __m256 most = _mm256_set1_ps(largest[row]), step = _mm256_set1_ps(steps[row]);
        for (size_t i = 0; i < BLOCK_KEYS; i += 16) {
            __m256i eight[2];
#pragma unroll
            for (size_t v = 0; v < 2; v++) {
                __m256 below = _mm256_mul_ps(_mm256_sub_ps(most, _mm256_load_ps(score + i + 8 * v)), step);
                eight[v] = softmax_weights_of(below, _mm256_loadu_si256((const __m256i *)(dither + i + 8 * v)));
            }
            _mm256_store_si256((__m256i *)(weight + i), _mm256_packs_epi32(eight[0], eight[1]));
        }
    }
}

static void add_values(const open_block *block, size_t width, const attention_weight *weight, const float *factor,
                       const float *correction, float *sum) {
    for (size_t panel = 0; panel <= width / COLUMN_PANEL; panel++, sum += COLUMN_PANEL) {
        __m256i total[VALUE_TILE][2];
#pragma unroll
        for (size_t row = 0; row < VALUE_TILE; row++)
            total[row][0] = total[row][1] = _mm256_setzero_si256();
        add_pairs(BLOCK_KEYS / 2, weight, BLOCK_KEYS, block->value[panel][0][0], total);
#pragma unroll
        for (size_t row = 0; row < VALUE_TILE; row++)
#pragma unroll
            for (size_t v = 0; v < 2; v++) {
                float *target = sum + row * CHANNELS + 8 * v;
                __m256 before = _mm256_mul_ps(_mm256_load_ps(target), _mm256_set1_ps(correction[row]));
                __m256 now = _mm256_mul_ps(_mm256_cvtepi32_ps(total[row][v]), _mm256_set1_ps(factor[row]));
                _mm256_store_ps(target, _mm256_add_ps(before, now));
            }
    }
}
