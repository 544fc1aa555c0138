/* Products by AVX-512: tiles of up to 12 rows by 32 columns, which fill the registers with sums. */

/* Rows of a tile. */
enum { TILE = 12 };

/* Transposes 16 x 16 elements of 4 bytes in place. */
INLINE void transpose_16x16(__m512i r[16]) {
    __m512i t[16];
#pragma unroll
    for (int i = 0; i < 8; i++) {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
        r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
        r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
        r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
    }
}

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    uint32_t *target = panel;
    for (size_t unit = 0; unit < units; unit += 16) {
        size_t count = units - unit < 16 ? units - unit : 16;
        __mmask16 mask = (__mmask16)((1u << count) - 1);
        for (size_t half = 0; half < NATIVE_PANEL; half += 16) {
            __m512i block[16];
            const char *source = (const char *)rows + half * stride + 4 * unit;
#pragma unroll
            for (size_t i = 0; i < 16; i++)
                block[i] = _mm512_maskz_loadu_epi32(half + i < outputs ? mask : 0, source + i * stride);
            transpose_16x16(block);
            uint32_t *out = target + unit * NATIVE_PANEL + half;
            if (count == 16) {
#pragma unroll
                for (size_t i = 0; i < 16; i++) _mm512_store_si512(out + i * NATIVE_PANEL, block[i]);
            } else {
                for (size_t i = 0; i < count; i++) _mm512_store_si512(out + i * NATIVE_PANEL, block[i]);
            }
        }
    }
}

/* Lanes of the vector `index` of a row of `columns` elements that are there. */
INLINE __mmask16 lanes(size_t columns, size_t index) {
    size_t first = 16 * index;
    return columns >= first + 16 ? 0xffff : columns <= first ? 0 : (__mmask16)((1u << (columns - first)) - 1);
}

/* Calls body(count) with the number of rows as a constant, so that the sums stay in registers. */
#define WITH_ROWS(count, body)                                                                                         \
    switch (count) {                                                                                                   \
    case 1: body(1); break;                                                                                            \
    case 2: body(2); break;                                                                                            \
    case 3: body(3); break;                                                                                            \
    case 4: body(4); break;                                                                                            \
    case 5: body(5); break;                                                                                            \
    case 6: body(6); break;                                                                                            \
    case 7: body(7); break;                                                                                            \
    case 8: body(8); break;                                                                                            \
    case 9: body(9); break;                                                                                            \
    case 10: body(10); break;                                                                                          \
    case 11: body(11); break;                                                                                          \
    case 12: body(12); break;                                                                                          \
    }

/* Rows of the next tile: no more than 12, and tiles of about equal size. */
INLINE size_t tile_rows(size_t rows) {
    size_t tiles = (rows + TILE - 1) / TILE;
    return (rows + tiles - 1) / tiles;
}

/* What a product brings near meanwhile: each tile a share of as many bytes as its panel has, `step` for each unit. */
typedef struct {
    const char *next;
    size_t step;
} nearing;

INLINE nearing nearing_of(const void *ahead, const void *panel, size_t rows) {
    size_t tiles = (rows + TILE - 1) / TILE;
    if (!ahead) return (nearing){panel, 0};
    return (nearing){ahead, (sizeof(float) * NATIVE_PANEL + tiles - 1) / tiles};
}

INLINE void bring_near(nearing *near) {
    _mm_prefetch(near->next, _MM_HINT_T1);
    _mm_prefetch(near->next + near->step / 2, _MM_HINT_T1);
    near->next += near->step;
}

INLINE void tile_float32(const int rows, const int vectors, size_t columns, size_t units, const float *left,
                         size_t stride, const float *panel, nearing near, float *out, size_t out_stride,
                         int accumulate) {
    __m512 sum[TILE][2];
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            sum[row][v] = accumulate ? _mm512_maskz_loadu_ps(lanes(columns, (size_t)v), out + (size_t)row * out_stride + 16 * v)
                                     : _mm512_setzero_ps();
    /* Three rows from one address: the others are one and two strides away. */
    const float *base[TILE / 3];
#pragma unroll
    for (int i = 0; i < (rows + 2) / 3; i++) base[i] = left + (size_t)(3 * i) * stride;
    for (size_t unit = 0; unit < units; unit++, panel += NATIVE_PANEL) {
        bring_near(&near);
        __m512 weight[2];
#pragma unroll
        for (int v = 0; v < vectors; v++) weight[v] = _mm512_load_ps(panel + 16 * v);
#pragma unroll
        for (int row = 0; row < rows; row++) {
            __m512 x = _mm512_set1_ps(base[row / 3][(size_t)(row % 3) * stride + unit]);
#pragma unroll
            for (int v = 0; v < vectors; v++) sum[row][v] = _mm512_fmadd_ps(x, weight[v], sum[row][v]);
        }
    }
#pragma unroll
    for (int row = 0; row < rows; row++)
#pragma unroll
        for (int v = 0; v < vectors; v++)
            _mm512_mask_storeu_ps(out + (size_t)row * out_stride + 16 * v, lanes(columns, (size_t)v), sum[row][v]);
}

static void product_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                            const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    nearing near = nearing_of(ahead, panel, rows);
    for (; rows > 0; near.next += units * near.step) {
        size_t count = tile_rows(rows);
#define BODY(N) tile_float32(N, 2, columns, units, left, left_stride, panel, near, out, out_stride, accumulate)
#define NARROW(N) tile_float32(N, 1, columns, units, left, left_stride, panel, near, out, out_stride, accumulate)
        if (columns > 16) {
            WITH_ROWS(count, BODY)
        } else {
            WITH_ROWS(count, NARROW)
        }
#undef BODY
#undef NARROW
        left += count * left_stride;
        out += count * out_stride;
        rows -= count;
    }
}
