/* Several threads on one handle, and several models in one process, do not affect each other. */
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <pthread.h>
#include <stdlib.h>

enum { THREADS = 2, ROUNDS = 3 };

/* What the threads share: only opened handles and finished tensors, as the header allows. */
static struct {
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    embeddings both;
    pixart_tensor *latents;
} shared;

static void share(void) {
    shared.encoder = open_encoder(check_model());
    shared.denoiser = open_denoiser(check_model());
    shared.decoder = open_decoder(check_model());
    shared.both = (embeddings){encode(shared.encoder, PROMPT), encode(shared.encoder, "")};
    shared.latents = denoise(shared.denoiser, shared.both, SHORT);
}

static void unshare(void) {
    pixart_encoder_release(shared.encoder);
    pixart_denoiser_release(shared.denoiser);
    pixart_decoder_release(shared.decoder);
    embeddings_release(shared.both);
    pixart_tensor_release(shared.latents);
}

/* One call of a verb. `variant` selects the inputs. */
typedef pixart_status work(int variant, pixart_tensor **out);

static const char *const run_options[THREADS] = {SHORT, RUN("\"seed\": 1, \"guidance_scale\": 1")};

static pixart_status encodes(int variant, pixart_tensor **out) {
    static const char *const prompts[THREADS] = {PROMPT, "another, rather longer prompt about a dog"};
    return pixart_encode(shared.encoder, prompts[variant], NULL, NULL, NULL, out);
}

static pixart_status denoises(int variant, pixart_tensor **out) {
    return pixart_denoise(shared.denoiser, shared.both.prompt, shared.both.negative, run_options[variant], NULL, NULL,
                          out);
}

static pixart_status samples(int variant, pixart_tensor **out) {
    pixart_sampler *sampler;
    pixart_status status = pixart_sampler_create(shared.denoiser, shared.both.prompt, shared.both.negative,
                                                 run_options[variant], &sampler);
    while (!status && pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler))
        status = pixart_sampler_step(sampler, NULL, NULL);
    if (!status)
        status = pixart_sampler_latents(sampler, out);
    pixart_sampler_release(sampler);
    return status;
}

static pixart_status decodes(int variant, pixart_tensor **out) {
    static const char *const options[THREADS] = {NULL, "{\"output_type\": \"float32\"}"};
    return pixart_decode(shared.decoder, shared.latents, options[variant], NULL, NULL, out);
}

typedef struct {
    work *run;
    int variant;
    pixart_status status;
    pixart_tensor *results[ROUNDS];
} worker;

static void *labour(void *argument) {
    worker *self = argument;
    for (int i = 0; i < ROUNDS && !self->status; i++)
        self->status = self->run(self->variant, &self->results[i]);
    return NULL;
}

/* Each thread always gets the result of a single thread. */
static void equal_to_one_thread(work *run) {
    pthread_t threads[THREADS];
    worker workers[THREADS];
    pixart_tensor *expected[THREADS];
    share();
    for (int i = 0; i < THREADS; i++)
        CHECK_OK(run(i, &expected[i]));
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.run = run, .variant = i};
        REQUIRE(pthread_create(&threads[i], NULL, labour, &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        CHECK_EQUAL(workers[i].status, PIXART_OK);
        for (int round = 0; round < ROUNDS; round++) {
            CHECK_SAME(workers[i].results[round], expected[i]);
            pixart_tensor_release(workers[i].results[round]);
        }
        pixart_tensor_release(expected[i]);
    }
    unshare();
}

static void threads_encode(void) { equal_to_one_thread(encodes); }
static void threads_denoise(void) { equal_to_one_thread(denoises); }
static void threads_sample(void) { equal_to_one_thread(samples); }
static void threads_decode(void) { equal_to_one_thread(decodes); }

/* ---- Threads that open and fail ---------------------------------------------------------------------------------- */

