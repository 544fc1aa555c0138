/* Threads of this process. */
#ifndef THREAD_COUNT_H
#define THREAD_COUNT_H

/* The number of threads. A thread that was joined may count for some milliseconds more, until the kernel reaps it. */
int threads_now(void);

/* Waits until the process has at most `expected` threads, for at most five seconds; the number that it has then. */
int threads_settled(int expected);

#endif
