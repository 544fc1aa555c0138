/* float32 GEMM by OpenBLAS. The library contains a private, single-threaded copy. Callers bring their own threads, and
 * the host's BLAS is not affected. */
#ifndef PIXART_BLAS_H
#define PIXART_BLAS_H

#include <stddef.h>

/* Reserves memory for the GEMMs of `count` threads, 128 MiB of address space each. Returns 0 if the system has none.
 * Call it before the first GEMM of these threads; the GEMMs themselves do not fail. Thread-safe. */
int native_blas_reserve(size_t count);

/* Frees what native_blas_reserve reserved, for use by other threads. */
void native_blas_release(size_t count);

/* out[rows, columns] (+)= left[rows, inner] * right. `right` is [columns, inner] if it is transposed, else
 * [inner, columns]. Strides are the distances between rows in elements. */
void native_blas_gemm(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                      const float *right, size_t right_stride, int right_is_transposed, float *out, size_t out_stride,
                      int accumulate);

#endif
