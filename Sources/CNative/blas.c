#include "blas.h"
#include <cblas.h>

void native_blas_prepare(void) { openblas_set_num_threads(1); }

void native_blas_product_transposed(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                                    const float *right, size_t right_stride, float *out, size_t out_stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)inner, 1.0f, left,
                (int)left_stride, right, (int)right_stride, 0.0f, out, (int)out_stride);
}
