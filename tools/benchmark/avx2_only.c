/* Hides from a process all instruction sets beyond AVX2, so that every library in it computes as on a processor without
 * them:
 *
 *   cc -shared -fPIC -O2 avx2_only.c -o avx2_only.so && LD_PRELOAD=$PWD/avx2_only.so python3 ...
 *
 * Linux lets CPUID fault in a process, if the processor or the virtual machine can (`cpuid_fault` in /proc/cpuinfo). A
 * handler answers instead, without the bits of AVX-512, AVX-VNNI and AMX. Threads inherit that. The process ends with
 * status 64 if it cannot be had. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { SET_CPUID = 0x1012, CPUID_BYTES = 2 };

typedef struct {
    uint32_t eax, ebx, ecx, edx;
} registers;

#define BIT(n) (1u << (n))

/* What leaf 7 says of instruction sets beyond AVX2, by its subleaf. */
static const registers hidden[] = {
    {.ebx = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31), /* AVX-512 */
     .ecx = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14),
     .edx = BIT(2) | BIT(3) | BIT(8) | BIT(22) | BIT(23) | BIT(24) | BIT(25)},                         /* and AMX */
    {.eax = BIT(4) | BIT(5) | BIT(21) | BIT(23), .edx = BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19)}, /* AVX-VNNI */
};

static int permit_cpuid(int permitted) { return (int)syscall(SYS_arch_prctl, SET_CPUID, permitted); }

static registers cpuid(uint32_t leaf, uint32_t subleaf) {
    registers found;
    __cpuid_count(leaf, subleaf, found.eax, found.ebx, found.ecx, found.edx);
    return found;
}

static void answer(int number, siginfo_t *info, void *context) {
    greg_t *at = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *instruction = (const uint8_t *)at[REG_RIP];
    if (info->si_code != SI_KERNEL || instruction[0] != 0x0f || instruction[1] != 0xa2) {
        signal(number, SIG_DFL); /* another fault, which repeats */
        return;
    }
    const uint32_t leaf = (uint32_t)at[REG_RAX], subleaf = (uint32_t)at[REG_RCX];
    permit_cpuid(1);
    registers found = cpuid(leaf, subleaf);
    permit_cpuid(0);
    if (leaf == 7 && subleaf < sizeof hidden / sizeof *hidden) {
        found.eax &= ~hidden[subleaf].eax, found.ebx &= ~hidden[subleaf].ebx;
        found.ecx &= ~hidden[subleaf].ecx, found.edx &= ~hidden[subleaf].edx;
    }
    at[REG_RAX] = found.eax, at[REG_RBX] = found.ebx, at[REG_RCX] = found.ecx, at[REG_RDX] = found.edx;
    at[REG_RIP] += CPUID_BYTES;
}

__attribute__((constructor)) static void hide(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSEGV, &action, NULL) == 0 && permit_cpuid(0) == 0)
        return;
    fputs("avx2_only: this machine cannot hide instruction sets (no cpuid_fault)\n", stderr);
    _exit(64);
}
