/* Environment variables make Swift's runtime and json-c print. The library is linked with `--wrap=getenv`, so
 * statically linked code sees an empty environment. The host's environment is not affected. */
#define _GNU_SOURCE
#include "environment.h"

#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name) {
    (void)name;
    return NULL;
}

/* Variables of the host say where models are cached. */
__attribute__((weak)) char *__real_getenv(const char *name);

const char *process_environment(const char *name) { return &__real_getenv ? __real_getenv(name) : getenv(name); }

/* Swift's runtime reads the variables that begin with SWIFT_DEBUG_ or SWIFT_BACKTRACE from here, and some make it
 * print.
 */
static char *no_variables[] = {NULL};
char **__wrap_environ = no_variables;

/* Without these variables it looks for Swift's backtracer, and handles the host's signals if it finds it. */
int __wrap__swift_installCrashHandler(void);
int __wrap__swift_installCrashHandler(void) { return 0; }

/* Swift and json-c seed hash tables from here, and names of temporary files come from here. Without a source of
 * randomness, for example under seccomp, one of them prints and the other ends the process. Then the clock is used. */
ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags);
void __wrap_swift_stdlib_random(void *buffer, size_t size);

ssize_t __wrap_getrandom(void *buffer, size_t size, unsigned flags) {
    if (syscall(SYS_getrandom, buffer, size, flags) == (long)size)
        return (ssize_t)size;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t state = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + (uintptr_t)buffer;
    for (size_t index = 0; index < size; index++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ((unsigned char *)buffer)[index] = (unsigned char)(state >> 56);
    }
    return (ssize_t)size;
}

void __wrap_swift_stdlib_random(void *buffer, size_t size) { __wrap_getrandom(buffer, size, 0); }

/* Swift's runtime and json-c need the locale "C" for each number or text, and system errors are reported in English.
 * The C library has both without a lock. It makes other locales, and translates, under a lock that fork() leaves locked
 * in the child. */
__attribute__((weak)) extern locale_t __real_newlocale(int categories, const char *name, locale_t base);
locale_t __wrap_newlocale(int categories, const char *name, locale_t base);
locale_t __wrap_duplocale(locale_t original);
void __wrap_freelocale(locale_t locale);
char *__wrap_strerror(int code);

static locale_t c_locale(void) { return __real_newlocale(LC_ALL_MASK, "C", NULL); }

locale_t __wrap_newlocale(int categories, const char *name, locale_t base) {
    (void)categories, (void)name, (void)base;
    return c_locale();
}

locale_t __wrap_duplocale(locale_t original) {
    (void)original;
    return c_locale();
}

void __wrap_freelocale(locale_t locale) { (void)locale; }

char *__wrap_strerror(int code) {
    const char *text = strerrordesc_np(code);
    return (char *)(uintptr_t)(text != NULL ? text : "Unknown error");
}

/* Debian's libpng expects this variable in the object that it is linked into. */
extern FILE *__real_stderr __attribute__((weak));
FILE *__wrap_stderr;

__attribute__((constructor)) static void find_stderr(void) {
    if (&__real_stderr != NULL)
        __wrap_stderr = __real_stderr;
}
