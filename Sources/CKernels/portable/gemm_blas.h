/* The GEMM of a kernel table by OpenBLAS, for instruction sets without another GEMM. */
#include "blas.h"
#include "pack_panel.h"

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    (void)ahead;
    native_blas_gemm(rows, columns, units, left, left_stride, panel, NATIVE_PANEL, 0, out, out_stride, accumulate);
}
