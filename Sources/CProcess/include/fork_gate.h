/* fork() copies the calling thread only: a lock that another thread holds at that moment stays locked in the child. The
 * handlers of this file hold the gate during fork(), so a lock that is taken within the gate only is free in the child.
 */
#ifndef PIXART_FORK_GATE_H
#define PIXART_FORK_GATE_H

#include <pthread.h>
#include <stddef.h>

/* The number of fork() calls between the process that loaded the library and this one. */
size_t native_forks(void);

/* The gate is a recursive lock. Hold it for a short time, and do not wait for other threads inside it. */
void native_fork_gate_enter(void);
void native_fork_gate_leave(void);

/* Statically linked code locks mutexes within the gate, by --wrap. These functions lock a mutex outside the gate. It
 * may be held while waiting for other threads, and a child does not need it. */
void native_lock(pthread_mutex_t *mutex);
void native_unlock(pthread_mutex_t *mutex);

#endif
