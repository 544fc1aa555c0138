/* Released handles and failed calls leave nothing in a process: no memory, no descriptors, no threads.
 *
 *   PIXART_CYCLES     cycles of all handles and verbs (12)
 *   PIXART_FAILURES   failing calls (600)
 */
#include "folder.h"
#include "stages.h"
#include "thread_count.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* Growth that is no leak: the allocator's fragments go up and down by 1 to 4 MB, for any number of cycles. */
#define SLACK_KILOBYTES 6144

static long count(const char *variable, long otherwise) {
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : otherwise;
}

typedef struct {
    long kilobytes, threads, descriptors;
} holdings;

/* The number after `key` in /proc/self/status. */
static long status(const char *key) {
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    REQUIRE(file != NULL);
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)))
            value = strtol(line + strlen(key), NULL, 10);
    fclose(file);
    REQUIRE(value >= 0);
    return value;
}

static holdings now(int threads) {
    malloc_trim(0);
    return (holdings){status("RssAnon:"), threads_settled(threads), folder_count("/proc/self/fd")};
}

static void check_flat(holdings before, holdings after) {
    check_context("memory %ld kB, then %ld; threads %ld, then %ld; descriptors %ld, then %ld", before.kilobytes,
                  after.kilobytes, before.threads, after.threads, before.descriptors, after.descriptors);
    CHECK(after.kilobytes <= before.kilobytes + SLACK_KILOBYTES);
    CHECK_EQUAL(after.threads, before.threads);
    CHECK_EQUAL(after.descriptors, before.descriptors);
}

/* Runs `body` until everything permanent is allocated, and then `times` more. Nothing may be added then. */
static void repeat(void body(long), long first, long times) {
    int threads = threads_now();
    for (long i = 0; i < first; i++)
        body(i);
    holdings before = now(threads);
    for (long i = 0; i < times; i++)
        body(i);
    check_flat(before, now(threads));
}

/* ---- Handles ----------------------------------------------------------------------------------------------------- */

#define ONE_STEP "{\"num_inference_steps\": 1, \"height\": 32, \"width\": 32}"

static void cycle(long index) {
    static const char *const opens[] = {NULL, "{\"weights\": \"int8\"}", "{\"weights\": \"bfloat16\", \"threads\": 3}"};
    const char *options = opens[index % 3];
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    char *report;
    CHECK_OK(pixart_encoder_open(check_model(), options, NULL, NULL, &encoder));
    embeddings both = {encode(encoder, PROMPT), encode(encoder, "")};
    pixart_encoder_release(encoder);
    CHECK_OK(pixart_denoiser_open(check_model(), options, NULL, NULL, &denoiser));
    pixart_tensor *latents = denoise(denoiser, both, ONE_STEP);
    pixart_sampler *abandoned = create_sampler(denoiser, both, SHORT);
    CHECK_OK(pixart_sampler_step(abandoned, NULL, NULL));
    CHECK_OK(pixart_denoiser_memory(denoiser, NULL, &report));
    pixart_string_release(report);
    pixart_denoiser_release(denoiser);
    pixart_sampler_release(abandoned);
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *images = decode(decoder, latents);
    pixart_decoder_release(decoder);
    pixart_image_encoder *image_encoder = open_image_encoder(check_model());
    pixart_tensor *again;
    CHECK_OK(pixart_image_encode(image_encoder, images, NULL, NULL, NULL, &again));
    pixart_image_encoder_release(image_encoder);
    pixart_tensor *all[] = {both.prompt, both.negative, latents, images, again};
    release_tensors(all, 5);
}

static void cycles_keep_nothing(void) { repeat(cycle, 6, count("PIXART_CYCLES", 12)); }

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

static pixart_encoder *encoder;
static pixart_denoiser *denoiser;
static pixart_decoder *decoder;
static embeddings prompts;

static int32_t stop(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps, (void)fraction;
    return 1;
}

