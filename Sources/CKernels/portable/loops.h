/* The plain C loops of a kernel table. One file for each instruction set includes and compiles them. */
#include "kernels.h"

#include <math.h>
#include <string.h>

#include "vectors.h"

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

/* Adding it to a number below 2^22 rounds to an integer, which is then in the low bits. */
#define ROUNDER 12582912.0f /* 1.5 * 2^23 */

/* exp(x) within 1.2 units in the last place for x in [-87, 88]; x is clamped to that range. Cody-Waite reduction by
 * ln 2, then a polynomial of degree 6 on [-ln2/2, ln2/2]. */
INLINE float fast_exp(float x) {
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float shifted = MULTIPLY_ADD(x, 1.44269504088896341f, ROUNDER);
    float n = shifted - ROUNDER;
    float r = MULTIPLY_ADD(n, -0.693145751953125f, x);
    r = MULTIPLY_ADD(n, -1.42860682030941723212e-6f, r);
    float p = MULTIPLY_ADD(1.3888889e-3f, r, 8.3333333e-3f);
    p = MULTIPLY_ADD(p, r, 4.1666668e-2f);
    p = MULTIPLY_ADD(p, r, 1.6666667e-1f);
    p = MULTIPLY_ADD(p, r, 0.5f);
    p = MULTIPLY_ADD(p, r, 1.0f);
    p = MULTIPLY_ADD(p, r, 1.0f);
    uint32_t exponent = (as_bits(shifted) - as_bits(ROUNDER) + 127u) << 23;
    return p * as_float(exponent);
}

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), written as x times a logistic function. */
INLINE float gelu_tanh(float x) {
    float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    return x / (1.0f + fast_exp(-2.0f * u));
}

INLINE float silu_of(float x) { return x / (1.0f + fast_exp(-x)); }

/* The nearest bfloat16, ties to even; NaN stays NaN. */
INLINE uint16_t bfloat16_of(float x) {
    uint32_t bits = as_bits(x);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)(x != x ? 0x7fc0u : rounded);
}

INLINE float float_of(uint16_t bfloat16) { return as_float((uint32_t)bfloat16 << 16); }

/* The integer nearest to x, ties to even, for |x| < 2^22. */
INLINE int32_t rounded(float x) { return (int32_t)(as_bits(x + ROUNDER) - as_bits(ROUNDER)); }

#include "weights/stored_weights.h"

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

INLINE void *row_of(const native_rows *rows, size_t row) { return (char *)rows->elements + row * rows->stride; }

/* Converts one row to the form that a GEMM reads. */
INLINE void store_row(size_t columns, const float *x, const native_rows *out, size_t row) {
    void *target = row_of(out, row);
    switch (out->type) {
    case NATIVE_BFLOAT16:
        narrow_bfloat16(columns, x, target);
        break;
    case NATIVE_INT8: {
        float scale = largest_magnitude(columns, x) / 127.0f, inverse = scale > 0 ? 1 / scale : 0;
        uint8_t *bytes = target;
        for (size_t i = 0; i < columns; i++)
            bytes[i] = (uint8_t)(rounded(x[i] * inverse) + 128);
        out->scales[row] = scale;
        break;
    }
    case NATIVE_ROUND_BFLOAT16: {
        float *floats = target;
        for (size_t i = 0; i < columns; i++)
            floats[i] = float_of(bfloat16_of(x[i]));
        break;
    }
    default:
        memcpy(target, x, columns * sizeof *x);
    }
}

static void store_rows(size_t rows, size_t columns, const float *x, size_t x_stride, const native_rows *out) {
    for (size_t row = 0; row < rows; row++)
        store_row(columns, x + row * x_stride, out, row);
}

static void store_bfloat16(size_t rows, size_t columns, const uint16_t *x, size_t x_stride, float *work,
                           const native_rows *out) {
    for (size_t row = 0; row < rows; row++) {
        widen_bfloat16(columns, x + row * x_stride, work);
        store_row(columns, work, out, row);
    }
}

static void layer_norm_modulate(size_t rows, size_t columns, const float *x, size_t x_stride, const float *shift,
                                const float *scale, float epsilon, float *work, const native_rows *out) {
    for (size_t row = 0; row < rows; row++, x += x_stride) {
        float mean = sum_of(columns, x) / (float)columns;
        for (size_t i = 0; i < columns; i++)
            work[i] = x[i] - mean;
        float inverse = 1.0f / sqrtf(sum_of_squares(columns, work) / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++)
            work[i] = MULTIPLY_ADD(work[i] * inverse, 1.0f + scale[i], shift[i]);
        store_row(columns, work, out, row);
    }
}

static void rms_norm(size_t rows, size_t columns, const float *x, size_t x_stride, const float *weight, float epsilon,
                     float *work, const native_rows *out) {
    for (size_t row = 0; row < rows; row++, x += x_stride) {
        float inverse = 1.0f / sqrtf(sum_of_squares(columns, x) / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++)
            work[i] = x[i] * inverse * weight[i];
        store_row(columns, work, out, row);
    }
}

static void silu(size_t count, float *x) {
    for (size_t i = 0; i < count; i++)
        x[i] = silu_of(x[i]);
}

static void add(size_t count, const float *x, float *out) {
    for (size_t i = 0; i < count; i++)
        out[i] += x[i];
}

/* ---- Epilogue ---------------------------------------------------------------------------------------------------- */

