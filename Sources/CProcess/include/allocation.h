/* What becomes of a failed allocation: see allocation.c. */
#pragma once

/* Whether an allocation has failed in this thread since the last call, which this call forgets. */
int native_allocation_failed(void);

/* Notes a failed allocation in this thread: one that a worker met on its behalf. */
void native_allocation_note_failure(void);
