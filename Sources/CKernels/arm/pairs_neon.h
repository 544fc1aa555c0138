/* GEMMs with instructions that multiply two rows by two columns, eight bytes of each, which are two units: tiles of up
 * to 6 rows by 16 columns, or 2 rows by 32. Include it after gemm_neon.h.
 *
 * Sums are 2x2 blocks of four numbers in 16 bytes. `multiply` and `store` say what numbers they are; they are inlined.
 */

/* Pairs of rows of a tile. Four columns of a pair have two blocks. */
enum { PAIRS = TILE / 2 };
typedef uint32x4_t pair_sums[PAIRS][16];

/* Adds the product of two rows and two columns to a block. */
typedef uint32x4_t multiply_pairs(uint32x4_t sum, uint8x16_t rows, uint32x4_t columns);

/* What a GEMM multiplies. The left stride is in bytes; that of the panel, in units. */
typedef struct {
    const void *left, *panel;
    size_t left_stride, panel_stride;
} pair_factors;

/* Where a GEMM stores, and what it needs for it. */
typedef struct {
    const int32_t *sums;
    const float *row_scales, *column_scales;
    float *out;
    size_t out_stride, columns;
} pair_results;

/* Stores vector `v` of a row of sums. */
typedef void store_pairs(uint32x4_t sum, size_t row, size_t v, const pair_results *to);

/* Adds four columns of two units. */
INLINE void add_columns(multiply_pairs multiply, const int pairs, const int v, const uint8x16_t x[PAIRS],
                        uint32x4_t first, uint32x4_t second, pair_sums sum) {
    uint32x4_t low = vzip1q_u32(first, second), high = vzip2q_u32(first, second);
#pragma unroll
    for (int pair = 0; pair < pairs; pair++) {
        sum[pair][2 * v] = multiply(sum[pair][2 * v], x[pair], low);
        sum[pair][2 * v + 1] = multiply(sum[pair][2 * v + 1], x[pair], high);
    }
}

/* The last unit of a row, if their number is odd. */
INLINE uint8x8_t load_last(const uint8_t *source) {
    uint32_t bits;
    memcpy(&bits, source, sizeof bits);
    return vcreate_u8(bits);
}

/* Sums of all units of `rows` rows. `pairs` is half of their number, rounded up: the last row counts twice if it is
 * odd. */
INLINE void sum_pairs(multiply_pairs multiply, const int pairs, const int vectors, size_t rows, size_t units,
                      const uint8_t *left, const uint32_t *panel, const pair_factors *factors, prefetcher prefetch,
                      pair_sums sum) {
    const uint8_t *row[TILE];
#pragma unroll
    for (int i = 0; i < 2 * pairs; i++)
        row[i] = left + ((size_t)i < rows ? (size_t)i : rows - 1) * factors->left_stride;
#pragma unroll
    for (int pair = 0; pair < pairs; pair++)
#pragma unroll
        for (int v = 0; v < 2 * vectors; v++)
            sum[pair][v] = vdupq_n_u32(0);
    uint8x16_t x[PAIRS];
    size_t unit = 0;
    for (; unit + 2 <= units; unit += 2, panel += 2 * factors->panel_stride) {
        prefetch_step(&prefetch);
        prefetch_step(&prefetch);
#pragma unroll
        for (int pair = 0; pair < pairs; pair++)
            x[pair] = vcombine_u8(vld1_u8(row[2 * pair] + 4 * unit), vld1_u8(row[2 * pair + 1] + 4 * unit));
#pragma unroll
        for (int v = 0; v < vectors; v++)
            add_columns(multiply, pairs, v, x, vld1q_u32(panel + 4 * v),
                        vld1q_u32(panel + factors->panel_stride + 4 * v), sum);
    }
    if (unit == units)
        return;
#pragma unroll
    for (int pair = 0; pair < pairs; pair++)
        x[pair] = vcombine_u8(load_last(row[2 * pair] + 4 * unit), load_last(row[2 * pair + 1] + 4 * unit));
#pragma unroll
    for (int v = 0; v < vectors; v++)
        add_columns(multiply, pairs, v, x, vld1q_u32(panel + 4 * v), vdupq_n_u32(0), sum);
}

/* Four columns of one row of a tile. */
INLINE uint32x4_t row_of_pair(const pair_sums sum, int row, int v) {
    uint64x2_t low = vreinterpretq_u64_u32(sum[row / 2][2 * v]);
    uint64x2_t high = vreinterpretq_u64_u32(sum[row / 2][2 * v + 1]);
    return vreinterpretq_u32_u64(row % 2 == 0 ? vzip1q_u64(low, high) : vzip2q_u64(low, high));
}

INLINE void tile_of_pairs(multiply_pairs multiply, store_pairs store, const int pairs, const int vectors, size_t row,
                          size_t rows, size_t first, size_t units, const pair_factors *factors, prefetcher prefetch,
                          const pair_results *to) {
    pair_sums sum;
    sum_pairs(multiply, pairs, vectors, rows, units, (const uint8_t *)factors->left + row * factors->left_stride,
              (const uint32_t *)factors->panel + first, factors, prefetch, sum);
#pragma unroll
    for (int i = 0; i < 2 * pairs; i++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            if ((size_t)i < rows)
                store(row_of_pair(sum, i, v), row + (size_t)i, first / 4 + (size_t)v, to);
}

/* Tiles of one pair of rows are as wide as a panel, others half as wide. */
INLINE void gemm_of_pairs(multiply_pairs multiply, store_pairs store, size_t rows, size_t units, pair_factors factors,
                          const void *ahead, pair_results to) {
    const size_t width = rows <= 2 ? NATIVE_PANEL : NATIVE_PANEL / 2;
    prefetcher prefetch =
        prefetcher_of(ahead, factors.panel, (rows + TILE - 1) / TILE * ((to.columns + width - 1) / width));
    for (size_t row = 0, count; row < rows; row += count) {
        count = tile_rows(rows - row, TILE);
        for (size_t first = 0; first < to.columns; first += width, prefetch.next += units * prefetch.step) {
#define TILE_OF(N, vectors)                                                                                            \
    tile_of_pairs(multiply, store, N, vectors, row, count, first, units, &factors, prefetch, &to)
#define TILE_HALF(N) TILE_OF(N, 4)
            if (width == NATIVE_PANEL && to.columns - first > NATIVE_PANEL / 2)
                TILE_OF(1, 8);
            else
                switch ((count + 1) / 2) { CASES_3(TILE_HALF) }
#undef TILE_HALF
#undef TILE_OF
        }
    }
}
