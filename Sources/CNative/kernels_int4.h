/* int4 numbers laid out in a panel of int8. After kernels_loops.h and pack_panel. */

/* What rows of int4 are made of, and what they are to become. */
typedef struct {
    const uint8_t *source;
    size_t row_bytes;
    const float *scales;
    size_t scale_columns;
    const float *output_scales;
} int4_rows;

/* Inputs that are laid out at a time. */
enum { CHUNK = 128 };

#ifdef HAS_AVX512
/* What each of 16 nibbles becomes for the outputs of 4 groups: a table for each quarter of a register. */
INLINE __m512i int4_tables(const float factors[4]) {
    const __m512 numbers = _mm512_set_ps(7, 6, 5, 4, 3, 2, 1, 0, -1, -2, -3, -4, -5, -6, -7, -8);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    __m512i scaled[4];
#pragma unroll
    for (size_t i = 0; i < 4; i++) scaled[i] = _mm512_cvtps_epi32(_mm512_mul_ps(numbers, _mm512_set1_ps(factors[i])));
    __m512i bytes = _mm512_packs_epi16(_mm512_packs_epi32(scaled[0], scaled[1]), _mm512_packs_epi32(scaled[2], scaled[3]));
    return _mm512_permutexvar_epi32(order, bytes);
}

/* 128 inputs of 32 outputs: nibbles are laid out, and then looked up in their groups' tables. */
static void pack_int4_chunk(size_t first, const int4_rows *rows, uint32_t *panel) {
    uint32_t nibbles[CHUNK / RUN][NATIVE_PANEL] __attribute__((aligned(64)));
    const __m512i low = _mm512_set1_epi8(15);
    pack_panel(NATIVE_PANEL, CHUNK / RUN, rows->source + first / 2, rows->row_bytes, nibbles);
    for (size_t half = 0; half < NATIVE_PANEL; half += 16) {
        float inverse[4];
        const float *scales[4];
        for (size_t i = 0; i < 4; i++) {
            float scale = rows->output_scales[half + GROUP_OUTPUTS * i];
            inverse[i] = scale > 0 ? 1 / scale : 0;
            scales[i] = rows->scales + (half / GROUP_OUTPUTS + i) * rows->scale_columns + first / GROUP_INPUTS;
        }
        for (size_t group = 0; group < CHUNK / GROUP_INPUTS; group++) {
            float factors[4];
#pragma unroll
            for (size_t i = 0; i < 4; i++) factors[i] = scales[i][group] * inverse[i];
            __m512i tables = int4_tables(factors);
            uint32_t *out = panel + (first / 4 + 4 * group) * NATIVE_PANEL + half;
#pragma unroll
            for (size_t run = 0; run < 2; run++, out += 2 * NATIVE_PANEL) {
                __m512i x = _mm512_load_si512(nibbles[2 * group + run] + half);
                __m512i high = _mm512_and_si512(_mm512_srli_epi32(x, 4), low);
                _mm512_store_si512(out, _mm512_shuffle_epi8(tables, _mm512_and_si512(x, low)));
                _mm512_store_si512(out + NATIVE_PANEL, _mm512_shuffle_epi8(tables, high));
            }
        }
    }
}
#endif

/* Some inputs, from the start of a group on, by way of their rows. */
static void pack_some_int4(size_t outputs, size_t first, size_t count, const int4_rows *rows, uint32_t *panel) {
    int8_t block[NATIVE_PANEL][CHUNK] __attribute__((aligned(64))) = {{0}};
    for (size_t output = 0; output < outputs; output++)
        int4_as_int8(count, rows->source + output * rows->row_bytes + first / 2,
                     rows->scales + output / GROUP_OUTPUTS * rows->scale_columns + first / GROUP_INPUTS,
                     rows->output_scales[output], block[output]);
    pack_panel(outputs, (count + 3) / 4, block, CHUNK, panel + first / 4 * NATIVE_PANEL);
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel) {
    const int4_rows rows = {source, (count + RUN - 1) / RUN * (RUN / 2), scales,
                            (count + GROUP_INPUTS - 1) / GROUP_INPUTS, output_scales};
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t some = count - first < CHUNK ? count - first : CHUNK;
#ifdef HAS_AVX512
        if (outputs == NATIVE_PANEL && some == CHUNK) {
            pack_int4_chunk(first, &rows, panel);
            continue;
        }
#endif
        pack_some_int4(outputs, first, some, &rows, panel);
    }
}
