/* arm64 with the matrix instructions of int8 and bfloat16 (FEAT_I8MM, FEAT_BF16). */
#if defined(__aarch64__)
#include "look_up.h"

#pragma clang attribute push(__attribute__((target("dotprod,i8mm,bf16"))), apply_to = function)
#include "../portable/loops.h"
#include "gemm_neon.h"
#include "pairs_neon.h"
#include "int8_i8mm.h"
#include "bfloat16_neon.h"
#include "attention_bfloat16_neon.h"
#include "../portable/attention_bfloat16.h"
#include "../portable/attention_tiles.h"
#include "../portable/attention_int8.h"
#pragma clang attribute pop

const native_kernels native_kernels_neon_bf16 = {.name = "neon_bf16",
                                                 .multiplies_bfloat16 = 1,
                                                 .pack_panel = pack_panel,
                                                 .gemm_float32 = gemm_float32,
                                                 .gemm_bfloat16 = gemm_bfloat16,
                                                 INT8_KERNELS,
                                                 .apply_epilogue = apply_epilogue,
                                                 .attention_bfloat16 = attention_bfloat16,
                                                 ATTENTION_KERNELS,
                                                 PORTABLE_KERNELS};
#endif
