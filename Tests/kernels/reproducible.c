/* Sums, exponentials and fused multiply-adds of a reproducible table: one checksum of the results on all processors. */
#include "check.h"

#include <math.h>

/* Of the bits of the outputs below, which all reproducible sets give. */
static const uint32_t expected_checksum = 2702455708;

enum { ROWS = 5, COLUMNS = 203 };

static uint32_t add_to(uint32_t checksum, size_t count, const float *x) {
    for (size_t i = 0; i < count; i++) {
        union {
            float value;
            uint32_t bits;
        } both = {x[i]};
        checksum = checksum * 31 + both.bits;
    }
    return checksum;
}

static void fill(float *x) {
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        x[i] = 3 * random_normal();
}

void test_reproducible(const native_kernels *table) {
    const size_t count = ROWS * COLUMNS;
    seed_random(9);
    float *x = guarded(count * sizeof *x), *out = guarded(count * sizeof *out), *work = guarded(count * sizeof *work);
    float *factors = guarded(count * sizeof *factors);
    native_rows rows = {out, COLUMNS * sizeof *out, NULL, NATIVE_FLOAT32};
    fill(x), fill(factors), fill(out);
    uint32_t checksum = 0;
    table->layer_norm_modulate(ROWS, COLUMNS, x, COLUMNS, factors, factors + COLUMNS, 1e-6f, work, &rows);
    checksum = add_to(checksum, count, out);
    table->rms_norm(ROWS, COLUMNS, x, COLUMNS, factors, 1e-6f, work, &rows);
    checksum = add_to(checksum, count, out);
    native_epilogue epilogue = {.bias = factors, .gate = factors, .accumulate = 1, .gelu = 1, .type = NATIVE_FLOAT32};
    fill(work);
    table->apply_epilogue(ROWS, COLUMNS, work, COLUMNS, &epilogue, out, COLUMNS);
    checksum = add_to(checksum, count, out);
    table->silu(count, x);
    checksum = add_to(checksum, count, x);
    float maximum[ROWS], sum[ROWS] = {0}, correction[ROWS];
    for (size_t row = 0; row < ROWS; row++)
        maximum[row] = -INFINITY;
    table->softmax_block(ROWS, COLUMNS, 0.7f, x, COLUMNS, factors, COLUMNS, maximum, sum, correction);
    checksum = add_to(add_to(checksum, count, x), ROWS, sum);
    size_t mistakes = checksum == expected_checksum ? 0 : mistake("checksum", 0, 0, checksum, expected_checksum);
    mistakes += release(x) + release(out) + release(work) + release(factors);
    report(table, "gives the same bits on all processors", mistakes);
}
