/* Transposing 16 by 16 numbers of 32 bits with AVX-512. */
#pragma once

/* Strides are in bytes; the target's rows are aligned to 64. */
INLINE void transpose_sixteen(const void *source, size_t source_stride, size_t target_stride, void *target) {
    __m512i row[16], x[16];
#pragma unroll
    for (size_t i = 0; i < 16; i++)
        row[i] = _mm512_loadu_si512((const char *)source + i * source_stride);
#pragma unroll
    for (int i = 0; i < 16; i += 2) {
        x[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        x[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    /* Of rows i ... i + 3, column j of each quarter. */
#pragma unroll
    for (int i = 0; i < 16; i += 4) {
        row[i] = _mm512_unpacklo_epi64(x[i], x[i + 2]);
        row[i + 1] = _mm512_unpackhi_epi64(x[i], x[i + 2]);
        row[i + 2] = _mm512_unpacklo_epi64(x[i + 1], x[i + 3]);
        row[i + 3] = _mm512_unpackhi_epi64(x[i + 1], x[i + 3]);
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        __m512i low = _mm512_shuffle_i32x4(row[i], row[i + 4], 0x88),
                high = _mm512_shuffle_i32x4(row[i], row[i + 4], 0xdd);
        __m512i low2 = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0x88);
        __m512i high2 = _mm512_shuffle_i32x4(row[i + 8], row[i + 12], 0xdd);
        x[i] = _mm512_shuffle_i32x4(low, low2, 0x88);
        x[i + 8] = _mm512_shuffle_i32x4(low, low2, 0xdd);
        x[i + 4] = _mm512_shuffle_i32x4(high, high2, 0x88);
        x[i + 12] = _mm512_shuffle_i32x4(high, high2, 0xdd);
    }
#pragma unroll
    for (size_t i = 0; i < 16; i++)
        _mm512_store_si512((char *)target + i * target_stride, x[i]);
}
