/* Progress and cancelling: the arguments of the callback, and that a non-zero result ends the call at once. */
#include "folder.h"
#include "stages.h"
#include "thread_count.h"

#include <stdio.h>
#include <stdlib.h>

/* What a callback saw, and when it cancels. */
typedef struct {
    int64_t calls; /* calls with new arguments */
    int64_t last_step, steps, finished_steps;
    double fraction;
    int64_t stop_at; /* the call that returns 1; 0 for none */
    int ordered;     /* nothing ever fell or left its range */
} progress;

static int32_t observe(void *context, int64_t step, int64_t steps, double fraction) {
    progress *seen = context;
    if (seen->calls > 0 && step == seen->last_step && fraction == seen->fraction)
        return 0; /* called again during the same part of the work */
    seen->calls++;
    if (seen->calls == 1)
        seen->ordered = 1, seen->steps = steps;
    if (step < seen->last_step || step > steps || steps != seen->steps)
        seen->ordered = 0;
    if (!(fraction >= seen->fraction && fraction <= 1.0))
        seen->ordered = 0;
    seen->finished_steps += step > seen->last_step;
    seen->last_step = step;
    seen->fraction = fraction;
    return seen->calls == seen->stop_at;
}

/* An open denoiser with its inputs, and the latents of an undisturbed run. */
static struct {
    pixart_denoiser *denoiser;
    embeddings both;
    pixart_tensor *result;
    int64_t calls;
} run;

static void run_open(void) {
    progress seen = {0};
    run.both = encode_prompts(check_model());
    run.denoiser = open_denoiser(check_model());
    CHECK_OK(pixart_denoise(run.denoiser, run.both.prompt, run.both.negative, SHORT, observe, &seen, &run.result));
    run.calls = seen.calls;
}

static void run_close(void) {
    pixart_tensor_release(run.result);
    pixart_denoiser_release(run.denoiser);
    embeddings_release(run.both);
}

static void progress_of_a_run(void) {
    progress seen = {0};
    pixart_tensor *latents;
    run_open();
    CHECK_OK(pixart_denoise(run.denoiser, run.both.prompt, run.both.negative, SHORT, observe, &seen, &latents));
    CHECK(seen.ordered);
    CHECK_EQUAL(seen.steps, STEPS);
    CHECK_EQUAL(seen.last_step, STEPS);
    CHECK_EQUAL(seen.finished_steps, STEPS);
    CHECK(seen.fraction == 1.0);
    CHECK(seen.calls >= STEPS * (model_integer("transformer/config.json", "num_layers") + 1));
    CHECK_SAME(latents, run.result); /* a callback that only reads changes nothing */
    pixart_tensor_release(latents);
    run_close();
}

static void progress_of_steps(void) {
    progress seen = {0};
    run_open();
    pixart_sampler *sampler = create_sampler(run.denoiser, run.both, SHORT);
    for (int64_t i = 1; i <= STEPS; i++) {
        int64_t calls = seen.calls;
        CHECK_OK(pixart_sampler_step(sampler, observe, &seen));
        CHECK(seen.calls > calls);
        CHECK_EQUAL(seen.last_step, i);
        CHECK_EQUAL(seen.steps, STEPS);
    }
    CHECK(seen.ordered);
    CHECK(seen.fraction == 1.0);
    CHECK_EQUAL(seen.calls, run.calls);
    pixart_sampler_release(sampler);
    run_close();
}

/* After the callback cancels, at any of its calls, it is not called again, and the handle works as before. */
static void cancel_a_run(void) {
    run_open();
    for (int64_t stop = 1; stop <= run.calls; stop++) {
        progress seen = {.stop_at = stop};
        pixart_tensor *latents = run.result;
        check_context("call %lld of %lld", (long long)stop, (long long)run.calls);
        CHECK_FAILS(pixart_denoise(run.denoiser, run.both.prompt, run.both.negative, SHORT, observe, &seen, &latents),
                    PIXART_CANCELLED, "cancel");
        CHECK(latents == NULL);
        CHECK_EQUAL(seen.calls, stop);
    }
    pixart_tensor *latents = denoise(run.denoiser, run.both, SHORT);
    CHECK_SAME(latents, run.result);
    pixart_tensor_release(latents);
    run_close();
}

