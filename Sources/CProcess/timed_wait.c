#define _GNU_SOURCE
#include "timed_wait.h"

#include <time.h>

static struct timespec after(clockid_t clock, int milliseconds) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += (long)milliseconds * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

void native_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

void native_wait_within(pthread_cond_t *condition, pthread_mutex_t *mutex, int milliseconds) {
    struct timespec end = after(CLOCK_MONOTONIC, milliseconds);
    pthread_cond_timedwait(condition, mutex, &end);
}

int native_lock_within(pthread_mutex_t *mutex, int milliseconds) {
    struct timespec end = after(CLOCK_REALTIME, milliseconds);
    return pthread_mutex_timedlock(mutex, &end) == 0;
}
