/* The int8 GEMM with AVX2, exact as with VNNI: tiles of up to 5 rows by 16 columns. Include it after loops.h and
 * tiles.h.
 *
 * The fast instruction, vpmaddubsw, adds two neighbouring products in 16 bits and saturates. Most units of 16 columns
 * cannot reach that: their weights are small, or the rows are. The others, the heavy ones, are widened to 16 bits and
 * multiplied by vpmaddwd: the bytes at even places, then those at odd places. */
#include "int8_panels_avx2.h"

/* Rows of a tile (with 6, sums leave the registers), its columns, and units that are sorted at a time. */
enum { INT8_TILE = 5, INT8_COLUMNS = 16, SORTED_UNITS = 2048 };

/* The numbers of units that are multiplied at once, and of the heavy ones. */
typedef struct {
    size_t light_count, heavy_count;
    uint16_t light[SORTED_UNITS], heavy[SORTED_UNITS];
} sorted_units;

/* The largest bytes of all rows at both places of each pair, for 8 units. */
INLINE __m256i largest_of_pairs(size_t rows, const uint8_t *left, size_t stride) {
    __m256i largest = _mm256_setzero_si256();
    for (size_t row = 0; row < rows; row++, left += stride)
        largest = _mm256_max_epu8(largest, _mm256_loadu_si256((const __m256i *)left));
    largest = _mm256_max_epu8(largest, _mm256_srli_epi16(largest, 8));
    return _mm256_and_si256(largest, _mm256_set1_epi16(255));
}

/* Two numbers of 16 bits for each unit. */
static void find_largest(size_t rows, size_t units, const uint8_t *left, size_t stride, uint32_t *largest) {
    size_t unit = 0;
    for (; unit + 8 <= units; unit += 8)
        _mm256_storeu_si256((__m256i *)(largest + unit), largest_of_pairs(rows, left + 4 * unit, stride));
    for (; unit < units; unit++)
        largest[unit] = 255u << 16 | 255u;
}

/* Whether the largest sum of two products needs more than 15 bits. If the weights have different signs, one product is
 * the largest sum, and it fits. */
INLINE __m256i needs_16_bits(__m256i weights, __m256i largest) {
    __m256i pairs = _mm256_abs_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), weights));
    return _mm256_mullo_epi16(pairs, largest); /* in the sign: at most 256 * 255 */
}

static void sort_units(size_t units, const uint32_t *panel, const uint32_t *largest, sorted_units *sorted) {
    size_t light = 0, heavy = 0;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        const __m256i *weights = (const __m256i *)panel, bytes = _mm256_set1_epi32((int32_t)largest[unit]);
        __m256i needs = _mm256_or_si256(needs_16_bits(_mm256_load_si256(weights), bytes),
                                        needs_16_bits(_mm256_load_si256(weights + 1), bytes));
        int is_light = _mm256_testz_si256(needs, _mm256_set1_epi16(INT16_MIN));
        sorted->light[light] = sorted->heavy[heavy] = (uint16_t)unit;
        light += (size_t)is_light;
        heavy += (size_t)!is_light;
    }
    sorted->light_count = light;
    sorted->heavy_count = heavy;
}

/* Sums of a tile, in vectors of 8 columns. */
typedef __m256i int8_sums[INT8_TILE][INT8_COLUMNS / 8];

/* Which bytes of a unit are multiplied. */
typedef enum { ALL, EVEN, ODD } places;

INLINE __m256i select_weights(places which, __m256i weights) {
    return which == ALL    ? weights
           : which == EVEN ? _mm256_srai_epi16(_mm256_slli_epi16(weights, 8), 8)
                           : _mm256_srai_epi16(weights, 8);
}

INLINE __m256i select_row(places which, __m256i x) {
    return which == ALL ? x : which == EVEN ? _mm256_and_si256(x, _mm256_set1_epi16(255)) : _mm256_srli_epi16(x, 8);
}

INLINE __m256i add_selected(places which, __m256i sum, __m256i x, __m256i weights) {
    return which == ALL ? add_products(sum, x, weights) : _mm256_add_epi32(sum, _mm256_madd_epi16(x, weights));
}