/* A sampler that is cancelled at every call of every step still ends with the same latents. */
static void cancelled_steps_are_repeated(void) {
    run_open();
    pixart_sampler *sampler = create_sampler(run.denoiser, run.both, SHORT);
    for (int64_t i = 0; i < STEPS; i++) {
        pixart_status status = PIXART_CANCELLED;
        pixart_tensor *before = sampler_latents(sampler);
        for (int64_t stop = 1; status == PIXART_CANCELLED; stop++) {
            progress seen = {.stop_at = stop};
            CHECK_EQUAL(pixart_sampler_step_index(sampler), i);
            pixart_tensor *still = sampler_latents(sampler);
            CHECK_SAME(still, before);
            pixart_tensor_release(still);
            status = pixart_sampler_step(sampler, observe, &seen);
            if (status == PIXART_CANCELLED)
                CHECK_EQUAL(seen.calls, stop);
        }
        CHECK_EQUAL(status, PIXART_OK);
        CHECK_EQUAL(pixart_sampler_step_index(sampler), i + 1);
        pixart_tensor_release(before);
    }
    pixart_tensor *latents = sampler_latents(sampler);
    CHECK_SAME(latents, run.result);
    pixart_tensor_release(latents);
    pixart_sampler_release(sampler);
    run_close();
}

/* Any non-zero result cancels. */
static int32_t answer(void *context, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    return *(int32_t *)context;
}

static void every_other_answer_cancels(void) {
    run_open();
    int32_t answers[] = {1, -1, INT32_MIN, INT32_MAX, 256, 1 << 16};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        pixart_tensor *latents;
        CHECK_FAILS(
            pixart_denoise(run.denoiser, run.both.prompt, run.both.negative, SHORT, answer, &answers[i], &latents),
            PIXART_CANCELLED, "cancel");
    }
    run_close();
}

/* ---- A callback that uses the library ---------------------------------------------------------------------------- */

typedef struct {
    pixart_encoder *encoder;
    pixart_tensor *expected;
    int differing, failing;
} busy;

static int32_t uses_the_library(void *context, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    busy *self = context;
    pixart_tensor *embedding;
    pixart_encoder *nothing;
    if (pixart_encode(self->encoder, PROMPT, NULL, NULL, NULL, &embedding))
        self->failing++;
    else if (memcmp(pixart_tensor_data(embedding), pixart_tensor_data(self->expected), pixart_tensor_size(embedding)))
        self->differing++;
    pixart_tensor_release(embedding);
    if (pixart_encoder_open("/nowhere", NULL, NULL, NULL, &nothing) != PIXART_ERROR_FILE)
        self->failing++;
    return 0;
}

static void callbacks_may_use_the_library(void) {
    run_open();
    busy self = {.encoder = open_encoder(check_model()), .expected = run.both.prompt};
    pixart_tensor *latents;
    CHECK_OK(
        pixart_denoise(run.denoiser, run.both.prompt, run.both.negative, SHORT, uses_the_library, &self, &latents));
    CHECK_EQUAL(self.failing, 0);
    CHECK_EQUAL(self.differing, 0);
    CHECK_SAME(latents, run.result);
    pixart_tensor_release(latents);
    pixart_encoder_release(self.encoder);
    run_close();
}

/* ---- Every long call --------------------------------------------------------------------------------------------- */

static struct {
    pixart_encoder *encoder;
    pixart_decoder *decoder;
    pixart_image_encoder *image_encoder;
    pixart_tensor *latents, *images;
    char out[FOLDER_PATH];
} open;

/* Each function makes its call with a callback. `result` is NULL if the call fails. */
static pixart_status opens_encoder(progress *seen, void **result) {
    return pixart_encoder_open(check_model(), "{\"weights\": \"int8\"}", observe, seen, (pixart_encoder **)result);
}

static pixart_status opens_streamed_encoder(progress *seen, void **result) {
    return pixart_encoder_open(check_model(), "{\"residency\": \"streamed\"}", observe, seen,
                               (pixart_encoder **)result);
}

static pixart_status opens_denoiser(progress *seen, void **result) {
    return pixart_denoiser_open(check_model(), NULL, observe, seen, (pixart_denoiser **)result);
}

static pixart_status opens_decoder(progress *seen, void **result) {
    return pixart_decoder_open(check_model(), NULL, observe, seen, (pixart_decoder **)result);
}

static pixart_status opens_image_encoder(progress *seen, void **result) {
    return pixart_image_encoder_open(check_model(), NULL, observe, seen, (pixart_image_encoder **)result);
}

static pixart_status encodes(progress *seen, void **result) {
    return pixart_encode(open.encoder, PROMPT, NULL, observe, seen, (pixart_tensor **)result);
}

