/* The int8 GEMM with AVX2, exact as with VNNI: tiles of up to 5 rows by 16 columns. Include it after loops.h and
 * tiles.h.
 *
 * The fast instruction, vpmaddubsw, adds two neighbouring products in 16 bits and saturates. How far the rows of a call
 * spread at each place bounds its sums, once the lowest byte at that place is subtracted from all of them. Units of 16
 * columns are sorted by their bounds. Sums of most units fit together with those of another unit: they are added in 16
 * bits before they are widened. The sums of light units fit alone. For heavy units, which do not fit, vpmaddubsw
 * multiplies the magnitudes of the weights by the rows without their zero point, negated where a weight is negative:
 * two products of at most 128 * 127 fit. */
#include "int8_panels_avx2.h"

/* Rows of a tile (with 6, sums leave the registers), its columns, the rows for which sorting takes longer than it
 * saves, the units that are sorted at a time, how many light units wait for another one, and the rows that are prepared
 * at a time: of more rows, fewer units fit together. */
enum { INT8_TILE = 5, INT8_COLUMNS = 16, FEW_ROWS = 10, SORTED_UNITS = 1280, WAITING = 2, PREPARED_ROWS = 95 };

/* What prepare_int8 makes of some rows, `stride` bytes each: the lowest byte of all rows at each place, at most 127;
 * how far the highest is above it; and the rows, without the lowest bytes. */
typedef struct {
    size_t stride;
    const uint8_t *lowest, *span, *rows;
} prepared_rows;

/* The units of a panel's 16 columns by kind. Those of a pair follow each other. `offset` is what the bytes that were
 * subtracted from the rows add to the sums. */
typedef struct {
    size_t paired, light, heavy;
    uint16_t paired_units[SORTED_UNITS], light_units[SORTED_UNITS], heavy_units[SORTED_UNITS];
    __m256i offset[2];
} sorted_units;

/* Bounds of sums of two products in 16 bits, for two vectors of 8 columns. They saturate. */
typedef struct {
    __m256i most[2], least[2];
} sum_bounds;

INLINE prepared_rows prepared_rows_at(size_t units, const uint8_t *prepared) {
    size_t stride = native_prepared_stride(units);
    return (prepared_rows){stride, prepared, prepared + stride, prepared + 2 * stride};
}

/* Prepares 64 bytes of each row. The rows may be those that are made. */
static void prepare_line(size_t rows, const uint8_t *left, size_t left_stride, uint8_t *prepared, size_t stride) {
    __m256i low[2] = {_mm256_set1_epi8(127), _mm256_set1_epi8(127)};
    __m256i high[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t row = 0; row < rows; row++)
#pragma unroll
        for (size_t v = 0; v < 2; v++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(left + row * left_stride) + v);
            low[v] = _mm256_min_epu8(low[v], bytes);
            high[v] = _mm256_max_epu8(high[v], bytes);
        }
#pragma unroll
    for (size_t v = 0; v < 2; v++) {
        _mm256_store_si256((__m256i *)prepared + v, low[v]);
        _mm256_store_si256((__m256i *)(prepared + stride) + v, _mm256_sub_epi8(high[v], low[v]));
    }
    prepared += 2 * stride;
    for (size_t row = 0; row < rows; row++)
#pragma unroll
        for (size_t v = 0; v < 2; v++) {
            __m256i bytes = _mm256_loadu_si256((const __m256i *)(left + row * left_stride) + v);
            _mm256_store_si256((__m256i *)(prepared + row * stride) + v, _mm256_sub_epi8(bytes, low[v]));
        }
}

static void prepare_int8(size_t rows, size_t units, const uint8_t *left, size_t left_stride, uint8_t *prepared) {
    const size_t stride = native_prepared_stride(units), whole = 4 * units / 64 * 64, rest = 4 * units - whole;
    for (size_t place = 0; place < whole; place += 64)
        prepare_line(rows, left + place, left_stride, prepared + place, stride);
    if (rest == 0)
        return;
    uint8_t *made = prepared + 2 * stride + whole;
    for (size_t row = 0; row < rows; row++) {
        memset(made + row * stride, 0, 64);
        memcpy(made + row * stride, left + row * left_stride + whole, rest);
    }
    prepare_line(rows, made, stride, prepared + whole, stride);
}

