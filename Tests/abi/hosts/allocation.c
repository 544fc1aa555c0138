/* A failed allocation leads to a status and nothing else. This program replaces the C library's allocating functions,
 * and one allocation fails at a chosen moment of a complete run. Each moment has a separate process. An undisturbed run
 * follows there, and must give the same image. */
#include "stages.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* LOADING: only those within dlopen(). */
enum { HEAP = 1, MAPPED = 2, LOADING = 4 };

/* Allocations of these kinds and of at least this size are counted. The one with the number `target` fails. */
static atomic_long count, target = -1;
static atomic_int kinds;
static atomic_size_t least;
static _Thread_local int loading;

static int fails(int kind, size_t size) {
    if (!(kinds & kind) || size < least || (kinds & LOADING && !loading) || atomic_fetch_add(&count, 1) != target)
        return 0;
    errno = ENOMEM;
    return 1;
}

static void arm(int kind, size_t size, long number) {
    count = 0;
    least = size;
    target = number;
    kinds = kind;
}

void *malloc(size_t size) { return fails(HEAP, size) ? NULL : __libc_malloc(size); }
void *calloc(size_t items, size_t size) { return fails(HEAP, items * size) ? NULL : __libc_calloc(items, size); }
void *realloc(void *block, size_t size) { return fails(HEAP, size) ? NULL : __libc_realloc(block, size); }
void *aligned_alloc(size_t alignment, size_t size) {
    return fails(HEAP, size) ? NULL : __libc_memalign(alignment, size);
}
int posix_memalign(void **block, size_t alignment, size_t size) {
    if (fails(HEAP, size))
        return ENOMEM;
    *block = __libc_memalign(alignment, size);
    return *block != NULL ? 0 : ENOMEM;
}
void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
    static void *(*next)(void *, size_t, int, int, int, off_t);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "mmap");
    return fails(MAPPED, size) ? MAP_FAILED : next(address, size, protection, flags, file, offset);
}
void *dlopen(const char *file, int mode) {
    static void *(*next)(const char *, int);
    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "dlopen");
    loading = 1;
    void *object = next(file, mode);
    loading = 0;
    return object;
}

/* A hash of an image's bytes; 0 if there is no image. */
static uint64_t hash_of(const pixart_tensor *image) {
    uint64_t hash = 14695981039346656037u;
    const unsigned char *bytes = pixart_tensor_data(image);
    for (size_t i = 0; bytes != NULL && i < pixart_tensor_size(image); i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return bytes != NULL ? hash : 0;
}

/* A run from a prompt to an image, which is decoded in both ways. Returns the first status that is not PIXART_OK. */
static pixart_status run(const char *open_options, uint64_t *hash) {
    pixart_encoder *encoder = NULL;
    pixart_denoiser *denoiser = NULL;
    pixart_decoder *decoder = NULL;
    pixart_tensor *prompt = NULL, *negative = NULL, *latents = NULL, *image = NULL, *again = NULL;
    const char *model = check_model();
    *hash = 0;
    pixart_status status = pixart_encoder_open(model, open_options, NULL, NULL, &encoder);
    if (!status)
        status = pixart_encode(encoder, PROMPT, NULL, NULL, NULL, &prompt);
    if (!status)
        status = pixart_encode(encoder, "", NULL, NULL, NULL, &negative);
    if (!status)
        status = pixart_denoiser_open(model, open_options, NULL, NULL, &denoiser);
    if (!status)
        status = pixart_denoise(denoiser, prompt, negative, SHORT, NULL, NULL, &latents);
    if (!status)
        status = pixart_decoder_open(model, open_options, NULL, NULL, &decoder);
    if (!status)
        status = pixart_decode(decoder, latents, NULL, NULL, NULL, &image);
    if (!status)
        status = pixart_decode(decoder, latents, "{\"low_memory\": true}", NULL, NULL, &again);
    if (!status && hash_of(again) == hash_of(image))
        *hash = hash_of(image);
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    release_tensors((pixart_tensor *[]){prompt, negative, latents, image, again}, 5);
    return status;
}

static pixart_tensor *latents_to_decode;

/* Opens a decoder and decodes a small image. */
static pixart_status decode_blank(const char *open_options, uint64_t *hash) {
    pixart_decoder *decoder = NULL;
    pixart_tensor *image = NULL;
    pixart_status status = pixart_decoder_open(check_model(), open_options, NULL, NULL, &decoder);
    if (!status)
        status = pixart_decode(decoder, latents_to_decode, NULL, NULL, NULL, &image);
    *hash = status ? 0 : hash_of(image);
    pixart_decoder_release(decoder);
    pixart_tensor_release(image);
    return status;
}

/* What a child runs. */
static pixart_status (*operation)(const char *open_options, uint64_t *hash) = run;

/* The result of a run in which one allocation failed, and of the run after it. */
typedef struct {
    pixart_status status;
    uint64_t hash, hash_after;
    long count;
    char message[200];
} outcome;

/* Runs in a child process. Returns 1 if the child survived to report. */
static int run_apart(const char *open_options, int kind, size_t size, long number, outcome *found) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        outcome own = {0};
        alarm(60);
        arm(kind, size, number);
        own.status = operation(open_options, &own.hash);
        own.count = count;
        arm(0, 0, -1);
        if (own.status)
            snprintf(own.message, sizeof own.message, "%s", pixart_error_message());
        operation(open_options, &own.hash_after);
        _exit(write(pipes[1], &own, sizeof own) != sizeof own);
    }
    close(pipes[1]);
    memset(found, 0, sizeof *found);
    int reported = read(pipes[0], found, sizeof *found) == sizeof *found, status;
    close(pipes[0]);
    return waitpid(child, &status, 0) == child && reported && status == 0;
}

