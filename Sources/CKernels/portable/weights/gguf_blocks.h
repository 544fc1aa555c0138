/* GGUF's blocks, taken apart into numbers of eight bits and the scales of runs of them:
 * weight = scale * number - minimum.
 *
 * Vectors are longer than the registers of most instruction sets; the compiler splits them.
 */

/* A row is taken apart piece by piece, and a piece part by part. A piece is a large block, or eight small ones. A scale
 * counts for 16 elements. */
enum { PIECE = 256, PART = 32, PARTS = PIECE / PART, RUNS = PIECE / 16 };

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint8_t bytes32 __attribute__((vector_size(32)));
typedef int8_t numbers16 __attribute__((vector_size(16)));
typedef int32_t integers16 __attribute__((vector_size(64)));
typedef uint32_t words16 __attribute__((vector_size(64)));
typedef float floats16 __attribute__((vector_size(64)));

/* Of a piece. If the row ends before it, those of the row's end are repeated. */
typedef struct {
    float scale[RUNS], minimum[RUNS];
} run_scales;

typedef struct {
    size_t elements, bytes; /* of a block */
    int has_minima;
    float lowest, highest; /* of the numbers */
    int looks_up;          /* whether a part has one scale and 16 different numbers at most, for LOOK_UP */
    void (*scales)(size_t blocks, const uint8_t *piece, run_scales *runs);
    void (*numbers)(const uint8_t *block, size_t part, bytes32 *numbers);
} block_layout;

INLINE float half_at(const uint8_t *source) {
    uint16_t half;
    float value;
    memcpy(&half, source, sizeof half);
    widen_float16(1, &half, &value);
    return value;
}

INLINE bytes16 bytes16_at(const uint8_t *source) {
    bytes16 bytes;
    memcpy(&bytes, source, sizeof bytes);
    return bytes;
}

INLINE bytes32 bytes32_at(const uint8_t *source) {
    bytes32 bytes;
    memcpy(&bytes, source, sizeof bytes);
    return bytes;
}

/* ---- Blocks of 32 ------------------------------------------------------------------------------------------------ */

/* The float16 numbers at one offset of up to eight blocks, each twice. */
INLINE void halves_at(size_t blocks, const uint8_t *source, size_t bytes, float *target) {
    uint16_t halves[PARTS];
    float values[PARTS];
    for (size_t block = 0; block < PARTS; block++)
        memcpy(halves + block, source + (block < blocks ? block : blocks - 1) * bytes, sizeof *halves);
    widen_float16(PARTS, halves, values);
    for (size_t block = 0; block < PARTS; block++)
        target[2 * block] = target[2 * block + 1] = values[block];
}

/* The scale of each block, and what is added to it, if there is something. */
INLINE void small_scales(size_t blocks, const uint8_t *piece, size_t bytes, int has_minima, run_scales *runs) {
    halves_at(blocks, piece, bytes, runs->scale);
    if (!has_minima)
        return;
    halves_at(blocks, piece + 2, bytes, runs->minimum);
    for (size_t run = 0; run < RUNS; run++)
        runs->minimum[run] = -runs->minimum[run];
}

