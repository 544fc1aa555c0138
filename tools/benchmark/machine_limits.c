// Prints the limits of this processor as JSON: the G operations per second that all cores together reach in fused
// multiply-adds of float32, in bfloat16 pairs and in int8 quadruples (a multiply-add counts as two), with operands in
// registers, and the GB per second that they read from memory. "bfloat16" and "int8" are null without AVX-512 BF16 or
// VNNI.
//
//     cc -O2 -pthread tools/benchmark/machine_limits.c -o machine_limits

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    CHAINS = 12, // independent sums: latency times the multiply-adds that start in a cycle, and some
    REPEATS = 5,
    MAXIMUM_THREADS = 256,
};
static const long STEPS = 20 * 1000 * 1000;
static const size_t READ_BYTES = (size_t)1 << 29; // by each thread: more than any cache holds

typedef float vector __attribute__((vector_size(64)));
typedef uint64_t words __attribute__((vector_size(64)));

// One thread's work; the result keeps the compiler from dropping it.
typedef float work(const void *bytes);

#define MULTIPLY_ADDS(name, target)                                                                                    \
    target static float name(const void *bytes) {                                                                      \
        (void)bytes;                                                                                                   \
        vector sums[CHAINS] = {{0}}, factor = {0}, term = {0};                                                         \
        factor += 0.999f, term += 0.5f;                                                                                \
        for (long step = 0; step < STEPS; step++) {                                                                    \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sums[i] = sums[i] * factor + term;               \
            __asm__ volatile("" ::: "memory");                                                                         \
        }                                                                                                              \
        float result = 0;                                                                                              \
        for (int i = 0; i < CHAINS; i++)                                                                               \
            result += sums[i][i];                                                                                      \
        return result;                                                                                                 \
    }

// Reads READ_BYTES, a cache line at a time.
#define READ(name, target)                                                                                             \
    target static float name(const void *bytes) {                                                                      \
        const words *lines = bytes;                                                                                    \
        words sums[4] = {{0}};                                                                                         \
        for (size_t line = 0; line < READ_BYTES / sizeof(words); line += 4)                                            \
            for (int i = 0; i < 4; i++)                                                                                \
                sums[i] ^= lines[line + i];                                                                            \
        sums[0] ^= sums[1] ^ sums[2] ^ sums[3];                                                                        \
        return (float)(sums[0][0] ^ sums[0][7]);                                                                       \
    }

MULTIPLY_ADDS(float32_portable, )
READ(read_portable, )

#if defined(__x86_64__)
#define TARGET(features) __attribute__((target(features)))

TARGET("avx2,fma") static float float32_avx2(const void *bytes) {
    (void)bytes;
    __m256 sums[CHAINS], factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++)
        sums[i] = term;
    for (long step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    return _mm256_cvtss_f32(sums[0]);
}

TARGET("avx512f") static float float32_avx512(const void *bytes) {
    (void)bytes;
    __m512 sums[CHAINS], factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++)
        sums[i] = term;
    for (long step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], factor, term);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}

TARGET("avx512f,avx512bw,avx512vl,avx512bf16") static float bfloat16_avx512(const void *bytes) {
    (void)bytes;
    __m512 sums[CHAINS];
    __m512bh left = (__m512bh)_mm512_set1_epi32(0x3f803f80), right = (__m512bh)_mm512_set1_epi32(0x3c003c00);
    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_setzero_ps();
    for (long step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_dpbf16_ps(sums[i], left, right);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    return _mm512_reduce_add_ps(sums[0]);
}

TARGET("avx512f,avx512bw,avx512vnni") static float int8_avx512(const void *bytes) {
    (void)bytes;
    __m512i sums[CHAINS], left = _mm512_set1_epi32(0x01020304), right = _mm512_set1_epi32(0x01ff01ff);
    for (int i = 0; i < CHAINS; i++)
        sums[i] = _mm512_setzero_si512();
    for (long step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sums[i] = _mm512_dpbusd_epi32(sums[i], left, right);
    for (int i = 1; i < CHAINS; i++)
        sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    return (float)_mm512_reduce_add_epi32(sums[0]);
}

TARGET("avx512f")
READ(read_avx512, )
#endif

struct thread {
    pthread_t id;
    work *work;
    const void *bytes;
    volatile float result;
};

static void *run(void *context) {
    struct thread *thread = context;
    thread->result = thread->work(thread->bytes);
    return NULL;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Seconds that `work` takes on every processor at once, the least of REPEATS.
static double seconds(work *work, const char *bytes, long threads) {
    static struct thread all[MAXIMUM_THREADS];
    double least = 1e9;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double start = now();
        for (long i = 0; i < threads; i++) {
            all[i].work = work, all[i].bytes = bytes ? bytes + i * READ_BYTES : NULL;
            if (pthread_create(&all[i].id, NULL, run, &all[i]))
                exit(1);
        }
        for (long i = 0; i < threads; i++)
            pthread_join(all[i].id, NULL);
        double taken = now() - start;
        least = taken < least ? taken : least;
    }
    return least;
}

static void print_limit(const char *name, work *work, int lanes, long threads) {
    if (work)
        printf("\"%s\": %.1f, ", name,
               2e-9 * (double)(STEPS * CHAINS * lanes * threads) / seconds(work, NULL, threads));
    else
        printf("\"%s\": null, ", name);
}

int main(void) {
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    threads = threads < MAXIMUM_THREADS ? threads : MAXIMUM_THREADS;
    work *float32 = float32_portable, *bfloat16 = NULL, *int8 = NULL, *read = read_portable;
    int lanes = 16;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        float32 = float32_avx512, read = read_avx512;
        bfloat16 = __builtin_cpu_supports("avx512bf16") ? bfloat16_avx512 : NULL;
        int8 = __builtin_cpu_supports("avx512vnni") ? int8_avx512 : NULL;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        float32 = float32_avx2, lanes = 8;
    }
#endif
    char *bytes = aligned_alloc(4096, READ_BYTES * (size_t)threads);
    if (!bytes)
        return 1;
    memset(bytes, 1, READ_BYTES * (size_t)threads);
    printf("{\"threads\": %ld, ", threads);
    print_limit("float32", float32, lanes, threads);
    print_limit("bfloat16", bfloat16, 32, threads);
    print_limit("int8", int8, 64, threads);
    printf("\"read\": %.1f}\n", 1e-9 * (double)READ_BYTES * (double)threads / seconds(read, bytes, threads));
    return 0;
}
