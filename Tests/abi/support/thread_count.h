/* The threads of this process. */
#ifndef THREAD_COUNT_H
#define THREAD_COUNT_H

/* Returns the number of threads. A joined thread may count for some milliseconds more, until the kernel reaps it. */
int threads_now(void);

/* Waits until the process has at most `expected` threads, for at most five seconds. Returns the number of threads. */
int threads_settled(int expected);

#endif
