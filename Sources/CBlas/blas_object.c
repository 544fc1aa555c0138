/* libpixart-blas.so.1: OpenBLAS's float32 GEMM, linked statically and hidden. Callers bring their own threads, and a
 * host's OpenBLAS is not affected.
 *
 * OpenBLAS maps a buffer of 128 MiB of address space for each concurrent GEMM and keeps it. If the system has none, it
 * retries forever. So callers reserve a buffer for each of their threads before any GEMM runs, which can fail. The
 * object is linked with `--wrap=mmap`: OpenBLAS gets one of those buffers. */
#define _GNU_SOURCE
#include "blas_object.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { buffer_bytes = 128 << 20, most_buffers = 1024 };

/* The originals of what the object is linked with `--wrap` for. */
void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
void *__real_blas_memory_alloc(int position);
void __real_blas_memory_free(void *buffer);

/* OpenBLAS's constructor, which does nothing if it has run. */
void gotoblas_init(void);

char *__wrap_getenv(const char *name);
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset);
void *__wrap_blas_memory_alloc(int position);
void __wrap_blas_memory_free(void *buffer);

/* ---- While it is loaded ---- */

/* OpenBLAS reads environment variables. One makes it print, and without another it starts a thread for each processor.
 * On AVX-512, releases that do not know a processor choose badly for it. */
char *__wrap_getenv(const char *name) {
    static char one[] = "1";
    if (strcmp(name, "OPENBLAS_NUM_THREADS") == 0)
        return one;
#if defined(__x86_64__)
    static char haswell[] = "Haswell";
    if (strcmp(name, "OPENBLAS_CORETYPE") == 0) {
        __builtin_cpu_init(); /* this runs before constructors do */
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return haswell;
    }
#endif
    return NULL;
}

/* Its handler stops threads that it does not have. */
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void)) {
    (void)prepare, (void)parent, (void)child;
    return 0;
}

/* ---- Buffers ---- */

/* OpenBLAS maps a buffer while it is loaded. This one is part of the object, so loading fails if there is no address
 * space for it. */
static _Alignas(4096) char first[buffer_bytes];
static int first_is_taken;

/* Buffers that OpenBLAS has not requested yet, and the number of all buffers. */
static void *spare[most_buffers];
static size_t spares, buffers;
/* Threads of all callers. */
static size_t workers;

static void (*enter_gate)(void), (*leave_gate)(void);

static void enter(void) {
    if (enter_gate)
        enter_gate();
}

static void leave(void) {
    if (leave_gate)
        leave_gate();
}

static int reserve(size_t count) {
    int succeeded = 1;
    enter();
    while (succeeded && buffers < workers + count) {
        void *buffer = buffers < most_buffers ? __real_mmap(NULL, buffer_bytes, PROT_READ | PROT_WRITE,
                                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                                              : MAP_FAILED;
        succeeded = buffer != MAP_FAILED;
        if (!succeeded)
            break;
        spare[spares++] = buffer;
        buffers++;
    }
    if (succeeded)
        workers += count;
    leave();
    return succeeded;
}

static void release(size_t count) {
    enter();
    workers -= count;
    leave();
}

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
    if (bytes != buffer_bytes)
        return __real_mmap(address, bytes, protection, flags, file, offset);
    enter();
    void *buffer = MAP_FAILED;
    if (spares > 0) {
        buffer = spare[--spares];
    } else if (!first_is_taken) {
        first_is_taken = 1;
        buffer = first;
    }
    leave();
    return buffer;
}

/* Each GEMM allocates a buffer and frees it, under a lock. */
void *__wrap_blas_memory_alloc(int position) {
    enter();
    void *buffer = __real_blas_memory_alloc(position);
    leave();
    return buffer;
}

void __wrap_blas_memory_free(void *buffer) {
    enter();
    __real_blas_memory_free(buffer);
    leave();
}

/* ---- The interface ---- */

static void gemm(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride, const float *right,
                 size_t right_stride, float *out, size_t out_stride, int accumulate) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)rows, (blasint)columns, (blasint)inner, 1.0f, left,
                (blasint)left_stride, right, (blasint)right_stride, accumulate ? 1.0f : 0.0f, out, (blasint)out_stride);
}

native_blas_open pixart_blas_open_1;

const native_blas *pixart_blas_open_1(void (*enter_caller)(void), void (*leave_caller)(void)) {
    static const native_blas offered = {reserve, release, gemm};
    enter_gate = enter_caller;
    leave_gate = leave_caller;
    gotoblas_init(); /* if an allocation fails in dlopen(), it may succeed without calling constructors */
    return &offered;
}
