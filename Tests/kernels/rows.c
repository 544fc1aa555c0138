/* The functions of a table on rows: conversions equal to the bit, norms, softmax, SiLU and epilogues within bounds of
 * the same in double. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 5, MOST_COLUMNS = 300, GROUPS = 40 };

/* A mistake if |found - expected| > bound, or if one of them is NaN. */
static size_t outside(const char *what, size_t row, size_t column, double found, double expected, double bound) {
    return fabs(found - expected) <= bound ? 0 : mistake(what, row, column, found, expected);
}

static uint16_t nearest_bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void fill(size_t count, float *x, float deviation) {
    for (size_t i = 0; i < count; i++)
        x[i] = deviation * random_normal();
}

/* ---- Conversions ------------------------------------------------------------------------------------------------- */

/* Element `column` of a stored row, and what it is expected to be. */
static double stored(const native_rows *rows, size_t row, size_t column) {
    const char *start = (const char *)rows->elements + row * rows->stride;
    switch (rows->type) {
    case NATIVE_BFLOAT16:
        return ((const uint16_t *)start)[column];
    case NATIVE_INT8:
        return ((const uint8_t *)start)[column];
    default:
        return (double)((const float *)start)[column];
    }
}

static double expected_of(int type, float x, float scale) {
    switch (type) {
    case NATIVE_BFLOAT16:
        return nearest_bfloat16(x);
    case NATIVE_INT8:
        return scale > 0 ? rint((double)(x * (1 / scale))) + 128 : 128;
    case NATIVE_ROUND_BFLOAT16:
        return (double)float_of_bfloat16(nearest_bfloat16(x));
    default:
        return (double)x;
    }
}

static size_t check_store(const native_kernels *table, int type, size_t columns) {
    float *x = guarded(ROWS * columns * sizeof *x), *scales = guarded(ROWS * sizeof *scales);
    size_t stride = columns * 4 + 8, mistakes = 0;
    native_rows out = {guarded(ROWS * stride), stride, scales, type};
    fill(ROWS * columns, x, 3);
    memset(x, 0, columns * sizeof *x);
    table->store_rows(ROWS, columns, x, columns, &out);
    for (size_t row = 0; row < ROWS; row++) {
        float largest = 0;
        for (size_t c = 0; c < columns; c++)
            largest = fmaxf(largest, fabsf(x[row * columns + c]));
        if (type == NATIVE_INT8)
            mistakes += outside("scale", row, 0, scales[row], largest / 127, 0);
        for (size_t c = 0; c < columns; c++)
            mistakes += outside("store_rows", row, c, stored(&out, row, c),
                                expected_of(type, x[row * columns + c], largest / 127), 0);
    }
    return mistakes + release(x) + release(scales) + release(out.elements);
}

/* ---- Norms ------------------------------------------------------------------------------------------------------- */

/* Mean and variance of a row, in double. */
static void moments(size_t columns, const float *x, double *mean, double *variance) {
    *mean = *variance = 0;
    for (size_t c = 0; c < columns; c++)
        *mean += (double)x[c] / (double)columns;
    for (size_t c = 0; c < columns; c++)
        *variance += ((double)x[c] - *mean) * ((double)x[c] - *mean) / (double)columns;
}

static size_t check_norms(const native_kernels *table, size_t columns) {
    float *x = guarded(ROWS * columns * sizeof *x), *shift = guarded(columns * sizeof *shift);
    float *scale = guarded(columns * sizeof *scale), *work = guarded(columns * sizeof *work);
    float *norm = guarded(ROWS * columns * sizeof *norm), *root = guarded(ROWS * columns * sizeof *root);
    native_rows norm_rows = {norm, columns * sizeof *norm, NULL, NATIVE_FLOAT32};
    native_rows root_rows = {root, columns * sizeof *root, NULL, NATIVE_FLOAT32};
    fill(ROWS * columns, x, 2), fill(columns, shift, 1), fill(columns, scale, 1);
    table->layer_norm_modulate(ROWS, columns, x, columns, shift, scale, 1e-6f, work, &norm_rows);
    table->rms_norm(ROWS, columns, x, columns, scale, 1e-6f, work, &root_rows);
    size_t mistakes = 0;
    for (size_t row = 0; row < ROWS; row++) {
        double mean, variance;
        moments(columns, x + row * columns, &mean, &variance);
        double square = variance + mean * mean;
        for (size_t c = 0; c < columns; c++) {
            double value = (double)x[row * columns + c], factor = 1 + (double)scale[c];
            double expected = (value - mean) / sqrt(variance + 1e-6) * factor + (double)shift[c];
            mistakes += outside("layer_norm_modulate", row, c, norm[row * columns + c], expected, 2e-6);
            expected = value / sqrt(square + 1e-6) * (double)scale[c];
            mistakes += outside("rms_norm", row, c, root[row * columns + c], expected, 4e-7 * fabs(expected));
        }
    }
    return mistakes + release(x) + release(shift) + release(scale) + release(work) + release(norm) + release(root);
}

/* ---- Softmax and SiLU -------------------------------------------------------------------------------------------- */

