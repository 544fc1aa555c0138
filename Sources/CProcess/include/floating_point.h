/* The floating-point environment: rounding, traps, flushing of denormals, flags. The library computes in the default
 * one, and restores the host's. */
#ifndef PIXART_FLOATING_POINT_H
#define PIXART_FLOATING_POINT_H

#include <fenv.h>

/* Saves this thread's environment in `host` and sets the default one. */
void native_floating_point_begin(fenv_t *host);

/* Sets the environment saved in `host`, including its flags. */
void native_floating_point_end(const fenv_t *host);

#endif
