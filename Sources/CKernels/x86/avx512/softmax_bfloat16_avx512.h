/* Values and weights of attention in bfloat16 with AVX-512 BF16. Include it after epilogue_bfloat16.h, and before
 * attention_bfloat16.h. */
#include "../../portable/attention_bfloat16_block.h"

/* Pairs the values of two keys, or of one and zeros, and zeros beyond the width. */
static void pair_values(int complete, size_t width, const uint16_t *even, size_t stride, uint32_t *pairs) {
    const uint16_t *odd = even + stride;
    for (size_t c = 0; c < COLUMNS; c += 16) {
        __mmask16 mask = lanes(width, c / 16);
        __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, even + c));
        __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(complete ? mask : 0, odd + c));
        _mm512_store_si512(pairs + c, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
}

/* Softmax weights 2^(factor * score - maximum) of one query for `panels` times 32 keys.
 *
 * The maximum is one of the scores so far, not always the largest. It changes, and the sums are rescaled, only if a
 * weight would exceed 2^8. Its value cancels out. */
INLINE void softmax_weights(size_t panels, float factor, const float *score, uint16_t *weight, float *maximum,
                            float *sum) {
    __m512 largest = _mm512_load_ps(score);
    for (size_t i = 1; i < 2 * panels; i++)
        largest = _mm512_max_ps(largest, _mm512_load_ps(score + 16 * i));
    float now = _mm512_reduce_max_ps(largest) * factor;
    if (now > *maximum + 8) {
        if (*maximum != -INFINITY) {
            __m512 correction = _mm512_set1_ps(exp2f(*maximum - now));
            for (size_t c = 0; c < COLUMNS; c += 16)
                _mm512_store_ps(sum + c, _mm512_mul_ps(_mm512_load_ps(sum + c), correction));
        }
        *maximum = now;
    }
    __m512 shift = _mm512_set1_ps(*maximum), scale = _mm512_set1_ps(factor);
    for (size_t i = 0; i < panels; i++) {
        __m512 low = exp2_rough(_mm512_fmsub_ps(_mm512_load_ps(score + 32 * i), scale, shift));
        __m512 high = exp2_rough(_mm512_fmsub_ps(_mm512_load_ps(score + 32 * i + 16), scale, shift));
        _mm512_store_si512(weight + 32 * i, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}