INLINE sum_bounds bounds_of(__m256i span, const __m256i *weights) {
    sum_bounds bounds;
    for (size_t v = 0; v < 2; v++) {
        __m256i weight = _mm256_load_si256(weights + v), zero = _mm256_setzero_si256();
        bounds.most[v] = _mm256_maddubs_epi16(span, _mm256_max_epi8(weight, zero));
        bounds.least[v] = _mm256_maddubs_epi16(span, _mm256_min_epi8(weight, zero));
    }
    return bounds;
}

INLINE sum_bounds together(const sum_bounds *a, const sum_bounds *b) {
    sum_bounds bounds;
    for (size_t v = 0; v < 2; v++) {
        bounds.most[v] = _mm256_adds_epi16(a->most[v], b->most[v]);
        bounds.least[v] = _mm256_adds_epi16(a->least[v], b->least[v]);
    }
    return bounds;
}

/* Whether no bound can have saturated. */
INLINE int fits(const sum_bounds *bounds) {
    __m256i most = _mm256_max_epi16(bounds->most[0], bounds->most[1]);
    __m256i least = _mm256_min_epi16(bounds->least[0], bounds->least[1]);
    __m256i above = _mm256_cmpeq_epi16(most, _mm256_set1_epi16(INT16_MAX));
    __m256i below = _mm256_cmpeq_epi16(least, _mm256_set1_epi16(INT16_MIN));
    __m256i either = _mm256_or_si256(above, below);
    return _mm256_testz_si256(either, either);
}

static void sort_units(size_t units, const uint8_t *lowest, const uint8_t *span, const uint32_t *panel,
                       sorted_units *sorted) {
    sum_bounds bounds[WAITING + 1]; /* of units that wait, and of the next one */
    uint16_t waiting[WAITING];
    size_t count = 0, paired = 0, light = 0, heavy = 0;
    __m256i offset[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        const __m256i *weights = (const __m256i *)panel;
        __m256i low = broadcast_unit(lowest + 4 * unit);
        sum_bounds *next = bounds + count;
        *next = bounds_of(broadcast_unit(span + 4 * unit), weights);
        size_t partner = 0;
        for (; partner < count; partner++) {
            sum_bounds both = together(bounds + partner, next);
            if (fits(&both))
                break;
        }
        if (partner < count) {
            sorted->paired_units[paired++] = waiting[partner];
            sorted->paired_units[paired++] = (uint16_t)unit;
            waiting[partner] = waiting[--count];
            bounds[partner] = bounds[count];
        } else if (!fits(next)) {
            sorted->heavy_units[heavy++] = (uint16_t)unit;
            low = _mm256_set1_epi8((char)128);
        } else if (count < WAITING) {
            waiting[count++] = (uint16_t)unit;
        } else { /* the one that waits longest gives up */
            sorted->light_units[light++] = waiting[0];
            memmove(waiting, waiting + 1, sizeof waiting - sizeof *waiting);
            memmove(bounds, bounds + 1, sizeof bounds - sizeof *bounds);
            waiting[WAITING - 1] = (uint16_t)unit;
        }
        for (size_t v = 0; v < 2; v++)
            offset[v] = add_products(offset[v], low, _mm256_load_si256(weights + v));
    }
    while (count > 0)
        sorted->light_units[light++] = waiting[--count];
    sorted->paired = paired, sorted->light = light, sorted->heavy = heavy;
    sorted->offset[0] = offset[0], sorted->offset[1] = offset[1];
}

