/* The int8 GEMM in plain C. Include it after loops.h. */

#include "int8_panels.h"

#if defined(__SSE2__)
#include "../x86/int8_sse2.h"
#else
/* One row times a panel. */
static void sum_row(size_t units, const uint8_t *row, const int8_t *weights, int32_t sums[NATIVE_PANEL]) {
    memset(sums, 0, NATIVE_PANEL * sizeof *sums);
    for (size_t unit = 0; unit < units; unit++, row += 4, weights += 4 * NATIVE_PANEL)
        for (size_t c = 0; c < NATIVE_PANEL; c++)
            for (size_t i = 0; i < 4; i++)
                sums[c] += row[i] * weights[4 * c + i];
}
#endif

static void gemm_int8(size_t rows, size_t columns, size_t units, const uint8_t *left, size_t left_stride,
                      const void *panel, const void *ahead, const int32_t *sums, const float *row_scales,
                      const float *column_scales, float *out, size_t out_stride) {
    (void)ahead;
    for (size_t row = 0; row < rows; row++) {
        int32_t total[NATIVE_PANEL];
        sum_row(units, left + row * left_stride, panel, total);
        for (size_t c = 0; c < columns; c++)
            out[row * out_stride + c] = (float)(total[c] - sums[c]) * (column_scales[c] * row_scales[row]);
    }
}
