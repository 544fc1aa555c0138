/* OpenBLAS takes a buffer of 128 MiB of address space for each GEMM that runs at a time, keeps it, and asks for it
 * again for ever if the system has none. So each pool reserves a buffer for each of its workers, which can fail, before
 * any GEMM runs. The library is linked with `--wrap=mmap`: what OpenBLAS maps within a GEMM is one of those buffers. */
#define _GNU_SOURCE
#include "blas.h"
#include "fork_gate.h"

#include <cblas.h>
#include <sys/mman.h>

enum { buffer_bytes = 128 << 20, most_buffers = 1024 };

__attribute__((weak)) extern void *__real_mmap(void *address, size_t bytes, int protection, int flags, int file,
                                               off_t offset);

/* Buffers that OpenBLAS has not asked for yet, and how many there are in all. */
static void *spare[most_buffers];
static size_t spares, buffers;
/* Workers of all pools that are alive. */
static size_t workers;

static _Thread_local int multiplies __attribute__((tls_model("initial-exec")));

int native_blas_reserve(size_t count) {
    openblas_set_num_threads(1);
    if (__real_mmap == NULL)
        return 1; /* linked without --wrap, as the unit tests are */
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

void native_blas_product(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                         const float *right, size_t right_stride, int right_is_transposed, float *out,
                         size_t out_stride, int accumulate) {
    multiplies = 1;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, right_is_transposed ? CblasTrans : CblasNoTrans, (blasint)rows,
                (blasint)columns, (blasint)inner, 1.0f, left, (blasint)left_stride, right, (blasint)right_stride,
                accumulate ? 1.0f : 0.0f, out, (blasint)out_stride);
    multiplies = 0;
}
