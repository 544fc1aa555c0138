/* The int8 GEMM by tiles of TILE rows by half a panel, or of WIDE_TILE rows by a panel. Include it after tile_int8 and
 * PANEL_VECTORS, the vectors of a panel's width. */

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    const size_t width = rows <= WIDE_TILE ? NATIVE_PANEL : NATIVE_PANEL / 2;
    prefetcher prefetch = prefetcher_of(ahead, panel, (rows + TILE - 1) / TILE * ((columns + width - 1) / width));
    while (rows > 0) {
        size_t count = tile_rows(rows, TILE);
        for (size_t first = 0; first < columns; first += width, prefetch.next += units * prefetch.step) {
#define TILE_OF(N, vectors)                                                                                            \
    tile_int8(N, vectors, columns - first, units, left, left_stride, (const uint32_t *)panel + first, prefetch,        \
              sums + first, row_scales, column_scales + first, out + first, out_stride)
#define TILE_WIDE(N) TILE_OF(N, PANEL_VECTORS)
#define TILE_HALF(N) TILE_OF(N, PANEL_VECTORS / 2)
            if (width == NATIVE_PANEL) {
                switch (count) { CASES_3(TILE_WIDE) }
            } else {
                switch (count) { CASES_6(TILE_HALF) }
            }
#undef TILE_WIDE
#undef TILE_HALF
#undef TILE_OF
        }
        left += count * left_stride;
        row_scales += count;
        out += count * out_stride;
        rows -= count;
    }
}
