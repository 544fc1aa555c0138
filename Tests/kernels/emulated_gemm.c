/* The GEMMs of AVX-512 or, with EMULATED_TILES, those of AMX as functions for Python. SIMDe computes what AVX-512
 * would, and emulated_tiles.h what the tiles would. */
#include "emulated_avx512.h"
#if defined(EMULATED_TILES)
#include "emulated_tiles.h"
#endif

#include "../../Sources/CKernels/portable/loops.h"
#include "../../Sources/CKernels/x86/avx512/gemm_avx512.h"
#if defined(EMULATED_TILES)
#include "../../Sources/CKernels/x86/avx512/int8_panels_vnni.h"

#include "../../Sources/CKernels/x86/amx/gemm_amx.h"
#else
#include "../../Sources/CKernels/x86/avx512/bfloat16_avx512.h"
#include "../../Sources/CKernels/x86/avx512/int8_avx512_vnni.h"
#endif

/* A pointer to a function, by its name. */
#define MEMBER(function) __typeof__(function) *function

extern const struct gemms {
    MEMBER(gemm_bfloat16);
    MEMBER(gemm_int8);
} gemms;
const struct gemms gemms = {gemm_bfloat16, gemm_int8};

#if !defined(EMULATED_TILES)
/* What AMX takes from AVX-512. */
extern const struct panels {
    MEMBER(gemm_float32);
    MEMBER(pack_panel);
    MEMBER(zero_point_sums);
    MEMBER(pack_int4);
} panels;
const struct panels panels = {gemm_float32, pack_panel, zero_point_sums, pack_int4};
#endif

#if defined(EMULATED_TILES)
/* The intrinsics that no GEMM uses are macros with a name for messages. */
static void dpbssd(int sum, int left, int right) { _tile_dpbssd(sum, left, right); }
static void dpbsud(int sum, int left, int right) { _tile_dpbsud(sum, left, right); }
static void dpbusd(int sum, int left, int right) { _tile_dpbusd(sum, left, right); }
static void dpbuud(int sum, int left, int right) { _tile_dpbuud(sum, left, right); }

extern const struct tiles {
    MEMBER(model_loadconfig);
    MEMBER(model_release);
    MEMBER(model_zero);
    MEMBER(model_loadd);
    MEMBER(model_stored);
    MEMBER(dpbssd);
    MEMBER(dpbsud);
    MEMBER(dpbusd);
    MEMBER(dpbuud);
    MEMBER(model_dpbf16ps);
} tiles;
const struct tiles tiles = {model_loadconfig, model_release, model_zero, model_loadd, model_stored,
                            dpbssd,           dpbsud,        dpbusd,     dpbuud,      model_dpbf16ps};
#endif
