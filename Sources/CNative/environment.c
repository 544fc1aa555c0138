/* OpenBLAS reads environment variables when the library is loaded, and one of them makes it print. The library is linked
 * with `--wrap=getenv`, so that what is linked statically finds the environment empty; the host is not concerned. */
#include <stddef.h>

char *__wrap_getenv(const char *name);

char *__wrap_getenv(const char *name) {
    (void)name;
    return NULL;
}