static pixart_status decodes(progress *seen, void **result) {
    return pixart_decode(open.decoder, open.latents, NULL, observe, seen, (pixart_tensor **)result);
}

static pixart_status encodes_images(progress *seen, void **result) {
    return pixart_image_encode(open.image_encoder, open.images, NULL, observe, seen, (pixart_tensor **)result);
}

static pixart_status converts(progress *seen, void **result) {
    *result = NULL;
    return pixart_convert(check_model(), open.out, NULL, observe, seen);
}

static void release_encoder(void *handle) { pixart_encoder_release(handle); }
static void release_denoiser(void *handle) { pixart_denoiser_release(handle); }
static void release_decoder(void *handle) { pixart_decoder_release(handle); }
static void release_image_encoder(void *handle) { pixart_image_encoder_release(handle); }
static void release_tensor(void *handle) { pixart_tensor_release(handle); }

static const struct {
    const char *name;
    pixart_status (*call)(progress *seen, void **result);
    void (*release)(void *result);
    int64_t steps; /* -1 for tensors */
} long_calls[] = {
    {"encoder_open", opens_encoder, release_encoder, -1},
    {"encoder_open, streamed", opens_streamed_encoder, release_encoder, -1},
    {"denoiser_open", opens_denoiser, release_denoiser, -1},
    {"decoder_open", opens_decoder, release_decoder, -1},
    {"image_encoder_open", opens_image_encoder, release_image_encoder, -1},
    {"encode", encodes, release_tensor, 1},
    {"decode", decodes, release_tensor, 2},
    {"image_encode", encodes_images, release_tensor, 2},
    {"convert", converts, release_tensor, -1},
};

static void every_long_call(void) {
    open.encoder = open_encoder(check_model());
    open.decoder = open_decoder(check_model());
    open.image_encoder = open_image_encoder(check_model());
    open.images = colours(4, (int64_t[]){2, 64, 64, 3});
    CHECK_OK(pixart_image_encode(open.image_encoder, open.images, NULL, NULL, NULL, &open.latents));
    char folder[FOLDER_PATH];
    folder_temporary(folder);
    snprintf(open.out, sizeof open.out, "%.*s/out", FOLDER_PATH - 5, folder);
    int threads = threads_now();
    for (size_t i = 0; i < sizeof long_calls / sizeof *long_calls; i++) {
        progress whole = {0};
        void *result;
        check_context("%s", long_calls[i].name);
        CHECK_OK(long_calls[i].call(&whole, &result));
        long_calls[i].release(result);
        CHECK(whole.ordered);
        CHECK(whole.fraction == 1.0);
        CHECK_EQUAL(whole.last_step, whole.steps);
        if (long_calls[i].steps >= 0)
            CHECK_EQUAL(whole.steps, long_calls[i].steps);
        else
            CHECK(whole.steps > 20);
        CHECK(whole.calls > 2);
        int64_t stops[] = {1, 2, whole.calls / 2, whole.calls - 1, whole.calls};
        for (size_t j = 0; j < sizeof stops / sizeof *stops; j++) {
            progress seen = {.stop_at = stops[j]};
            check_context("%s, call %lld of %lld", long_calls[i].name, (long long)stops[j], (long long)whole.calls);
            result = &seen;
            CHECK_FAILS(long_calls[i].call(&seen, &result), PIXART_CANCELLED, "cancel");
            CHECK(result == NULL);
            CHECK_EQUAL(seen.calls, stops[j]);
            CHECK_EQUAL(threads_settled(threads), threads);
        }
        progress again = {0};
        CHECK_OK(long_calls[i].call(&again, &result));
        long_calls[i].release(result);
    }
    pixart_tensor_release(open.images);
    pixart_tensor_release(open.latents);
    pixart_image_encoder_release(open.image_encoder);
    pixart_decoder_release(open.decoder);
    pixart_encoder_release(open.encoder);
    folder_remove(folder);
}

static const check_test tests[] = {
    {"progress of a run", progress_of_a_run},
    {"progress of steps", progress_of_steps},
    {"a run is cancelled at every call", cancel_a_run},
    {"cancelled steps are repeated", cancelled_steps_are_repeated},
    {"every other answer cancels", every_other_answer_cancels},
    {"callbacks may use the library", callbacks_may_use_the_library},
    {"every long call is cancelled", every_long_call},
};
CHECK_MAIN(tests)
