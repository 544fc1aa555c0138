/* For every architecture, and fast on those without fused multiply-add. Its results are not those of the other sets. */
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#include "loops.h"
#include "gemm_int8.h"
#include "gemm_plain.h"
#include "pack_panel.h"
#include "attention_tiles.h"
#include "attention_int8.h"

const native_kernels native_kernels_portable = {.name = "portable",
                                                .prefers_blas = 1,
                                                .pack_panel = pack_panel,
                                                .gemm_float32 = gemm_float32,
                                                INT8_KERNELS,
                                                .apply_epilogue = apply_epilogue,
                                                ATTENTION_KERNELS,
                                                PORTABLE_KERNELS};
