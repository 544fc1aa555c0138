/* A function of glibc that needs _GNU_SOURCE, which Swift's import of glibc lacks. */
#ifndef PIXART_CPU_COUNT_H
#define PIXART_CPU_COUNT_H

#include <stddef.h>

/* The number of processors that this process may run on, at least 1. */
size_t native_available_processors(void);

#endif
