/* fork() copies the calling thread only: a lock that another thread holds at that moment stays locked in the child. The
 * handlers of this file hold the gate during fork(), so a lock that is taken within the gate only is free in the child. */
#ifndef PIXART_FORK_GATE_H
#define PIXART_FORK_GATE_H

#include <stddef.h>

/* How many times fork() has run between the process that loaded the library and this one. */
size_t native_forks(void);

/* The gate is a recursive lock. Hold it for a short time, and wait for no other thread meanwhile. */
void native_fork_gate_enter(void);
void native_fork_gate_leave(void);

#endif
