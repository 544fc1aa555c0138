/* Attention of a table. In int8: one checksum of the results on every processor. That they equal the definition,
 * test_int8_attention.py tests on x86-64. In bfloat16: the error against attention in double. */
#include "check.h"

#include <math.h>

/* Of the bits of the output below, which all sets give. */
static const uint32_t expected_checksum = 152374048;

enum { QUERIES = 77, KEYS = 150, WIDTH = 72 };

static native_rows random_rows(size_t rows, float deviation) {
    native_rows x = {guarded(rows * WIDTH * sizeof(float)), WIDTH * sizeof(float), NULL, NATIVE_FLOAT32};
    for (size_t i = 0; i < rows * WIDTH; i++)
        ((float *)x.elements)[i] = deviation * random_normal();
    return x;
}

/* ---- In bfloat16 ------------------------------------------------------------------------------------------------- */

/* Behind a row are numbers that are none, which must not be read or, in the output, be changed. */
enum { BEHIND = 8, NOT_A_NUMBER = 0x7fc0 };

static uint16_t *random_halves(size_t rows, size_t width, size_t stride) {
    uint16_t *x = guarded(rows * stride * sizeof *x);
    for (size_t i = 0; i < rows * stride; i++)
        x[i] = i % stride < width ? random_bfloat16() : NOT_A_NUMBER;
    return x;
}

/* The sums of the squares of errors and of what was expected, for one query. */
static void add_errors(size_t keys, size_t width, const uint16_t *query, const uint16_t *key, const uint16_t *value,
                       const uint16_t *found, double squares[2]) {
    double out[NATIVE_HEAD_CHANNELS] = {0}, sum = 0;
    for (size_t i = 0; i < keys; i++) {
        double score = 0;
        for (size_t c = 0; c < width; c++)
            score += (double)float_of_bfloat16(query[c]) * float_of_bfloat16(key[i * (width + BEHIND) + c]);
        double weight = exp(score / sqrt((double)width));
        sum += weight;
        for (size_t c = 0; c < width; c++)
            out[c] += weight * float_of_bfloat16(value[i * (width + BEHIND) + c]);
    }
    for (size_t c = 0; c < width; c++) {
        double error = float_of_bfloat16(found[c]) - out[c] / sum;
        squares[0] += error * error;
        squares[1] += out[c] / sum * (out[c] / sum);
    }
}

static size_t attend_halves(const native_kernels *table, size_t queries, size_t keys, size_t width) {
    size_t stride = width + BEHIND, mistakes = 0;
    uint16_t *query = random_halves(queries, width, stride), *key = random_halves(keys, width, stride);
    uint16_t *value = random_halves(keys, width, stride), *out = random_halves(queries, width, stride);
    void *scratch = guarded(NATIVE_ATTENTION_SCRATCH);
    table->attention_bfloat16(queries, keys, width, 1 / sqrtf((float)width), query, key, value, stride, out, stride,
                              scratch);
    double squares[2] = {0};
    for (size_t i = 0; i < queries; i++) {
        add_errors(keys, width, query + i * stride, key, value, out + i * stride, squares);
        for (size_t c = width; c < stride; c++)
            if (out[i * stride + c] != NOT_A_NUMBER)
                mistakes += mistake("behind a row", i, c, out[i * stride + c], NOT_A_NUMBER);
    }
    double error = sqrt(squares[0] / squares[1]);
    if (!(error < 3e-3))
        mistakes += mistake("error", queries, keys, error, 0);
    return mistakes + release(query) + release(key) + release(value) + release(out) + release(scratch);
}

static void test_halves(const native_kernels *table) {
    static const size_t shapes[][3] = {{1, 1, 2},      {7, 5, 72},   {33, 300, 72},
                                       {513, 257, 72}, {31, 63, 78}, {40, 511, 30}};
    size_t mistakes = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        mistakes += attend_halves(table, shapes[i][0], shapes[i][1], shapes[i][2]);
    report(table, "bfloat16 attention", mistakes);
}

/* ---- In int8 ----------------------------------------------------------------------------------------------------- */

void test_attention(const native_kernels *table) {
    if (table->attention_bfloat16)
        test_halves(table);
    seed_random(7);
    native_rows query = random_rows(QUERIES, 3), key = random_rows(KEYS, 1), value = random_rows(KEYS, 1);
    native_rows out = random_rows(QUERIES, 0);
    void *head = guarded(native_head_bytes(KEYS)), *scratch = guarded(NATIVE_ATTENTION_SCRATCH);
    table->lay_out_head(KEYS, WIDTH, &key, &value, scratch, head);
    table->attention_int8(QUERIES, KEYS, WIDTH, 1 / sqrtf(WIDTH), &query, head, scratch, &out);
    uint32_t checksum = 0;
    for (size_t i = 0; i < QUERIES * WIDTH; i++)
        checksum = checksum * 31 + ((const uint32_t *)out.elements)[i];
    size_t mistakes = checksum == expected_checksum ? 0 : mistake("checksum", 0, 0, checksum, expected_checksum);
    mistakes += release(query.elements) + release(key.elements) + release(value.elements) + release(out.elements) +
                release(head) + release(scratch);
    report(table, "int8 attention gives the same bits on all processors", mistakes);
}
