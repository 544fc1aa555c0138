/* Stands in for OpenBLAS, which the tests of the kernels do without. */
#include "blas.h"

void native_blas_gemm(size_t rows, size_t columns, size_t inner, const float *left, size_t left_stride,
                      const float *right, size_t right_stride, int right_is_transposed, float *out, size_t out_stride,
                      int accumulate) {
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < columns; c++) {
            float sum = accumulate ? out[row * out_stride + c] : 0;
            for (size_t i = 0; i < inner; i++)
                sum += left[row * left_stride + i] *
                       right[right_is_transposed ? c * right_stride + i : i * right_stride + c];
            out[row * out_stride + c] = sum;
        }
}
