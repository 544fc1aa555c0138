/* Checks in children of fork(). */
#ifndef PIXART_TESTS_CHILDREN_H
#define PIXART_TESTS_CHILDREN_H

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that hangs is ended by its alarm. */
enum { PATIENCE = 60 };

/* A check in a child. The child exits at the first that fails. */
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("     %s:%d: in a child: %s does not hold (%s)\n", __FILE__, __LINE__, #condition,                  \
                   pixart_error_message());                                                                            \
            fflush(stdout);                                                                                            \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

typedef void child(void);

static inline pid_t start_child(child *body, void (*end)(int)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(PATIENCE);
        body();
        end(0);
    }
    return pid;
}

static inline void await(pid_t pid) {
    int status = -1;
    REQUIRE(pid > 0);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK_EQUAL(WIFSIGNALED(status) ? WTERMSIG(status) : 0, 0);
    CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 0);
}

static inline void in_child(child *body) { await(start_child(body, _exit)); }

#endif
