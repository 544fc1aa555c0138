/* For every architecture, with the results of the other reproducible sets. Without an instruction for fused
 * multiply-adds it is slow. */
#include "loops.h"

#include "attention_tiles.h"
#include "gemm_int8.h"
#include "pack_panel.h"

#include "attention_int8.h"

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    (void)ahead;
    for (size_t row = 0; row < rows; row++, left += left_stride, out += out_stride)
        for (size_t first = 0; first < columns; first += LANES) {
            const size_t count = columns - first < LANES ? columns - first : LANES;
            vector sum = {0};
            for (size_t unit = 0; unit < units; unit++)
                sum = MULTIPLY_ADD((vector){0} + left[unit], load(panel + unit * NATIVE_PANEL + first), sum);
            if (accumulate)
                sum += load_some(count, out + first);
            memcpy(out + first, &sum, count * sizeof *out);
        }
}

const native_kernels native_kernels_reproducible = {.name = "portable",
                                                    .is_reproducible = 1,
                                                    .pack_panel = pack_panel,
                                                    .gemm_float32 = gemm_float32,
                                                    INT8_KERNELS,
                                                    .apply_epilogue = apply_epilogue,
                                                    ATTENTION_KERNELS,
                                                    PORTABLE_KERNELS};