/* Adds the products of `count` units to the sums of a tile. */
INLINE void tile_int8(places which, const int rows, size_t count, const uint16_t *units, const uint8_t *left,
                      size_t stride, const uint32_t *panel, prefetcher prefetch, int8_sums total) {
    int8_sums sum;
#pragma unroll
    for (int row = 0; row < rows; row++)
        sum[row][0] = total[row][0], sum[row][1] = total[row][1];
    const uint8_t *base[(INT8_TILE + 2) / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++)
        base[i] = left + (size_t)(3 * i) * stride;
    for (size_t i = 0; i < count; i++) {
        if (which != ODD)
            prefetch_step(&prefetch);
        const __m256i *weights = (const __m256i *)(panel + (size_t)units[i] * NATIVE_PANEL);
        __m256i first = select_weights(which, _mm256_load_si256(weights));
        __m256i second = select_weights(which, _mm256_load_si256(weights + 1));
#pragma unroll
        for (int row = 0; row < rows; row++) {
            const uint8_t *unit = base[row / 3] + (size_t)(row % 3) * stride + 4 * (size_t)units[i];
            __m256i x = select_row(which, broadcast_unit(unit));
            sum[row][0] = add_selected(which, sum[row][0], x, first);
            sum[row][1] = add_selected(which, sum[row][1], x, second);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++)
        total[row][0] = sum[row][0], total[row][1] = sum[row][1];
}

INLINE void tile_sorted(const int rows, const sorted_units *units, const uint8_t *left, size_t stride,
                        const uint32_t *panel, prefetcher prefetch, int8_sums total) {
    tile_int8(ALL, rows, units->light_count, units->light, left, stride, panel, prefetch, total);
    prefetch.next += units->light_count * prefetch.step;
    tile_int8(EVEN, rows, units->heavy_count, units->heavy, left, stride, panel, prefetch, total);
    tile_int8(ODD, rows, units->heavy_count, units->heavy, left, stride, panel, prefetch, total);
}

/* Some units of all rows times 16 columns of a panel. Sums that are not the last ones wait in `out`, as integers. */
INLINE void multiply_units(int is_first, int is_last, size_t rows, size_t columns, size_t units, const uint8_t *left,
                           size_t left_stride, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                           const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    const size_t vectors = columns > 8 ? 2 : 1;
    uint32_t largest[SORTED_UNITS];
    sorted_units sorted;
    find_largest(rows, units, left, left_stride, largest);
    sort_units(units, panel, largest, &sorted);
    while (rows > 0) {
        const size_t count = tile_rows(rows, INT8_TILE);
        int8_sums total = {{_mm256_setzero_si256()}};
        for (size_t i = 0; !is_first && i < count * vectors; i++) {
            __m256 sum = load_lanes(out + i / vectors * out_stride, columns, i % vectors);
            total[i / vectors][i % vectors] = _mm256_castps_si256(sum);
        }
#define TILE_SORTED(N) tile_sorted(N, &sorted, left, left_stride, panel, prefetch, total)
        switch (count) { CASES_5(TILE_SORTED) }
#undef TILE_SORTED
        for (size_t row = 0; row < count; row++)
            for (size_t v = 0; v < vectors; v++)
                if (is_last)
                    store_scaled(total[row][v], columns, v, sums, row_scales[row], column_scales,
                                 out + row * out_stride);
                else
                    store_lanes(out + row * out_stride, columns, v, _mm256_castsi256_ps(total[row][v]));
        prefetch.next += units * prefetch.step;
        left += count * left_stride;
        row_scales += count;
        out += count * out_stride;
        rows -= count;
    }
}

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    const size_t passes = (rows + INT8_TILE - 1) / INT8_TILE * ((columns + INT8_COLUMNS - 1) / INT8_COLUMNS);
    prefetcher prefetch = prefetcher_of(ahead, panel, passes);
    for (size_t column = 0; column < columns; column += INT8_COLUMNS)
        for (size_t first = 0; first < units; first += SORTED_UNITS) {
            const size_t count = units - first < SORTED_UNITS ? units - first : SORTED_UNITS;
            multiply_units(first == 0, first + count == units, rows, columns - column, count, left + 4 * first,
                           left_stride, (const uint32_t *)panel + first * NATIVE_PANEL + column, prefetch,
                           sums + column, row_scales, column_scales + column, out + column, out_stride);
            prefetch.next += (rows + INT8_TILE - 1) / INT8_TILE * count * prefetch.step;
        }
}
