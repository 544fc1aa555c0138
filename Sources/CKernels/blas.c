#define _GNU_SOURCE
#include "blas.h"
#include "../CBlas/blas_object.h"
#include "fork_gate.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OBJECT "libpixart-blas.so.1"

extern const native_kernels native_kernels_portable;

/* Set by the first call that loads the object, which stays loaded. */
static _Atomic(const native_blas *) blas;
/* The portable kernels with its GEMM. */
static native_kernels kernels;

/* 1 + native_forks() of the process in which a thread loads the object; 0 if none does. */
static atomic_size_t loading;

static void gemm_float32(size_t rows, size_t columns, size_t units, const float *left, size_t left_stride,
                         const float *panel, const void *ahead, float *out, size_t out_stride, int accumulate) {
    (void)ahead;
    atomic_load_explicit(&blas, memory_order_relaxed)
        ->gemm(rows, columns, units, left, left_stride, panel, NATIVE_PANEL, out, out_stride, accumulate);
}

/* OpenBLAS's kernels for SSE2 are not faster than those of the portable table. */
static int can_be_faster(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx");
#else
    return 1;
#endif
}

/* What the folder of this code has: no such file, one that is no object for this processor, or an object. */
typedef enum { ABSENT, FOREIGN, SOUND } found_file;

static found_file look(void) {
    Dl_info self;
    char path[4096];
    if (!dladdr(&kernels, &self) || !self.dli_fname)
        return ABSENT;
    const char *slash = strrchr(self.dli_fname, '/');
    int folder = slash ? (int)(slash - self.dli_fname) + 1 : 0;
    int length = snprintf(path, sizeof path, "%.*s" OBJECT, folder, self.dli_fname);
    int file = length > 0 && (size_t)length < sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
    if (file < 0)
        return ABSENT;
    ElfW(Ehdr) header;
    const ElfW(Ehdr) *own = self.dli_fbase;
    int is_sound = read(file, &header, sizeof header) == (ssize_t)sizeof header &&
                   memcmp(header.e_ident, own->e_ident, EI_DATA + 1) == 0 && header.e_machine == own->e_machine;
    close(file);
    return is_sound ? SOUND : FOREIGN;
}

/* dlopen() has locks of its own. The fork gate must not be held here: a constructor of a library that the host loads
 * may fork, or call this library. So a child may be forked while the object is half loaded, and must not touch it. */
static native_blas_open *load(const char **failure) {
    size_t none = 0, other = atomic_load(&loading);
    if (other != 0 && other != 1 + native_forks())
        return NULL;
    atomic_compare_exchange_strong(&loading, &none, 1 + native_forks());
    void *object = dlopen("$ORIGIN/" OBJECT, RTLD_NOW | RTLD_LOCAL);
    found_file found = object ? SOUND : look();
    native_blas_open *opener = NULL;
    if (object)
        *(void **)&opener = dlsym(object, NATIVE_BLAS_OPEN);
    else if (found != ABSENT)
        *failure = dlerror();
    atomic_store(&loading, 0);
    errno = found == SOUND ? ENOMEM : ENOEXEC;
    return opener;
}

const native_kernels *native_kernels_with_blas(const char **failure) {
    *failure = NULL;
    if (!can_be_faster())
        return NULL;
    if (!atomic_load(&blas)) {
        native_blas_open *opener = load(failure);
        if (!opener)
            return NULL;
        native_fork_gate_enter();
        if (!atomic_load(&blas)) {
            kernels = native_kernels_portable;
            kernels.gemm_float32 = gemm_float32;
            kernels.prefers_blas = 0;
            kernels.uses_blas = 1;
            atomic_store(&blas, opener(native_fork_gate_enter, native_fork_gate_leave));
        }
        native_fork_gate_leave();
    }
    return &kernels;
}

int native_blas_reserve(size_t count) { return atomic_load(&blas)->reserve(count); }

void native_blas_release(size_t count) { atomic_load(&blas)->release(count); }
