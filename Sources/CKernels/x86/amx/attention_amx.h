/* int8 attention with the tiles of AMX. Include it after loops.h.
 *
 * All is computed transposed: a tile of scores has 16 keys by 16 queries, and a tile of values 16 channels by 16
 * queries. So a vector holds 16 queries, and what belongs to a query needs no shuffles: its maximum, scale and sums.
 *
 * A unit of work is a block of keys for a group of 16 queries. While the vectors weigh the scores of a unit, the tiles
 * multiply the next unit's scores and the last one's values. */
#include "../../portable/attention_block.h"
#include "tile_shapes.h"
#include "../avx512/transpose_avx512.h"

/* Queries of a group, and groups whose sums stay in the first cache. A unit of a tile is 4 bytes. */
enum { GROUP = 16, MOST_GROUPS = 3, UNIT = 4, CHANNEL_TILES = CHANNELS / 16, KEY_TILES = BLOCK_KEYS / 16 };

/* Channels of the first and of the second tile of keys. */
enum { HEAD_PART = TILE_UNITS * UNIT, TAIL_PART = CHANNELS - HEAD_PART };

/* Keys are rows of 64 channels, and then rows of the other 16. Values are rows of a channel's 64 keys. */
static void order_keys(const int8_t key[BLOCK_KEYS][CHANNELS], attention_block *out) {
    for (size_t i = 0; i < BLOCK_KEYS; i++) {
        memcpy(out->key + i * HEAD_PART, key[i], HEAD_PART);
        memcpy(out->key + BLOCK_KEYS * HEAD_PART + i * TAIL_PART, key[i] + HEAD_PART, TAIL_PART);
    }
}

static void order_values(const int8_t value[BLOCK_KEYS][CHANNELS], attention_block *out) {
    for (size_t c = 0; c < CHANNELS; c += 16) {
        _Alignas(64) int8_t unit[TILE_UNITS][16 * UNIT];
        for (size_t i = 0; i < TILE_UNITS; i++)
            interleave_four(&value[UNIT * i][c], CHANNELS, unit[i]);
        transpose_sixteen(unit, sizeof *unit, BLOCK_KEYS, out->value + c * BLOCK_KEYS);
    }
}

#include "../../portable/attention_layout.h"

/* ---- Tiles ------------------------------------------------------------------------------------------------------- */

/* Tiles by number. The intrinsics take constants. */
enum { SCORES, TOTALS, WEIGHTS, MATRIX, KEY_TAIL, QUERY, QUERY_TAIL, SHAPES };

/* Units of the second tile of keys. */
INLINE size_t tail_units(size_t width) {
    size_t units = (width + UNIT - 1) / UNIT;
    return units > TILE_UNITS ? units - TILE_UNITS : 0;
}

static void set_shapes(size_t width) {
    _Alignas(64) tile_shapes shapes = largest_tiles(SHAPES);
    shapes.row_bytes[KEY_TAIL] = (uint16_t)(UNIT * tail_units(width));
    shapes.rows[QUERY_TAIL] = (uint8_t)tail_units(width);
    if (tail_units(width) == 0)
        shapes.row_bytes[QUERY_TAIL] = shapes.rows[KEY_TAIL] = 0;
    _tile_loadconfig(&shapes);
}

/* ---- The scratch memory ------------------------------------------------------------------------------------------ */

typedef struct {
    int8_t query[CHANNELS / UNIT][GROUP][UNIT];
    float sum[CHANNELS][GROUP]; /* weighted values, and the sum of the weights */
    float scale[GROUP], maximum[GROUP];
} query_group;

typedef struct {
    query_group group[MOST_GROUPS];
    /* Of two units in turn. */
    float score[2][BLOCK_KEYS][GROUP];
    uint8_t weight[2][BLOCK_KEYS / UNIT][GROUP][UNIT];
    int32_t total[2][16][GROUP];
    float start[GROUP]; /* what sums of scores start with */
    float row[GROUP][CHANNELS];
    int8_t number[GROUP][CHANNELS];
} int8_attention_scratch;

_Static_assert(sizeof(int8_attention_scratch) <= NATIVE_ATTENTION_SCRATCH, "NATIVE_ATTENTION_SCRATCH is too small");

/* ---- Units of work ----------------------------------------------------------------------------------------------- */

/* exp2_of in portable/attention_int8.h. */
INLINE __m512 sixteen_exp2(__m512 x) {
    const __m512 rounder = _mm512_set1_ps(ROUNDER);
    x = _mm512_max_ps(_mm512_set1_ps(-120), x);
    __m512 shifted = _mm512_add_ps(x, rounder), r = _mm512_sub_ps(x, _mm512_sub_ps(shifted, rounder));
    static const float coefficient[] = {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1};
    __m512 p = _mm512_set1_ps(1.5403531e-4f);
#pragma unroll
    for (size_t i = 0; i < 6; i++)
        p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(coefficient[i]));
    __m512i exponent = _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32((int)as_bits(ROUNDER) - 127));
    return _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
}

