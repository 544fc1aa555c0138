/* Weights in blocks as other programs store them, widened exactly: GGUF's blocks, eight-bit floats and the four-bit
 * codes of bitsandbytes. Each function widens `count` elements of one row, from the start of a block on.
 *
 * `d` and `m` are the scale and the minimum of a block, float16. Products of scales and codes have at most 25
 * significant bits, so only the sum with a minimum rounds. It is a sum of two rounded products on every instruction
 * set.
 */

INLINE float half_at(const uint8_t *source) {
    uint16_t half;
    float value;
    memcpy(&half, source, sizeof half);
    widen_float16(1, &half, &value);
    return value;
}

/* ---- Blocks of 32 ------------------------------------------------------------------------------------------------ */

enum { SMALL_BLOCK = 32 };

INLINE void widen_q4(size_t count, const uint8_t *source, int has_minimum, float *target) {
#pragma clang fp contract(off)
    size_t size = has_minimum ? 20 : 18;
    for (size_t first = 0; first < count; first += SMALL_BLOCK, source += size, target += SMALL_BLOCK) {
        float d = half_at(source), m = has_minimum ? half_at(source + 2) : -8 * d;
        const uint8_t *codes = source + size - 16;
        for (size_t i = 0; i < 16; i++) {
            int low = codes[i] & 15, high = codes[i] >> 4;
            target[i] = has_minimum ? d * (float)low + m : d * (float)(low - 8);
            target[i + 16] = has_minimum ? d * (float)high + m : d * (float)(high - 8);
        }
    }
}

INLINE void widen_q5(size_t count, const uint8_t *source, int has_minimum, float *target) {
#pragma clang fp contract(off)
    size_t size = has_minimum ? 24 : 22;
    for (size_t first = 0; first < count; first += SMALL_BLOCK, source += size, target += SMALL_BLOCK) {
        float d = half_at(source), m = has_minimum ? half_at(source + 2) : 0;
        const uint8_t *codes = source + size - 16;
        uint32_t fifth;
        memcpy(&fifth, codes - 4, sizeof fifth);
        for (size_t i = 0; i < 16; i++) {
            int low = (codes[i] & 15) | (int)((fifth >> i & 1) << 4);
            int high = (codes[i] >> 4) | (int)((fifth >> (i + 16) & 1) << 4);
            target[i] = has_minimum ? d * (float)low + m : d * (float)(low - 16);
            target[i + 16] = has_minimum ? d * (float)high + m : d * (float)(high - 16);
        }
    }
}

static void widen_q4_0(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    widen_q4(count, source, 0, target);
}

static void widen_q4_1(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    widen_q4(count, source, 1, target);
}

static void widen_q5_0(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    widen_q5(count, source, 0, target);
}

static void widen_q5_1(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    widen_q5(count, source, 1, target);
}

static void widen_q8_0(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    for (size_t first = 0; first < count; first += SMALL_BLOCK, source += 34, target += SMALL_BLOCK) {
        float d = half_at(source);
        for (size_t i = 0; i < SMALL_BLOCK; i++)
            target[i] = d * (float)(int8_t)source[2 + i];
    }
}

/* The levels of IQ4_NL and IQ4_XS. */
static const int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static void widen_iq4_nl(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    for (size_t first = 0; first < count; first += SMALL_BLOCK, source += 18, target += SMALL_BLOCK) {
        float d = half_at(source);
        for (size_t i = 0; i < 16; i++) {
            target[i] = d * (float)iq4_levels[source[2 + i] & 15];
            target[i + 16] = d * (float)iq4_levels[source[2 + i] >> 4];
        }
    }
}

/* ---- Blocks of 256 ----------------------------------------------------------------------------------------------- */

enum { LARGE_BLOCK = 256 };

static void widen_q2_k(size_t count, const uint8_t *source, const float *scales, float *target) {
#pragma clang fp contract(off)
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 84) {
        const uint8_t *codes = source + 16;
        float d = half_at(source + 80), least = half_at(source + 82);
        for (size_t half = 0; half < 2; half++, codes += 32)
            for (size_t shift = 0; shift < 8; shift += 2)
                for (size_t part = 0; part < 2; part++, target += 16) {
                    uint8_t both = source[8 * half + shift + part];
                    float scale = d * (float)(both & 15), m = least * (float)(both >> 4);
                    for (size_t i = 0; i < 16; i++)
                        target[i] = scale * (float)(codes[16 * part + i] >> shift & 3) - m;
                }
    }
}

