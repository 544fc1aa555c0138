/* float32 matrix products by OpenBLAS. The library is linked with a private copy that runs single-threaded: threads are
 * the callers', and the host's own BLAS never notices. */
#ifndef PIXART_BLAS_H
#define PIXART_BLAS_H

#include <stddef.h>

/* Reserves memory for the GEMMs of `count` threads, 128 MiB of address space each; returns 0 if the system has none.
 * Precedes the first GEMM of these threads, which fails in no other way. Safe from any thread. */
int native_blas_reserve(size_t count);

/* Gives back what native_blas_reserve reserved, for other threads to use. */
void native_blas_release(size_t count);

/* out[rows, columns] (+)= left[rows, inner] * right, where right is [columns, inner] if it is transposed and
 * [inner, columns] if not. Strides are the distances between rows in elements. */
void native_blas_product(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                         const float *right, size_t right_stride, int right_is_transposed, float *out,
                         size_t out_stride, int accumulate);

#endif
