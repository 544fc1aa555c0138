/* x86-64 with AVX-512 F, BW, DQ and VL. */
#if defined(__x86_64__)
#include "look_up.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c,bmi,bmi2"))),          \
                             apply_to = function)
#include "../portable/loops.h"
#include "avx512/gemm_avx512.h"
#include "avx2/int8_avx2.h"
#include "avx2/attention_avx2.h"
#include "../portable/attention_int8.h"
#pragma clang attribute pop

const native_kernels native_kernels_avx512 = {.name = "avx512",
                                              .is_reproducible = 1,
                                              .pack_panel = pack_panel,
                                              .gemm_float32 = gemm_float32,
                                              INT8_KERNELS,
                                              PREPARING_INT8,
                                              .apply_epilogue = apply_epilogue,
                                              ATTENTION_KERNELS,
                                              PORTABLE_KERNELS};
#endif