/* A block of keys for a group of queries. */
typedef struct {
    query_group *group;
    const attention_block *block;
    __m512 factor, correction; /* of the sums */
    int corrects;              /* whether a correction is not 1 */
} work_unit;

INLINE void load_queries(const query_group *group, size_t width) {
    _tile_loadd(QUERY, group->query, GROUP * UNIT);
    if (tail_units(width) > 0)
        _tile_loadd(QUERY_TAIL, group->query[TILE_UNITS], GROUP * UNIT);
}

/* The scores of 16 keys. */
INLINE void multiply_keys(const attention_block *block, size_t tile, size_t width, const float *start) {
    _tile_loadd(SCORES, start, 0);
    _tile_loadd(MATRIX, block->key + tile * 16 * HEAD_PART, HEAD_PART);
    _tile_dpbssd(SCORES, MATRIX, QUERY);
    if (tail_units(width) > 0) {
        _tile_loadd(KEY_TAIL, block->key + BLOCK_KEYS * HEAD_PART + tile * 16 * TAIL_PART, TAIL_PART);
        _tile_dpbssd(SCORES, KEY_TAIL, QUERY_TAIL);
    }
}

/* The sums of 16 channels. */
INLINE void multiply_values(const attention_block *block, size_t tile) {
    _tile_zero(TOTALS);
    _tile_loadd(MATRIX, block->value + tile * 16 * BLOCK_KEYS, BLOCK_KEYS);
    _tile_dpbsud(TOTALS, MATRIX, WEIGHTS);
}

/* The largest scores of a unit, for each query. */
INLINE __m512 largest_scores(float score[BLOCK_KEYS][GROUP]) {
    __m512 most[4];
#pragma unroll
    for (size_t i = 0; i < 4; i++)
        most[i] = _mm512_load_ps(score[i]);
#pragma unroll
    for (size_t i = 4; i < BLOCK_KEYS; i++)
        most[i % 4] = _mm512_max_ps(most[i % 4], _mm512_load_ps(score[i]));
    return _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
}

/* Weights of two keys: 16-bit numbers whose high bytes count, in lanes of 128 bits by turns. */
INLINE __m512i softmax_weights_of(__m512 first, __m512 second, const int16_t *dithers) {
    __m512i y = _mm512_packs_epi32(_mm512_cvtps_epi32(first), _mm512_cvtps_epi32(second));
    __m512i entry = _mm512_permutex2var_epi16(_mm512_loadu_si512(octave), y, _mm512_loadu_si512(octave + 32));
    return _mm512_add_epi16(_mm512_srlv_epi16(entry, _mm512_srli_epi16(y, 6)), _mm512_load_si512(dithers));
}

/* The dithers of pairs of keys, as softmax_weights_of has them. */
typedef int16_t dither_table[BLOCK_KEYS / 2][2 * GROUP];
#define FOUR(x) x, x, x, x
#define PAIR(a, b) {FOUR(a), FOUR(b), FOUR(a), FOUR(b), FOUR(a), FOUR(b), FOUR(a), FOUR(b)}
static const _Alignas(64) dither_table dithers = {
    PAIR(0, 158),   PAIR(60, 218),  PAIR(120, 23),  PAIR(181, 83), PAIR(241, 143), PAIR(46, 204),  PAIR(106, 8),
    PAIR(167, 69),  PAIR(227, 129), PAIR(31, 190),  PAIR(92, 250), PAIR(152, 54),  PAIR(213, 115), PAIR(17, 175),
    PAIR(78, 236),  PAIR(138, 40),  PAIR(198, 101), PAIR(3, 161),  PAIR(63, 221),  PAIR(124, 26),  PAIR(184, 86),
    PAIR(245, 147), PAIR(49, 207),  PAIR(109, 12),  PAIR(170, 72), PAIR(230, 132), PAIR(35, 193),  PAIR(95, 253),
    PAIR(156, 58),  PAIR(216, 118), PAIR(20, 179),  PAIR(81, 239)};

