#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 64, GUARD_BYTE = 0xa5, MOST_PRINTED = 3 };

static size_t passed, failed, printed;

void report(const native_kernels *table, const char *subject, size_t mistakes) {
    printf("%s kernels: %s: %s\n", mistakes ? "FAIL" : "ok  ", table->name, subject);
    passed += mistakes == 0;
    failed += mistakes != 0;
    printed = 0;
}

size_t mistake(const char *what, size_t row, size_t column, double found, double expected) {
    if (printed++ < MOST_PRINTED)
        printf("     %s: row %zu, column %zu is %.9g, expected %.9g\n", what, row, column, found, expected);
    return 1;
}

/* ---- Random numbers ---------------------------------------------------------------------------------------------- */

static uint64_t state = 1;

void seed_random(uint64_t seed) { state = seed; }

uint32_t random_bits(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint64_t mixed = (state ^ state >> 29) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> 32);
}

size_t random_below(size_t end) { return random_bits() % end; }

float random_float(void) { return (float)(int32_t)(random_bits() & ~0xffu) * 0x1p-31f; }

float random_normal(void) { return random_float() + random_float() + random_float(); }

uint16_t random_bfloat16(void) {
    float x = random_normal();
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

typedef struct {
    size_t bytes;
    char padding[64 - sizeof(size_t)];
} header;

void *guarded(size_t bytes) {
    size_t all = (sizeof(header) + bytes + GUARD + 63) / 64 * 64;
    header *start = aligned_alloc(64, all);
    if (!start)
        abort();
    start->bytes = bytes;
    uint8_t *memory = (uint8_t *)(start + 1);
    for (size_t i = 0; i < bytes; i++)
        memory[i] = (uint8_t)random_bits();
    memset(memory + bytes, GUARD_BYTE, GUARD);
    return memory;
}

size_t release(void *memory) {
    header *start = (header *)memory - 1;
    const uint8_t *guard = (const uint8_t *)memory + start->bytes;
    size_t changed = 0;
    for (size_t i = 0; i < GUARD && !changed; i++)
        if (guard[i] != GUARD_BYTE)
            changed = mistake("a byte behind the result", i, 0, guard[i], GUARD_BYTE);
    free(start);
    return changed;
}

/* ---- All tables -------------------------------------------------------------------------------------------------- */

static void test_table(const native_kernels *table) {
    test_panels(table);
    test_float32(table);
    test_int8(table);
    if (table->multiplies_bfloat16)
        test_bfloat16(table);
    test_rows(table);
    test_epilogue(table);
    test_attention(table);
    if (table->is_reproducible)
        test_reproducible(table);
}

/* Tests the tables that are named, the first of which has to be the best one of the processor, or all that it has. */
int main(int count, char **arguments) {
    static const char *const all[] = {"amx",       "avx512_bf16", "avx512_vnni",  "avx512", "avx_vnni", "avx2",
                                      "neon_bf16", "neon_i8mm",   "neon_dotprod", "neon",   "portable"};
    size_t names = count > 1 ? (size_t)count - 1 : sizeof all / sizeof *all;
    for (size_t i = 0; i < names; i++) {
        const char *name = count > 1 ? arguments[i + 1] : all[i];
        const native_kernels *table = native_kernels_named(name, 0), *best = native_kernels_named(NULL, 0);
        const native_kernels *reproducible = native_kernels_named(name, 1);
        if (count > 1 && i == 0)
            report(best, "is chosen", table != best);
        if (table)
            test_table(table);
        else if (count > 1)
            report(best, "has another table that is tested", 1);
        if (reproducible && reproducible != table)
            test_table(reproducible);
    }
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed != 0;
}
