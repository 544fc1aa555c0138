/* Lifetimes: objects may be released in any order, and the others stay usable. */
#include "stages.h"

#include <pthread.h>
#include <stdlib.h>

enum { ENCODER, DENOISER, DECODER, SAMPLER, TENSORS, OBJECTS };

static struct {
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_sampler *sampler;
    embeddings both;
    pixart_tensor *latents;
} held;

static pixart_tensor *undisturbed; /* the latents of the run, made once */

static void hold_everything(void) {
    held.encoder = open_encoder(check_model());
    held.both = (embeddings){encode(held.encoder, PROMPT), encode(held.encoder, "")};
    held.denoiser = open_denoiser(check_model());
    held.sampler = create_sampler(held.denoiser, held.both, SHORT);
    held.decoder = open_decoder(check_model());
    held.latents = sampler_latents(held.sampler);
}

static void release(int object) {
    switch (object) {
    case ENCODER:
        pixart_encoder_release(held.encoder);
        break;
    case DENOISER:
        pixart_denoiser_release(held.denoiser);
        break;
    case DECODER:
        pixart_decoder_release(held.decoder);
        break;
    case SAMPLER:
        pixart_sampler_release(held.sampler);
        break;
    case TENSORS:
        embeddings_release(held.both);
        pixart_tensor_release(held.latents);
    }
}

/* Uses the remaining objects after `released` objects of `order` are released. */
static void use_the_rest(const int *order, int released) {
    int gone[OBJECTS] = {0};
    for (int i = 0; i < released; i++)
        gone[order[i]] = 1;
    if (!gone[ENCODER] && !gone[TENSORS]) {
        pixart_tensor *again = encode(held.encoder, PROMPT);
        CHECK_SAME(again, held.both.prompt);
        pixart_tensor_release(again);
    }
    if (!gone[DENOISER] && !gone[TENSORS])
        pixart_sampler_release(create_sampler(held.denoiser, held.both, SHORT));
    if (!gone[DECODER] && !gone[TENSORS])
        pixart_tensor_release(decode(held.decoder, held.latents));
    if (!gone[SAMPLER]) {
        int64_t step = pixart_sampler_step_index(held.sampler);
        if (step < pixart_sampler_steps(held.sampler))
            CHECK_OK(pixart_sampler_step(held.sampler, NULL, NULL));
        if (step + 1 == pixart_sampler_steps(held.sampler)) {
            pixart_tensor *result = sampler_latents(held.sampler);
            CHECK_SAME(result, undisturbed);
            pixart_tensor_release(result);
        }
    }
}

static void permute(int *order, int from) {
    if (from == OBJECTS) {
        check_context("order %d%d%d%d%d", order[0], order[1], order[2], order[3], order[4]);
        hold_everything();
        for (int i = 0; i < OBJECTS; i++) {
            use_the_rest(order, i);
            release(order[i]);
        }
        return;
    }
    for (int i = from; i < OBJECTS; i++) {
        int first = order[from];
        order[from] = order[i], order[i] = first;
        permute(order, from + 1);
        first = order[from], order[from] = order[i], order[i] = first;
    }
}

static void every_order_of_release(void) {
    int order[OBJECTS] = {ENCODER, DENOISER, DECODER, SAMPLER, TENSORS};
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    undisturbed = denoise(denoiser, both, SHORT);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
    permute(order, 0);
    pixart_tensor_release(undisturbed);
}

/* A sampler still runs after everything that it was made from is released. */
static void sampler_outlives_all(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *expected = denoise(denoiser, both, SHORT);
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
    drive(sampler);
    pixart_tensor *latents = sampler_latents(sampler);
    pixart_sampler_release(sampler);
    CHECK_SAME(latents, expected);
    pixart_tensor_release(latents);
    pixart_tensor_release(expected);
}

/* Latents that were read do not change when the run goes on. */
static void latents_are_copies(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    pixart_tensor *noise = sampler_latents(sampler), *same = sampler_latents(sampler);
    CHECK_SAME(noise, same);
    drive(sampler);
    CHECK_SAME(noise, same);
    pixart_tensor *result = sampler_latents(sampler);
    CHECK(memcmp(pixart_tensor_data(result), pixart_tensor_data(noise), pixart_tensor_size(noise)) != 0);
    pixart_tensor_release(noise);
    pixart_tensor_release(same);
    pixart_tensor_release(result);
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* ---- Error messages belong to threads ---------------------------------------------------------------------------- */

static pthread_barrier_t both_failed;

static void *fails_elsewhere(void *message) {
    pixart_encoder *encoder;
    strcpy(message, pixart_error_message());
    pixart_encoder_open("/nowhere/theirs", NULL, NULL, NULL, &encoder);
    pthread_barrier_wait(&both_failed);
    pthread_barrier_wait(&both_failed);
    strcat(message, pixart_error_message());
    return NULL;
}

static void messages_belong_to_threads(void) {
    char theirs[4096] = "never written";
    pthread_t thread;
    pixart_encoder *encoder;
    pthread_barrier_init(&both_failed, NULL, 2);
    CHECK_FAILS(pixart_encoder_open("/nowhere/mine", NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE, "/nowhere/mine");
    REQUIRE(pthread_create(&thread, NULL, fails_elsewhere, theirs) == 0);
    pthread_barrier_wait(&both_failed);
    CHECK(strstr(pixart_error_message(), "/nowhere/mine") != NULL);
    pthread_barrier_wait(&both_failed);
    pthread_join(thread, NULL);
    CHECK(strstr(theirs, "/nowhere/theirs") != NULL);
    CHECK(strstr(theirs, "/nowhere/mine") == NULL); /* a thread starts with no message */
    pthread_barrier_destroy(&both_failed);
}

static void messages_stand_until_the_next_failure(void) {
    pixart_encoder *encoder;
    CHECK_FAILS(pixart_encoder_open("/nowhere/first", NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE, "/nowhere/first");
    const char *message = pixart_error_message();
    pixart_encoder_release(open_encoder(check_model()));
    CHECK(message == pixart_error_message());
    CHECK(strstr(message, "/nowhere/first") != NULL);
    CHECK_FAILS(pixart_encoder_open("/nowhere/second", NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE,
                "/nowhere/second");
}

/* A message of any length is complete, or shortened but still valid text. */
static void long_messages(void) {
    enum { LENGTH = 100000 };
    char *path = malloc(LENGTH + 1);
    memset(path, 'x', LENGTH);
    memcpy(path, "/nowhere/", 9);
    path[LENGTH] = 0;
    pixart_encoder *encoder;
    CHECK_FAILS(pixart_encoder_open(path, NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE, "/nowhere/xxx");
    free(path);
}

static const check_test tests[] = {
    {"every order of release", every_order_of_release},
    {"a sampler outlives all it was made from", sampler_outlives_all},
    {"latents are copies", latents_are_copies},
    {"messages belong to threads", messages_belong_to_threads},
    {"messages stand until the next failure", messages_stand_until_the_next_failure},
    {"long messages", long_messages},
};
CHECK_MAIN(tests)
