/* OpenBLAS reads environment variables when the library is loaded: one makes it print, and without another it starts a
 * thread for each processor. The library is linked with `--wrap=getenv`, so that what is linked statically finds an
 * environment in which OpenBLAS is single-threaded and uses its AVX2 kernels where there is AVX2: it is never asked where
 * there is more, and releases that do not know a processor choose badly for it. The host is not concerned. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name) {
    static char one[] = "1";
    if (strcmp(name, "OPENBLAS_NUM_THREADS") == 0) return one;
#if defined(__x86_64__)
    static char haswell[] = "Haswell";
    if (strcmp(name, "OPENBLAS_CORETYPE") == 0) {
        __builtin_cpu_init(); /* this runs before constructors do */
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return haswell;
    }
#endif
    return NULL;
}

/* Debian's libpng refers to this variable as to one of the object that it is linked into. */
extern FILE *__real_stderr __attribute__((weak));
FILE *__wrap_stderr;

__attribute__((constructor)) static void find_stderr(void) {
    if (&__real_stderr != NULL) __wrap_stderr = __real_stderr;
}
