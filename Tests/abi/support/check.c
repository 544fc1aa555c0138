#include "check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *model;
static const char *running;
static int failures; /* of the running test */
static char context[256];
static jmp_buf abandoned;

const char *check_model(void) { return model; }

void check_context(const char *format, ...) {
    context[0] = 0;
    if (!format)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof context, format, arguments);
    va_end(arguments);
}

_Noreturn void check_abandon(void) { longjmp(abandoned, 1); }

static int fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(const char *file, int line, const char *format, ...) {
    failures++;
    printf("     %s:%d: %s: ", file, line, running);
    if (context[0])
        printf("[%s] ", context);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    return 0;
}

int check_true(int holds, const char *what, const char *file, int line) {
    return holds ? 1 : fail(file, line, "%s does not hold", what);
}

int check_equal(long long found, long long expected, const char *what, const char *file, int line) {
    return found == expected ? 1 : fail(file, line, "%s is %lld, expected %lld", what, found, expected);
}

int check_text(const char *found, const char *expected, const char *what, const char *file, int line) {
    if (found && !strcmp(found, expected))
        return 1;
    return fail(file, line, "%s is \"%s\", expected \"%s\"", what, found ? found : "(null)", expected);
}

int check_status(pixart_status found, pixart_status expected, const char *what, const char *file, int line) {
    if (found == expected)
        return 1;
    return fail(file, line, "%s: %s (%s), expected %s", what, pixart_status_name(found),
                found ? pixart_error_message() : "", pixart_status_name(expected));
}

int check_failure(pixart_status found, pixart_status expected, const char *const *texts, const char *what,
                  const char *file, int line) {
    if (!check_status(found, expected, what, file, line))
        return 0;
    int holds = 1;
    for (; *texts; texts++) {
        if (strstr(pixart_error_message(), *texts))
            continue;
        holds = fail(file, line, "%s: the message \"%s\" lacks \"%s\"", what, pixart_error_message(), *texts);
    }
    return holds;
}

int check_same(const pixart_tensor *a, const pixart_tensor *b, const char *what, const char *file, int line) {
    if (!a || !b)
        return fail(file, line, "%s: a tensor is NULL", what);
    size_t rank = pixart_tensor_rank(a), size = pixart_tensor_size(a);
    if (pixart_tensor_type(a) != pixart_tensor_type(b))
        return fail(file, line, "%s differ in type", what);
    if (rank != pixart_tensor_rank(b) || size != pixart_tensor_size(b))
        return fail(file, line, "%s differ in rank or size", what);
    if (rank && memcmp(pixart_tensor_shape(a), pixart_tensor_shape(b), rank * sizeof(int64_t)))
        return fail(file, line, "%s differ in shape", what);
    const unsigned char *p = pixart_tensor_data(a), *q = pixart_tensor_data(b);
    size_t differing = 0;
    for (size_t i = 0; i < size; i++)
        differing += p[i] != q[i];
    return differing ? fail(file, line, "%s differ in %zu of %zu bytes", what, differing, size) : 1;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int passes(const check_test *test) {
    failures = 0;
    running = test->name;
    check_context(NULL);
    if (!setjmp(abandoned))
        test->run();
    return failures == 0;
}

int check_main(int argc, char **argv, const check_test *tests, size_t count) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s MODEL [FILTER]\n", argv[0]);
        return 2;
    }
    model = argv[1];
    const char *program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    int passed = 0, failed = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc > 2 && !strstr(tests[i].name, argv[2]))
            continue;
        printf("run  %s: %s\n", program, tests[i].name); /* the runner shows it only if the process dies in the test */
        fflush(stdout);
        double start = seconds();
        int pass = passes(&tests[i]);
        pass ? passed++ : failed++;
        printf("%s %s: %s (%.2f s)\n", pass ? "ok  " : "FAIL", program, tests[i].name, seconds() - start);
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
