/* What libpixart-blas.so.1 offers to libpixart.so: the float32 GEMM of a private OpenBLAS. */
#ifndef PIXART_BLAS_OBJECT_H
#define PIXART_BLAS_OBJECT_H

#include <stddef.h>

/* Its only export, of the type native_blas_open. The number is that of this interface. */
#define NATIVE_BLAS_OPEN "pixart_blas_open_1"

typedef struct native_blas {
    /* Reserves memory for the GEMMs of `count` threads, 128 MiB of address space each. Returns 0 if the system has
     * none. Call it before the first GEMM of these threads; the GEMMs themselves do not fail. Thread-safe. */
    int (*reserve)(size_t count);
    /* Frees what `reserve` reserved, for use by other threads. */
    void (*release)(size_t count);
    /* out[rows, columns] (+)= left[rows, inner] * right[inner, columns]. Strides are the distances between rows in
     * elements. */
    void (*gemm)(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride, const float *right,
                 size_t right_stride, float *out, size_t out_stride, int accumulate);
} native_blas;

/* `enter` and `leave` are those of the caller's fork gate. Every call has to have the same ones. */
typedef const native_blas *native_blas_open(void (*enter)(void), void (*leave)(void));

#endif
