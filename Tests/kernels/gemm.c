/* The GEMMs of a table against plain C: float32 and int8 equal to the bit, bfloat16 within a bound. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The shape of one GEMM. Strides are in elements. */
typedef struct {
    size_t rows, columns, units, left_stride, out_stride;
} shape;

enum { SHAPES = 60, MOST_ROWS = 25 };

/* Each number of rows and some of columns; units around all widths of registers, and two long ones. */
static shape shape_of(size_t index, size_t unit_elements) {
    shape s = {1 + index % MOST_ROWS, 1 + random_below(NATIVE_PANEL), 1 + random_below(140), 0, 0};
    if (index % 7 == 0)
        s.columns = NATIVE_PANEL;
    if (index == 11 || index == 30)
        s.units = 2049 + random_below(2100);
    s.left_stride = s.units * unit_elements + unit_elements * random_below(3);
    s.out_stride = s.columns + random_below(4);
    return s;
}

static size_t out_elements(const shape *s) { return (s->rows - 1) * s->out_stride + s->columns; }

static void fill(size_t count, float *x) {
    for (size_t i = 0; i < count; i++)
        x[i] = random_normal();
}

/* Compares an output with the expected one, which also holds what lies between its rows. */
static size_t differing(const char *what, const shape *s, const float *found, const float *expected) {
    size_t mistakes = 0;
    for (size_t i = 0; i < out_elements(s); i++)
        if (memcmp(found + i, expected + i, sizeof *found) != 0)
            mistakes += mistake(what, i / s->out_stride, i % s->out_stride, found[i], expected[i]);
    return mistakes;
}

/* ---- float32 ----------------------------------------------------------------------------------------------------- */

static size_t check_float32(const native_kernels *table, shape s, int accumulate) {
    const int is_fused = !table->prefers_blas; /* the portable table without fused multiply-adds */
    float *left = guarded((s.rows * s.left_stride) * sizeof *left);
    float *panel = guarded(s.units * NATIVE_PANEL * sizeof *panel);
    float *out = guarded(out_elements(&s) * sizeof *out), *expected = malloc(out_elements(&s) * sizeof *expected);
    fill(s.rows * s.left_stride, left);
    fill(s.units * NATIVE_PANEL, panel);
    fill(out_elements(&s), out);
    memcpy(expected, out, out_elements(&s) * sizeof *out);
    for (size_t row = 0; row < s.rows; row++)
        for (size_t c = 0; c < s.columns; c++) {
            float sum = 0, *target = expected + row * s.out_stride + c;
            for (size_t unit = 0; unit < s.units; unit++) {
                float x = left[row * s.left_stride + unit], weight = panel[unit * NATIVE_PANEL + c];
                sum = is_fused ? fmaf(x, weight, sum) : x * weight + sum;
            }
            *target = accumulate ? sum + *target : sum;
        }
    table->gemm_float32(s.rows, s.columns, s.units, left, s.left_stride, panel, accumulate ? panel : NULL, out,
                        s.out_stride, accumulate);
    size_t mistakes = differing("gemm_float32", &s, out, expected);
    free(expected);
    return mistakes + release(left) + release(panel) + release(out);
}

void test_float32(const native_kernels *table) {
    size_t mistakes = 0;
    for (size_t i = 0; i < SHAPES; i++)
        mistakes += check_float32(table, shape_of(i, 1), i % 3 == 0);
    report(table, "float32 GEMM equals one chain of multiply-adds", mistakes);
}

/* ---- int8 -------------------------------------------------------------------------------------------------------- */

/* How large the weights and rows are. Pairs of products of the largest ones need 17 bits. Sums of four products of the
 * medium ones, of one sign in a column, need 15 or 16 bits. */
typedef enum { USUAL, MEDIUM, HEAVY, HEAVIEST, WEIGHT_KINDS } weight_kind;

static int8_t random_weight(weight_kind kind, size_t column) {
    if (kind == HEAVIEST)
        return random_below(8) ? -128 : 127;
    if (kind == MEDIUM)
        return (int8_t)((column % 2 ? 1 : -1) * (int)(30 + random_below(5)));
    if (kind == HEAVY)
        return (int8_t)random_bits();
    return (int8_t)lrintf(8 * random_normal());
}

