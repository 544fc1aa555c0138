/* What the tests of the kernels share: checks, random numbers, and memory with guards. */
#ifndef KERNELS_CHECK_H
#define KERNELS_CHECK_H

#include "kernels.h"

#include <stddef.h>
#include <stdint.h>

/* Tests of one table; each counts as one line of the output for each of its subjects. */
void test_panels(const native_kernels *table);
void test_float32(const native_kernels *table);
void test_int8(const native_kernels *table);
void test_bfloat16(const native_kernels *table);
void test_rows(const native_kernels *table);
void test_epilogue(const native_kernels *table);
void test_attention(const native_kernels *table);
void test_reproducible(const native_kernels *table);

/* Ends a subject: prints whether `mistakes` is 0, and counts it. */
void report(const native_kernels *table, const char *subject, size_t mistakes);

/* Prints the first mistakes of a subject: what was expected and what was found. Returns 1. */
size_t mistake(const char *what, size_t row, size_t column, double found, double expected);

/* The same numbers in every run, and after each call of seed_random with the same seed. */
void seed_random(uint64_t seed);
uint32_t random_bits(void);
size_t random_below(size_t end);
float random_float(void);  /* between -1 and 1 */
float random_normal(void); /* roughly, with deviation 1 */
uint16_t random_bfloat16(void);

/* Memory aligned to 64 bytes with random contents and guards behind it. `release` returns 1 if a guard was changed. */
void *guarded(size_t bytes);
size_t release(void *memory);

static inline float float_of_bfloat16(uint16_t number) {
    union {
        uint32_t bits;
        float value;
    } both = {(uint32_t)number << 16};
    return both.value;
}

#endif
