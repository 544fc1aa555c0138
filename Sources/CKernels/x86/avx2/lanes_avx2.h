/* Vectors of eight elements at the end of a row, with AVX2. */
#pragma once

/* The mask of valid lanes in vector `index` of a row of `columns` elements. */
INLINE __m256i eight_lanes(size_t columns, size_t index) {
    __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)columns - 8 * (int)index), numbers);
}

INLINE __m256 load_lanes(const float *source, size_t columns, size_t index) {
    return columns >= 8 * index + 8 ? _mm256_loadu_ps(source + 8 * index)
                                    : _mm256_maskload_ps(source + 8 * index, eight_lanes(columns, index));
}

INLINE void store_lanes(float *target, size_t columns, size_t index, __m256 value) {
    if (columns >= 8 * index + 8)
        _mm256_storeu_ps(target + 8 * index, value);
    else
        _mm256_maskstore_ps(target + 8 * index, eight_lanes(columns, index), value);
}
