#define _GNU_SOURCE
#include "fork_gate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

static pthread_mutex_t gate = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static size_t forks;

size_t native_forks(void) { return forks; }

/* Missing if the object is linked without --wrap, like the unit tests. */
#define REAL __attribute__((weak)) extern
REAL int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
REAL int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);

void native_lock(pthread_mutex_t *mutex) {
    (__real_pthread_mutex_lock ? __real_pthread_mutex_lock : pthread_mutex_lock)(mutex);
}

void native_unlock(pthread_mutex_t *mutex) {
    (__real_pthread_mutex_unlock ? __real_pthread_mutex_unlock : pthread_mutex_unlock)(mutex);
}

void native_fork_gate_enter(void) { native_lock(&gate); }
void native_fork_gate_leave(void) { native_unlock(&gate); }

/* The child's thread has another id than the one that holds the mutex, so it cannot unlock it. */
static void begin_child(void) {
    gate = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
    forks++;
}

__attribute__((constructor)) static void register_handlers(void) {
    pthread_atfork(native_fork_gate_enter, native_fork_gate_leave, begin_child);
}

/* The library is linked with `--wrap` for the functions below, whose originals take further locks. */

/* swift::threading_impl::once_slow(once_t &, void (*)(void *), void *): initializes a global, or a table of Swift's
 * runtime. */
void run_once(_Atomic(intptr_t) *done, void (*initialize)(void *),
              void *context) __asm__("__wrap__ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_");

void run_once(_Atomic(intptr_t) *done, void (*initialize)(void *), void *context) {
    native_fork_gate_enter();
    if (atomic_load_explicit(done, memory_order_relaxed) == 0) {
        initialize(context);
        atomic_store_explicit(done, -1, memory_order_release);
    }
    native_fork_gate_leave();
}

/* Swift's runtime builds the metadata of a type, and finds a conformance, with a mutex locked. So a thread that waits
 * for such a mutex waits at the gate, and a child finds none locked. */
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex) {
    native_fork_gate_enter();
    int failure = __real_pthread_mutex_lock(mutex);
    if (failure != 0)
        native_fork_gate_leave();
    return failure;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex) {
    int failure = __real_pthread_mutex_unlock(mutex);
    if (failure == 0)
        native_fork_gate_leave();
    return failure;
}

/* A static variable of a C++ function is initialized between these two calls. */
REAL int __real___cxa_guard_acquire(int64_t *guard);
REAL void __real___cxa_guard_release(int64_t *guard);
int __wrap___cxa_guard_acquire(int64_t *guard);
void __wrap___cxa_guard_release(int64_t *guard);

int __wrap___cxa_guard_acquire(int64_t *guard) {
    native_fork_gate_enter();
    int initialize = __real___cxa_guard_acquire(guard);
    if (!initialize)
        native_fork_gate_leave();
    return initialize;
}

void __wrap___cxa_guard_release(int64_t *guard) {
    __real___cxa_guard_release(guard);
    native_fork_gate_leave();
}
