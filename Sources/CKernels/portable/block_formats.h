/* Weights in blocks as other programs store them, widened exactly: GGUF's blocks, eight-bit floats and the four-bit
 * codes of bitsandbytes. Each function takes `count` elements of one row, from the start of a block on.
 *
 * GGUF's blocks are taken apart into numbers of eight bits and the scales of runs of them:
 * weight = scale * number - minimum. Products of scales and numbers have at most 25 significant bits, so only the
 * difference with a minimum rounds. It is a difference of two rounded products on every instruction set.
 *
 * Vectors are longer than the registers of most instruction sets; the compiler splits them.
 */

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi" /* all functions that take or return vectors are inlined */

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

/* ---- All of GGUF's blocks ---------------------------------------------------------------------------------------- */

/* The weights of a run. */
INLINE floats16 weights_of(const block_layout *layout, const run_scales *runs, size_t run, floats16 numbers) {
#pragma clang fp reassociate(off) contract(off)
    floats16 products = runs->scale[run] * numbers;
    return layout->has_minima ? products - runs->minimum[run] : products;
}

INLINE bytes32 numbers_of(const block_layout *layout, const uint8_t *piece, size_t part) {
    size_t parts = layout->elements / PART;
    bytes32 numbers;
    layout->numbers(piece + part / parts * layout->bytes, part % parts, &numbers);
    return numbers;
}

/* The weights of both runs of a part. */
INLINE void part_of(const block_layout *layout, const run_scales *runs, const uint8_t *piece, size_t part,
                    floats16 *weights) {
    bytes32 bytes = numbers_of(layout, piece, part);
    numbers16 halves[2];
    memcpy(halves, &bytes, sizeof halves);
#pragma unroll
    for (size_t half = 0; half < 2; half++)
        weights[half] = weights_of(layout, runs, 2 * part + half, __builtin_convertvector(halves[half], floats16));
}

INLINE words16 magnitudes(floats16 x) { return (words16)x & 0x7fffffffu; }

INLINE size_t piece_of(size_t count) { return count < PIECE ? count : PIECE; }

INLINE void widen_blocks(const block_layout *layout, size_t count, const uint8_t *source, float *target) {
    for (; count > 0; count -= piece_of(count), source += PIECE / layout->elements * layout->bytes) {
        run_scales runs;
        layout->scales(piece_of(count) / layout->elements, source, &runs);
#pragma unroll
        for (size_t part = 0; part < PARTS; part++) {
            if (part * PART >= count)
                return;
            floats16 weights[2];
            part_of(layout, &runs, source, part, weights);
            memcpy(target, weights, sizeof weights);
            target += PART;
        }
    }
}

/* The larger of a magnitude's bits and those of the weights of a piece. A weight lies between those of the lowest and
 * of the highest number, so few pieces are looked into. */
