/* Memory, files and threads are freed, however often objects are opened, used and refused. */
#include "folder.h"
#include "stages.h"
#include "thread_count.h"

#include <json-c/json.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STRETCHES = 4, CYCLES = 15 };

/* A leak grows in every series of cycles, the allocator only in some, so the series that grew least counts. Fifteen
 * embeddings of the smallest model are more than this bound. */
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
    int threads = threads_now();
    for (int i = 0; i < CYCLES; i++)
        cycle(); /* caches and arenas fill */
    int files = folder_count("/proc/self/fd");
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
    CHECK_EQUAL(threads_settled(threads), threads);
}

static void open_and_release(void) {
    pixart_encoder_release(open_encoder(check_model()));
    pixart_denoiser_release(open_denoiser(check_model()));
    pixart_decoder_release(open_decoder(check_model()));
    pixart_image_encoder_release(open_image_encoder(check_model()));
}

static pixart_encoder *encoder;
static pixart_denoiser *denoiser;
static pixart_decoder *decoder;
static pixart_image_encoder *image_encoder;

static int32_t stop(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps, (void)fraction;
    return 1;
}

static void use(void) {
    embeddings both = {encode(encoder, PROMPT), encode(encoder, "")};
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    CHECK_FAILS(pixart_sampler_step(sampler, stop, NULL), PIXART_CANCELLED, "cancel");
    pixart_tensor *latents = sampler_latents(sampler), *images = decode(decoder, latents), *again, *larger;
    CHECK_OK(pixart_image_encode(image_encoder, images, NULL, NULL, NULL, &again));
    CHECK_OK(pixart_image_resize(images, "{\"height\": 80}", &larger));
    pixart_tensor_release(again);
    pixart_tensor_release(larger);
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
    CHECK_FAILS(pixart_decode(decoder, wrong, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, "latents");
    CHECK_FAILS(pixart_image_encode(image_encoder, wrong, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, "images");
    CHECK_FAILS(pixart_image_read("/nowhere", NULL, &out), PIXART_ERROR_FILE, "/nowhere");
    CHECK_FAILS(pixart_encode(encoder, "a", "{\"x\": [[1, 2], 3]}", NULL, NULL, &out), PIXART_ERROR_OPTION, "x");
    CHECK_FAILS(pixart_denoiser_open("/nowhere", NULL, NULL, NULL, &nothing), PIXART_ERROR_FILE, "/nowhere");
    CHECK_FAILS(pixart_denoiser_open(check_model(), "{\"x\": 1}", NULL, NULL, &nothing), PIXART_ERROR_OPTION, "x");
    pixart_tensor_release(wrong);
}

static void opening_keeps_nothing(void) { keeps_nothing(open_and_release); }

static void with_open_handles(void (*cycle)(void)) {
    encoder = open_encoder(check_model());
    denoiser = open_denoiser(check_model());
    decoder = open_decoder(check_model());
    image_encoder = open_image_encoder(check_model());
    keeps_nothing(cycle);
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    pixart_image_encoder_release(image_encoder);
}

static void using_keeps_nothing(void) { with_open_handles(use); }
static void failing_keeps_nothing(void) { with_open_handles(fail); }

/* If threads cannot be started, the call fails and leaves no thread. */
static void too_many_threads(void) {
    struct rlimit before, tight;
    pixart_denoiser *refused;
    denoiser = open_denoiser(check_model());
    int threads = threads_now();
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    REQUIRE(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    tight = before;
    tight.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (256u << 20); /* room for a few dozen stacks */
    REQUIRE(setrlimit(RLIMIT_AS, &tight) == 0);
    CHECK_FAILS(pixart_denoiser_open(check_model(), "{\"threads\": 128}", NULL, NULL, &refused), PIXART_ERROR_MEMORY,
                "threads");
    REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(refused == NULL);
    CHECK_EQUAL(threads_settled(threads), threads);
    embeddings both = encode_prompts(check_model());
    pixart_tensor_release(denoise(denoiser, both, SHORT));
    embeddings_release(both);
    pixart_denoiser_release(denoiser);
}

/* ---- Estimates --------------------------------------------------------------------------------------------------- */

/* The line of /proc/self/status that starts with `key`, in bytes. */
static long status_of(const char *key) {
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen("/proc/self/status", "r");
    REQUIRE(file != NULL);
    while (kilobytes < 0 && fgets(line, sizeof line, file))
        if (!strncmp(line, key, strlen(key)))
            kilobytes = atol(line + strlen(key));
    fclose(file);
    REQUIRE(kilobytes >= 0);
    return kilobytes * 1024;
}

/* Resets the peak memory of the process. */
static void reset_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    REQUIRE(file && fputs("5", file) >= 0 && fclose(file) == 0);
}

static long number(const char *report, const char *key) {
    json_object *json = json_tokener_parse(report), *value = NULL;
    REQUIRE(json && json_object_object_get_ex(json, key, &value));
    long found = (long)json_object_get_int64(value);
    json_object_put(json);
    return found;
}

/* Handles are open and were never used. The growth of the process in a run is at least half of the activations (the
 * allocator had some free memory) and at most `percent` of the peak. */
static void check_growth(const char *what, void (*run)(void), char *report, long percent) {
    long before = resident();
    reset_peak();
    run();
    long grown = status_of("VmHWM:") - before, activations = number(report, "activations");
    check_context("%s grew by %ld KiB: %s", what, grown / 1024, report);
    CHECK(grown <= number(report, "peak") / 100 * percent + (2 << 20));
    CHECK(grown >= activations / 2);
    pixart_string_release(report);
}

#define LARGE "\"height\": 512, \"width\": 512, \"num_images_per_prompt\": 2"

static embeddings prompts;

static void encode_much(void) {
    static char text[4000];
    pixart_tensor *embedding;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "cat "[i % 4];
    CHECK_OK(pixart_encode(encoder, text, "{\"max_sequence_length\": 900}", NULL, NULL, &embedding));
    CHECK_EQUAL(pixart_tensor_shape(embedding)[0], 900);
    pixart_tensor_release(embedding);
}

static void denoise_much(void) {
    pixart_tensor_release(denoise(denoiser, prompts, "{\"num_inference_steps\": 1, " LARGE "}"));
}

#define MANY LARGE ", \"pag_scale\": 3"

static void denoise_many(void) {
    const pixart_tensor *several[] = {prompts.prompt, prompts.negative},
                        *negatives[] = {prompts.negative, prompts.prompt};
    pixart_sampler *sampler;
    CHECK_OK(pixart_sampler_create_batch(denoiser, 2, several, negatives, "{\"num_inference_steps\": 1, " MANY "}",
                                         &sampler));
    pixart_tensor_release(finish(sampler));
}

static void decode_with(const char *options) {
    int64_t channels = model_integer("vae/config.json", "latent_channels");
    pixart_tensor *latents = zeros(PIXART_FLOAT32, 4, (int64_t[]){1, channels, 64, 64}), *images;
    CHECK_OK(pixart_decode(decoder, latents, options, NULL, NULL, &images));
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
}

static void decode_much(void) { decode_with(NULL); }
static void decode_in_low_memory(void) { decode_with("{\"low_memory\": true}"); }

static void encode_large_image(void) {
    pixart_tensor *images = zeros(PIXART_UINT8, 3, (int64_t[]){512, 512, 3}), *latents;
    CHECK_OK(pixart_image_encode(image_encoder, images, NULL, NULL, NULL, &latents));
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
}

static void runs_take_what_was_estimated(void) {
    static const char *const options[] = {"{\"threads\": 2}", "{\"threads\": 2, \"compute\": \"bfloat16\"}",
                                          "{\"threads\": 2, \"weights\": \"int8\"}"};
    char *report;
    prompts = encode_prompts(check_model());
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(pixart_encoder_open(check_model(), options[i], NULL, NULL, &encoder));
        CHECK_OK(pixart_encoder_memory(encoder, "{\"tokens\": 900}", &report));
        check_growth("encoder", encode_much, report, 110);
        pixart_encoder_release(encoder);
        CHECK_OK(pixart_denoiser_open(check_model(), options[i], NULL, NULL, &denoiser));
        CHECK_OK(pixart_denoiser_memory(denoiser, "{\"tokens\": 10, " LARGE "}", &report));
        check_growth("denoiser", denoise_much, report, 110);
        pixart_denoiser_release(denoiser);
        CHECK_OK(pixart_denoiser_open(check_model(), options[i], NULL, NULL, &denoiser));
        CHECK_OK(pixart_denoiser_memory(denoiser, "{\"prompts\": 2, \"tokens\": 10, " MANY "}", &report));
        check_growth("denoiser of a batch", denoise_many, report, 110);
        pixart_denoiser_release(denoiser);
    }
    CHECK_OK(pixart_decoder_open(check_model(), options[0], NULL, NULL, &decoder));
    CHECK_OK(pixart_decoder_memory(decoder, "{\"height\": 512, \"width\": 512}", &report));
    check_growth("decoder", decode_much, report, 160);
    pixart_decoder_release(decoder);
    CHECK_OK(pixart_decoder_open(check_model(), options[0], NULL, NULL, &decoder));
    CHECK_OK(pixart_decoder_memory(decoder, "{\"height\": 512, \"width\": 512, \"low_memory\": true}", &report));
    check_growth("decoder in low memory", decode_in_low_memory, report, 160);
    pixart_decoder_release(decoder);
    CHECK_OK(pixart_image_encoder_open(check_model(), options[0], NULL, NULL, &image_encoder));
    CHECK_OK(pixart_image_encoder_memory(image_encoder, "{\"height\": 512, \"width\": 512}", &report));
    check_growth("image encoder", encode_large_image, report, 160);
    pixart_image_encoder_release(image_encoder);
    embeddings_release(prompts);
}

/* ---- Conversion -------------------------------------------------------------------------------------------------- */

static void convert_and_cancel(void) {
    char folder[FOLDER_PATH], out[FOLDER_PATH + 8], *report;
    folder_temporary(folder);
    snprintf(out, sizeof out, "%s/out", folder);
    CHECK_FAILS(pixart_convert(check_model(), out, NULL, stop, NULL), PIXART_CANCELLED, "cancel");
    CHECK_OK(pixart_convert(check_model(), out, "{\"parts\": [\"text_encoder\"]}", NULL, NULL));
    CHECK_OK(pixart_memory_estimate(out, "{\"stage\": \"encode\"}", &report));
    pixart_string_release(report);
    folder_remove(folder);
}

static void converting_keeps_nothing(void) { keeps_nothing(convert_and_cancel); }

static const check_test tests[] = {
    {"runs take what was estimated", runs_take_what_was_estimated},
    {"converting keeps nothing", converting_keeps_nothing},
    {"opening keeps nothing", opening_keeps_nothing},
    {"using keeps nothing", using_keeps_nothing},
    {"failing keeps nothing", failing_keeps_nothing},
    {"too many threads", too_many_threads},
};
CHECK_MAIN(tests)
