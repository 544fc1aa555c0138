/*
 * A minimal test framework for C programs.
 *
 * A test is a function without arguments. CHECK records a failure and goes on; REQUIRE ends the test. Each program
 * passes a table of its tests to check_main(), which prints one line per test and a closing line.
 *
 *     program MODEL [FILTER]    runs the tests whose names contain FILTER on the model folder MODEL
 */
#ifndef CHECK_H
#define CHECK_H

#include "pixart.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define _Noreturn [[noreturn]]
extern "C" {
#endif

typedef struct {
    const char *name;
    void (*run)(void);
} check_test;

/* Runs the tests. Returns the value for main() to return. */
int check_main(int argc, char **argv, const check_test *tests, size_t count);
#define CHECK_MAIN(tests)                                                                                              \
    int main(int argc, char **argv) { return check_main(argc, argv, tests, sizeof(tests) / sizeof *(tests)); }

/* The model folder under test. */
const char *check_model(void);

/* Sets a text that is shown with later failures, such as the options in a loop; NULL for none. The text is copied. */
void check_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition) check_true((condition) != 0, #condition, __FILE__, __LINE__)
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!CHECK(condition))                                                                                         \
            check_abandon();                                                                                           \
    } while (0)

#define CHECK_EQUAL(found, expected) check_equal((long long)(found), (long long)(expected), #found, __FILE__, __LINE__)
#define CHECK_TEXT(found, expected) check_text(found, expected, #found, __FILE__, __LINE__)

/* The call succeeds; otherwise the test ends with its error message. */
#define CHECK_OK(call)                                                                                                 \
    do {                                                                                                               \
        if (!check_status((call), PIXART_OK, #call, __FILE__, __LINE__))                                               \
            check_abandon();                                                                                           \
    } while (0)

/* The call fails with this status and a message that contains each of the texts. */
#define CHECK_FAILS(call, expected, ...)                                                                               \
    do {                                                                                                               \
        const char *const texts_[] = {__VA_ARGS__, NULL};                                                              \
        check_failure((call), expected, texts_, #call, __FILE__, __LINE__);                                            \
    } while (0)

/* The value of an out-parameter before a call, to check that a failure clears it. Never dereferenced. */
#define CHECK_STALE ((void *)(uintptr_t)0xdead)

/* The call fails with this status and a message that contains each of the texts, and clears `out`. */
#define CHECK_CLEARED(call, status, out, ...)                                                                          \
    do {                                                                                                               \
        out = CHECK_STALE;                                                                                             \
        CHECK_FAILS(call, status, __VA_ARGS__);                                                                        \
        CHECK((void *)(out) == NULL);                                                                                  \
    } while (0)

/* Both tensors have the same type, shape and bytes. */
#define CHECK_SAME(a, b) check_same(a, b, #a " and " #b, __FILE__, __LINE__)

int check_true(int holds, const char *what, const char *file, int line);
int check_equal(long long found, long long expected, const char *what, const char *file, int line);
int check_text(const char *found, const char *expected, const char *what, const char *file, int line);
int check_status(pixart_status found, pixart_status expected, const char *what, const char *file, int line);
int check_failure(pixart_status found, pixart_status expected, const char *const *texts, const char *what,
                  const char *file, int line);
int check_same(const pixart_tensor *a, const pixart_tensor *b, const char *what, const char *file, int line);

/* Ends the running test. Only on the thread that runs the tests. Runs no destructors of C++. */
_Noreturn void check_abandon(void);

#ifdef __cplusplus
}
#endif

#endif
