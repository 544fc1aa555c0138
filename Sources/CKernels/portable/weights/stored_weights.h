/* Conversions of stored weights: float16, bfloat16, int8 and int4. loops.h includes this file. */

static void widen_float16(size_t count, const uint16_t *source, float *target) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = source[i], magnitude = half & 0x7fffu;
        /* Exponent and fraction in float32's bits, then scaled by 2^112: correct for normal and subnormal numbers. */
        uint32_t finite = as_bits(as_float(magnitude << 13) * 0x1p112f);
        uint32_t special = (magnitude << 13) | 0x7f800000u;
        target[i] = as_float((magnitude >= 0x7c00u ? special : finite) | (half & 0x8000u) << 16);
    }
}

static void widen_bfloat16(size_t count, const uint16_t *source, float *target) {
    for (size_t i = 0; i < count; i++)
        target[i] = float_of(source[i]);
}

static void widen_int8(size_t count, const int8_t *source, float scale, float *target) {
    for (size_t i = 0; i < count; i++)
        target[i] = (float)source[i] * scale;
}

/* int4 numbers of four outputs and sixteen inputs share a scale. A run of eight inputs lies in four bytes: byte i has
 * input i in its low half and input i + 4 in its high half, as the number plus 8. Sixteen outputs make a block. Their
 * runs of the same inputs are adjacent, so the runs of one output are BLOCK_RUN bytes apart. */
enum { GROUP_OUTPUTS = 4, GROUP_INPUTS = 16, RUN = 8, BLOCK_OUTPUTS = 16, BLOCK_RUN = BLOCK_OUTPUTS * RUN / 2 };

/* Unpacks a run of an output to numbers from -8 to 7. */
INLINE void unpack_run(const uint8_t *source, int32_t *target) {
    for (size_t i = 0; i < RUN / 2; i++) {
        target[i] = (source[i] & 15) - 8;
        target[i + RUN / 2] = (source[i] >> 4) - 8;
    }
}

static void widen_int4(size_t count, const uint8_t *source, const float *scales, float *target) {
    for (size_t first = 0; first < count; first += RUN, source += BLOCK_RUN, target += RUN) {
        int32_t numbers[RUN];
        float values[RUN], scale = scales[first / GROUP_INPUTS];
        unpack_run(source, numbers);
        for (size_t i = 0; i < RUN; i++)
            values[i] = (float)numbers[i] * scale;
        memcpy(target, values, (count - first < RUN ? count - first : RUN) * sizeof *values);
    }
}

static void narrow_bfloat16(size_t count, const float *source, uint16_t *target) {
    for (size_t i = 0; i < count; i++)
        target[i] = bfloat16_of(source[i]);
}

static void int8_as_bfloat16(size_t count, const int8_t *source, uint16_t *target) {
    for (size_t i = 0; i < count; i++)
        target[i] = (uint16_t)(as_bits((float)source[i]) >> 16);
}

/* Magnitudes are compared as integers: the order is the same, and integers can be reduced on vectors. */
INLINE float largest_magnitude(size_t count, const float *x) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t magnitude = as_bits(x[i]) & 0x7fffffffu;
        largest = magnitude > largest ? magnitude : largest;
    }
    return as_float(largest);
}

/* The largest of x, also compared as integers. `count` is at least 1. */
INLINE float largest_of(size_t count, const float *x) {
    int32_t largest = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        int32_t bits = (int32_t)as_bits(x[i]), key = bits ^ ((bits >> 31) & INT32_MAX);
        largest = key > largest ? key : largest;
    }
    return as_float((uint32_t)(largest ^ ((largest >> 31) & INT32_MAX)));
}

static float int4_scale(size_t count, const float *scales) {
    size_t groups = (count + GROUP_INPUTS - 1) / GROUP_INPUTS;
    /* Prefetches the same scales of the next panel. */
    for (size_t i = 0; i < groups; i += 16)
        __builtin_prefetch(scales + NATIVE_PANEL / GROUP_OUTPUTS * groups + i);
    return largest_magnitude(groups, scales) * (8.0f / 127.0f);
}

/* The factor that converts int4 numbers to int8 numbers with a scale is between -127/8 and 127/8. It is in units of
 * 1/2048, so that every instruction set rounds in the same way. */