/* Makes one in `step` allocations fail, of those of `kind` and of at least `size` bytes. */
static void check_failures(const char *open_options, int kind, size_t size, long step) {
    outcome undisturbed;
    check_context("%s", open_options);
    REQUIRE(run_apart(open_options, kind, size, -1, &undisturbed));
    CHECK_EQUAL(undisturbed.status, PIXART_OK);
    CHECK(undisturbed.hash != 0 && undisturbed.hash == undisturbed.hash_after);
    long refused = 0;
    for (long number = 0; number < undisturbed.count; number += step) {
        outcome found;
        check_context("%s: allocation %ld of %ld of at least %zu bytes", open_options, number, undisturbed.count, size);
        if (!CHECK(run_apart(open_options, kind, size, number, &found)))
            continue;
        if (found.status == PIXART_OK) {
            CHECK(found.hash == undisturbed.hash);
        } else {
            if (found.status != PIXART_ERROR_MEMORY)
                CHECK_TEXT(found.message, "that of PIXART_ERROR_MEMORY");
            refused++;
        }
        CHECK(found.hash_after == undisturbed.hash);
    }
    check_context(NULL);
    CHECK(refused > 0);
}

/* One in this many small allocations fails. PIXART_ALLOCATION_STEP=1 tries each one, which takes an hour. */
static long small_step(void) {
    const char *text = getenv("PIXART_ALLOCATION_STEP");
    long step = text != NULL ? atol(text) : 0;
    return step > 0 ? step : 397;
}

static void one_of_all_fails(void) { check_failures("{\"threads\": 1}", HEAP, 0, small_step()); }
static void one_of_all_fails_in_portable_code(void) {
    check_failures("{\"threads\": 2, \"instructions\": \"portable\"}", HEAP, 0, 2 * small_step());
}
static void one_fails_while_openblas_is_loaded(void) {
    operation = decode_blank;
    latents_to_decode = blank_latents();
    check_failures("{\"threads\": 2, \"instructions\": \"portable\"}", HEAP | LOADING, 0, 1);
    check_failures("{\"threads\": 2, \"instructions\": \"portable\"}", MAPPED, 0, 1);
    pixart_tensor_release(latents_to_decode);
    operation = run;
}
static void one_large_fails(void) { check_failures("{\"threads\": 2}", HEAP, 4096, small_step() > 9 ? 9 : 1); }
static void one_mapping_fails(void) { check_failures("{\"threads\": 2}", MAPPED, 0, 1); }

static const check_test tests[] = {
    {"one of all allocations fails", one_of_all_fails},
    {"one of all allocations fails in portable code", one_of_all_fails_in_portable_code},
    {"one allocation or mapping fails while OpenBLAS is loaded", one_fails_while_openblas_is_loaded},
    {"one large allocation fails", one_large_fails},
    {"one mapping fails", one_mapping_fails},
};

CHECK_MAIN(tests)
