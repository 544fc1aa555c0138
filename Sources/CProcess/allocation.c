/* A failed allocation must lead to a status, not end the host's process. Swift's runtime ends the process if malloc
 * returns NULL, and json-c drops members silently. So the library is linked with `--wrap` for each allocating function,
 * and all statically linked code allocates here. If the system has no memory, a reserve serves the request, the code
 * goes on, and the thread is marked. The boundary turns the mark into PIXART_ERROR_MEMORY.
 *
 * The reserve is allocated in granules, first-fit in a bitmap. Until it is used, it takes only address space. Large
 * arrays do not come from here: they are mapped, and the code that maps them handles the failure. */
#include "allocation.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The original functions under `--wrap`. They are weak, because programs that are linked without it, like the unit
 * tests, have none. */
#define REAL __attribute__((weak)) extern
REAL void *__real_malloc(size_t size);
REAL void *__real_calloc(size_t count, size_t size);
REAL void *__real_realloc(void *block, size_t size);
REAL int __real_posix_memalign(void **block, size_t alignment, size_t size);
REAL void *__real_aligned_alloc(size_t alignment, size_t size);
REAL void __real_free(void *block);
REAL size_t __real_malloc_usable_size(void *block);

/* ---- The mark of a thread ---- */

/* initial-exec: the library's thread-local variables lie in static storage, which needs no allocation in a new thread.
 */
static _Thread_local int failed __attribute__((tls_model("initial-exec")));

int native_allocation_failed(void) {
    int before = failed;
    failed = 0;
    return before;
}

void native_allocation_note_failure(void) { failed = 1; }

/* ---- The reserve ---- */

enum { granule = 64, granules = 16 << 14, word = 64 };

static _Alignas(granule) unsigned char reserve[(size_t)granules * granule];
static uint64_t taken[granules / word];
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void lock(void) {
    while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire)) {
    }
}
static void unlock(void) { atomic_flag_clear_explicit(&busy, memory_order_release); }

/* Another thread may have held the lock when the process was forked. The handlers are registered before the fork
 * gate's, so fork() takes the lock after the gate, and code inside the gate may allocate. */
__attribute__((constructor(101))) static void survive_fork(void) { pthread_atfork(lock, unlock, unlock); }

static int is_reserved(const void *block) { return (uintptr_t)block - (uintptr_t)reserve < sizeof reserve; }

static int is_taken(size_t index) { return taken[index / word] >> (index % word) & 1; }

static void mark(size_t first, size_t count, int value) {
    for (size_t index = first; index < first + count; index++) {
        uint64_t bit = UINT64_C(1) << (index % word);
        taken[index / word] = value ? taken[index / word] | bit : taken[index / word] & ~bit;
    }
}

/* The header in front of a block: the number of bytes that were asked for. */
static size_t *size_of(const void *block) { return (size_t *)((uintptr_t)block - sizeof(size_t)); }

/* Index of the first granule of a block, including its header. */
static size_t first_of(const void *block) { return ((uintptr_t)block - sizeof(size_t) - (uintptr_t)reserve) / granule; }

static size_t granules_of(const void *block) {
    uintptr_t end = (uintptr_t)block + *size_of(block) - (uintptr_t)reserve;
    size_t last = (end + granule - 1) / granule;
    return last - first_of(block);
}

/* Allocates a block of the reserve, and marks the thread. Returns NULL with ENOMEM if there is no room. */
static void *reserved(size_t size, size_t alignment) {
    failed = 1;
    if (size > sizeof reserve / 2 || alignment > sizeof reserve / 2) {
        errno = ENOMEM;
        return NULL;
    }
    if (alignment < granule)
        alignment = granule;
    void *found = NULL;
    lock();
    /* A block begins at a multiple of its alignment, and its header takes the granule before. */
    uintptr_t start = ((uintptr_t)reserve + granule + alignment - 1) / alignment * alignment;
    for (uintptr_t at = start; found == NULL && at + size <= (uintptr_t)reserve + sizeof reserve;) {
        size_t first = (at - (uintptr_t)reserve) / granule - 1, count = 1 + (size + granule - 1) / granule, run = 0;
        while (run < count && !is_taken(first + run))
            run++;
        if (run == count) {
            mark(first, count, 1);
            found = (void *)at;
        } else {
            at += (run * granule + alignment) / alignment * alignment;
        }
    }
    if (found != NULL)
        *size_of(found) = size;
    unlock();
    if (found == NULL)
        errno = ENOMEM;
    return found;
}

static void give_back(void *block) {
    lock();
    mark(first_of(block), granules_of(block), 0);
    unlock();
}

/* ---- Replacements of the C library's functions ---- */

void *__wrap_malloc(size_t size) {
    void *block = __real_malloc(size);
    return block != NULL ? block : reserved(size, granule);
}

void *__wrap_calloc(size_t count, size_t size) {
    void *block = __real_calloc(count, size);
    size_t bytes;
    if (block != NULL || __builtin_mul_overflow(count, size, &bytes))
        return block;
    block = reserved(bytes, granule);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

void __wrap_free(void *block) {
    if (is_reserved(block))
        give_back(block);
    else
        __real_free(block);
}

size_t __wrap_malloc_usable_size(void *block) {
    return is_reserved(block) ? *size_of(block) : __real_malloc_usable_size(block);
}

void *__wrap_realloc(void *block, size_t size) {
    if (!is_reserved(block)) {
        void *moved = __real_realloc(block, size);
        if (moved != NULL || size == 0)
            return moved;
    }
    size_t before = block != NULL ? __wrap_malloc_usable_size(block) : 0;
    void *moved = is_reserved(block) ? __wrap_malloc(size) : reserved(size, granule);
    if (moved == NULL)
        return NULL;
    if (block != NULL)
        memcpy(moved, block, before < size ? before : size);
    __wrap_free(block);
    return moved;
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
    int outcome = __real_posix_memalign(block, alignment, size);
    if (outcome != ENOMEM)
        return outcome;
    void *found = reserved(size, alignment);
    if (found == NULL)
        return ENOMEM;
    *block = found;
    return 0;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    void *block = __real_aligned_alloc(alignment, size);
    return block != NULL ? block : reserved(size, alignment);
}

char *__wrap_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}
