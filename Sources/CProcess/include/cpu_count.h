/* What Glibc offers under _GNU_SOURCE only, which Swift's import of it lacks. */
#ifndef PIXART_CPU_COUNT_H
#define PIXART_CPU_COUNT_H

#include <stddef.h>

/* Processors that this process may run on; at least 1. */
size_t native_available_processors(void);

#endif
