#define _GNU_SOURCE
#include "fork_gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static pthread_mutex_t gate = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static size_t forks;

size_t native_forks(void) { return forks; }

void native_fork_gate_enter(void) { pthread_mutex_lock(&gate); }
void native_fork_gate_leave(void) { pthread_mutex_unlock(&gate); }

/* The child's thread has another id than the one that holds the mutex, so it cannot unlock it. */
static void begin_child(void) {
    gate = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    forks++;
}

__attribute__((constructor)) static void register_handlers(void) {
    pthread_atfork(native_fork_gate_enter, native_fork_gate_leave, begin_child);
}

/* The library is linked with `--wrap` for the functions below, whose originals take locks of their own. */

/* swift::threading_impl::once_slow(once_t &, void (*)(void *), void *): initializes a global, or a table of Swift's runtime. */
void run_once(_Atomic(intptr_t) *done, void (*initialize)(void *), void *context) __asm__(
    "__wrap__ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_");

void run_once(_Atomic(intptr_t) *done, void (*initialize)(void *), void *context) {
    native_fork_gate_enter();
    if (atomic_load_explicit(done, memory_order_relaxed) == 0) {
        initialize(context);
        atomic_store_explicit(done, -1, memory_order_release);
    }
    native_fork_gate_leave();
}

/* Each GEMM of OpenBLAS takes a buffer and gives it back. */
__attribute__((weak)) extern void *__real_blas_memory_alloc(int position);
__attribute__((weak)) extern void __real_blas_memory_free(void *buffer);
void *__wrap_blas_memory_alloc(int position);
void __wrap_blas_memory_free(void *buffer);

void *__wrap_blas_memory_alloc(int position) {
    native_fork_gate_enter();
    void *buffer = __real_blas_memory_alloc(position);
    native_fork_gate_leave();
    return buffer;
}

void __wrap_blas_memory_free(void *buffer) {
    native_fork_gate_enter();
    __real_blas_memory_free(buffer);
    native_fork_gate_leave();
}
