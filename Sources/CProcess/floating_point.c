#include "floating_point.h"

void native_floating_point_begin(fenv_t *host) {
    fegetenv(host);
    fesetenv(FE_DFL_ENV);
}

void native_floating_point_end(const fenv_t *host) { fesetenv(host); }
