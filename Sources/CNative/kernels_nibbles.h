/* Groups of int4 numbers by AVX-512 BW, in place of the loop in kernels_loops.h. */
#include <stdint.h>

#define SCALE_GROUP

/* 64 numbers from -8 to 7 times `factor`, rounded. */
static inline __attribute__((always_inline)) void scale_group(const uint8_t *source, float factor, int8_t *target) {
    const __m512 numbers = _mm512_set_ps(7, 6, 5, 4, 3, 2, 1, 0, -1, -2, -3, -4, -5, -6, -7, -8);
    __m512i scaled = _mm512_cvtps_epi32(_mm512_mul_ps(numbers, _mm512_set1_ps(factor)));
    __m512i table = _mm512_broadcast_i32x4(_mm512_cvtepi32_epi8(scaled));
    __m512i words = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)source));
    __m512i high = _mm512_slli_epi16(_mm512_and_si512(words, _mm512_set1_epi16(0xf0)), 4);
    __m512i nibbles = _mm512_or_si512(_mm512_and_si512(words, _mm512_set1_epi16(0x0f)), high);
    _mm512_storeu_si512(target, _mm512_shuffle_epi8(table, nibbles));
}