#define INT4_FACTOR_UNIT 2048.0f

static void int4_as_int8(size_t count, const uint8_t *source, const float *scales, float scale, int8_t *target) {
    float inverse = scale > 0 ? 1 / scale : 0;
    for (size_t first = 0; first < count; first += RUN, source += BLOCK_RUN, target += RUN) {
        int32_t values[RUN], factor = rounded(scales[first / GROUP_INPUTS] * inverse * INT4_FACTOR_UNIT);
        int8_t bytes[RUN];
        unpack_run(source, values);
        for (size_t i = 0; i < RUN; i++)
            bytes[i] = (int8_t)((values[i] * factor + 1024) >> 11);
        memcpy(target, bytes, count - first < RUN ? count - first : RUN);
    }
}

INLINE int8_t int8_of(float scaled) {
    int32_t value = rounded(scaled);
    return (int8_t)(value > 127 ? 127 : value < -127 ? -127 : value);
}

static float quantize_int8(size_t count, const float *source, int8_t *target) {
    float scale = largest_magnitude(count, source) / 127.0f, inverse = scale > 0 ? 1 / scale : 0;
    for (size_t i = 0; i < count; i++)
        target[i] = int8_of(source[i] * inverse);
    return scale;
}

INLINE int32_t int4_level(float scaled) {
    int32_t value = rounded(scaled);
    return value > 7 ? 7 : value < -8 ? -8 : value;
}

/* The squared error of a group under a scale. Without fused multiply-adds, so that stored weights are the same
 * everywhere. */
INLINE float int4_error(const float x[GROUP_OUTPUTS * GROUP_INPUTS], float scale) {
    float inverse = 1 / scale, errors[GROUP_OUTPUTS * GROUP_INPUTS];
    for (size_t i = 0; i < GROUP_OUTPUTS * GROUP_INPUTS; i++)
        errors[i] = (float)int4_level(x[i] * inverse) * scale - x[i];
    for (size_t i = 0; i < GROUP_OUTPUTS * GROUP_INPUTS; i++)
        errors[i] *= errors[i];
    return sum_of(GROUP_OUTPUTS * GROUP_INPUTS, errors);
}

/* The scale with the least error for a group. Candidates range from using 6 levels of a side to clipping the largest
 * number. */
INLINE float int4_best_scale(const float x[GROUP_OUTPUTS * GROUP_INPUTS]) {
    float extreme = 0; /* the number with the largest magnitude gets the side that reaches -8 */
    for (size_t i = 0; i < GROUP_OUTPUTS * GROUP_INPUTS; i++)
        extreme = fabsf(x[i]) > fabsf(extreme) ? x[i] : extreme;
    float best = extreme / -8.0f, least = INFINITY;
    for (int i = 0; i < 16 && extreme != 0; i++) {
        float scale = extreme / -(6.0f + 0.25f * (float)i), error = int4_error(x, scale);
        if (error < least)
            least = error, best = scale;
    }
    return best;
}

static void quantize_int4(size_t outputs, size_t count, const float *source, uint8_t *target, float *scales) {
    for (size_t first = 0; first < count; first += GROUP_INPUTS, scales++) {
        size_t members = count - first < GROUP_INPUTS ? count - first : GROUP_INPUTS;
        float x[GROUP_OUTPUTS][GROUP_INPUTS] = {{0}};
        for (size_t output = 0; output < outputs; output++)
            memcpy(x[output], source + output * count + first, members * sizeof **x);
        *scales = int4_best_scale(*x);
        float inverse = *scales != 0 ? 1 / *scales : 0;
        for (size_t output = 0; output < outputs; output++)
            for (size_t run = 0; run < members; run += RUN) {
                uint8_t *bytes = target + (first + run) / RUN * BLOCK_RUN + output * (RUN / 2);
                for (size_t i = 0; i < RUN / 2; i++) {
                    const float *values = x[output] + run + i;
                    int32_t low = int4_level(values[0] * inverse) + 8, high = int4_level(values[RUN / 2] * inverse) + 8;
                    bytes[i] = (uint8_t)(low | high << 4);
                }
            }
    }
}
