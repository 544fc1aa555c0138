/* How failed allocations are handled: see allocation.c. */
#pragma once

/* Returns 1 if an allocation has failed in this thread since the last call. Clears the mark. */
int native_allocation_failed(void);

/* Marks this thread, because an allocation failed in a worker that computes for it. */
void native_allocation_note_failure(void);