static size_t check_int8(const native_kernels *table, shape s, weight_kind kind) {
    uint8_t *left = guarded(s.rows * s.left_stride);
    int8_t *panel = guarded(s.units * NATIVE_PANEL * 4);
    int32_t *sums = guarded(NATIVE_PANEL * sizeof *sums);
    float *out = guarded(out_elements(&s) * sizeof *out), *expected = malloc(out_elements(&s) * sizeof *expected);
    float *row_scales = guarded(s.rows * sizeof *row_scales);
    float *column_scales = guarded(s.columns * sizeof *column_scales);
    for (size_t i = 0; i < s.rows * s.left_stride; i++)
        left[i] = (uint8_t)(kind == HEAVIEST || kind == MEDIUM ? (random_below(8) ? 255 : 1)
                            : left[i] > 0                      ? left[i]
                                                               : 1);
    for (size_t i = 0; i < s.units * NATIVE_PANEL * 4; i++)
        panel[i] = random_weight(kind, i / 4 % NATIVE_PANEL);
    fill(s.rows, row_scales);
    fill(s.columns, column_scales);
    memcpy(expected, out, out_elements(&s) * sizeof *out);
    size_t mistakes = 0;
    table->zero_point_sums(s.units, panel, sums);
    for (size_t c = 0; c < NATIVE_PANEL; c++) {
        int32_t weights = 0;
        for (size_t i = 0; i < 4 * s.units; i++)
            weights += panel[i / 4 * 4 * NATIVE_PANEL + 4 * c + i % 4];
        if (sums[c] != 128 * weights)
            mistakes += mistake("zero_point_sums", 0, c, sums[c], 128 * weights);
        for (size_t row = 0; row < s.rows && c < s.columns; row++) {
            int32_t sum = 0;
            for (size_t i = 0; i < 4 * s.units; i++)
                sum += left[row * s.left_stride + i] * panel[i / 4 * 4 * NATIVE_PANEL + 4 * c + i % 4];
            float scale = column_scales[c] * row_scales[row];
            expected[row * s.out_stride + c] = (float)(sum - 128 * weights) * scale;
        }
    }
    uint8_t *prepared = NULL;
    if (table->prepare_int8) {
        prepared = guarded(native_prepared_bytes(s.rows, s.units));
        table->prepare_int8(s.rows, s.units, left, s.left_stride, prepared);
    }
    table->gemm_int8(s.rows, s.columns, s.units, prepared ? prepared : left, s.left_stride, panel,
                     kind == USUAL ? NULL : panel, sums, row_scales, column_scales, out, s.out_stride);
    mistakes += differing("gemm_int8", &s, out, expected);
    free(expected);
    return mistakes + release(left) + release(panel) + release(sums) + release(out) + release(row_scales) +
           release(column_scales) + (prepared ? release(prepared) : 0);
}

void test_int8(const native_kernels *table) {
    size_t mistakes = 0;
    for (size_t i = 0; i < SHAPES; i++)
        mistakes += check_int8(table, shape_of(i, 4), (weight_kind)(i % WEIGHT_KINDS));
    report(table, "int8 GEMM is exact", mistakes);
}

/* ---- bfloat16 ---------------------------------------------------------------------------------------------------- */

/* The bound of a sum of `units` pairs: each pair and each addition may be wrong by a unit in the last place of a number
 * that is at most the sum of all magnitudes. */
static double bfloat16_bound(size_t units, double magnitudes) { return (double)(units + 1) * 0x1p-23 * magnitudes; }

static size_t check_bfloat16(const native_kernels *table, shape s, int with_scales) {
    uint16_t *left = guarded(s.rows * s.left_stride * sizeof *left);
    uint16_t *panel = guarded(s.units * NATIVE_PANEL * 2 * sizeof *panel);
    float *out = guarded(out_elements(&s) * sizeof *out), *scales = guarded(s.columns * sizeof *scales);
    for (size_t i = 0; i < s.rows * s.left_stride; i++)
        left[i] = random_bfloat16();
    for (size_t i = 0; i < s.units * NATIVE_PANEL * 2; i++)
        panel[i] = random_bfloat16();
    fill(out_elements(&s), out);
    fill(s.columns, scales);
    float *before = malloc(out_elements(&s) * sizeof *before);
    memcpy(before, out, out_elements(&s) * sizeof *out);
    table->gemm_bfloat16(s.rows, s.columns, s.units, left, s.left_stride, panel, NULL, with_scales ? scales : NULL, out,
                         s.out_stride);
    size_t mistakes = 0;
    for (size_t i = 0; i < out_elements(&s); i++) {
        size_t row = i / s.out_stride, c = i % s.out_stride;
        double sum = 0, magnitudes = 0, scale = with_scales && c < s.columns ? (double)scales[c] : 1;
        for (size_t k = 0; c < s.columns && k < 2 * s.units; k++) {
            double x = (double)float_of_bfloat16(left[row * s.left_stride + k]);
            double term = x * (double)float_of_bfloat16(panel[k / 2 * 2 * NATIVE_PANEL + 2 * c + k % 2]);
            sum += term;
            magnitudes += fabs(term);
        }
        double expected = c < s.columns ? sum * scale : (double)before[i];
        double bound = c < s.columns ? (bfloat16_bound(s.units, magnitudes) + 0x1p-24 * fabs(sum)) * fabs(scale) : 0;
        if (!(fabs((double)out[i] - expected) <= bound))
            mistakes += mistake("gemm_bfloat16", row, c, out[i], expected);
    }
    free(before);
    return mistakes + release(left) + release(panel) + release(out) + release(scales);
}

void test_bfloat16(const native_kernels *table) {
    size_t mistakes = 0;
    for (size_t i = 0; i < SHAPES; i++)
        mistakes += check_bfloat16(table, shape_of(i, 2), i % 2 == 0);
    report(table, "bfloat16 GEMM is within its bound", mistakes);
}
