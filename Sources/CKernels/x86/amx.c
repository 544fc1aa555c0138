/* x86-64 with AMX-TILE, AMX-INT8, AMX-BF16 and all that avx512_bf16.c needs. */
#if defined(__x86_64__)
#include "look_up.h"

#include <stddef.h>

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,fma,f16c,bmi,bmi2,"                \
                          "amx-tile,amx-int8,amx-bf16"))),                                                             \
    apply_to = function)
#include "../portable/loops.h"
#include "avx512/gemm_avx512.h"
#include "avx512/int8_panels_vnni.h"
#include "amx/gemm_amx.h"
#include "avx512/epilogue_bfloat16.h"
#include "amx/attention_bfloat16_amx.h"
#include "avx512/softmax_bfloat16_avx512.h"
#include "../portable/attention_bfloat16.h"
#include "amx/attention_amx.h"
#pragma clang attribute pop

const native_kernels native_kernels_amx = {.name = "amx",
                                           .multiplies_bfloat16 = 1,
                                           .pack_panel = pack_panel,
                                           .gemm_float32 = gemm_float32,
                                           .row_tile = BLOCK_ROWS,
                                           .gemm_bfloat16 = gemm_bfloat16,
                                           INT8_KERNELS,
                                           .apply_epilogue = apply_epilogue_bfloat16,
                                           .attention_bfloat16 = attention_bfloat16,
                                           ATTENTION_KERNELS,
                                           PORTABLE_KERNELS};
#endif
