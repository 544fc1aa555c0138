/* int8 panels with AVX-512 VNNI. Include it after loops.h. */
#include "../../portable/int4_panels.h"

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

/* A table lookup converts nibbles to int8: each quarter of a register has the table of one group of outputs, 16 results
 * each. The partial sums are independent, which hides latency. */
static void pack_chunk(const int4_block *block, size_t first, uint32_t *panel, int32_t *sums) {
    const __m512i low = _mm512_set1_epi8(15), zero_point = _mm512_set1_epi8((char)128);
    const __m512i negative = _mm512_broadcast_i32x4(_mm_setr_epi16(-128, -112, -96, -80, -64, -48, -32, -16));
    const __m512i positive = _mm512_broadcast_i32x4(_mm_setr_epi16(0, 16, 32, 48, 64, 80, 96, 112));
    const __m512i factors01 = two_int4_factors(block, 0, first);
    const __m512i factors23 = two_int4_factors(block, 2 * GROUP_OUTPUTS, first);
    const uint8_t *source = block->source + first / RUN * BLOCK_RUN;
    __m512i place = _mm512_setr_epi32(0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 16, 24, 24, 24, 24);
    panel += first / 4 * NATIVE_PANEL;
    __m512i total[2][2] = {{_mm512_loadu_si512(sums)}};
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
            total[run][0] = _mm512_dpbusd_epi32(total[run][0], zero_point, front);
            total[run][1] = _mm512_dpbusd_epi32(total[run][1], zero_point, back);
            _mm512_store_si512(panel, front);
            _mm512_store_si512(panel + NATIVE_PANEL, back);
        }
    }
    total[0][0] = _mm512_add_epi32(total[0][0], total[0][1]);
    total[1][0] = _mm512_add_epi32(total[1][0], total[1][1]);
    _mm512_storeu_si512(sums, _mm512_add_epi32(total[0][0], total[1][0]));
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel, int32_t *sums) {
    pack_int4_by(pack_chunk, outputs, count, source, scales, output_scales, panel, sums);
}

static void zero_point_sums(size_t units, const void *panel, int32_t *sums) {
    enum { CHAINS = 4 }; /* independent sums, which hide latency */
    const __m512i zero_point = _mm512_set1_epi8((char)128);
    const uint32_t *weights = panel;
    __m512i total[CHAINS][2];
    for (size_t i = 0; i < CHAINS; i++)
        total[i][0] = total[i][1] = _mm512_setzero_si512();
    size_t unit = 0;
    for (; unit + CHAINS <= units; unit += CHAINS)
#pragma unroll
        for (size_t i = 0; i < CHAINS; i++)
#pragma unroll
            for (size_t v = 0; v < 2; v++)
                total[i][v] = _mm512_dpbusd_epi32(total[i][v], zero_point,
                                                  _mm512_load_si512(weights + (unit + i) * NATIVE_PANEL + 16 * v));
    for (; unit < units; unit++)
        for (size_t v = 0; v < 2; v++)
            total[0][v] =
                _mm512_dpbusd_epi32(total[0][v], zero_point, _mm512_load_si512(weights + unit * NATIVE_PANEL + 16 * v));
    for (size_t v = 0; v < 2; v++) {
        __m512i sum = _mm512_add_epi32(total[0][v], total[1][v]);
        sum = _mm512_add_epi32(sum, _mm512_add_epi32(total[2][v], total[3][v]));
        _mm512_storeu_si512(sums + 16 * v, sum);
    }
}
