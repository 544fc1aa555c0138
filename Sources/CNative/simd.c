#include "simd.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif
#define INLINE static inline __attribute__((always_inline))

/* Sums and maxima may be taken in any order: that is what lets loops run on vectors. */
#pragma clang fp reassociate(on) contract(fast)

INLINE float as_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint32_t as_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(x) within 1.2 units in the last place for x in [-87, 88]; clamped outside. Cody-Waite reduction by ln 2, then a
 * polynomial of degree 6 on [-ln2/2, ln2/2]. */
INLINE float fast_exp(float x) {
#pragma clang fp reassociate(off)
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float shifted = x * 1.44269504088896341f + rounder;
    float n = shifted - rounder;
    float r = x - n * 0.693145751953125f;
    r = r - n * 1.42860682030941723212e-6f;
    float p = 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666668e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    uint32_t exponent = (as_bits(shifted) - as_bits(rounder) + 127u) << 23;
    return p * as_float(exponent);
}

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written as x times a logistic function. */
INLINE float gelu_tanh(float x) {
    float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    return x / (1.0f + fast_exp(-2.0f * u));
}

INLINE float silu(float x) { return x / (1.0f + fast_exp(-x)); }

MULTIVERSIONED void native_widen_float16(size_t count, const uint16_t *source, float *target) {
    for (size_t i = 0; i < count; i++) {
        uint32_t half = source[i], magnitude = half & 0x7fffu;
        /* Exponent and fraction in float32's places, then scaled by 2^112: right for normal and subnormal numbers. */
        uint32_t finite = as_bits(as_float(magnitude << 13) * 0x1p112f);
        uint32_t special = (magnitude << 13) | 0x7f800000u;
        target[i] = as_float((magnitude >= 0x7c00u ? special : finite) | (half & 0x8000u) << 16);
    }
}

MULTIVERSIONED void native_widen_bfloat16(size_t count, const uint16_t *source, float *target) {
    for (size_t i = 0; i < count; i++) target[i] = as_float((uint32_t)source[i] << 16);
}

MULTIVERSIONED void native_layer_norm_modulate(size_t rows, size_t columns, const float *x, size_t x_stride,
                                               const float *shift, const float *scale, float epsilon, float *out,
                                               size_t out_stride) {
    for (size_t row = 0; row < rows; row++, x += x_stride, out += out_stride) {
        float sum = 0, square = 0;
        for (size_t i = 0; i < columns; i++) sum += x[i];
        float mean = sum / (float)columns;
        for (size_t i = 0; i < columns; i++) square += (x[i] - mean) * (x[i] - mean);
        float inverse = 1.0f / sqrtf(square / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) out[i] = (x[i] - mean) * inverse * (1.0f + scale[i]) + shift[i];
    }
}

MULTIVERSIONED void native_rms_norm(size_t rows, size_t columns, const float *x, size_t x_stride, const float *weight,
                                    float epsilon, float *out, size_t out_stride) {
    for (size_t row = 0; row < rows; row++, x += x_stride, out += out_stride) {
        float square = 0;
        for (size_t i = 0; i < columns; i++) square += x[i] * x[i];
        float inverse = 1.0f / sqrtf(square / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) out[i] = x[i] * inverse * weight[i];
    }
}

MULTIVERSIONED void native_add_bias(size_t rows, size_t columns, float *x, size_t stride, const float *bias) {
    for (size_t row = 0; row < rows; row++, x += stride)
        for (size_t i = 0; i < columns; i++) x[i] += bias[i];
}

MULTIVERSIONED void native_add_bias_gelu(size_t rows, size_t columns, float *x, size_t stride, const float *bias) {
    for (size_t row = 0; row < rows; row++, x += stride)
        for (size_t i = 0; i < columns; i++) x[i] = gelu_tanh(x[i] + bias[i]);
}

