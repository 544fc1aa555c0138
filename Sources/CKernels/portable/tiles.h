/* What the GEMMs of all processors share: tiles of rows, and prefetching. Include it after loops.h. */

/* switch (count) { CASES_3(body) } calls body(count) with the number of rows as a constant, which keeps the sums in
 * registers. */
#define CASE(N, body)                                                                                                  \
    case N:                                                                                                            \
        body(N);                                                                                                       \
        break;
#define CASES_3(body) CASE(1, body) CASE(2, body) CASE(3, body)
#define CASES_5(body) CASES_3(body) CASE(4, body) CASE(5, body)
#define CASES_6(body) CASES_5(body) CASE(6, body)
#define CASES_12(body)                                                                                                 \
    CASES_6(body) CASE(7, body) CASE(8, body) CASE(9, body) CASE(10, body) CASE(11, body) CASE(12, body)

/* Rows of the next tile: no more than `most`, and tiles of about equal size. */
INLINE size_t tile_rows(size_t rows, size_t most) {
    size_t tiles = (rows + most - 1) / most;
    return (rows + tiles - 1) / tiles;
}

/* What a GEMM prefetches while it computes: as many bytes as its panel has, a share for each pass over the units,
 * `step` bytes for each unit. */
typedef struct {
    const char *next;
    size_t step;
} prefetcher;

INLINE prefetcher prefetcher_of(const void *ahead, const void *panel, size_t passes) {
    if (!ahead)
        return (prefetcher){panel, 0};
    return (prefetcher){ahead, (sizeof(float) * NATIVE_PANEL + passes - 1) / passes};
}

INLINE void prefetch_step(prefetcher *prefetch) {
    __builtin_prefetch(prefetch->next, 0, 2);
    __builtin_prefetch(prefetch->next + prefetch->step / 2, 0, 2);
    prefetch->next += prefetch->step;
}
