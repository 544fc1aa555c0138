/* What AVX2 does with int8 panels except multiplying rows by them: sums of columns, int4 numbers, and the end of a
 * GEMM. Include it after loops.h. */
#include "../../portable/int4_panels.h"
#include "lanes_avx2.h"

/* sum + the products of bytes, unsigned by signed, four for each lane. Two neighbouring products may not exceed 16
 * bits together. */
INLINE __m256i add_products(__m256i sum, __m256i left, __m256i right) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(left, right), _mm256_set1_epi16(1)));
}

static void zero_point_sums(size_t units, const void *panel, int32_t *sums) {
    const __m256i zero_point = _mm256_set1_epi8((char)128);
    const __m256i *weights = panel;
    __m256i total[4];
    for (size_t v = 0; v < 4; v++)
        total[v] = _mm256_setzero_si256();
    for (size_t unit = 0; unit < units; unit++, weights += 4)
#pragma unroll
        for (size_t v = 0; v < 4; v++)
            total[v] = add_products(total[v], zero_point, _mm256_load_si256(weights + v));
    for (size_t v = 0; v < 4; v++)
        _mm256_storeu_si256((__m256i *)(sums + 8 * v), total[v]);
}

/* The factors of the groups in a chunk, for one group of outputs. */
INLINE void int4_factors(const int4_block *block, size_t output, size_t first, int16_t factors[CHUNK_GROUPS]) {
    float scale = block->output_scales[output], inverse = scale > 0 ? 1 / scale : 0;
    const float *scales = block->scales + output / GROUP_OUTPUTS * block->scale_columns + first / GROUP_INPUTS;
    for (size_t group = 0; group < CHUNK_GROUPS; group++)
        factors[group] = (int16_t)rounded(scales[group] * inverse * INT4_FACTOR_UNIT);
}

/* A table lookup converts nibbles to int8: each half of a register has the table of one group of outputs, 16 results
 * each. */
INLINE void pack_two_groups(const int4_block *block, size_t output, size_t first, uint32_t *panel, int32_t *sums) {
    const __m256i low = _mm256_set1_epi8(15), zero_point = _mm256_set1_epi8((char)128);
    const __m256i negative = _mm256_broadcastsi128_si256(_mm_setr_epi16(-128, -112, -96, -80, -64, -48, -32, -16));
    const __m256i positive = _mm256_broadcastsi128_si256(_mm_setr_epi16(0, 16, 32, 48, 64, 80, 96, 112));
    int16_t factors[2][CHUNK_GROUPS];
    int4_factors(block, output, first, factors[0]);
    int4_factors(block, output + GROUP_OUTPUTS, first, factors[1]);
    const uint8_t *source = block->source + first / RUN * BLOCK_RUN + output * (RUN / 2);
    panel += first / 4 * NATIVE_PANEL + output;
    __m256i total[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t group = 0; group < CHUNK_GROUPS; group++) {
        __m256i factor = _mm256_set_m128i(_mm_set1_epi16(factors[1][group]), _mm_set1_epi16(factors[0][group]));
        __m256i table =
            _mm256_packs_epi16(_mm256_mulhrs_epi16(negative, factor), _mm256_mulhrs_epi16(positive, factor));
#pragma unroll
        for (size_t run = 0; run < 2; run++, source += BLOCK_RUN, panel += 2 * NATIVE_PANEL) {
            __m256i x = _mm256_loadu_si256((const __m256i *)source);
            __m256i front = _mm256_shuffle_epi8(table, _mm256_and_si256(x, low));
            __m256i back = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi32(x, 4), low));
            total[0] = add_products(total[0], zero_point, front);
            total[1] = add_products(total[1], zero_point, back);
            _mm256_store_si256((__m256i *)panel, front);
            _mm256_store_si256((__m256i *)(panel + NATIVE_PANEL), back);
        }
    }
    __m256i *target = (__m256i *)(sums + output);
    _mm256_storeu_si256(target, _mm256_add_epi32(_mm256_loadu_si256(target), _mm256_add_epi32(total[0], total[1])));
}

static void pack_chunk(const int4_block *block, size_t first, uint32_t *panel, int32_t *sums) {
    for (size_t output = 0; output < BLOCK_OUTPUTS; output += 2 * GROUP_OUTPUTS)
        pack_two_groups(block, output, first, panel, sums);
}

static void pack_int4(size_t outputs, size_t count, const uint8_t *source, const float *scales,
                      const float *output_scales, void *panel, int32_t *sums) {
    pack_int4_by(pack_chunk, outputs, count, source, scales, output_scales, panel, sums);
}

/* The end of a GEMM for vector `index` of a row: sums without what the zero point adds, times both scales. */
INLINE void store_scaled(__m256i total, size_t columns, size_t index, const int32_t *sums, float row_scale,
                         const float *column_scales, float *out) {
    __m256i exact = _mm256_sub_epi32(total, _mm256_loadu_si256((const __m256i *)(sums + 8 * index)));
    __m256 scale = _mm256_mul_ps(load_lanes(column_scales, columns, index), _mm256_set1_ps(row_scale));
    store_lanes(out, columns, index, _mm256_mul_ps(_mm256_cvtepi32_ps(exact), scale));
}

/* Broadcasts a unit of a row to every lane. */
INLINE __m256i broadcast_unit(const uint8_t *unit) {
    int32_t bits;
    memcpy(&bits, unit, sizeof bits);
    return _mm256_set1_epi32(bits);
}
