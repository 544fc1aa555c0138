/* Rows of GGUF's blocks, widened to float32 or rounded to int8.
 *
 * Products of scales and numbers have at most 25 significant bits, so only the difference with a minimum rounds. It is
 * a difference of two rounded products on every instruction set.
 */

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi" /* all functions that take or return vectors are inlined */

#include "gguf_blocks.h"

/* The weights of a run. */
INLINE floats16 weights_of(const block_layout *layout, const run_scales *runs, size_t run, floats16 numbers) {
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
    return __builtin_convertvector((integers16)(scaled + ROUNDER), numbers16);
}

/* The int8 numbers of a part. */
INLINE void quantize_part(const block_layout *layout, const run_scales *runs, const uint8_t *piece, size_t part,
                          float inverse, numbers16 *numbers) {
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