/* The low halves of 16 bytes, then the high halves. */
INLINE void four_bits(const uint8_t *source, bytes32 *numbers) {
    bytes16 codes = bytes16_at(source);
    *numbers = __builtin_shufflevector(codes & 15, codes >> 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                       17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}

/* The same with a fifth bit for each, which lie before them. */
INLINE void five_bits(const uint8_t *source, bytes32 *numbers) {
    bytes16 fifth = bytes16_at(source);
    const bytes32 bit = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                         1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    bytes32 spread = __builtin_shufflevector(fifth, fifth, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2,
                                             2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    four_bits(source + 4, numbers);
    *numbers |= (bytes32)((spread & bit) == bit) & 16;
}

INLINE void scales_q4_0(size_t blocks, const uint8_t *piece, run_scales *runs) {
    small_scales(blocks, piece, 18, 0, runs);
}

INLINE void numbers_q4_0(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    four_bits(block + 2, numbers);
    *numbers -= 8;
}

INLINE void scales_q4_1(size_t blocks, const uint8_t *piece, run_scales *runs) {
    small_scales(blocks, piece, 20, 1, runs);
}

INLINE void numbers_q4_1(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    four_bits(block + 4, numbers);
}

INLINE void scales_q5_0(size_t blocks, const uint8_t *piece, run_scales *runs) {
    small_scales(blocks, piece, 22, 0, runs);
}

INLINE void numbers_q5_0(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    five_bits(block + 2, numbers);
    *numbers -= 16;
}

INLINE void scales_q5_1(size_t blocks, const uint8_t *piece, run_scales *runs) {
    small_scales(blocks, piece, 24, 1, runs);
}

INLINE void numbers_q5_1(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    five_bits(block + 4, numbers);
}

INLINE void scales_q8_0(size_t blocks, const uint8_t *piece, run_scales *runs) {
    small_scales(blocks, piece, 34, 0, runs);
}

INLINE void numbers_q8_0(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    *numbers = bytes32_at(block + 2);
}

/* The levels of IQ4_NL and IQ4_XS. */
INLINE void four_bit_levels(const uint8_t *source, bytes32 *numbers) {
    const int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    bytes32 codes, found = {0};
    four_bits(source, &codes);
#ifdef LOOK_UP
    bytes16 table, halves[2];
    memcpy(&table, levels, sizeof table);
    memcpy(halves, &codes, sizeof halves);
    bytes16 looked_up[2] = {LOOK_UP(table, halves[0]), LOOK_UP(table, halves[1])};
    memcpy(&found, looked_up, sizeof found);
#else
#pragma unroll
    for (size_t level = 0; level < 16; level++)
        found |= (bytes32)(codes == (uint8_t)level) & (uint8_t)levels[level];
#endif
    *numbers = found;
}

INLINE void numbers_iq4_nl(const uint8_t *block, size_t part, bytes32 *numbers) {
    (void)part;
    four_bit_levels(block + 2, numbers);
}

/* ---- Blocks of 256 ----------------------------------------------------------------------------------------------- */

/* target = factor * numbers */
INLINE void scale_numbers(float factor, numbers16 numbers, float *target) {
    floats16 values = factor * __builtin_convertvector(numbers, floats16);
    memcpy(target, &values, sizeof values);
}

/* The same for eight numbers, each twice. */
INLINE void scale_twice(float factor, numbers16 numbers, float *target) {
    scale_numbers(factor, __builtin_shufflevector(numbers, numbers, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7),
                  target);
}

INLINE void scales_q2_k(size_t blocks, const uint8_t *piece, run_scales *runs) {
    (void)blocks;
    bytes16 both = bytes16_at(piece);
    scale_numbers(half_at(piece + 80), (numbers16)(both & 15), runs->scale);
    scale_numbers(half_at(piece + 82), (numbers16)(both >> 4), runs->minimum);
}

INLINE void numbers_q2_k(const uint8_t *block, size_t part, bytes32 *numbers) {
    *numbers = bytes32_at(block + 16 + 32 * (part / 4));
    *numbers = *numbers >> (uint8_t)(2 * (part % 4)) & 3;
}

INLINE void scales_q3_k(size_t blocks, const uint8_t *piece, run_scales *runs) {
    (void)blocks;
    uint32_t packed[3], low = 0x0f0f0f0fu, high = 0x30303030u;
    memcpy(packed, piece + 96, sizeof packed);
    uint32_t sixes[4] = {(packed[0] & low) | (packed[2] << 4 & high), (packed[1] & low) | (packed[2] << 2 & high),
                         (packed[0] >> 4 & low) | (packed[2] & high), (packed[1] >> 4 & low) | (packed[2] >> 2 & high)};
    numbers16 scales;
    memcpy(&scales, sixes, sizeof scales);
    scale_numbers(half_at(piece + 108), scales - 32, runs->scale);
}

INLINE void numbers_q3_k(const uint8_t *block, size_t part, bytes32 *numbers) {
    bytes32 third = bytes32_at(block);
    *numbers = bytes32_at(block + 32 + 32 * (part / 4));
    *numbers = ((*numbers >> (uint8_t)(2 * (part % 4)) & 3) | (third >> (uint8_t)part & 1) << 2) - 4;
}

/* The scales and minima of Q4_K and Q5_K have six bits each. */
INLINE void scales_six_bits(size_t blocks, const uint8_t *piece, run_scales *runs) {
    (void)blocks;
    uint32_t packed[3], low = 0x0f0f0f0fu, high = 0x30303030u, whole = 0x3f3f3f3fu;
    memcpy(packed, piece + 4, sizeof packed);
    uint32_t sixes[8] = {packed[0] & whole, (packed[2] & low) | (packed[0] >> 2 & high),     0, 0,
                         packed[1] & whole, (packed[2] >> 4 & low) | (packed[1] >> 2 & high)};
    numbers16 numbers[2];
    memcpy(numbers, sixes, sizeof numbers);
    scale_twice(half_at(piece), numbers[0], runs->scale);
    scale_twice(half_at(piece + 2), numbers[1], runs->minimum);
}

INLINE void numbers_q4_k(const uint8_t *block, size_t part, bytes32 *numbers) {
    *numbers = bytes32_at(block + 16 + 32 * (part / 2));
    *numbers = *numbers >> (uint8_t)(4 * (part % 2)) & 15;
}

INLINE void numbers_q5_k(const uint8_t *block, size_t part, bytes32 *numbers) {
    bytes32 fifth = bytes32_at(block + 16);
    *numbers = bytes32_at(block + 48 + 32 * (part / 2));
    *numbers = (*numbers >> (uint8_t)(4 * (part % 2)) & 15) | (fifth >> (uint8_t)part & 1) << 4;
}

INLINE void scales_q6_k(size_t blocks, const uint8_t *piece, run_scales *runs) {
    (void)blocks;
    scale_numbers(half_at(piece + 208), (numbers16)bytes16_at(piece + 192), runs->scale);
}

INLINE void numbers_q6_k(const uint8_t *block, size_t part, bytes32 *numbers) {
    bytes32 high = bytes32_at(block + 128 + 32 * (part / 4));
    *numbers = bytes32_at(block + 64 * (part / 4) + 32 * (part % 2));
    *numbers = ((*numbers >> (uint8_t)(4 * (part % 4 / 2)) & 15) | (high >> (uint8_t)(2 * (part % 4)) & 3) << 4) - 32;
}

INLINE void scales_iq4_xs(size_t blocks, const uint8_t *piece, run_scales *runs) {
    (void)blocks;
    uint16_t high;
    memcpy(&high, piece + 2, sizeof high);
    numbers16 numbers = {0};
#pragma unroll
    for (size_t part = 0; part < PARTS; part++)
        numbers[part] = (int8_t)(((piece[4 + part / 2] >> 4 * (part % 2) & 15) | (high >> 2 * part & 3) << 4) - 32);
    scale_twice(half_at(piece), numbers, runs->scale);
}

INLINE void numbers_iq4_xs(const uint8_t *block, size_t part, bytes32 *numbers) {
    four_bit_levels(block + 8 + 16 * part, numbers);
}
