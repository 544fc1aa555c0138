/* One row times a panel of int8 with SSE2, which every x86-64 has. */
#include <emmintrin.h>

/* One row times 8 columns of a panel. A register has two columns, and two sums of each. */
INLINE void sum_eight(size_t units, const uint8_t *row, const int8_t *weights, int32_t sums[8]) {
    __m128i total[4];
    for (size_t v = 0; v < 4; v++)
        total[v] = _mm_setzero_si128();
    for (size_t unit = 0; unit < units; unit++, row += 4, weights += 4 * NATIVE_PANEL) {
        int32_t bits;
        memcpy(&bits, row, sizeof bits);
        const __m128i x = _mm_unpacklo_epi8(_mm_set1_epi32(bits), _mm_setzero_si128());
#pragma unroll
        for (size_t i = 0; i < 2; i++) {
            const __m128i w = _mm_load_si128((const __m128i *)weights + i);
            const __m128i sign = _mm_cmpgt_epi8(_mm_setzero_si128(), w);
            total[2 * i] = _mm_add_epi32(total[2 * i], _mm_madd_epi16(x, _mm_unpacklo_epi8(w, sign)));
            total[2 * i + 1] = _mm_add_epi32(total[2 * i + 1], _mm_madd_epi16(x, _mm_unpackhi_epi8(w, sign)));
        }
    }
    for (size_t i = 0; i < 8; i++) {
        int32_t halves[4];
        _mm_storeu_si128((__m128i *)halves, total[i / 2]);
        sums[i] = halves[2 * (i % 2)] + halves[2 * (i % 2) + 1];
    }
}

static void sum_row(size_t units, const uint8_t *row, const int8_t *weights, int32_t sums[NATIVE_PANEL]) {
    for (size_t c = 0; c < NATIVE_PANEL; c += 8)
        sum_eight(units, row, weights + 4 * c, sums + c);
}
