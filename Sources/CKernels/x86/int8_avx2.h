/* The int8 GEMM with AVX2, exact as with VNNI: tiles of up to 5 rows by 16 columns. Include it after loops.h and
 * tiles.h.
 *
 * The fast instruction, vpmaddubsw, adds two neighbouring products in 16 bits and saturates. Most units of 8 columns
 * cannot reach that: their weights are small, or the rows are. For the others, the heavy ones, it multiplies the
 * magnitudes of the weights by the rows without their zero point, negated where a weight is negative: two products of
 * at most 128 * 127 fit. */
#include "int8_panels_avx2.h"

/* Rows of a tile (with 6, sums leave the registers), its columns, and units that are sorted at a time. */
enum { INT8_TILE = 5, INT8_COLUMNS = 16, SORTED_UNITS = 2048 };

/* Which vectors of a unit are heavy, of the two that a tile has. */
typedef enum { NEITHER = 0, FIRST = 1, SECOND = 2, BOTH = 3, KINDS = 4 } heavy_vectors;

/* The numbers of units by kind, and what the zero point adds to the sums of heavy vectors. */
typedef struct {
    size_t count[KINDS];
    uint16_t units[KINDS][SORTED_UNITS];
    __m256i zero_point[2];
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

/* What the zero point adds to one vector of the units of a kind. */
INLINE __m256i zero_point_of(heavy_vectors kind, size_t vector, const sorted_units *sorted, const uint32_t *panel) {
    __m256i total = _mm256_setzero_si256();
    for (size_t i = 0; i < sorted->count[kind]; i++) {
        const __m256i *weights = (const __m256i *)(panel + (size_t)sorted->units[kind][i] * NATIVE_PANEL);
        total = add_products(total, _mm256_set1_epi8((char)128), _mm256_load_si256(weights + vector));
    }
    return total;
}

static void sort_units(size_t rows, size_t units, const uint8_t *left, size_t stride, const uint32_t *panel,
                       sorted_units *sorted) {
    uint32_t largest[SORTED_UNITS];
    find_largest(rows, units, left, stride, largest);
    size_t count[KINDS] = {0};
    const uint32_t *weights = panel;
    for (size_t unit = 0; unit < units; unit++, weights += NATIVE_PANEL) {
        const __m256i *vectors = (const __m256i *)weights, bytes = _mm256_set1_epi32((int32_t)largest[unit]);
        const __m256i sign = _mm256_set1_epi16(INT16_MIN);
        size_t first = (size_t)_mm256_testz_si256(needs_16_bits(_mm256_load_si256(vectors), bytes), sign);
        size_t second = (size_t)_mm256_testz_si256(needs_16_bits(_mm256_load_si256(vectors + 1), bytes), sign);
        size_t kind = BOTH - first * FIRST - second * SECOND;
        sorted->units[kind][count[kind]++] = (uint16_t)unit;
    }
    memcpy(sorted->count, count, sizeof count);
    for (size_t v = 0; v < 2; v++)
        sorted->zero_point[v] = _mm256_add_epi32(zero_point_of(v ? SECOND : FIRST, v, sorted, panel),
                                                 zero_point_of(BOTH, v, sorted, panel));
}

/* For few rows, sorting takes longer than it saves: all units are heavy. `sums` is what the zero point adds to all
 * units of the panel; it is counted once. */
static void take_all_as_heavy(int is_first, size_t units, const int32_t *sums, sorted_units *sorted) {
    memset(sorted->count, 0, sizeof sorted->count);
    sorted->count[BOTH] = units;
    for (size_t unit = 0; unit < units; unit++)
        sorted->units[BOTH][unit] = (uint16_t)unit;
    for (size_t v = 0; v < 2; v++)
        sorted->zero_point[v] = is_first ? _mm256_loadu_si256((const __m256i *)(sums + 8 * v)) : _mm256_setzero_si256();
}

/* Sums of a tile, in vectors of 8 columns. */
typedef __m256i int8_sums[INT8_TILE][INT8_COLUMNS / 8];

/* Adds the products of the units of one kind to the sums of a tile. */
INLINE void tile_int8(const heavy_vectors kind, const int rows, const sorted_units *sorted, const uint8_t *left,
                      size_t stride, const uint32_t *panel, prefetcher *prefetch, int8_sums sum) {
    const __m256i zero_point = _mm256_set1_epi8((char)128);
    const uint16_t *next = sorted->units[kind], *end = next + sorted->count[kind];
    for (; next < end; next++) {
        prefetch_step(prefetch);
        const __m256i *weights = (const __m256i *)(panel + (size_t)*next * NATIVE_PANEL);
        const uint8_t *row_unit = left + 4 * (size_t)*next;
        __asm__("" : "+r"(row_unit)); /* one register for all rows: the compiler would take one for each */
        __m256i weight[2] = {_mm256_load_si256(weights), _mm256_load_si256(weights + 1)};
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m256i x = broadcast_unit(row_unit + (size_t)row * stride);
            __m256i centered = _mm256_xor_si256(x, zero_point);
#pragma unroll
            for (int v = 0; v < 2; v++)
                sum[row][v] = kind >> v & 1 ? add_products(sum[row][v], _mm256_abs_epi8(weight[v]),
                                                           _mm256_sign_epi8(centered, weight[v]))
                                            : add_products(sum[row][v], x, weight[v]);
        }
    }
}

INLINE void tile_sorted(const int rows, const sorted_units *sorted, const uint8_t *left, size_t stride,
                        const uint32_t *panel, prefetcher prefetch, int8_sums total) {
    int8_sums sum;
#pragma unroll
    for (int row = 0; row < rows; row++)
        sum[row][0] = total[row][0], sum[row][1] = total[row][1];
    tile_int8(NEITHER, rows, sorted, left, stride, panel, &prefetch, sum);
    tile_int8(FIRST, rows, sorted, left, stride, panel, &prefetch, sum);
    tile_int8(SECOND, rows, sorted, left, stride, panel, &prefetch, sum);
    tile_int8(BOTH, rows, sorted, left, stride, panel, &prefetch, sum);
#pragma unroll
    for (int row = 0; row < rows; row++)
        total[row][0] = sum[row][0], total[row][1] = sum[row][1];
}

/* Some units of all rows times 16 columns of a panel. Sums that are not the last ones wait in `out`, as integers. */
INLINE void multiply_units(int is_first, int is_last, size_t rows, size_t columns, size_t units, const uint8_t *left,
                           size_t left_stride, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                           const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    const size_t vectors = columns > 8 ? 2 : 1;
    sorted_units sorted;
    if (rows <= INT8_TILE)
        take_all_as_heavy(is_first, units, sums, &sorted);
    else
        sort_units(rows, units, left, left_stride, panel, &sorted);
    while (rows > 0) {
        const size_t count = tile_rows(rows, INT8_TILE);
        int8_sums total = {{_mm256_setzero_si256()}};
        for (size_t row = 0; row < count; row++)
            for (size_t v = 0; v < vectors; v++) {
                total[row][v] = sorted.zero_point[v];
                if (!is_first) {
                    __m256i sum = _mm256_castps_si256(load_lanes(out + row * out_stride, columns, v));
                    total[row][v] = _mm256_add_epi32(total[row][v], sum);
                }
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