/* For few rows. `sums` is what the zero point adds to all units of the panel; it is counted once. */
static void take_all_as_heavy(int is_first, size_t units, const int32_t *sums, sorted_units *sorted) {
    sorted->paired = 0, sorted->light = 0, sorted->heavy = units;
    for (size_t unit = 0; unit < units; unit++)
        sorted->heavy_units[unit] = (uint16_t)unit;
    for (size_t v = 0; v < 2; v++)
        sorted->offset[v] = is_first ? _mm256_loadu_si256((const __m256i *)(sums + 8 * v)) : _mm256_setzero_si256();
}

/* Sums of a tile, in vectors of 8 columns. */
typedef __m256i int8_sums[INT8_TILE][INT8_COLUMNS / 8];

INLINE void add_paired(const int rows, const sorted_units *sorted, const prepared_rows *x, const uint32_t *panel,
                       prefetcher *prefetch, int8_sums sum) {
    const uint16_t *next = sorted->paired_units, *end = next + sorted->paired;
    for (; next < end; next += 2) {
        __builtin_prefetch(prefetch->next, 0, 2); /* two steps are about a line */
        prefetch->next += 2 * prefetch->step;
        const __m256i *first = (const __m256i *)(panel + (size_t)next[0] * NATIVE_PANEL);
        const __m256i *second = (const __m256i *)(panel + (size_t)next[1] * NATIVE_PANEL);
        const uint8_t *left = x->rows + 4 * (size_t)next[0];
        const uint8_t *right = x->rows + 4 * (size_t)next[1];
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m256i a = broadcast_unit(left + (size_t)row * x->stride);
            __m256i b = broadcast_unit(right + (size_t)row * x->stride);
#pragma unroll
            for (int v = 0; v < 2; v++) {
                __m256i products = _mm256_add_epi16(_mm256_maddubs_epi16(a, _mm256_load_si256(first + v)),
                                                    _mm256_maddubs_epi16(b, _mm256_load_si256(second + v)));
                sum[row][v] = _mm256_add_epi32(sum[row][v], _mm256_madd_epi16(products, _mm256_set1_epi16(1)));
            }
        }
    }
}

INLINE void add_light(const int rows, const sorted_units *sorted, const prepared_rows *x, const uint32_t *panel,
                      prefetcher *prefetch, int8_sums sum) {
    const uint16_t *next = sorted->light_units, *end = next + sorted->light;
    for (; next < end; next++) {
        prefetch_step(prefetch);
        const __m256i *weights = (const __m256i *)(panel + (size_t)*next * NATIVE_PANEL);
        const uint8_t *left = x->rows + 4 * (size_t)*next;
        __m256i weight[2] = {_mm256_load_si256(weights), _mm256_load_si256(weights + 1)};
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m256i unit = broadcast_unit(left + (size_t)row * x->stride);
#pragma unroll
            for (int v = 0; v < 2; v++)
                sum[row][v] = add_products(sum[row][v], unit, weight[v]);
        }
    }
}

INLINE void add_heavy(const int rows, const sorted_units *sorted, const prepared_rows *x, const uint32_t *panel,
                      prefetcher *prefetch, int8_sums sum) {
    const uint16_t *next = sorted->heavy_units, *end = next + sorted->heavy;
    for (; next < end; next++) {
        prefetch_step(prefetch);
        const __m256i *weights = (const __m256i *)(panel + (size_t)*next * NATIVE_PANEL);
        const uint8_t *left = x->rows + 4 * (size_t)*next;
        __asm__("" : "+r"(left)); /* one register for all rows: the compiler would take one for each */
        __m256i weight[2] = {_mm256_load_si256(weights), _mm256_load_si256(weights + 1)};
        __m256i low = _mm256_sub_epi8(broadcast_unit(x->lowest + 4 * (size_t)*next), _mm256_set1_epi8((char)128));
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m256i centered = _mm256_add_epi8(broadcast_unit(left + (size_t)row * x->stride), low);
#pragma unroll
            for (int v = 0; v < 2; v++)
                sum[row][v] =
                    add_products(sum[row][v], _mm256_abs_epi8(weight[v]), _mm256_sign_epi8(centered, weight[v]));
        }
    }
}

