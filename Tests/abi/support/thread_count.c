#include "thread_count.h"

#include "files/folder.h"

#include <time.h>

int threads_now(void) { return folder_count("/proc/self/task"); }

int threads_settled(int expected) {
    const struct timespec pause = {.tv_nsec = 5000000};
    int found = threads_now();
    for (int i = 0; i < 1000 && found > expected; i++) {
        nanosleep(&pause, NULL);
        found = threads_now();
    }
    return found;
}
