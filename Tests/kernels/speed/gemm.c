/* Prints the speed of the GEMMs of the tables that are named, on one core, in 10^9 multiply-adds a
 * second: panels of PixArt-XL's and T5's layers, which are in the cache, by blocks of rows.
 *
 *   make -C Tests/kernels speed */
#define _GNU_SOURCE
#include "kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ROWS = 512, MOST_BYTES = 10240, REPETITIONS = 5 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* By type: NATIVE_FLOAT32, NATIVE_BFLOAT16, NATIVE_INT8. */
static const char *const type_names[] = {"float32", "bfloat16", "int8"};
static const size_t bytes_of[] = {4, 2, 1};

typedef struct {
    uint8_t *left, *prepared;
    void *panel;
    float *out, *scales;
    int32_t *sums;
} memory;

static void multiply(const native_kernels *table, const memory *m, int type, size_t rows, size_t bytes) {
    size_t units = bytes / 4;
    if (type == NATIVE_FLOAT32)
        table->gemm_float32(rows, NATIVE_PANEL, units, (float *)m->left, units, m->panel, NULL, m->out, NATIVE_PANEL,
                            0);
    else if (type == NATIVE_INT8)
        table->gemm_int8(rows, NATIVE_PANEL, units, table->prepare_int8 ? m->prepared : m->left, bytes, m->panel, NULL,
                         m->sums, m->scales, m->scales, m->out, NATIVE_PANEL);
    else
        table->gemm_bfloat16(rows, NATIVE_PANEL, units, (uint16_t *)m->left, bytes / 2, m->panel, NULL, NULL, m->out,
                             NATIVE_PANEL);
}

/* About a normal number with the standard deviation that weights and rows have in int8. The speed with AVX2 depends on
 * it. In bfloat16 such bytes are finite numbers. */
static int8_t usual_byte(void) {
    static uint32_t state = 1;
    int sum = 0;
    for (int i = 0; i < 4; i++) {
        state = state * 1664525 + 1013904223;
        sum += (int)(state >> 24) - 128;
    }
    return (int8_t)(sum / 5);
}

/* Rows or a panel; `zero_point` is added to bytes. */
static void fill(int type, size_t bytes, int zero_point, void *memory) {
    if (type == NATIVE_FLOAT32)
        for (size_t i = 0; i < bytes / sizeof(float); i++)
            ((float *)memory)[i] = usual_byte();
    else
        for (size_t i = 0; i < bytes; i++)
            ((uint8_t *)memory)[i] = (uint8_t)(zero_point + usual_byte());
}

/* The best of some repetitions of a hundredth of a second. */
static double speed(const native_kernels *table, const memory *m, int type, size_t rows, size_t bytes) {
    double work = (double)(rows * NATIVE_PANEL * bytes / bytes_of[type]), best = 0;
    size_t count = (size_t)(1e10 / 10 / work) / 10 + 1;
    if (type == NATIVE_INT8 && table->prepare_int8)
        table->prepare_int8(rows, bytes / 4, m->left, bytes, m->prepared);
    for (int i = 0; i < REPETITIONS; i++) {
        double start = now();
        for (size_t j = 0; j < count; j++)
            multiply(table, m, type, rows, bytes);
        double found = work * (double)count / (now() - start);
        best = found > best ? found : best;
    }
    return best * 1e-9;
}

int main(int count, char **names) {
    static const size_t all_rows[] = {1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 32, 48, 96, 512};
    static const size_t all_bytes[] = {1152, 2304, 4608, 9216};
    memory m = {aligned_alloc(64, MOST_ROWS * MOST_BYTES),
                aligned_alloc(64, native_prepared_bytes(MOST_ROWS, MOST_BYTES / 4)),
                aligned_alloc(64, NATIVE_PANEL * MOST_BYTES),
                aligned_alloc(64, MOST_ROWS * NATIVE_PANEL * sizeof(float)),
                aligned_alloc(64, MOST_ROWS * sizeof(float)),
                aligned_alloc(64, NATIVE_PANEL * sizeof(int32_t))};
    if (!m.left || !m.prepared || !m.panel || !m.out || !m.scales || !m.sums)
        return 1;
    memset(m.scales, 0, MOST_ROWS * sizeof(float));
    memset(m.sums, 0, NATIVE_PANEL * sizeof(int32_t));
    for (int type = NATIVE_FLOAT32; type <= NATIVE_INT8; type++) {
        fill(type, MOST_ROWS * MOST_BYTES, 128, m.left);
        fill(type, NATIVE_PANEL * MOST_BYTES, 0, m.panel);
        for (size_t b = 0; b < sizeof all_bytes / sizeof *all_bytes; b++)
            for (size_t r = 0; r < sizeof all_rows / sizeof *all_rows; r++) {
                printf("%-8s %4zu units %3zu rows", type_names[type], all_bytes[b] / 4, all_rows[r]);
                for (int i = 1; i < count; i++) {
                    const native_kernels *table = native_kernels_named(names[i], 0);
                    if (table && (type != NATIVE_BFLOAT16 || table->multiplies_bfloat16))
                        printf("  %s %7.1f", names[i], speed(table, &m, type, all_rows[r], all_bytes[b]));
                }
                printf("\n");
            }
    }
    free(m.left), free(m.prepared), free(m.panel), free(m.out), free(m.scales), free(m.sums);
    return 0;
}
