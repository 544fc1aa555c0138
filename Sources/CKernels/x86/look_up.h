/* 16 bytes of a table of 16, each by the lowest four bits of an index below 16. Include it before loops.h. */
#include <immintrin.h>

#define LOOK_UP(table, indexes) ((bytes16)_mm_shuffle_epi8((__m128i)(table), (__m128i)(indexes)))
