/* Waits that end by themselves. */
#ifndef PIXART_TIMED_WAIT_H
#define PIXART_TIMED_WAIT_H

#include <pthread.h>

/* Initializes a condition for native_wait_within. */
void native_condition_init(pthread_cond_t *condition);

/* Waits for a signal for at most `milliseconds`. May return early without one. */
void native_wait_within(pthread_cond_t *condition, pthread_mutex_t *mutex, int milliseconds);

/* Locks a mutex outside the gate (fork_gate.h). Returns 0 if another thread still holds it after `milliseconds`. */
int native_lock_within(pthread_mutex_t *mutex, int milliseconds);

/* A hint to the processor that this thread spins. */
static inline void native_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
