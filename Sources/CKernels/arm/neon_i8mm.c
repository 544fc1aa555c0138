/* arm64 with the matrix instructions of int8 (FEAT_I8MM). */
#if defined(__aarch64__)
#include "look_up.h"

#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#include "../portable/loops.h"
#include "gemm_neon.h"
#include "pairs_neon.h"
#include "int8_i8mm.h"
#include "../portable/attention_tiles.h"
#include "../portable/attention_int8.h"
#pragma clang attribute pop

const native_kernels native_kernels_neon_i8mm = {.name = "neon_i8mm",
                                                 .is_reproducible = 1,
                                                 .pack_panel = pack_panel,
                                                 .gemm_float32 = gemm_float32,
                                                 INT8_KERNELS,
                                                 .apply_epilogue = apply_epilogue,
                                                 ATTENTION_KERNELS,
                                                 PORTABLE_KERNELS};
#endif