/* Weighs 16 keys of a unit. */
INLINE void weigh_keys(size_t tile, float score[BLOCK_KEYS][GROUP], __m512 most, __m512 steps,
                       uint8_t weight[BLOCK_KEYS / UNIT][GROUP][UNIT]) {
    /* Bytes of a lane: four queries of keys 0 and 2 by turns, then of keys 1 and 3. */
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15));
#pragma unroll
    for (size_t unit = 4 * tile; unit < 4 * tile + 4; unit++) {
        __m512 below[4];
#pragma unroll
        for (size_t i = 0; i < 4; i++)
            below[i] = _mm512_mul_ps(_mm512_sub_ps(most, _mm512_load_ps(score[4 * unit + i])), steps);
        __m512i first = softmax_weights_of(below[0], below[1], dithers[2 * unit]);
        __m512i second = softmax_weights_of(below[2], below[3], dithers[2 * unit + 1]);
        /* The high bytes of both, by turns. */
        __m512i both = _mm512_mask_blend_epi8(0xaaaaaaaaaaaaaaaau, _mm512_srli_epi16(first, 8), second);
        _mm512_store_si512(weight[unit], _mm512_shuffle_epi8(both, order));
    }
}

INLINE void add_some_totals(const int32_t total[16][GROUP], float sum[16][GROUP], const work_unit *unit, int corrects) {
#pragma unroll
    for (size_t i = 0; i < 16; i++) {
        __m512 before = _mm512_load_ps(sum[i]), now = _mm512_cvtepi32_ps(_mm512_load_si512(total[i]));
        if (corrects)
            before = _mm512_mul_ps(before, unit->correction);
        _mm512_store_ps(sum[i], _mm512_add_ps(before, _mm512_mul_ps(now, unit->factor)));
    }
}

/* sum = sum * correction + total * factor, for 16 channels. */
INLINE void add_totals(const int32_t total[16][GROUP], size_t tile, const work_unit *unit) {
    if (unit->corrects)
        add_some_totals(total, unit->group->sum + 16 * tile, unit, 1);
    else
        add_some_totals(total, unit->group->sum + 16 * tile, unit, 0);
}

/* Most steps of a score of 1: even the largest score then has fewer than 2^31. */
#define MOST_STEPS 800.0f

/* Prepares the sums of a unit whose largest scores are known. Returns the steps of a score of 1. */
INLINE __m512 begin_unit(__m512 most, work_unit *unit) {
    __m512 scale = _mm512_mul_ps(_mm512_load_ps(unit->group->scale), _mm512_set1_ps(unit->block->key_scale));
    __m512 largest = _mm512_mul_ps(_mm512_sub_ps(most, _mm512_set1_ps(ROUNDER)), scale);
    __m512 before = _mm512_load_ps(unit->group->maximum), now = _mm512_max_ps(largest, before);
    _mm512_store_ps(unit->group->maximum, now);
    unit->correction = sixteen_exp2(_mm512_sub_ps(before, now));
    unit->factor = sixteen_exp2(_mm512_sub_ps(largest, now));
    unit->corrects = _mm512_cmp_ps_mask(unit->correction, _mm512_set1_ps(1), _CMP_NEQ_UQ) != 0;
    return _mm512_min_ps(_mm512_mul_ps(scale, _mm512_set1_ps(OCTAVE_STEPS)), _mm512_set1_ps(MOST_STEPS));
}

/* Weighs the scores of a unit, and adds the values of the one before, whose weights are known. Multiplies the scores of
 * the next. `turn` is that of the unit's memory. */
INLINE void attend_unit(int8_attention_scratch *s, size_t turn, size_t width, const work_unit *before, work_unit *unit,
                        const work_unit *next) {
    _tile_loadd(WEIGHTS, s->weight[turn ^ 1], GROUP * UNIT);
    multiply_values(before->block, 0);
    load_queries(next->group, width);
    __m512 most = largest_scores(s->score[turn]);
    __m512 steps = begin_unit(most, unit);
    _tile_stored(TOTALS, s->total[0], GROUP * 4);
#pragma unroll
    for (size_t tile = 0; tile < KEY_TILES; tile++) {
        multiply_keys(next->block, tile, width, s->start);
        int more = tile + 1 <= width / 16;
        if (more)
            multiply_values(before->block, tile + 1);
        weigh_keys(tile, s->score[turn], most, steps, s->weight[turn]);
        if (tile <= width / 16)
            add_totals(s->total[tile % 2], tile, before);
        _tile_stored(SCORES, s->score[turn ^ 1][16 * tile], GROUP * 4);
        if (more)
            _tile_stored(TOTALS, s->total[(tile + 1) % 2], GROUP * 4);
    }
    if (CHANNEL_TILES - 1 <= width / 16)
        add_totals(s->total[(CHANNEL_TILES - 1) % 2], CHANNEL_TILES - 1, before);
}

_Static_assert(CHANNEL_TILES == KEY_TILES + 1, "attend_unit multiplies as many tiles of each");