INLINE uint32_t larger_magnitude(const block_layout *layout, size_t count, const uint8_t *piece, uint32_t largest) {
#pragma clang fp reassociate(off) contract(off)
    run_scales runs;
    layout->scales(count / layout->elements, piece, &runs);
    floats16 scale, minimum = {0};
    memcpy(&scale, runs.scale, sizeof scale);
    if (layout->has_minima)
        memcpy(&minimum, runs.minimum, sizeof minimum);
    words16 least = magnitudes(scale * layout->lowest - minimum), most = magnitudes(scale * layout->highest - minimum);
    words16 bounds = __builtin_elementwise_max(least, most);
    if (__builtin_reduce_max(bounds) <= largest)
        return largest;
    for (size_t part = 0; part < count / PART; part++) {
        if (bounds[2 * part] <= largest && bounds[2 * part + 1] <= largest)
            continue;
        floats16 weights[2];
        part_of(layout, &runs, piece, part, weights);
        uint32_t magnitude =
            __builtin_reduce_max(__builtin_elementwise_max(magnitudes(weights[0]), magnitudes(weights[1])));
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

/* The same as int8_of for each element, if none is larger than 127. */
INLINE numbers16 int8_of_each(floats16 scaled) {
#pragma clang fp reassociate(off) contract(off)
    return __builtin_convertvector((integers16)(scaled + ROUNDER), numbers16);
}

/* The int8 numbers of a part. */
INLINE void quantize_part(const block_layout *layout, const run_scales *runs, const uint8_t *piece, size_t part,
                          float inverse, numbers16 *numbers) {
#pragma clang fp reassociate(off) contract(off)
#ifdef LOOK_UP
    if (layout->looks_up) { /* the weights of all numbers, by their lowest four bits */
        const floats16 positive = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        const floats16 both = {0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1};
        floats16 weights = weights_of(layout, runs, 2 * part, layout->lowest < 0 ? both : positive);
        numbers16 table = int8_of_each(weights * inverse);
        bytes16 codes[2];
        bytes32 bytes = numbers_of(layout, piece, part) & 15;
        memcpy(codes, &bytes, sizeof codes);
        for (size_t half = 0; half < 2; half++)
            numbers[half] = (numbers16)LOOK_UP(table, codes[half]);
        return;
    }
#endif
    floats16 weights[2];
    part_of(layout, runs, piece, part, weights);
    numbers[0] = int8_of_each(weights[0] * inverse);
    numbers[1] = int8_of_each(weights[1] * inverse);
}

/* The same as quantize_int8 of the widened elements, piece by piece. */
static float quantize_pieces(native_widen_block *widen, size_t bytes, float scale, size_t count, const uint8_t *source,
                             int8_t *target) {
    float inverse = scale > 0 ? 1 / scale : 0, wide[PIECE];
    for (; count > 0; count -= piece_of(count), source += bytes, target += PIECE) {
        widen(piece_of(count), source, NULL, wide);
        for (size_t i = 0; i < piece_of(count); i++)
            target[i] = int8_of(wide[i] * inverse);
    }
    return scale;
}

INLINE float quantize_blocks(const block_layout *layout, native_widen_block *widen, size_t count, const uint8_t *source,
                             int8_t *target) {
    size_t bytes = PIECE / layout->elements * layout->bytes;
    uint32_t largest = 0;
    for (size_t first = 0; first < count; first += PIECE)
        largest = larger_magnitude(layout, piece_of(count - first), source + first / PIECE * bytes, largest);
    float scale = as_float(largest) / 127.0f;
    if (!(scale > 0x1p-100f && scale < 0x1p100f)) /* its inverse may be inexact or infinite */
        return quantize_pieces(widen, bytes, scale, count, source, target);
    for (; count > 0; count -= piece_of(count), source += bytes) {
        run_scales runs;
        layout->scales(piece_of(count) / layout->elements, source, &runs);
#pragma unroll
        for (size_t part = 0; part < PARTS; part++) {
            if (part * PART >= count)
                return scale;
            numbers16 numbers[2];
            quantize_part(layout, &runs, source, part, 1 / scale, numbers);
            memcpy(target, numbers, sizeof numbers);
            target += PART;
        }
    }
    return scale;
}

#define BLOCKS(name, ...)                                                                                              \
    static void widen_##name(size_t count, const uint8_t *source, const float *scales, float *target) {                \
        (void)scales;                                                                                                  \
        const block_layout layout = {__VA_ARGS__};                                                                     \
        widen_blocks(&layout, count, source, target);                                                                  \
    }                                                                                                                  \
    static float quantize_##name(size_t count, const uint8_t *source, int8_t *target) {                                \
        const block_layout layout = {__VA_ARGS__};                                                                     \
        return quantize_blocks(&layout, widen_##name, count, source, target);                                          \
    }

BLOCKS(q4_0, 32, 18, 0, -8, 7, 1, scales_q4_0, numbers_q4_0)
BLOCKS(q4_1, 32, 20, 1, 0, 15, 1, scales_q4_1, numbers_q4_1)
BLOCKS(q5_0, 32, 22, 0, -16, 15, 0, scales_q5_0, numbers_q5_0)
BLOCKS(q5_1, 32, 24, 1, 0, 31, 0, scales_q5_1, numbers_q5_1)
BLOCKS(q8_0, 32, 34, 0, -128, 127, 0, scales_q8_0, numbers_q8_0)
BLOCKS(q2_k, 256, 84, 1, 0, 3, 0, scales_q2_k, numbers_q2_k)
BLOCKS(q3_k, 256, 110, 0, -4, 3, 0, scales_q3_k, numbers_q3_k)
BLOCKS(q4_k, 256, 144, 1, 0, 15, 1, scales_six_bits, numbers_q4_k)
BLOCKS(q5_k, 256, 176, 1, 0, 31, 0, scales_six_bits, numbers_q5_k)
BLOCKS(q6_k, 256, 210, 0, -32, 31, 0, scales_q6_k, numbers_q6_k)
BLOCKS(iq4_nl, 32, 18, 0, -127, 113, 0, scales_q4_0, numbers_iq4_nl)
BLOCKS(iq4_xs, 256, 136, 0, -127, 113, 0, scales_iq4_xs, numbers_iq4_xs)
#undef BLOCKS
#pragma clang diagnostic pop

/* ---- Eight-bit floats -------------------------------------------------------------------------------------------- */

/* Exponent and fraction in the places of a float32, then scaled: right for normal and subnormal numbers. */
INLINE float float8_e4m3(uint8_t byte) {
    uint32_t magnitude = byte & 0x7fu;
    uint32_t bits = magnitude == 0x7f ? 0x7fc00000u : as_bits(as_float(magnitude << 20) * 0x1p120f);
    return as_float(bits | (uint32_t)(byte & 0x80u) << 24);
}

static void widen_float8_e4m3(size_t count, const uint8_t *source, const float *scales, float *target) {
    float scale = scales ? scales[0] : 1;
    for (size_t i = 0; i < count; i++)
        target[i] = float8_e4m3(source[i]) * scale;
}

static void widen_float8_e5m2(size_t count, const uint8_t *source, const float *scales, float *target) {
    float scale = scales ? scales[0] : 1;
    for (size_t i = 0; i < count; i++) {
        uint16_t half = (uint16_t)(source[i] << 8);
        float value;
        widen_float16(1, &half, &value);
        target[i] = value * scale;
    }
}

/* ---- Codes of bitsandbytes --------------------------------------------------------------------------------------- */

static const float normal_float4[16] = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

static const float floating_point4[16] = {
    0.0f,
    0.0052083334885537624f,
    0.6666666865348816f,
    1.0f,
    0.3333333432674408f,
    0.5f,
    0.1666666716337204f,
    0.25f,
    -0.0f,
    -0.0052083334885537624f,
    -0.6666666865348816f,
    -1.0f,
    -0.3333333432674408f,
    -0.5f,
    -0.1666666716337204f,
    -0.25f,
};

enum { CODE_BLOCK = 64 };

INLINE void widen_codes(size_t count, const uint8_t *source, const float *scales, const float *levels, float *target) {
    for (size_t first = 0; first < count; first += CODE_BLOCK, scales++)
        for (size_t i = 0; i < CODE_BLOCK / 2; i++, source++, target += 2) {
            target[0] = levels[*source >> 4] * *scales;
            target[1] = levels[*source & 15] * *scales;
        }
}

static void widen_normal_float4(size_t count, const uint8_t *source, const float *scales, float *target) {
    widen_codes(count, source, scales, normal_float4, target);
}

static void widen_floating_point4(size_t count, const uint8_t *source, const float *scales, float *target) {
    widen_codes(count, source, scales, floating_point4, target);
}

/* In the order of block_format in kernels.h. */
#define WIDEN_BLOCKS                                                                                                   \
    {widen_float8_e4m3, widen_float8_e5m2, widen_normal_float4, widen_floating_point4,                                 \
     widen_q4_0,        widen_q4_1,        widen_q5_0,          widen_q5_1,                                            \
     widen_q8_0,        widen_q2_k,        widen_q3_k,          widen_q4_k,                                            \
     widen_q5_k,        widen_q6_k,        widen_iq4_nl,        widen_iq4_xs}
#define QUANTIZE_BLOCKS                                                                                                \
    {NULL,           NULL,          NULL,          NULL,          quantize_q4_0,                                       \
     quantize_q4_1,  quantize_q5_0, quantize_q5_1, quantize_q8_0, quantize_q2_k,                                       \
     quantize_q3_k,  quantize_q4_k, quantize_q5_k, quantize_q6_k, quantize_iq4_nl,                                     \
     quantize_iq4_xs}
