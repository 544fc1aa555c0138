/* OpenBLAS reads environment variables when the library is loaded: one makes it print, and without another it starts a
 * thread for each processor. The library is linked with `--wrap=getenv`, so that what is linked statically finds an
 * environment in which OpenBLAS is single-threaded, and nothing else. The host is not concerned. */
#include <stddef.h>
#include <string.h>

char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name) {
    static char one[] = "1";
    return strcmp(name, "OPENBLAS_NUM_THREADS") == 0 ? one : NULL;
}