static void *opens_and_fails(void *argument) {
    worker *self = argument;
    for (int i = 0; i < 5 && !self->status; i++) {
        pixart_encoder *encoder = NULL;
        pixart_denoiser *denoiser;
        pixart_decoder *decoder;
        self->status = pixart_denoiser_open(check_model(), NULL, NULL, NULL, &denoiser);
        if (pixart_decoder_open(check_model(), "{\"wrong\": 1}", NULL, NULL, &decoder) != PIXART_ERROR_OPTION)
            self->status = -1;
        if (!strstr(pixart_error_message(), "wrong"))
            self->status = -2;
        if (!self->status)
            self->status = pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder);
        pixart_denoiser_release(denoiser);
        pixart_encoder_release(encoder);
    }
    return NULL;
}

static void threads_open(void) {
    pthread_t threads[THREADS];
    worker workers[THREADS] = {{0}};
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, opens_and_fails, &workers[i]));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQUAL(workers[i].status, PIXART_OK);
    }
}

/* ---- Two models -------------------------------------------------------------------------------------------------- */

/* A copy of the model with another transformer: the signs of one weight matrix are flipped. */
static void contrary_model(char *path) {
    folder_clone(check_model(), path, NULL);
    safetensors file = safetensors_read(path, TRANSFORMER);
    safetensors_flip_signs(&file, "proj_out.weight");
    safetensors_write(&file, path, TRANSFORMER);
}

static void two_models(void) {
    char other[FOLDER_PATH];
    contrary_model(other);
    const char *models[2] = {check_model(), other};
    embeddings both = encode_prompts(check_model());
    pixart_tensor *alone[2], *together[2];
    pixart_denoiser *denoisers[2];
    pixart_sampler *samplers[2];
    for (int i = 0; i < 2; i++) {
        pixart_denoiser *denoiser = open_denoiser(models[i]);
        alone[i] = denoise(denoiser, both, SHORT);
        pixart_denoiser_release(denoiser);
    }
    CHECK(memcmp(pixart_tensor_data(alone[0]), pixart_tensor_data(alone[1]), pixart_tensor_size(alone[0])) != 0);
    for (int i = 0; i < 2; i++)
        denoisers[i] = open_denoiser(models[i]);
    for (int i = 0; i < 2; i++)
        samplers[i] = create_sampler(denoisers[i], both, SHORT);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 2; i++)
            CHECK_OK(pixart_sampler_step(samplers[i], NULL, NULL));
    for (int i = 0; i < 2; i++) {
        together[i] = sampler_latents(samplers[i]);
        CHECK_SAME(together[i], alone[i]);
        pixart_tensor_release(together[i]);
        pixart_tensor_release(alone[i]);
        pixart_sampler_release(samplers[i]);
        pixart_denoiser_release(denoisers[i]);
    }
    embeddings_release(both);
    folder_remove(other);
}

/* An open model needs its files' contents, not their names. */
static void files_may_be_unlinked(void) {
    char copy[FOLDER_PATH];
    contrary_model(copy);
    embeddings both = encode_prompts(copy);
    pixart_denoiser *denoiser = open_denoiser(copy);
    pixart_decoder *decoder = open_decoder(copy);
    pixart_tensor *before = denoise(denoiser, both, SHORT);
    folder_remove(copy);
    pixart_tensor *after = denoise(denoiser, both, SHORT), *images = decode(decoder, after);
    CHECK_SAME(before, after);
    pixart_tensor_release(before);
    pixart_tensor_release(after);
    pixart_tensor_release(images);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    embeddings_release(both);
}

static const check_test tests[] = {
    {"two threads encode", threads_encode},
    {"two threads denoise", threads_denoise},
    {"two threads drive samplers", threads_sample},
    {"two threads decode", threads_decode},
    {"two threads open and fail", threads_open},
    {"two models at once", two_models},
    {"an open model's files may be unlinked", files_may_be_unlinked},
};
CHECK_MAIN(tests)
