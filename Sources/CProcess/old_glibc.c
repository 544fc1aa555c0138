/* Swift's module for the C library refers to hypotf, whose newest version came with glibc 2.35. Nothing of the library
 * calls it. With this one, the library loads with glibc 2.34, for example on Red Hat Enterprise Linux 9. */
#include <math.h>

float __wrap_hypotf(float x, float y);

float __wrap_hypotf(float x, float y) {
    if (isinf(x) || isinf(y))
        return INFINITY;
    return (float)sqrt((double)x * x + (double)y * y);
}
