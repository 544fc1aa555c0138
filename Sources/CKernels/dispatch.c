#define _GNU_SOURCE /* syscall */
#include "kernels.h"

#include <string.h>

extern const native_kernels native_kernels_portable, native_kernels_reproducible;

#if defined(__x86_64__)
#include <stdatomic.h>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

/* From Linux's asm/prctl.h and asm/fpu/types.h. */
enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

static int ask_for_tiles(void) { return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0; }
#else
static int ask_for_tiles(void) { return 0; }
#endif

/* Linux lets a process use AMX's tiles only if it asks. The permission is the whole process's, and its children have
 * it. The first answer stands, so that all handles of a process choose the same table. */
static int has_tiles(void) {
    enum { UNKNOWN, REFUSED, GRANTED };
    static atomic_int answer = UNKNOWN;
    int known = atomic_load(&answer);
    if (known == UNKNOWN) {
        int found = ask_for_tiles() ? GRANTED : REFUSED;
        if (atomic_compare_exchange_strong(&answer, &known, found))
            known = found;
    }
    return known == GRANTED;
}

extern const native_kernels native_kernels_amx, native_kernels_avx2, native_kernels_avx_vnni, native_kernels_avx512,
    native_kernels_avx512_vnni, native_kernels_avx512_bf16;

static int runs(const native_kernels *kernels) {
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") &&
               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    int avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    int avx512_vnni = avx512 && __builtin_cpu_supports("avx512vnni");
    int avx512_bf16 = avx512_vnni && __builtin_cpu_supports("avx512bf16");
    if (kernels == &native_kernels_amx)
        return avx512_bf16 && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
               __builtin_cpu_supports("amx-bf16") && has_tiles();
    if (kernels == &native_kernels_avx512_bf16)
        return avx512_bf16;
    if (kernels == &native_kernels_avx512_vnni)
        return avx512_vnni;
    if (kernels == &native_kernels_avx512)
        return avx512;
    if (kernels == &native_kernels_avx_vnni)
        return avx2 && __builtin_cpu_supports("avxvnni");
    return kernels == &native_kernels_avx2 ? avx2 : 1;
}

/* Best first. */
static const native_kernels *const tables[] = {
    &native_kernels_amx,      &native_kernels_avx512_bf16, &native_kernels_avx512_vnni, &native_kernels_avx512,
    &native_kernels_avx_vnni, &native_kernels_avx2,        &native_kernels_portable,    &native_kernels_reproducible};
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

extern const native_kernels native_kernels_neon, native_kernels_neon_dotprod, native_kernels_neon_i8mm,
    native_kernels_neon_bf16;

/* Bits of the auxiliary vector, from Linux's asm/hwcap.h for arm64. */
enum { HAS_DOTPROD = 1 << 20, HAS_I8MM = 1 << 13, HAS_BF16 = 1 << 14 };

static int runs(const native_kernels *kernels) {
    int dotprod = (getauxval(AT_HWCAP) & HAS_DOTPROD) != 0;
    int i8mm = dotprod && (getauxval(AT_HWCAP2) & HAS_I8MM) != 0;
    if (kernels == &native_kernels_neon_bf16)
        return i8mm && (getauxval(AT_HWCAP2) & HAS_BF16) != 0;
    if (kernels == &native_kernels_neon_i8mm)
        return i8mm;
    return kernels == &native_kernels_neon_dotprod ? dotprod : 1;
}

/* Best first. */
static const native_kernels *const tables[] = {&native_kernels_neon_bf16,    &native_kernels_neon_i8mm,
                                               &native_kernels_neon_dotprod, &native_kernels_neon,
                                               &native_kernels_portable,     &native_kernels_reproducible};
#else
static int runs(const native_kernels *kernels) { return kernels != NULL; }

static const native_kernels *const tables[] = {&native_kernels_portable, &native_kernels_reproducible};
#endif

const native_kernels *native_kernels_named(const char *name, int reproducible) {
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if ((!name || strcmp(name, tables[i]->name) == 0) && (!reproducible || tables[i]->is_reproducible) &&
            runs(tables[i]))
            return tables[i];
    return NULL;
}