static void widen_q3_k(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 110) {
        const uint8_t *codes = source + 32, *packed = source + 96;
        float d = half_at(source + 108);
        for (size_t run = 0; run < 16; run++, target += 16) {
            size_t third = run / 2, shift = 2 * (third % 4), offset = 16 * (run % 2);
            int low = run < 8 ? packed[run] & 15 : packed[run - 8] >> 4;
            int high = packed[8 + run % 4] >> 2 * (run / 4) & 3;
            float scale = d * (float)((low | high << 4) - 32);
            for (size_t i = 0; i < 16; i++) {
                int code = codes[32 * (run / 8) + offset + i] >> shift & 3;
                int missing = (source[offset + i] >> third & 1) ? 0 : 4;
                target[i] = scale * (float)(code - missing);
            }
        }
    }
}

/* The scale and the minimum, of six bits each, of run `j` of the eight in a block of Q4_K or Q5_K. */
INLINE void six_bits(const uint8_t *packed, size_t j, int *scale, int *minimum) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
        *minimum = packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
    }
}

static void widen_q4_k(size_t count, const uint8_t *source, const float *scales, float *target) {
#pragma clang fp contract(off)
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 144) {
        float d = half_at(source), least = half_at(source + 2);
        const uint8_t *codes = source + 16;
        for (size_t j = 0; j < 8; j += 2, codes += 32, target += 64) {
            int low_scale, low_minimum, high_scale, high_minimum;
            six_bits(source + 4, j, &low_scale, &low_minimum);
            six_bits(source + 4, j + 1, &high_scale, &high_minimum);
            float low = d * (float)low_scale, low_m = least * (float)low_minimum;
            float high = d * (float)high_scale, high_m = least * (float)high_minimum;
            for (size_t i = 0; i < 32; i++) {
                target[i] = low * (float)(codes[i] & 15) - low_m;
                target[i + 32] = high * (float)(codes[i] >> 4) - high_m;
            }
        }
    }
}

static void widen_q5_k(size_t count, const uint8_t *source, const float *scales, float *target) {
#pragma clang fp contract(off)
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 176) {
        float d = half_at(source), least = half_at(source + 2);
        const uint8_t *fifth = source + 16, *codes = source + 48;
        for (size_t j = 0; j < 8; j += 2, codes += 32, target += 64) {
            int low_scale, low_minimum, high_scale, high_minimum;
            six_bits(source + 4, j, &low_scale, &low_minimum);
            six_bits(source + 4, j + 1, &high_scale, &high_minimum);
            float low = d * (float)low_scale, low_m = least * (float)low_minimum;
            float high = d * (float)high_scale, high_m = least * (float)high_minimum;
            for (size_t i = 0; i < 32; i++) {
                target[i] = low * (float)((codes[i] & 15) | (fifth[i] >> j & 1) << 4) - low_m;
                target[i + 32] = high * (float)(codes[i] >> 4 | (fifth[i] >> (j + 1) & 1) << 4) - high_m;
            }
        }
    }
}

static void widen_q6_k(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 210) {
        float d = half_at(source + 208);
        for (size_t run = 0; run < 16; run++, target += 16) {
            size_t half = run / 8, quarter = run % 8 / 2, offset = 16 * (run % 2);
            const uint8_t *low = source + 64 * half + 32 * (quarter % 2) + offset;
            const uint8_t *high = source + 128 + 32 * half + offset;
            float scale = d * (float)(int8_t)source[192 + run];
            size_t low_shift = 4 * (quarter / 2), high_shift = 2 * quarter;
            for (size_t i = 0; i < 16; i++) {
                int code = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
                target[i] = scale * (float)(code - 32);
            }
        }
    }
}

static void widen_iq4_xs(size_t count, const uint8_t *source, const float *scales, float *target) {
    (void)scales;
    for (size_t first = 0; first < count; first += LARGE_BLOCK, source += 136) {
        float d = half_at(source);
        uint16_t high;
        memcpy(&high, source + 2, sizeof high);
        const uint8_t *codes = source + 8;
        for (size_t j = 0; j < 8; j++, codes += 16, target += 32) {
            int number = (source[4 + j / 2] >> 4 * (j % 2) & 15) | (high >> 2 * j & 3) << 4;
            float scale = d * (float)(number - 32);
            for (size_t i = 0; i < 16; i++) {
                target[i] = scale * (float)iq4_levels[codes[i] & 15];
                target[i + 16] = scale * (float)iq4_levels[codes[i] >> 4];
            }
        }
    }
}

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
#define BLOCK_FORMATS                                                                                                  \
    {widen_float8_e4m3, widen_float8_e5m2, widen_normal_float4, widen_floating_point4,                                 \
     widen_q4_0,        widen_q4_1,        widen_q5_0,          widen_q5_1,                                            \
     widen_q8_0,        widen_q2_k,        widen_q3_k,          widen_q4_k,                                            \
     widen_q5_k,        widen_q6_k,        widen_iq4_nl,        widen_iq4_xs}
