/* Unpacks int4 numbers into a panel of int8, with AVX-512 VNNI. Include it after loops.h and gemm_avx512.h. */

/* A block of int4 numbers, and the scales of the int8 numbers. */
typedef struct {
    const uint8_t *source;
    const float *scales;
    size_t scale_columns;
    const float *output_scales;
} int4_block;

/* Inputs whose factors are computed at a time, and their groups. */
enum { CHUNK = 128, CHUNK_GROUPS = CHUNK / GROUP_INPUTS };

/* The factors of the groups in a chunk, for one group of outputs. */
INLINE __m256i int4_factors(const int4_block *block, size_t output, size_t first) {
    float scale = block->output_scales[output], inverse = scale > 0 ? 1 / scale : 0;
    const float *scales = block->scales + output / GROUP_OUTPUTS * block->scale_columns + first / GROUP_INPUTS;
    __m256 factors = _mm256_mul_ps(_mm256_loadu_ps(scales), _mm256_set1_ps(inverse));
    return _mm256_cvtps_epi32(_mm256_mul_ps(factors, _mm256_set1_ps(INT4_FACTOR_UNIT)));
}

/* The same for two groups of outputs side by side, each factor in both halves of 32 bits. */
INLINE __m512i two_int4_factors(const int4_block *block, size_t output, size_t first) {
    __m512i factors = _mm512_inserti64x4(_mm512_castsi256_si512(int4_factors(block, output, first)),
                                         int4_factors(block, output + GROUP_OUTPUTS, first), 1);
    return _mm512_mask_blend_epi16(0xaaaaaaaau, factors, _mm512_slli_epi32(factors, 16));
}

/* Unpacks 128 inputs of a block, for half a panel. A table lookup converts nibbles to int8: each quarter of a register
 * has the table of one group of outputs, 16 results each. The partial sums are independent, which hides latency. */
INLINE void pack_int4_chunk(const int4_block *block, size_t first, uint32_t *panel, __m512i sums[2][2]) {
    const __m512i low = _mm512_set1_epi8(15), zero_point = _mm512_set1_epi8((char)128);
    const __m512i negative = _mm512_broadcast_i32x4(_mm_setr_epi16(-128, -112, -96, -80, -64, -48, -32, -16));
    const __m512i positive = _mm512_broadcast_i32x4(_mm_setr_epi16(0, 16, 32, 48, 64, 80, 96, 112));
    const __m512i factors01 = two_int4_factors(block, 0, first);
    const __m512i factors23 = two_int4_factors(block, 2 * GROUP_OUTPUTS, first);
    const uint8_t *source = block->source + first / RUN * BLOCK_RUN;
    __m512i place = _mm512_setr_epi32(0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 16, 24, 24, 24, 24);
    panel += first / 4 * NATIVE_PANEL;
    for (size_t group = 0; group < CHUNK_GROUPS; group++) {
        __m512i factor = _mm512_permutex2var_epi32(factors01, place, factors23);
        __m512i table =
            _mm512_packs_epi16(_mm512_mulhrs_epi16(negative, factor), _mm512_mulhrs_epi16(positive, factor));
        place = _mm512_add_epi32(place, _mm512_set1_epi32(1));
#pragma unroll
        for (size_t run = 0; run < 2; run++, source += BLOCK_RUN, panel += 2 * NATIVE_PANEL) {
            __m512i x = _mm512_loadu_si512(source);
            __m512i front = _mm512_shuffle_epi8(table, _mm512_and_si512(x, low));
            __m512i back = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi32(x, 4), low));
            sums[run][0] = _mm512_dpbusd_epi32(sums[run][0], zero_point, front);
            sums[run][1] = _mm512_dpbusd_epi32(sums[run][1], zero_point, back);
            _mm512_store_si512(panel, front);
            _mm512_store_si512(panel + NATIVE_PANEL, back);
        }
    }
}

/* Unpacks inputs of some of a block's outputs, from the start of a group on, row by row. Adds 128 times the numbers to
 * `sums`. */
static void pack_some_int4(const int4_block *block, size_t outputs, size_t first, size_t count, uint32_t *panel,
                           int32_t *sums) {
    int8_t row[CHUNK];
    for (size_t output = 0; output < BLOCK_OUTPUTS; output++) {
        memset(row, 0, sizeof row);
        if (output < outputs)
            int4_as_int8(count, block->source + first / RUN * BLOCK_RUN + output * (RUN / 2),
                         block->scales + output / GROUP_OUTPUTS * block->scale_columns + first / GROUP_INPUTS,
                         block->output_scales[output], row);
        for (size_t i = 0; i < count; i++)
            sums[output] += 128 * row[i];
        for (size_t i = 0; i < count; i += 4)
            memcpy(panel + (first + i) / 4 * NATIVE_PANEL + output, row + i, sizeof *panel);
    }
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel, int32_t *sums) {
    int4_block block = {source, scales, (count + GROUP_INPUTS - 1) / GROUP_INPUTS, output_scales};
    for (size_t half = 0; half < NATIVE_PANEL; half += BLOCK_OUTPUTS) {
        uint32_t *columns = (uint32_t *)panel + half;
        size_t there = outputs > half ? outputs - half : 0, first = 0;
        __m512i chunk_sums[2][2] = {{_mm512_setzero_si512(), _mm512_setzero_si512()},
                                    {_mm512_setzero_si512(), _mm512_setzero_si512()}};
        if (there >= BLOCK_OUTPUTS)
            for (; first + CHUNK <= count; first += CHUNK)
                pack_int4_chunk(&block, first, columns, chunk_sums);
        _mm512_storeu_si512(sums + half, _mm512_add_epi32(_mm512_add_epi32(chunk_sums[0][0], chunk_sums[0][1]),
                                                          _mm512_add_epi32(chunk_sums[1][0], chunk_sums[1][1])));
        for (; first < count; first += CHUNK) /* ragged ends */
            pack_some_int4(&block, there, first, count - first < CHUNK ? count - first : CHUNK, columns, sums + half);
        block.source += (count + RUN - 1) / RUN * BLOCK_RUN;
        block.scales += BLOCK_OUTPUTS / GROUP_OUTPUTS * block.scale_columns;
        block.output_scales += BLOCK_OUTPUTS;
    }
}