/* Attends some groups of queries to all blocks. */
static void attend_groups(int8_attention_scratch *s, const attention_block *blocks, size_t count, size_t groups,
                          size_t width) {
    /* Before the first unit is one without weights. */
    work_unit before = {s->group, blocks, _mm512_setzero_ps(), _mm512_set1_ps(1), 0};
    memset(s->weight[1], 0, sizeof s->weight[1]);
    load_queries(s->group, width);
    for (size_t tile = 0; tile < KEY_TILES; tile++) {
        multiply_keys(blocks, tile, width, s->start);
        _tile_stored(SCORES, s->score[0][16 * tile], GROUP * 4);
    }
    size_t turn = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < groups; j++, turn ^= 1) {
            int last = j + 1 == groups;
            work_unit unit = {.group = s->group + j, .block = blocks + i}, next = unit;
            if (!last)
                next.group++;
            else if (i + 1 < count)
                next = (work_unit){.group = s->group, .block = blocks + i + 1};
            attend_unit(s, turn, width, &before, &unit, &next);
            before = unit;
        }
    _tile_loadd(WEIGHTS, s->weight[turn ^ 1], GROUP * UNIT);
    for (size_t tile = 0; tile <= width / 16; tile++) {
        multiply_values(before.block, tile);
        _tile_stored(TOTALS, s->total[0], GROUP * 4);
        add_totals(s->total[0], tile, &before);
    }
}

/* ---- Queries ----------------------------------------------------------------------------------------------------- */

/* Quantizes up to 16 queries, with `factor` in their scales, and clears their sums. */
static void begin_group(int8_attention_scratch *s, query_group *group, const native_rows *rows, size_t first,
                        size_t count, size_t width, float factor) {
    memset(group, 0, sizeof *group);
    memset(s->number, 0, sizeof s->number);
    for (size_t i = 0; i < GROUP; i++)
        group->maximum[i] = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        read_row(rows, first + i, width, s->row[i]);
        group->scale[i] = quantize_int8(CHANNELS, s->row[i], s->number[i]) * factor;
    }
    transpose_sixteen(s->number, CHANNELS, GROUP * UNIT, group->query);
    for (size_t unit = TILE_UNITS; unit < CHANNELS / UNIT; unit++)
        for (size_t i = 0; i < GROUP; i++)
            memcpy(group->query[unit][i], s->number[i] + unit * UNIT, UNIT);
}

/* Writes the rows of up to 16 queries whose sums are complete. */
static void end_group(int8_attention_scratch *s, query_group *group, const attention_head *head, size_t first,
                      size_t count, size_t width, const native_rows *out) {
    __m512 inverse = _mm512_div_ps(_mm512_set1_ps(1), _mm512_load_ps(group->sum[width]));
    for (size_t c = 0; c < width; c += 16) {
        for (size_t i = 0; i < 16; i++) {
            __m512 value = _mm512_mul_ps(_mm512_mul_ps(_mm512_load_ps(group->sum[c + i]), inverse),
                                         _mm512_set1_ps(head->value_scale[c + i]));
            _mm512_store_ps(group->sum[c + i], _mm512_add_ps(value, _mm512_set1_ps(head->value_mean[c + i])));
        }
        transpose_sixteen(group->sum[c], sizeof *group->sum, sizeof *s->row, s->row[0] + c);
    }
    for (size_t i = 0; i < count; i++)
        store_row(width, s->row[i], out, first + i);
    /* begin_group needs zeros beyond the width. */
    memset(s->row, 0, sizeof s->row);
}

INLINE size_t queries_of(size_t all, size_t group) {
    size_t rest = all - group * GROUP;
    return rest < GROUP ? rest : GROUP;
}

static void attention_int8(size_t queries, size_t keys, size_t width, float scale, const native_rows *query,
                           const void *head, void *scratch, const native_rows *out) {
    const float log2_of_e = 1.44269504f;
    int8_attention_scratch *s = scratch;
    const attention_block *blocks = ((const attention_head *)head)->block;
    for (size_t i = 0; i < GROUP; i++)
        s->start[i] = as_float(SCORE_START);
    memset(s->row, 0, sizeof s->row);
    set_shapes(width);
    size_t groups = (queries + GROUP - 1) / GROUP;
    for (size_t first = 0; first < groups; first += MOST_GROUPS) {
        size_t count = groups - first < MOST_GROUPS ? groups - first : MOST_GROUPS;
        for (size_t i = first; i < first + count; i++)
            begin_group(s, s->group + (i - first), query, i * GROUP, queries_of(queries, i), width, scale * log2_of_e);
        attend_groups(s, blocks, (keys + BLOCK_KEYS - 1) / BLOCK_KEYS, count, width);
        for (size_t i = first; i < first + count; i++)
            end_group(s, s->group + (i - first), head, i * GROUP, queries_of(queries, i), width, out);
    }
    _tile_release();
}

/* The members of a kernel table that this file defines. */
#define ATTENTION_KERNELS .lay_out_head = lay_out_head, .attention_int8 = attention_int8