static void failure(long index) {
    void *out;
    char path[64];
    snprintf(path, sizeof path, "/nowhere/%ld", index);
    switch (index % 12) {
    case 0:
        CHECK_FAILS(pixart_encoder_open(path, NULL, NULL, NULL, (pixart_encoder **)&out), PIXART_ERROR_FILE, path);
        break;
    case 1:
        CHECK_FAILS(
            pixart_denoiser_open(check_model(), "{\"variant\": \"none\"}", NULL, NULL, (pixart_denoiser **)&out),
            PIXART_ERROR_FILE, "none");
        break;
    case 2:
        CHECK_FAILS(pixart_decoder_open(check_model(), "{\"weights\": \"int8\"}", NULL, NULL, (pixart_decoder **)&out),
                    PIXART_ERROR_OPTION, "weights");
        break;
    case 3:
        CHECK_FAILS(pixart_encoder_open(check_model(), "{\"mystery\": [1, {\"a\": \"b\"}]}", NULL, NULL,
                                        (pixart_encoder **)&out),
                    PIXART_ERROR_OPTION, "mystery");
        break;
    case 4:
        CHECK_FAILS(pixart_encode(encoder, "\xff", NULL, NULL, NULL, (pixart_tensor **)&out), PIXART_ERROR_ARGUMENT,
                    "UTF-8");
        break;
    case 5:
        CHECK_FAILS(pixart_encode(encoder, "a", "{", NULL, NULL, (pixart_tensor **)&out), PIXART_ERROR_OPTION,
                    "options");
        break;
    case 6:
        CHECK_FAILS(
            pixart_denoise(denoiser, prompts.prompt, prompts.negative, SHORT, stop, NULL, (pixart_tensor **)&out),
            PIXART_CANCELLED, "cancel");
        break;
    case 7:
        CHECK_FAILS(pixart_denoise(denoiser, NULL, NULL, SHORT, NULL, NULL, (pixart_tensor **)&out),
                    PIXART_ERROR_ARGUMENT, "prompt");
        break;
    case 8:
        CHECK_FAILS(pixart_sampler_create(denoiser, prompts.prompt, NULL, "{\"scheduler\": \"mystery\"}",
                                          (pixart_sampler **)&out),
                    PIXART_ERROR_OPTION, "mystery");
        break;
    case 9:
        CHECK_FAILS(pixart_decode(decoder, prompts.prompt, NULL, NULL, NULL, (pixart_tensor **)&out),
                    PIXART_ERROR_ARGUMENT, "latents");
        break;
    case 10:
        CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"stage\": \"mystery\"}", (char **)&out),
                    PIXART_ERROR_OPTION, "stage");
        break;
    default:
        CHECK_FAILS(pixart_convert(path, "/nowhere", NULL, NULL, NULL), PIXART_ERROR_FILE, path);
    }
}

static void failures_keep_nothing(void) {
    encoder = open_encoder(check_model());
    denoiser = open_denoiser(check_model());
    decoder = open_decoder(check_model());
    prompts = encode_prompts(check_model());
    repeat(failure, 120, count("PIXART_FAILURES", 600));
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    embeddings_release(prompts);
}

/* Tensors that are not released are detected. */
static void the_measure_sees_a_leak(void) {
    pixart_tensor *kept[16];
    static float ones[128 << 10];
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++)
        ones[i] = 1;
    int threads = threads_now();
    holdings before = now(threads);
    for (int i = 0; i < 16; i++)
        CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 1, (int64_t[]){128 << 10}, ones, sizeof ones, &kept[i]));
    CHECK(now(threads).kilobytes > before.kilobytes + SLACK_KILOBYTES);
    release_tensors(kept, 16);
    check_flat(before, now(threads));
}

static const check_test tests[] = {
    {"cycles keep nothing", cycles_keep_nothing},
    {"failures keep nothing", failures_keep_nothing},
    {"the measure sees a leak", the_measure_sees_a_leak},
};
CHECK_MAIN(tests)
