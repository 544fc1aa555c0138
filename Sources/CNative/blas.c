#include "blas.h"

#include <cblas.h>

void native_blas_prepare(void) { openblas_set_num_threads(1); }

void native_blas_product(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                         const float *right, size_t right_stride, int right_is_transposed, float *out,
                         size_t out_stride, int accumulate) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, right_is_transposed ? CblasTrans : CblasNoTrans, (blasint)rows,
                (blasint)columns, (blasint)inner, 1.0f, left, (blasint)left_stride, right, (blasint)right_stride,
                accumulate ? 1.0f : 0.0f, out, (blasint)out_stride);
}
