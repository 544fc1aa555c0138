/* The GEMM of a kernel table by OpenBLAS, for instruction sets without another GEMM. */
#include "blas.h"

#include <string.h>

static void pack_panel(size_t outputs, size_t units, const void *rows, size_t stride, void *panel) {
    uint32_t *target = panel;
    for (size_t output = 0; output < NATIVE_PANEL; output++) {
        const char *row = (const char *)rows + output * stride;
        for (size_t unit = 0; unit < units; unit++) {
            uint32_t value = 0;
            if (output < outputs)
                memcpy(&value, row + 4 * unit, sizeof value);
            target[unit * NATIVE_PANEL + output] = value;
        }
    }
}

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    (void)ahead;
    native_blas_gemm(rows, columns, units, left, left_stride, panel, NATIVE_PANEL, 0, out, out_stride, accumulate);
}
