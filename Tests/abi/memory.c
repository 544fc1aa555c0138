/* Nothing is kept: memory, files and threads come back however often objects are opened, used and refused. */
#include "folder.h"
#include "stages.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STRETCHES = 4, CYCLES = 15 };

/* A leak grows in every stretch of cycles, the allocator only in some: what counts is the stretch that grew least.
 * Fifteen embeddings of the smallest model are more than this bound. */
enum { BOUND = 64 << 10 };

static long resident(void) {
    long pages = 0;
    malloc_trim(0);
    FILE *file = fopen("/proc/self/statm", "r");
    REQUIRE(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void keeps_nothing(void (*cycle)(void)) {
    for (int i = 0; i < CYCLES; i++)
        cycle(); /* caches and arenas fill */
    int files = folder_count("/proc/self/fd"), threads = folder_count("/proc/self/task");
    long least = LONG_MAX;
    for (int stretch = 0; stretch < STRETCHES; stretch++) {
        long before = resident();
        for (int i = 0; i < CYCLES; i++)
            cycle();
        long grown = resident() - before;
        if (grown < least)
            least = grown;
    }
    check_context("%ld KiB more every %d cycles", least / 1024, CYCLES);
    CHECK(least < BOUND);
    CHECK_EQUAL(folder_count("/proc/self/fd"), files);
    CHECK_EQUAL(folder_count("/proc/self/task"), threads);
}

static void open_and_release(void) {
    pixart_encoder_release(open_encoder(check_model()));
    pixart_denoiser_release(open_denoiser(check_model()));
    pixart_decoder_release(open_decoder(check_model()));
}

static pixart_encoder *encoder;
static pixart_denoiser *denoiser;
static pixart_decoder *decoder;

static int32_t stop(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps, (void)fraction;
    return 1;
}

static void use(void) {
    embeddings both = {encode(encoder, PROMPT), encode(encoder, "")};
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    CHECK_FAILS(pixart_sampler_step(sampler, stop, NULL), PIXART_CANCELLED, "");
    pixart_tensor *latents = sampler_latents(sampler), *images = decode(decoder, latents);
    char *report;
    CHECK_OK(pixart_encoder_tokenize(encoder, PROMPT, NULL, &report));
    pixart_string_release(report);
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
    pixart_sampler_release(sampler);
    embeddings_release(both);
}

static void fail(void) {
    pixart_tensor *out;
    pixart_denoiser *nothing;
    pixart_tensor *wrong = zeros(PIXART_UINT8, 1, (int64_t[]){1 << 16});
    CHECK_FAILS(pixart_denoise(denoiser, wrong, wrong, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, "prompt");
    CHECK_FAILS(pixart_decode(decoder, wrong, NULL, &out), PIXART_ERROR_ARGUMENT, "latents");
    CHECK_FAILS(pixart_encode(encoder, "a", "{\"x\": [[1, 2], 3]}", &out), PIXART_ERROR_OPTION, "x");
    CHECK_FAILS(pixart_denoiser_open("/nowhere", NULL, &nothing), PIXART_ERROR_FILE, "/nowhere");
    CHECK_FAILS(pixart_denoiser_open(check_model(), "{\"x\": 1}", &nothing), PIXART_ERROR_OPTION, "x");
    pixart_tensor_release(wrong);
}

static void opening_keeps_nothing(void) { keeps_nothing(open_and_release); }

static void with_open_handles(void (*cycle)(void)) {
    encoder = open_encoder(check_model());
    denoiser = open_denoiser(check_model());
    decoder = open_decoder(check_model());
    keeps_nothing(cycle);
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
}

static void using_keeps_nothing(void) { with_open_handles(use); }
static void failing_keeps_nothing(void) { with_open_handles(fail); }

/* Threads that cannot be had are an error, and leave none behind. */
static void too_many_threads(void) {
    struct rlimit before, tight;
    pixart_denoiser *refused;
    denoiser = open_denoiser(check_model());
    int threads = folder_count("/proc/self/task");
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    REQUIRE(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    tight = before;
    tight.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (256u << 20); /* room for a few dozen stacks */
    REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
    CHECK_FAILS(pixart_denoiser_open(check_model(), "{\"threads\": 128}", &refused), PIXART_ERROR_MEMORY, "threads");
    REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(refused == NULL);
    CHECK_EQUAL(folder_count("/proc/self/task"), threads);
    embeddings both = encode_prompts(check_model());
    pixart_tensor_release(denoise(denoiser, both, SHORT));
    embeddings_release(both);
    pixart_denoiser_release(denoiser);
}

static const check_test tests[] = {
    {"opening keeps nothing", opening_keeps_nothing},
    {"using keeps nothing", using_keeps_nothing},
    {"failing keeps nothing", failing_keeps_nothing},
    {"too many threads", too_many_threads},
};
CHECK_MAIN(tests)
