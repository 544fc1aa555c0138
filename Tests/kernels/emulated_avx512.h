/* AVX-512 as SIMDe computes it on every processor, and the intrinsics that SIMDe lacks. */
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <math.h>
#include <simde/x86/avx512.h>

static inline simde__m512i emulated_cvtps_epi32(simde__m512 x) {
    simde__m512_private from = simde__m512_to_private(x);
    simde__m512i_private to;
    for (int i = 0; i < 16; i++)
        to.i32[i] = (int32_t)nearbyintf(from.f32[i]);
    return simde__m512i_from_private(to);
}

static inline simde__m512 emulated_cvtepi32_ps(simde__m512i x) {
    simde__m512i_private from = simde__m512i_to_private(x);
    simde__m512_private to;
    for (int i = 0; i < 16; i++)
        to.f32[i] = (float)from.i32[i];
    return simde__m512_from_private(to);
}

static inline float emulated_reduce_max_ps(simde__m512 x) {
    simde__m512_private from = simde__m512_to_private(x);
    float most = from.f32[0];
    for (int i = 1; i < 16; i++)
        most = fmaxf(most, from.f32[i]);
    return most;
}

/* Elements outside of a mask are neither read nor written. */
static inline simde__m512 emulated_maskz_loadu_ps(simde__mmask16 mask, const float *memory) {
    simde__m512_private to;
    for (int i = 0; i < 16; i++)
        to.f32[i] = mask >> i & 1 ? memory[i] : 0;
    return simde__m512_from_private(to);
}

static inline void emulated_mask_storeu_ps(float *memory, simde__mmask16 mask, simde__m512 x) {
    simde__m512_private from = simde__m512_to_private(x);
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1)
            memory[i] = from.f32[i];
}

#define _mm512_cvtps_epi32 emulated_cvtps_epi32
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#define _mm512_reduce_max_ps emulated_reduce_max_ps
#define _mm512_maskz_loadu_ps emulated_maskz_loadu_ps
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps
