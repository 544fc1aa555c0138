/* OpenBLAS for the portable kernels: libpixart-blas.so.1, which may lie in the library's folder. It is loaded when it
 * is first needed. Sources/CBlas describes it. */
#ifndef PIXART_BLAS_H
#define PIXART_BLAS_H

#include "kernels.h"

/* Returns the portable kernels with OpenBLAS's float32 GEMM. Returns NULL with no failure if libpixart-blas.so.1 is not
 * there, belongs to another version of the library, or would not be faster; and with a failure, a text that is valid
 * until the thread's next call of dlopen(), if it cannot be loaded. errno is then ENOMEM if the file is an object for
 * this processor, so that memory must be missing. Thread-safe. */
const native_kernels *_Nullable native_kernels_with_blas(const char *_Nullable *_Nonnull failure);

/* Reserves memory for the GEMMs of `count` threads with these kernels, 128 MiB of address space each. Returns 0 if the
 * system has none. Call it before the first GEMM of these threads; the GEMMs themselves do not fail. Thread-safe. */
int native_blas_reserve(size_t count);

/* Frees what native_blas_reserve reserved, for use by other threads. */
void native_blas_release(size_t count);

#endif