MULTIVERSIONED void native_accumulate_gated(size_t rows, size_t columns, const float *x, size_t x_stride,
                                            const float *bias, const float *gate, float *out, size_t out_stride) {
    for (size_t row = 0; row < rows; row++, x += x_stride, out += out_stride)
        for (size_t i = 0; i < columns; i++) out[i] += gate[i] * (x[i] + bias[i]);
}

MULTIVERSIONED void native_gelu_times(size_t rows, size_t columns, float *gate, size_t gate_stride, const float *x,
                                      size_t x_stride) {
    for (size_t row = 0; row < rows; row++, gate += gate_stride, x += x_stride)
        for (size_t i = 0; i < columns; i++) gate[i] = gelu_tanh(gate[i]) * x[i];
}

MULTIVERSIONED void native_silu(size_t count, float *x) {
    for (size_t i = 0; i < count; i++) x[i] = silu(x[i]);
}

MULTIVERSIONED void native_add(size_t count, const float *x, float *out) {
    for (size_t i = 0; i < count; i++) out[i] += x[i];
}

MULTIVERSIONED void native_softmax_block(size_t rows, size_t columns, float scale, float *scores, size_t stride,
                                         const float *bias, size_t bias_stride, float *maximum, float *sum,
                                         float *correction) {
    for (size_t row = 0; row < rows; row++, scores += stride) {
        float largest = maximum[row];
        if (bias) {
            for (size_t i = 0; i < columns; i++) scores[i] = scores[i] * scale + bias[i];
            bias += bias_stride;
        } else {
            for (size_t i = 0; i < columns; i++) scores[i] *= scale;
        }
        for (size_t i = 0; i < columns; i++) largest = scores[i] > largest ? scores[i] : largest;
        float total = 0;
        for (size_t i = 0; i < columns; i++) {
            scores[i] = fast_exp(scores[i] - largest);
            total += scores[i];
        }
        correction[row] = fast_exp(maximum[row] - largest);
        sum[row] = sum[row] * correction[row] + total;
        maximum[row] = largest;
    }
}

MULTIVERSIONED void native_scale_rows(size_t rows, size_t columns, float *x, size_t stride, const float *factor) {
    for (size_t row = 0; row < rows; row++, x += stride)
        for (size_t i = 0; i < columns; i++) x[i] *= factor[row];
}

MULTIVERSIONED void native_channel_sums(size_t rows, size_t channels, const float *x, double *sum, double *square) {
    for (size_t row = 0; row < rows; row++, x += channels)
        for (size_t c = 0; c < channels; c++) {
            double value = x[c];
            sum[c] += value;
            square[c] += value * value;
        }
}

MULTIVERSIONED void native_pack_pixels(size_t pixels, size_t channels, size_t block, size_t plane, const float *source,
                                       const float *scale, const float *shift, int activate, size_t repeat,
                                       float *target) {
    for (size_t pixel = 0; pixel < pixels; pixel++, source += channels)
        for (size_t first = 0; first < channels; first += block) {
            float *out = target + first / block * plane + pixel * repeat * block;
            const float *in = source + first;
            if (!scale)
                for (size_t i = 0; i < block; i++) out[i] = in[i];
            else if (!activate)
                for (size_t i = 0; i < block; i++) out[i] = in[i] * scale[first + i] + shift[first + i];
            else
                for (size_t i = 0; i < block; i++) out[i] = silu(in[i] * scale[first + i] + shift[first + i]);
            for (size_t copy = 1; copy < repeat; copy++) memcpy(out + copy * block, out, block * sizeof *out);
        }
}

MULTIVERSIONED void native_unpack_pixels(size_t pixels, size_t channels, size_t block, size_t plane,
                                         const float *source, const float *bias, int accumulate, float *target) {
    for (size_t pixel = 0; pixel < pixels; pixel++, target += channels)
        for (size_t first = 0; first < channels; first += block) {
            const float *in = source + first / block * plane + pixel * block;
            float *out = target + first;
            if (accumulate)
                for (size_t i = 0; i < block; i++) out[i] += in[i] + bias[first + i];
            else
                for (size_t i = 0; i < block; i++) out[i] = in[i] + bias[first + i];
        }
}
