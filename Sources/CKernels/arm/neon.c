/* arm64, which always has NEON. */
#if defined(__aarch64__)
#include "look_up.h"

#include "../portable/loops.h"
#include "gemm_neon.h"

/* Products of two signed bytes have 16 bits; the sum of two may need 17. */
INLINE int32x4_t add_products(int32x4_t sum, int8x16_t weights, int8x16_t x) {
    int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(weights), vget_low_s8(x)));
    int32x4_t high = vpaddlq_s16(vmull_high_s8(weights, x));
    return vaddq_s32(sum, vpaddq_s32(low, high));
}

#define ADD_PRODUCTS add_products
#include "int8_neon.h"
#include "../portable/attention_tiles.h"
#include "../portable/attention_int8.h"

const native_kernels native_kernels_neon = {.name = "neon",
                                            .is_reproducible = 1,
                                            .pack_panel = pack_panel,
                                            .gemm_float32 = gemm_float32,
                                            INT8_KERNELS,
                                            .apply_epilogue = apply_epilogue,
                                            ATTENTION_KERNELS,
                                            PORTABLE_KERNELS};
#endif
