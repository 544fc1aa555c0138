/* int8 attention of a table: one checksum of the results on every processor. That they equal the definition,
 * test_int8_attention.py tests on x86-64. */
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

void test_attention(const native_kernels *table) {
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
