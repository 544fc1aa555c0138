// Prints the limits of this processor as JSON: the G operations per second that all cores together reach in fused
// multiply-adds of float32, in bfloat16 pairs and in int8 quadruples (a multiply-add counts as two), with operands in
// registers, and the GB per second that they read from memory. "bfloat16" and "int8" are those of AMX, if the processor
// has it, else of AVX-512, and null without AVX-512 BF16 or VNNI. "float32_avx2" is float32 with AVX2 only,
// "int8_avx512_vnni" and "int8_avx_vnni" are int8 with those.
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
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
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

#define QUADRUPLES(name, target, type, set, zero, multiply, add, first)                                                \
    TARGET(target) static float name(const void *bytes) {                                                              \
        (void)bytes;                                                                                                   \
        type sums[CHAINS], left = set(0x01020304), right = set(0x01ff01ff);                                            \
        for (int i = 0; i < CHAINS; i++)                                                                               \
            sums[i] = zero();                                                                                          \
        for (long step = 0; step < STEPS; step++)                                                                      \
            _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) sums[i] = multiply(sums[i], left, right);        \
        for (int i = 1; i < CHAINS; i++)                                                                               \
            sums[0] = add(sums[0], sums[i]);                                                                           \
        return (float)first(sums[0]);                                                                                  \
    }
QUADRUPLES(int8_avx512_vnni, "avx512f,avx512bw,avx512vnni", __m512i, _mm512_set1_epi32, _mm512_setzero_si512,
           _mm512_dpbusd_epi32, _mm512_add_epi32, _mm512_cvtsi512_si32)
QUADRUPLES(int8_avx_vnni, "avx2,avxvnni", __m256i, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_dpbusd_avx_epi32,
           _mm256_add_epi32, _mm256_cvtsi256_si32)

// 16 rows of 64 bytes: two tiles to multiply, and sums that do not depend on each other.
enum { TILE_ROWS = 16, TILE_BYTES = 64, TILE_SUMS = 4, TILE_STEPS = 2 * 1000 * 1000 };

#define TILES(name, target, multiply)                                                                                  \
    TARGET(target) static float name(const void *bytes) {                                                              \
        (void)bytes;                                                                                                   \
        static const int8_t ones[TILE_ROWS * TILE_BYTES] = {1};                                                        \
        _Alignas(64) uint8_t shapes[64] = {[0] = 1};                                                                   \
        for (int tile = 0; tile < TILE_SUMS + 2; tile++)                                                               \
            shapes[16 + 2 * tile] = TILE_BYTES, shapes[48 + tile] = TILE_ROWS;                                         \
        _tile_loadconfig(shapes);                                                                                      \
        _tile_loadd(4, ones, TILE_BYTES);                                                                              \
        _tile_loadd(5, ones, TILE_BYTES);                                                                              \
        _tile_zero(0);                                                                                                 \
        _tile_zero(1);                                                                                                 \
        _tile_zero(2);                                                                                                 \
        _tile_zero(3);                                                                                                 \
        for (long step = 0; step < TILE_STEPS; step++) {                                                               \
            multiply(0, 4, 5);                                                                                         \
            multiply(1, 4, 5);                                                                                         \
            multiply(2, 4, 5);                                                                                         \
            multiply(3, 4, 5);                                                                                         \
        }                                                                                                              \
        float sums[TILE_ROWS * TILE_BYTES / sizeof(float)];                                                            \
        _tile_stored(0, sums, TILE_BYTES);                                                                             \
        _tile_release();                                                                                               \
        return sums[0];                                                                                                \
    }
TILES(bfloat16_amx, "amx-tile,amx-bf16", _tile_dpbf16ps)
TILES(int8_amx, "amx-tile,amx-int8", _tile_dpbusd)

// Linux gives tiles to a process that asks.
static int has_tiles(void) {
    unsigned leaf[4] = {0};
    __cpuid_count(7, 0, leaf[0], leaf[1], leaf[2], leaf[3]);
    unsigned wanted = 1u << 22 | 1u << 24 | 1u << 25; // AMX-BF16, AMX-TILE, AMX-INT8
    return (leaf[3] & wanted) == wanted && syscall(SYS_arch_prctl, 0x1023, 18) == 0;
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

// `count`: the multiply-adds of a thread.
static void print_limit(const char *name, work *work, double count, long threads) {
    if (work)
        printf("\"%s\": %.1f, ", name, 2e-9 * count * (double)threads / seconds(work, NULL, threads));
    else
        printf("\"%s\": null, ", name);
}

int main(void) {
    long threads = sysconf(_SC_NPROCESSORS_ONLN);
    threads = threads < MAXIMUM_THREADS ? threads : MAXIMUM_THREADS;
    work *float32 = float32_portable, *avx2 = NULL, *bfloat16 = NULL, *int8 = NULL, *read = read_portable;
    work *avx512_vnni = NULL, *avx_vnni = NULL;
    double pass = (double)STEPS * CHAINS, lanes = 16, of_bfloat16 = 32 * pass, of_int8 = 64 * pass;
#if defined(__x86_64__)
    avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? float32_avx2 : NULL;
    avx_vnni = __builtin_cpu_supports("avxvnni") ? int8_avx_vnni : NULL;
    if (__builtin_cpu_supports("avx512f")) {
        float32 = float32_avx512, read = read_avx512;
        bfloat16 = __builtin_cpu_supports("avx512bf16") ? bfloat16_avx512 : NULL;
        int8 = avx512_vnni = __builtin_cpu_supports("avx512vnni") ? int8_avx512_vnni : NULL;
        if (has_tiles()) {
            bfloat16 = bfloat16_amx, int8 = int8_amx;
            of_int8 = (double)TILE_STEPS * TILE_SUMS * TILE_ROWS * TILE_ROWS * TILE_BYTES, of_bfloat16 = of_int8 / 2;
        }
    } else if (avx2) {
        float32 = avx2, lanes = 8;
    }
#endif
    char *bytes = aligned_alloc(4096, READ_BYTES * (size_t)threads);
    if (!bytes)
        return 1;
    memset(bytes, 1, READ_BYTES * (size_t)threads);
    printf("{\"threads\": %ld, ", threads);
    print_limit("float32", float32, lanes * pass, threads);
    print_limit("float32_avx2", avx2, 8 * pass, threads);
    print_limit("bfloat16", bfloat16, of_bfloat16, threads);
    print_limit("int8", int8, of_int8, threads);
    print_limit("int8_avx512_vnni", avx512_vnni, 64 * pass, threads);
    print_limit("int8_avx_vnni", avx_vnni, 32 * pass, threads);
    printf("\"read\": %.1f}\n", 1e-9 * (double)READ_BYTES * (double)threads / seconds(read, bytes, threads));
    return 0;
}
