/* What the kernels of int8 attention share: the stored form of a head, and the constants of the definition in
 * docs/numerics.md. Include it after loops.h. */

/* Keys of a block, and channels of a head's rows: those of the head, one that sums the weights, and zeros. */
enum { BLOCK_KEYS = 64, CHANNELS = NATIVE_HEAD_CHANNELS };

/* A block of keys and values, in the order in which the tiles of an instruction set read them. Keys beyond the last one
 * are copies of it, so that they change no maximum; their values are 0, also in the channel that sums the weights. */
typedef struct {
    int8_t key[BLOCK_KEYS * CHANNELS];
    int8_t value[BLOCK_KEYS * CHANNELS];
    float key_scale;
    float padding[15]; /* blocks are aligned to 64 bytes */
} attention_block;

/* The keys and values of a head. */
typedef struct {
    float value_mean[CHANNELS], value_scale[CHANNELS];
    attention_block block[];
} attention_head;

_Static_assert(NATIVE_HEAD_BYTES == sizeof(attention_head), "NATIVE_HEAD_BYTES");
_Static_assert(NATIVE_HEAD_KEYS == BLOCK_KEYS, "NATIVE_HEAD_KEYS");
_Static_assert(NATIVE_HEAD_BLOCK_BYTES == sizeof(attention_block), "NATIVE_HEAD_BLOCK_BYTES");

/* Octaves are divided into so many steps. */
enum { OCTAVE_STEPS = 64 };

/* round(255 * 256 * 2^(-i / 64)) */
static const uint16_t octave[OCTAVE_STEPS] = {
    65280, 64577, 63881, 63193, 62512, 61839, 61173, 60514, 59862, 59217, 58579, 57948, 57324, 56707, 56096, 55491,
    54894, 54302, 53717, 53139, 52566, 52000, 51440, 50886, 50338, 49796, 49259, 48729, 48204, 47684, 47171, 46663,
    46160, 45663, 45171, 44684, 44203, 43727, 43256, 42790, 42329, 41873, 41422, 40976, 40534, 40098, 39666, 39238,
    38816, 38398, 37984, 37575, 37170, 36770, 36374, 35982, 35594, 35211, 34831, 34456, 34085, 33718, 33355, 32995};

/* (40503 j mod 65536) >> 8: what is added to the weight of a block's key j before its lowest 8 bits are dropped.
 * 40503 / 65536 is the golden ratio's fraction, so weights are rounded up as often as they should be. */
static const int32_t dither[BLOCK_KEYS] = {
    0,   158, 60,  218, 120, 23,  181, 83,  241, 143, 46,  204, 106, 8,   167, 69,  227, 129, 31,  190, 92,  250,
    152, 54,  213, 115, 17,  175, 78,  236, 138, 40,  198, 101, 3,   161, 63,  221, 124, 26,  184, 86,  245, 147,
    49,  207, 109, 12,  170, 72,  230, 132, 35,  193, 95,  253, 156, 58,  216, 118, 20,  179, 81,  239};

/* Scores are the bits of floats, 12582912 plus an integer below 2^22. So an integer sum that starts with these bits is
 * a float without a conversion. */
enum { SCORE_START = 0x4b400000 };

/* A unit of 4 bytes. */
INLINE int32_t load_unit(const void *unit) {
    int32_t bits;
    memcpy(&bits, unit, sizeof bits);
    return bits;
}

/* Bytes of two or of four rows by turns: pairs or units, for 16 columns. */
typedef int8_t sixteen_bytes __attribute__((vector_size(16), aligned(1), may_alias));
typedef int16_t eight_pairs __attribute__((vector_size(16), aligned(1), may_alias));

INLINE void interleave_two(const int8_t *first, const int8_t *second, int8_t target[32]) {
    sixteen_bytes a = *(const sixteen_bytes *)first, b = *(const sixteen_bytes *)second;
    *(sixteen_bytes *)target = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    *(sixteen_bytes *)(target + 16) =
        __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

INLINE void interleave_four(const int8_t *first, size_t stride, int8_t target[64]) {
    int8_t pairs[2][32];
    interleave_two(first, first + stride, pairs[0]);
    interleave_two(first + 2 * stride, first + 3 * stride, pairs[1]);
    for (size_t i = 0; i < 32; i += 16, target += 32) {
        eight_pairs a = *(const eight_pairs *)(pairs[0] + i), b = *(const eight_pairs *)(pairs[1] + i);
        *(eight_pairs *)target = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        *(eight_pairs *)(target + 16) = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    }
}
