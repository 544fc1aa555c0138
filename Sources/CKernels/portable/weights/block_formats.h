/* Weights in blocks as other programs store them, widened exactly: GGUF's blocks, eight-bit floats and the four-bit
 * codes of bitsandbytes. Each function takes `count` elements of one row, from the start of a block on.
 */
#include "gguf_rows.h"

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