/* Two blocks of keys, the second with a bias, against one softmax in double. */
static size_t check_softmax(const native_kernels *table, size_t columns) {
    const float factor = 0.7f;
    float *scores = guarded(2 * columns * sizeof *scores), *bias = guarded(columns * sizeof *bias);
    double z[2 * MOST_COLUMNS], largest = -INFINITY, total = 0;
    float maximum = -INFINITY, sum = 0, correction, later;
    fill(2 * columns, scores, 8), fill(columns, bias, 2);
    for (size_t c = 0; c < 2 * columns; c++) {
        z[c] = (double)scores[c] * (double)factor + (c < columns ? 0 : (double)bias[c - columns]);
        largest = fmax(largest, z[c]);
    }
    for (size_t c = 0; c < 2 * columns; c++)
        total += exp(z[c] - largest);
    table->softmax_block(1, columns, factor, scores, columns, NULL, 0, &maximum, &sum, &correction);
    size_t mistakes = outside("first correction", 0, 0, correction, 0, 1e-37);
    table->softmax_block(1, columns, factor, scores + columns, columns, bias, columns, &maximum, &sum, &later);
    mistakes += outside("sum", 0, 0, sum, total, 2e-6 * total);
    for (size_t c = 0; c < 2 * columns; c++) {
        double expected = exp(z[c] - largest), found = (double)scores[c] * (c < columns ? (double)later : 1);
        mistakes += outside("softmax_block", 0, c, found, expected, 5e-6 * expected);
    }
    return mistakes + release(scores) + release(bias);
}

static size_t check_silu(const native_kernels *table, size_t count) {
    float *x = guarded(count * sizeof *x), before[MOST_COLUMNS];
    size_t mistakes = 0;
    fill(count, x, 20);
    memcpy(before, x, count * sizeof *x);
    table->silu(count, x);
    for (size_t i = 0; i < count; i++) {
        double value = (double)before[i], expected = value / (1 + exp(-value));
        mistakes += outside("silu", 0, i, x[i], expected, 4e-7 * fabs(expected));
    }
    return mistakes + release(x);
}

void test_rows(const native_kernels *table) {
    size_t stores = 0, norms = 0, softmaxes = 0, silus = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        size_t columns = 1 + random_below(MOST_COLUMNS);
        for (int type = NATIVE_FLOAT32; type <= NATIVE_ROUND_BFLOAT16; type++)
            stores += check_store(table, type, columns);
        norms += check_norms(table, columns + 8);
        softmaxes += check_softmax(table, columns);
        silus += check_silu(table, columns);
    }
    report(table, "store_rows is exact", stores);
    report(table, "norms", norms);
    report(table, "softmax_block", softmaxes);
    report(table, "silu", silus);
}

/* ---- Epilogue ---------------------------------------------------------------------------------------------------- */

static double gelu(double x) { return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x))); }

static double epilogue_of(const native_epilogue *e, double x, double before, size_t c) {
    double value = e->bias ? x + (double)e->bias[c] : x;
    value = e->gelu ? gelu(value) : value;
    if (e->accumulate)
        return before + (e->gate ? (double)e->gate[c] : 1) * value;
    return e->multiply ? before * value : value;
}

/* The size of a step from a number to the next bfloat16, at most. */
static double bfloat16_step(double x) { return fmax(fabs(x), 1e-30) * 0x1p-7; }

static size_t check_epilogue(const native_kernels *table, size_t columns, const native_epilogue *epilogue) {
    const int is_short = epilogue->type == NATIVE_BFLOAT16, is_rounded = epilogue->type != NATIVE_FLOAT32;
    float *tile = guarded(ROWS * columns * sizeof *tile), before[ROWS * NATIVE_PANEL], x[ROWS * NATIVE_PANEL];
    void *out = guarded(ROWS * columns * (is_short ? 2 : 4));
    float *floats = out;
    uint16_t *halves = out;
    size_t mistakes = 0;
    fill(ROWS * columns, tile, 2);
    for (size_t i = 0; i < ROWS * columns; i++) {
        before[i] = float_of_bfloat16(random_bfloat16());
        x[i] = tile[i];
        if (is_short)
            halves[i] = nearest_bfloat16(before[i]);
        else
            floats[i] = before[i];
    }
    table->apply_epilogue(ROWS, columns, tile, columns, epilogue, out, columns);
    for (size_t i = 0; i < ROWS * columns; i++) {
        double found = is_short ? (double)float_of_bfloat16(halves[i]) : (double)floats[i];
        double expected = epilogue_of(epilogue, (double)x[i], (double)before[i], i % columns);
        /* GELU of numbers far below 0 is a small difference; AVX-512 BF16 computes it for results in bfloat16 only. */
        double bound = is_rounded ? 0.55 * bfloat16_step(expected) + 1e-4 : 2e-6 * (1 + fabs(expected));
        mistakes += outside("apply_epilogue", i / columns, i % columns, found, expected, bound);
    }
    return mistakes + release(tile) + release(out);
}

void test_epilogue(const native_kernels *table) {
    float bias[NATIVE_PANEL], gate[NATIVE_PANEL];
    fill(NATIVE_PANEL, bias, 1), fill(NATIVE_PANEL, gate, 1);
    const native_epilogue epilogues[] = {
        {NULL, NULL, 0, 0, 0, NATIVE_FLOAT32},        {bias, NULL, 0, 1, 0, NATIVE_FLOAT32},
        {bias, gate, 1, 0, 0, NATIVE_FLOAT32},        {bias, NULL, 1, 0, 0, NATIVE_FLOAT32},
        {NULL, NULL, 0, 0, 1, NATIVE_FLOAT32},        {bias, NULL, 0, 0, 0, NATIVE_BFLOAT16},
        {bias, NULL, 0, 1, 0, NATIVE_BFLOAT16},       {NULL, NULL, 0, 1, 1, NATIVE_BFLOAT16},
        {bias, NULL, 0, 1, 0, NATIVE_ROUND_BFLOAT16},
    };
    size_t mistakes = 0;
    for (size_t i = 0; i < sizeof epilogues / sizeof *epilogues; i++)
        for (size_t columns = 1; columns <= NATIVE_PANEL; columns++)
            mistakes += check_epilogue(table, columns, epilogues + i);
    report(table, "epilogues", mistakes);
}
