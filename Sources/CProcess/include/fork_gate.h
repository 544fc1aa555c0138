/* fork() copies the calling thread only: a lock that another thread holds at that moment stays locked in the child. The
 * handlers of this file hold the gate during fork(), so a lock that is taken within the gate only is free in the child.
 */
#ifndef PIXART_FORK_GATE_H
#define PIXART_FORK_GATE_H

#include <pthread.h>
#include <stddef.h>

/* How many times fork() has run between the process that loaded the library and this one. */
size_t native_forks(void);

/* The gate is a recursive lock. Hold it for a short time, and wait for no other thread meanwhile. */
void native_fork_gate_enter(void);
void native_fork_gate_leave(void);

/* All that is linked statically locks a mutex within the gate, by --wrap. These lock one without: it may be held while
 * waiting for other threads, and a child has no use for it. */
void native_lock(pthread_mutex_t *mutex);
void native_unlock(pthread_mutex_t *mutex);

#endif
