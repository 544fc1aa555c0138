/* x86-64 with AVX-512 F, BW, DQ and VL. */
#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma,f16c,bmi,bmi2"))),          \
                             apply_to = function)
#include "kernels_loops.h"
#include "kernels_tiles.h"
#define HAS_AVX512
#include "kernels_int4.h"
#pragma clang attribute pop

const native_kernels native_kernels_avx512 = {
    .name = "avx512", .pack_panel = pack_panel, .pack_int4 = pack_int4, .product_float32 = product_float32, .finish = finish,
    LOOPS};
#endif
