/* arm64 with the dot products of signed bytes (FEAT_DotProd). */
#if defined(__aarch64__)
#include "look_up.h"

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#define ADD_PRODUCTS vdotq_s32
#include "../portable/loops.h"
#include "gemm_neon.h"
#include "int8_neon.h"
#include "../portable/attention_tiles.h"
#include "../portable/attention_int8.h"
#pragma clang attribute pop

const native_kernels native_kernels_neon_dotprod = {.name = "neon_dotprod",
                                                    .is_reproducible = 1,
                                                    .pack_panel = pack_panel,
                                                    .gemm_float32 = gemm_float32,
                                                    INT8_KERNELS,
                                                    .apply_epilogue = apply_epilogue,
                                                    ATTENTION_KERNELS,
                                                    PORTABLE_KERNELS};
#endif
