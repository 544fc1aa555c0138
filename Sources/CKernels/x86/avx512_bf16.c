/* x86-64 with AVX-512, BF16 and VNNI: GEMM in bfloat16 and int8, and attention in bfloat16. */
#if defined(__x86_64__)
#include "look_up.h"

#pragma clang attribute push(                                                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,fma,f16c,bmi,bmi2"))),             \
    apply_to = function)
#include "../portable/loops.h"
#include "avx512/gemm_avx512.h"
#include "avx512/int8_avx512_vnni.h"
#include "avx512/bfloat16_avx512.h"
#include "avx512/epilogue_bfloat16.h"
#include "avx512/attention_bfloat16_avx512.h"
#include "avx512/softmax_bfloat16_avx512.h"
#include "../portable/attention_bfloat16.h"
#include "avx512/attention_vnni.h"
#include "../portable/attention_int8.h"
#pragma clang attribute pop

const native_kernels native_kernels_avx512_bf16 = {.name = "avx512_bf16",
                                                   .multiplies_bfloat16 = 1,
                                                   .pack_panel = pack_panel,
                                                   .gemm_float32 = gemm_float32,
                                                   .gemm_bfloat16 = gemm_bfloat16,
                                                   INT8_KERNELS,
                                                   .apply_epilogue = apply_epilogue_bfloat16,
                                                   .attention_bfloat16 = attention_bfloat16,
                                                   ATTENTION_KERNELS,
                                                   PORTABLE_KERNELS};
#endif
