/* Kernels over float32 rows that Swift cannot spell as fast: plain C loops, compiled once for each instruction set and
 * chosen when the library is loaded. There is no x86 header here, so the same file builds for every architecture.
 *
 * Letters: `rows` and `columns` count rows and elements of a row; a `stride` is the distance between rows in elements. */
#ifndef PIXART_SIMD_H
#define PIXART_SIMD_H

#include <stddef.h>
#include <stdint.h>

/* Exact widening of `count` stored elements. */
void native_widen_float16(size_t count, const uint16_t *source, float *target);
void native_widen_bfloat16(size_t count, const uint16_t *source, float *target);

/* out = (x - mean(x)) / sqrt(var(x) + epsilon) * (1 + scale) + shift, for each row; out may be x. */
void native_layer_norm_modulate(size_t rows, size_t columns, const float *x, size_t x_stride, const float *shift,
                                const float *scale, float epsilon, float *out, size_t out_stride);

/* out = x / sqrt(mean(x^2) + epsilon) * weight, for each row. */
void native_rms_norm(size_t rows, size_t columns, const float *x, size_t x_stride, const float *weight, float epsilon,
                     float *out, size_t out_stride);

/* x += bias, for each row. */
void native_add_bias(size_t rows, size_t columns, float *x, size_t stride, const float *bias);

/* x = gelu(x + bias) in the tanh form, for each row. */
void native_add_bias_gelu(size_t rows, size_t columns, float *x, size_t stride, const float *bias);

/* out += gate * (x + bias), for each row. */
void native_accumulate_gated(size_t rows, size_t columns, const float *x, size_t x_stride, const float *bias,
                             const float *gate, float *out, size_t out_stride);

/* gate = gelu(gate) * x in the tanh form, elementwise. */
void native_gelu_times(size_t rows, size_t columns, float *gate, size_t gate_stride, const float *x, size_t x_stride);

/* x = x / (1 + exp(-x)), elementwise. */
void native_silu(size_t count, float *x);

/* out += x, elementwise. */
void native_add(size_t count, const float *x, float *out);

/* One block of an online softmax, for each row of scores: with z = scale * scores + bias (bias may be NULL, with the
 * stride bias_stride) and the row's running maximum and sum,
 *     new maximum = max(maximum, max z);  correction = exp(maximum - new maximum);
 *     scores = exp(z - new maximum);      sum = sum * correction + sum of scores.
 * Start with maximum = -INFINITY and sum = 0. */
void native_softmax_block(size_t rows, size_t columns, float scale, float *scores, size_t stride, const float *bias,
                          size_t bias_stride, float *maximum, float *sum, float *correction);

/* x *= factor[row], for each row. */
void native_scale_rows(size_t rows, size_t columns, float *x, size_t stride, const float *factor);

/* sum[c] += x[., c] and square[c] += x[., c]^2 over the rows, in double. */
void native_channel_sums(size_t rows, size_t channels, const float *x, double *sum, double *square);

/* Copies `pixels` pixels of `channels` values into planes of `block` channels each, `plane` elements apart, so that
 * target[c / block][pixel][c % block] = f(source[pixel][c]). f is x * scale[c] + shift[c] where scale is not NULL, and
 * then SiLU where `activate` is not 0. `repeat` writes each pixel that many times in a row (nearest-neighbour
 * enlargement). */
void native_pack_pixels(size_t pixels, size_t channels, size_t block, size_t plane, const float *source,
                        const float *scale, const float *shift, int activate, size_t repeat, float *target);

/* The way back, with a bias: target[pixel][c] (+)= source[c / block][pixel][c % block] + bias[c]. */
void native_unpack_pixels(size_t pixels, size_t channels, size_t block, size_t plane, const float *source,
                          const float *bias, int accumulate, float *target);

#endif
