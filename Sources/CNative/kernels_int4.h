/* int4 numbers laid out in a panel of int8, by AVX-512 with VNNI. After kernels_loops.h and kernels_tiles.h. */

/* What rows of int4 are made of, and what they are to become. */
typedef struct {
    const uint8_t *source;
    size_t row_bytes;
    const float *scales;
    size_t scale_columns;
    const float *output_scales;
} int4_rows;

/* Inputs that are laid out at a time, and their groups. */
enum { CHUNK = 128, CHUNK_GROUPS = CHUNK / GROUP_INPUTS };

/* What the numbers of a chunk's groups are multiplied by, for one group of outputs. */
INLINE __m256i int4_factors(const int4_rows *rows, size_t output, size_t first) {
    float scale = rows->output_scales[output], inverse = scale > 0 ? 1 / scale : 0;
    __m256 factors = _mm256_loadu_ps(rows->scales + output / GROUP_OUTPUTS * rows->scale_columns + first / GROUP_INPUTS);
    factors = _mm256_mul_ps(_mm256_mul_ps(factors, _mm256_set1_ps(inverse)), _mm256_set1_ps(INT4_FACTOR_UNIT));
    return _mm256_cvtps_epi32(factors);
}

/* The same for two groups of outputs side by side, each factor in both halves of 32 bits. */
INLINE __m512i two_int4_factors(const int4_rows *rows, size_t output, size_t first) {
    __m512i factors = _mm512_inserti64x4(_mm512_castsi256_si512(int4_factors(rows, output, first)),
                                         int4_factors(rows, output + GROUP_OUTPUTS, first), 1);
    return _mm512_mask_blend_epi16(0xaaaaaaaau, factors, _mm512_slli_epi32(factors, 16));
}

/* 128 inputs of 32 outputs: nibbles are laid out, and then looked up in a table of what each of the 16 becomes, one for
 * each group of outputs in a quarter of a register. `sums` grow by 128 times the numbers. */
static void pack_int4_chunk(size_t first, const int4_rows *rows, uint32_t *panel, int32_t *sums) {
    uint32_t nibbles[CHUNK / RUN][NATIVE_PANEL] __attribute__((aligned(64)));
    const __m512i low = _mm512_set1_epi8(15), zero_point = _mm512_set1_epi8((char)128);
    const __m512i negative = _mm512_broadcast_i32x4(_mm_setr_epi16(-128, -112, -96, -80, -64, -48, -32, -16));
    const __m512i positive = _mm512_broadcast_i32x4(_mm_setr_epi16(0, 16, 32, 48, 64, 80, 96, 112));
    pack_panel(NATIVE_PANEL, CHUNK / RUN, rows->source + first / 2, rows->row_bytes, nibbles);
    for (size_t half = 0; half < NATIVE_PANEL; half += 16) {
        __m512i factors01 = two_int4_factors(rows, half, first);
        __m512i factors23 = two_int4_factors(rows, half + 2 * GROUP_OUTPUTS, first);
        __m512i place = _mm512_setr_epi32(0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 16, 24, 24, 24, 24);
        __m512i sum = _mm512_loadu_si512(sums + half);
        uint32_t *out = panel + first / 4 * NATIVE_PANEL + half;
        for (size_t group = 0; group < CHUNK_GROUPS; group++) {
            __m512i factor = _mm512_permutex2var_epi32(factors01, place, factors23);
            __m512i table =
                _mm512_packs_epi16(_mm512_mulhrs_epi16(negative, factor), _mm512_mulhrs_epi16(positive, factor));
            place = _mm512_add_epi32(place, _mm512_set1_epi32(1));
#pragma unroll
            for (size_t run = 0; run < 2; run++, out += 2 * NATIVE_PANEL) {
                __m512i x = _mm512_load_si512(nibbles[2 * group + run] + half);
                __m512i front = _mm512_shuffle_epi8(table, _mm512_and_si512(x, low));
                __m512i back = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi32(x, 4), low));
                sum = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, zero_point, front), zero_point, back);
                _mm512_store_si512(out, front);
                _mm512_store_si512(out + NATIVE_PANEL, back);
            }
        }
        _mm512_storeu_si512(sums + half, sum);
    }
}

/* Some inputs, from the start of a group on, by way of their rows. */
static void pack_some_int4(size_t outputs, size_t first, size_t count, const int4_rows *rows, uint32_t *panel,
                           int32_t *sums) {
    int8_t block[NATIVE_PANEL][CHUNK] __attribute__((aligned(64))) = {{0}};
    for (size_t output = 0; output < outputs; output++) {
        int4_as_int8(count, rows->source + output * rows->row_bytes + first / 2,
                     rows->scales + output / GROUP_OUTPUTS * rows->scale_columns + first / GROUP_INPUTS,
                     rows->output_scales[output], block[output]);
        for (size_t i = 0; i < count; i++) sums[output] += 128 * block[output][i];
    }
    pack_panel(outputs, (count + 3) / 4, block, CHUNK, panel + first / 4 * NATIVE_PANEL);
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel, int32_t *sums) {
    const int4_rows rows = {source, (count + RUN - 1) / RUN * (RUN / 2), scales,
                            (count + GROUP_INPUTS - 1) / GROUP_INPUTS, output_scales};
    memset(sums, 0, NATIVE_PANEL * sizeof *sums);
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t some = count - first < CHUNK ? count - first : CHUNK;
        if (outputs == NATIVE_PANEL && some == CHUNK)
            pack_int4_chunk(first, &rows, panel, sums);
        else
            pack_some_int4(outputs, first, some, &rows, panel, sums);
    }
}
