/* The transforms of Winograd's algorithm (see winograd.h) on vectors of channels. loops.h includes this file. */
#include "winograd.h"

#include <stdint.h>

/* A non-temporal store, past the caches, to an address aligned to 64 bytes, for data that is not read soon.
 * `stream_end` orders such stores before what follows. */
INLINE void stream(vector value, float *target) {
    __builtin_nontemporal_store((aligned_vector)value, (aligned_vector *)target);
}
INLINE void stream_end(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* Powers of the points a = 5/8 and b = 3/2. All are exact. */
#define A1 0.625f
#define A2 0.390625f
#define A3 0.244140625f
#define B1 1.5f
#define B2 2.25f
#define B3 3.375f
#define A2_PLUS_B2 2.640625f
#define A2_TIMES_B2 0.87890625f

INLINE vector times_plus(float factor, vector x, vector summand) {
    return MULTIPLY_ADD((vector){0} + factor, x, summand);
}

/* B^T d for a column or a row of a tile. */
INLINE void transform_input(int upsample, const vector d[6], vector u[6]) {
    if (upsample) {
        u[0] = d[0] - d[2];
        u[1] = d[1] + d[2];
        u[2] = d[1] - d[2];
        u[3] = d[1] - d[3];
    } else {
        vector even_a = times_plus(-B2, d[2], d[4]), odd_a = times_plus(-B2, d[1], d[3]);
        vector even_b = times_plus(-A2, d[2], d[4]), odd_b = times_plus(-A2, d[1], d[3]);
        u[0] = times_plus(A2_TIMES_B2, d[0], times_plus(-A2_PLUS_B2, d[2], d[4]));
        u[1] = times_plus(A1, odd_a, even_a);
        u[2] = times_plus(-A1, odd_a, even_a);
        u[3] = times_plus(B1, odd_b, even_b);
        u[4] = times_plus(-B1, odd_b, even_b);
        u[5] = times_plus(A2_TIMES_B2, d[1], times_plus(-A2_PLUS_B2, d[3], d[5]));
    }
}

/* A^T m. If upsampled, the products are those of g0, S, X, Y and g2. */
INLINE void transform_output(int upsample, const vector m[6], vector y[4]) {
    if (upsample) {
        y[0] = m[0] + (m[1] - m[2]);
        y[1] = m[1] + m[3];
        y[2] = m[1] + m[2];
        y[3] = (m[1] - m[3]) - m[4];
    } else {
        vector sum_a = m[1] + m[2], difference_a = m[1] - m[2];
        vector sum_b = m[3] + m[4], difference_b = m[3] - m[4];
        y[0] = m[0] + sum_a + sum_b;
        y[1] = times_plus(A1, difference_a, B1 * difference_b);
        y[2] = times_plus(A2, sum_a, B2 * sum_b);
        y[3] = times_plus(A3, difference_a, times_plus(B3, difference_b, m[5]));
    }
}

/* G g, in double: weights are rounded once. */
INLINE void transform_taps(int upsample, const wide_vector g[3], wide_vector v[6]) {
    if (upsample) {
        wide_vector sum = 0.5 * (g[0] + g[1]), difference = 0.5 * (g[0] - g[1]), last = 0.5 * g[2];
        v[0] = g[0];
        v[1] = sum + last;
        v[2] = difference - last;
        v[3] = sum - last;
        v[4] = g[2];
    } else {
        const double a = A1, b = B1, of_a = 0.5 / (a * a * (a * a - b * b)), of_b = 0.5 / (b * b * (b * b - a * a));
        wide_vector even_a = of_a * g[0] + of_a * a * a * g[2], odd_a = of_a * a * g[1];
        wide_vector even_b = of_b * g[0] + of_b * b * b * g[2], odd_b = of_b * b * g[1];
        v[0] = g[0] * (1 / (a * a * b * b));
        v[1] = even_a + odd_a;
        v[2] = even_a - odd_a;
        v[3] = even_b + odd_b;
        v[4] = even_b - odd_b;
        v[5] = g[2];
    }
}

INLINE void transform_weights(int upsample, size_t outputs, size_t inputs, const float *weights, float *panel,
                              size_t plane_stride) {
    enum { BLOCK = 16 };
    const size_t side = upsample ? 5 : 6;
    float taps[9 * BLOCK][NATIVE_PANEL];
    memset(taps, 0, sizeof taps);
    for (size_t first = 0; first < inputs; first += BLOCK) {
        size_t count = inputs - first < BLOCK ? inputs - first : BLOCK;
        for (size_t output = 0; output < outputs; output++) {
            const float *source = weights + (output * inputs + first) * 9;
            for (size_t i = 0; i < 9 * count; i++)
                taps[i][output] = source[i];
        }
        for (size_t input = 0; input < count; input++)
            for (size_t half = 0; half < NATIVE_PANEL; half += LANES) {
                float *target = panel + (first + input) * NATIVE_PANEL + half;
                wide_vector rows[6][3];
                for (size_t x = 0; x < 3; x++) {
                    wide_vector g[3], v[6];
                    for (size_t y = 0; y < 3; y++)
                        g[y] = __builtin_convertvector(load(&taps[9 * input + 3 * y + x][half]), wide_vector);
                    transform_taps(upsample, g, v);
                    for (size_t y = 0; y < side; y++)
                        rows[y][x] = v[y];
                }
                for (size_t y = 0; y < side; y++) {
                    wide_vector v[6];
                    transform_taps(upsample, rows[y], v);
                    for (size_t x = 0; x < side; x++)
                        stream(__builtin_convertvector(v[x], vector), target + (y * side + x) * plane_stride);
                }
            }
    }
    stream_end();
}

static void winograd_weights(int upsample, size_t outputs, size_t inputs, const float *weights, float *panel,
                             size_t plane_stride) {
    if (upsample)
        transform_weights(1, outputs, inputs, weights, panel, plane_stride);
    else
        transform_weights(0, outputs, inputs, weights, panel, plane_stride);
}

/* Loads `count` channels of pixels `stride` apart into vectors, with x * scale + shift and SiLU if asked for. */
INLINE void read_pixels(size_t pixels, size_t count, const float *source, size_t stride, const float *scale,
                        const float *shift, int with_silu, float *target) {
    if (count < LANES) {
        for (size_t pixel = 0; pixel < pixels; pixel++, source += stride)
            for (size_t i = 0; i < LANES; i++) {
                float x = i < count ? source[i] : 0;
                target[pixel * LANES + i] = scale && i < count ? MULTIPLY_ADD(x, scale[i], shift[i]) : x;
            }
    } else if (!scale) {
        for (size_t pixel = 0; pixel < pixels; pixel++, source += stride) {
            __builtin_prefetch(source + LANES); /* the next channels are read after this block's pixels */
            store(load(source), target + pixel * LANES);
        }
    } else {
        vector factor = load(scale), summand = load(shift);
        for (size_t pixel = 0; pixel < pixels; pixel++, source += stride) {
            __builtin_prefetch(source + LANES);
            store(MULTIPLY_ADD(load(source), factor, summand), target + pixel * LANES);
        }
    }
    if (with_silu)
        silu(pixels * LANES, target);
}

/* Reads up to 16 channels of a block's inputs and of one more on each side, with zeros outside the image. */
INLINE void read_block(const native_winograd_block *block, const native_winograd_input *input, const float *scale,
                       const float *shift, size_t first, size_t rows, size_t columns) {
    const size_t divisor = block->upsample ? 2 : 1;
    const size_t height = block->height / divisor, width = block->width / divisor;
    const size_t top = block->top / divisor, left = block->left / divisor;
    size_t count = input->channels - first < LANES ? input->channels - first : LANES;
    size_t before = left == 0 ? 1 : 0, start = left - 1 + before;
    size_t inside = width - start < columns - before ? width - start : columns - before;
    for (size_t row = 0; row < rows; row++) {
        float *target = input->work + row * columns * LANES;
        size_t following = top + row; /* the image's row plus 1 */
        if (following == 0 || following > height) {
            memset(target, 0, columns * LANES * sizeof *target);
            continue;
        }
        size_t held = (following - 1) % input->held;
        const float *source = input->pixels + (held * width + start) * input->channels + first;
        memset(target, 0, before * LANES * sizeof *target);
        target += before * LANES;
        read_pixels(inside, count, source, input->channels, scale ? scale + first : NULL, scale ? shift + first : NULL,
                    input->silu, target);
        memset(target + inside * LANES, 0, (columns - before - inside) * LANES * sizeof *target);
    }
}

INLINE void transform_tile(int upsample, const float *source, size_t row_stride, float *target, size_t plane_stride) {
    const size_t side = upsample ? 4 : 6;
    vector half[6][6];
    for (size_t x = 0; x < side; x++) {
        vector d[6], u[6];
        for (size_t y = 0; y < side; y++)
            d[y] = load(source + y * row_stride + x * LANES);
        transform_input(upsample, d, u);
        for (size_t y = 0; y < side; y++)
            half[y][x] = u[y];
    }
    for (size_t y = 0; y < side; y++) {
        vector u[6];
        transform_input(upsample, half[y], u);
        for (size_t x = 0; x < side; x++)
            store(u[x], target + (y * side + x) * plane_stride);
    }
}

INLINE void transform_block(int upsample, const native_winograd_block *block, const native_winograd_input *input,
                            const float *scale, const float *shift) {
    const size_t step = upsample ? 2 : 4;
    size_t rows = block->rows * step + 2, columns = block->columns * step + 2;
    for (size_t first = 0; first < input->channels; first += LANES) {
        read_block(block, input, scale, shift, first, rows, columns);
        float *target = input->planes + first;
        for (size_t row = 0; row < block->rows; row++)
            for (size_t column = 0; column < block->columns; column++, target += input->tile_stride)
                transform_tile(upsample, input->work + (row * columns + column) * step * LANES, columns * LANES, target,
                               input->plane_stride);
    }
}

static void winograd_input(const native_winograd_block *block, const native_winograd_input *input, const float *scale,
                           const float *shift) {
    if (block->upsample)
        transform_block(1, block, input, scale, shift);
    else
        transform_block(0, block, input, scale, shift);
}

/* ReLU. NaN stays NaN. */
INLINE vector rectified(vector x) {
    mask_vector negative = (mask_vector)(x < (vector){0});
    return (vector)((mask_vector)x & ~negative);
}

/* Writes the height x width outputs of a tile that lie in the image: `count` channels with their bias. Also sums the
 * outputs and their squares. Deviations from the tile's mean are small, so their squares keep their precision in
 * float32. */
INLINE void write_tile(vector y[4][4], size_t height, size_t width, size_t count, const float *bias, int accumulate,
                       int relu, int aligned, float *target, size_t row_stride, size_t stride, double *sum,
                       double *square) {
    vector summand = {0}, total = {0}, squares = {0};
    memcpy(&summand, bias, count * sizeof *bias);
    for (size_t row = 0; row < height; row++)
        for (size_t column = 0; column < width; column++) {
            float *place = target + row * row_stride + column * stride;
            vector value = y[row][column] + summand;
            if (accumulate) {
                vector before = {0};
                memcpy(&before, place, count * sizeof *place);
                value += before;
            }
            if (relu)
                value = rectified(value);
            if (aligned && count == LANES)
                stream(value, place);
            else
                memcpy(place, &value, count * sizeof *place);
            y[row][column] = value;
            total += value;
        }
    const float number = (float)(height * width);
    vector mean = total * (1 / number);
    for (size_t row = 0; row < height; row++)
        for (size_t column = 0; column < width; column++) {
            vector deviation = y[row][column] - mean;
            squares = MULTIPLY_ADD(deviation, deviation, squares);
        }
    for (size_t i = 0; i < count; i++) {
        double value = total[i];
        sum[i] += value;
        square[i] += squares[i] + value * value / (double)number;
    }
}

INLINE void output_tile(int upsample, const float *source, size_t plane_stride, vector y[4][4]) {
    const size_t side = upsample ? 5 : 6;
    vector half[4][6];
    for (size_t x = 0; x < side; x++) {
        vector m[6], part[4];
        for (size_t i = 0; i < side; i++)
            m[i] = load(source + (i * side + x) * plane_stride);
        transform_output(upsample, m, part);
        for (size_t i = 0; i < 4; i++)
            half[i][x] = part[i];
    }
    for (size_t i = 0; i < 4; i++)
        transform_output(upsample, half[i], y[i]);
}

INLINE void output_block(int upsample, const native_winograd_block *block, const native_winograd_output *output,
                         const float *bias, double *sum, double *square) {
    const size_t channels = output->channels, row_stride = block->width * channels;
    const int aligned = ((uintptr_t)output->pixels | channels * 4 | output->first * 4) % 64 == 0;
    const float *source = output->planes;
    for (size_t row = 0; row < block->rows; row++)
        for (size_t column = 0; column < block->columns; column++, source += output->tile_stride) {
            size_t top = block->top + 4 * row, left = block->left + 4 * column;
            size_t height = block->height - top < 4 ? block->height - top : 4;
            size_t width = block->width - left < 4 ? block->width - left : 4;
            float *target = output->pixels + top % output->held * row_stride + left * channels;
            for (size_t c = output->first; c < output->end; c += LANES) {
                size_t count = output->end - c < LANES ? output->end - c : LANES;
                vector y[4][4];
                output_tile(upsample, source + c - output->first, output->plane_stride, y);
                if (height == 4 && width == 4 && count == LANES)
                    write_tile(y, 4, 4, LANES, bias + c, output->accumulate, output->relu, aligned, target + c,
                               row_stride, channels, sum + c, square + c);
                else
                    write_tile(y, height, width, count, bias + c, output->accumulate, output->relu, aligned, target + c,
                               row_stride, channels, sum + c, square + c);
            }
        }
    stream_end();
}

static void winograd_output(const native_winograd_block *block, const native_winograd_output *output, const float *bias,
                            double *sum, double *square) {
    if (block->upsample)
        output_block(1, block, output, bias, sum, square);
    else
        output_block(0, block, output, bias, sum, square);
}

#undef A1
#undef A2
#undef A3
#undef B1
#undef B2
#undef B3
#undef A2_PLUS_B2
#undef A2_TIMES_B2
