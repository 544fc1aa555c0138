/* OpenBLAS maps a buffer of 128 MiB of address space for each concurrent GEMM and keeps it. If the system has none, it
 * retries forever. So each pool reserves a buffer for each of its workers before any GEMM runs, which can fail. The
 * library is linked with `--wrap=mmap`: if OpenBLAS maps memory within a GEMM, it gets one of those buffers. */
#define _GNU_SOURCE
#include "blas.h"
#include "fork_gate.h"

#include <cblas.h>
#include <sys/mman.h>

enum { buffer_bytes = 128 << 20, most_buffers = 1024 };

__attribute__((weak)) extern void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file,
                                               off_t offset);

/* Buffers that OpenBLAS has not requested yet, and the number of all buffers. */
static void *spare[most_buffers];
static size_t spares, buffers;
/* Workers of all pools that are alive. */
static size_t workers;

static _Thread_local int multiplies __attribute__((tls_model("initial-exec")));

int native_blas_reserve(size_t count) {
    openblas_set_num_threads(1);
    if (__real_mmap == NULL)
        return 1; /* linked without --wrap, like the unit tests */
    int succeeded = 1;
    native_fork_gate_enter();
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
    native_fork_gate_leave();
    return succeeded;
}

void native_blas_release(size_t count) {
    if (__real_mmap == NULL)
        return;
    native_fork_gate_enter();
    workers -= count;
    native_fork_gate_leave();
}

void *__wrap_mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset) {
    if (multiplies && bytes == buffer_bytes) {
        native_fork_gate_enter();
        void *buffer = spares > 0 ? spare[--spares] : NULL;
        native_fork_gate_leave();
        if (buffer != NULL)
            return buffer;
    }
    return __real_mmap(address, bytes, protection, flags, file, offset);
}

void native_blas_gemm(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                      const float *right, size_t right_stride, int right_is_transposed, float *out, size_t out_stride,
                      int accumulate) {
    multiplies = 1;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, right_is_transposed ? CblasTrans : CblasNoTrans, (blasint)rows,
                (blasint)columns, (blasint)inner, 1.0f, left, (blasint)left_stride, right, (blasint)right_stride,
                accumulate ? 1.0f : 0.0f, out, (blasint)out_stride);
    multiplies = 0;
}