INLINE void add_sorted(const int rows, const sorted_units *sorted, const prepared_rows *x, const uint32_t *panel,
                       prefetcher prefetch, int8_sums total) {
    int8_sums sum;
#pragma unroll
    for (int row = 0; row < rows; row++)
        sum[row][0] = total[row][0], sum[row][1] = total[row][1];
    add_paired(rows, sorted, x, panel, &prefetch, sum);
    add_light(rows, sorted, x, panel, &prefetch, sum);
    add_heavy(rows, sorted, x, panel, &prefetch, sum);
#pragma unroll
    for (int row = 0; row < rows; row++)
        total[row][0] = sum[row][0], total[row][1] = sum[row][1];
}

/* A tile times some units of 16 columns. Sums that are not the last ones wait in `out`, as integers. */
static void multiply_tile(int is_first, int is_last, size_t rows, size_t columns, const sorted_units *sorted,
                          const prepared_rows *x, const uint32_t *panel, prefetcher prefetch, const int32_t *sums,
                          const float *row_scales, const float *column_scales, float *out, size_t out_stride) {
    const size_t vectors = columns > 8 ? 2 : 1;
    int8_sums total = {{_mm256_setzero_si256()}};
    for (size_t row = 0; row < rows; row++)
        for (size_t v = 0; v < vectors; v++) {
            total[row][v] = sorted->offset[v];
            if (!is_first) {
                __m256i sum = _mm256_castps_si256(load_lanes(out + row * out_stride, columns, v));
                total[row][v] = _mm256_add_epi32(total[row][v], sum);
            }
        }
#define ADD_SORTED(N) add_sorted(N, sorted, x, panel, prefetch, total)
    switch (rows) { CASES_5(ADD_SORTED) }
#undef ADD_SORTED
    for (size_t row = 0; row < rows; row++)
        for (size_t v = 0; v < vectors; v++)
            if (is_last)
                store_scaled(total[row][v], columns, v, sums, row_scales[row], column_scales, out + row * out_stride);
            else
                store_lanes(out + row * out_stride, columns, v, _mm256_castsi256_ps(total[row][v]));
}

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    (void)left_stride;
    const prepared_rows all = prepared_rows_at(units, left);
    const size_t passes = (rows + INT8_TILE - 1) / INT8_TILE * ((columns + INT8_COLUMNS - 1) / INT8_COLUMNS);
    prefetcher prefetch = prefetcher_of(ahead, panel, passes);
    for (size_t first = 0; first < units; first += SORTED_UNITS) {
        const size_t count = units - first < SORTED_UNITS ? units - first : SORTED_UNITS, place = 4 * first;
        for (size_t column = 0; column < columns; column += INT8_COLUMNS) {
            const uint32_t *weights = (const uint32_t *)panel + first * NATIVE_PANEL + column;
            prepared_rows x = {all.stride, all.lowest + place, all.span + place, all.rows + place};
            sorted_units sorted;
            if (rows > FEW_ROWS)
                sort_units(count, x.lowest, x.span, weights, &sorted);
            else
                take_all_as_heavy(first == 0, count, sums + column, &sorted);
            for (size_t row = 0, tile; row < rows; row += tile, x.rows += tile * x.stride) {
                tile = tile_rows(rows - row, INT8_TILE);
                multiply_tile(first == 0, first + count == units, tile, columns - column, &sorted, &x, weights,
                              prefetch, sums + column, row_scales + row, column_scales + column,
                              out + row * out_stride + column, out_stride);
                prefetch.next += count * prefetch.step;
            }
        }
    }
}

/* Members of a kernel table. A table with this GEMM has them and INT8_KERNELS. */
#define PREPARING_INT8 .int8_rows = PREPARED_ROWS, .prepare_int8 = prepare_int8