/* One row of a tile. */
INLINE void finish_row(size_t columns, float *x, const native_epilogue *e, void *out) {
    if (e->bias)
        for (size_t i = 0; i < columns; i++)
            x[i] += e->bias[i];
    if (e->gelu)
        for (size_t i = 0; i < columns; i++)
            x[i] = gelu_tanh(x[i]);
    float *floats = out;
    uint16_t *halves = out;
    if (e->accumulate && e->gate)
        for (size_t i = 0; i < columns; i++)
            floats[i] = MULTIPLY_ADD(e->gate[i], x[i], floats[i]);
    else if (e->accumulate)
        for (size_t i = 0; i < columns; i++)
            floats[i] += x[i];
    else if (e->type == NATIVE_BFLOAT16 && e->multiply)
        for (size_t i = 0; i < columns; i++)
            halves[i] = bfloat16_of(float_of(halves[i]) * x[i]);
    else if (e->type == NATIVE_BFLOAT16)
        for (size_t i = 0; i < columns; i++)
            halves[i] = bfloat16_of(x[i]);
    else if (e->type == NATIVE_ROUND_BFLOAT16)
        for (size_t i = 0; i < columns; i++)
            floats[i] = float_of(bfloat16_of(e->multiply ? floats[i] * x[i] : x[i]));
    else if (e->multiply)
        for (size_t i = 0; i < columns; i++)
            floats[i] *= x[i];
    else
        memcpy(floats, x, columns * sizeof *x);
}

static void apply_epilogue(size_t rows, size_t columns, float *tile, size_t tile_stride,
                           const native_epilogue *epilogue, void *out, size_t out_stride) {
    const size_t size = epilogue->type == NATIVE_BFLOAT16 ? sizeof(uint16_t) : sizeof(float);
    for (size_t row = 0; row < rows; row++)
        finish_row(columns, tile + row * tile_stride, epilogue, (char *)out + row * out_stride * size);
}

/* ---- Attention --------------------------------------------------------------------------------------------------- */

static void softmax_block(size_t rows, size_t columns, float scale, float *scores, size_t stride, const float *bias,
                          size_t bias_stride, float *maximum, float *sum, float *correction) {
    for (size_t row = 0; row < rows; row++, scores += stride) {
        float factor = scale;
        if (bias) {
            for (size_t i = 0; i < columns; i++)
                scores[i] = MULTIPLY_ADD(scores[i], scale, bias[i]);
            bias += bias_stride;
            factor = 1;
        }
        float largest = fmaxf(maximum[row], largest_of(columns, scores) * factor);
        for (size_t i = 0; i < columns; i++)
            scores[i] = fast_exp(MULTIPLY_ADD(scores[i], factor, -largest));
        correction[row] = fast_exp(maximum[row] - largest);
        sum[row] = MULTIPLY_ADD(sum[row], correction[row], sum_of(columns, scores));
        maximum[row] = largest;
    }
}

static void prefetch_rows(size_t rows, size_t bytes, const void *start, size_t stride) {
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < bytes; i += 64)
            __builtin_prefetch((const char *)start + row * stride + i, 0, 2);
}

static void scale_rows(size_t rows, size_t columns, float *x, size_t stride, const float *factor) {
    for (size_t row = 0; row < rows; row++, x += stride)
        for (size_t i = 0; i < columns; i++)
            x[i] *= factor[row];
}

/* ---- Pixels ------------------------------------------------------------------------------------------------------ */

static void channel_sums(size_t rows, size_t channels, const float *x, double *sum, double *square) {
    for (size_t row = 0; row < rows; row++, x += channels)
        for (size_t c = 0; c < channels; c++) {
            double value = x[c];
            sum[c] += value;
            square[c] += value * value;
        }
}

static void transform_pixels(size_t rows, size_t channels, const float *x, const float *scale, const float *shift,
                             int with_silu, float *out) {
    for (size_t row = 0; row < rows; row++, x += channels, out += channels)
        for (size_t c = 0; c < channels; c++)
            out[c] = MULTIPLY_ADD(x[c], scale[c], shift[c]);
    if (with_silu)
        silu(rows * channels, out - rows * channels);
}

#include "weights/block_formats.h"
#include "winograd_loops.h"

/* The members of a kernel table that this file defines. */
#define PORTABLE_KERNELS                                                                                               \
    .softmax_block = softmax_block, .prefetch_rows = prefetch_rows, .scale_rows = scale_rows,                          \
    .store_rows = store_rows, .store_bfloat16 = store_bfloat16, .layer_norm_modulate = layer_norm_modulate,            \
    .rms_norm = rms_norm, .silu = silu, .add = add, .widen_float16 = widen_float16, .widen_bfloat16 = widen_bfloat16,  \
    .widen_block = WIDEN_BLOCKS, .quantize_block = QUANTIZE_BLOCKS, .widen_int8 = widen_int8,                          \
    .widen_int4 = widen_int4, .narrow_bfloat16 = narrow_bfloat16, .int8_as_bfloat16 = int8_as_bfloat16,                \
    .int4_scale = int4_scale, .int4_as_int8 = int4_as_int8, .quantize_int8 = quantize_int8,                            \
    .quantize_int4 = quantize_int4, .channel_sums = channel_sums, .transform_pixels = transform_pixels,                \
    .winograd_weights = winograd_weights, .winograd_input = winograd_input, .winograd_output = winograd_output
