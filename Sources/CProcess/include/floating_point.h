/* The floating-point environment: rounding, traps, flushing of denormals, flags. The host's is set aside while the
 * library computes, which is always done in the default one. */
#ifndef PIXART_FLOATING_POINT_H
#define PIXART_FLOATING_POINT_H

#include <fenv.h>

/* Keeps this thread's environment in `host` and sets the default one. */
void native_floating_point_begin(fenv_t *host);

/* Sets the environment that `host` keeps, its flags included. */
void native_floating_point_end(const fenv_t *host);

#endif
