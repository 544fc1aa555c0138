/* fork(): each call on an inherited handle fails, and it may be released. A child that opens its own handles runs as
 * any process does. */
#define _DEFAULT_SOURCE
#include "children.h"
#include "stages.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

/* ---- What a child inherits ----------------------------------------------------------------------------------------
 */

static struct {
    pid_t process;
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_image_encoder *image_encoder;
    pixart_sampler *sampler;
    embeddings both;
    pixart_tensor *latents, *images;
} parent;

static void open_all(void) {
    parent.process = getpid();
    parent.encoder = open_encoder(check_model());
    parent.denoiser = open_denoiser(check_model());
    parent.decoder = open_decoder(check_model());
    parent.image_encoder = open_image_encoder(check_model());
    parent.both = (embeddings){encode(parent.encoder, PROMPT), encode(parent.encoder, "")};
    parent.sampler = create_sampler(parent.denoiser, parent.both, SHORT);
    parent.latents = denoise(parent.denoiser, parent.both, SHORT);
    parent.images = decode(parent.decoder, parent.latents);
}

static void release_all(void) {
    pixart_encoder_release(parent.encoder);
    pixart_denoiser_release(parent.denoiser);
    pixart_decoder_release(parent.decoder);
    pixart_image_encoder_release(parent.image_encoder);
    pixart_sampler_release(parent.sampler);
    embeddings_release(parent.both);
    pixart_tensor_release(parent.latents);
    pixart_tensor_release(parent.images);
}

static void expect_refused(pixart_status status, const char *argument) {
    char text[200];
    snprintf(text, sizeof text, "%s: was opened in process %d, before fork(); expected", argument, (int)parent.process);
    EXPECT(status == PIXART_ERROR_STATE);
    EXPECT(strstr(pixart_error_message(), text) == pixart_error_message());
}

#define REFUSED(call, argument, out)                                                                                   \
    do {                                                                                                               \
        out = CHECK_STALE;                                                                                             \
        expect_refused(call, argument);                                                                                \
        EXPECT((void *)(out) == NULL);                                                                                 \
    } while (0)

static void inherited_calls(void) {
    pixart_tensor *out;
    pixart_sampler *sampler;
    char *report;
    const pixart_tensor *prompts[] = {parent.both.prompt};
    REFUSED(pixart_encode(parent.encoder, PROMPT, NULL, NULL, NULL, &out), "encoder", out);
    REFUSED(pixart_encoder_tokenize(parent.encoder, PROMPT, NULL, &report), "encoder", report);
    REFUSED(pixart_encoder_memory(parent.encoder, NULL, &report), "encoder", report);
    REFUSED(pixart_encoder_profile(parent.encoder, &report), "encoder", report);
    REFUSED(pixart_encoder_report(parent.encoder, &report), "encoder", report);
    REFUSED(pixart_denoise(parent.denoiser, parent.both.prompt, parent.both.negative, SHORT, NULL, NULL, &out),
            "denoiser", out);
    REFUSED(pixart_denoiser_memory(parent.denoiser, NULL, &report), "denoiser", report);
    REFUSED(pixart_denoiser_profile(parent.denoiser, &report), "denoiser", report);
    REFUSED(pixart_denoiser_report(parent.denoiser, &report), "denoiser", report);
    REFUSED(pixart_sampler_create(parent.denoiser, parent.both.prompt, parent.both.negative, SHORT, &sampler),
            "denoiser", sampler);
    REFUSED(pixart_sampler_create_batch(parent.denoiser, 1, prompts, NULL, RUN("\"guidance_scale\": 1"), &sampler),
            "denoiser", sampler);
    REFUSED(pixart_decode(parent.decoder, parent.latents, NULL, NULL, NULL, &out), "decoder", out);
    REFUSED(pixart_decoder_memory(parent.decoder, NULL, &report), "decoder", report);
    REFUSED(pixart_decoder_profile(parent.decoder, &report), "decoder", report);
    REFUSED(pixart_decoder_report(parent.decoder, &report), "decoder", report);
    REFUSED(pixart_image_encode(parent.image_encoder, parent.images, NULL, NULL, NULL, &out), "encoder", out);
    REFUSED(pixart_image_encoder_memory(parent.image_encoder, NULL, &report), "encoder", report);
    REFUSED(pixart_image_encoder_profile(parent.image_encoder, &report), "encoder", report);
    REFUSED(pixart_image_encoder_report(parent.image_encoder, &report), "encoder", report);

    double timestep = 1;
    expect_refused(pixart_sampler_set_noise(parent.sampler, parent.latents), "sampler");
    expect_refused(pixart_sampler_set_image_latents(parent.sampler, parent.latents), "sampler");
    expect_refused(pixart_sampler_set_control(parent.sampler, parent.latents), "sampler");
    expect_refused(pixart_sampler_set_mask(parent.sampler, parent.latents), "sampler");
    expect_refused(pixart_sampler_step(parent.sampler, NULL, NULL), "sampler");
    expect_refused(pixart_sampler_timestep(parent.sampler, 0, &timestep), "sampler");
    EXPECT(timestep == 0);
    EXPECT(pixart_sampler_steps(parent.sampler) == 0 && pixart_sampler_step_index(parent.sampler) == 0);
    REFUSED(pixart_sampler_latents(parent.sampler, &out), "sampler", out);
    REFUSED(pixart_sampler_predicted_original(parent.sampler, &out), "sampler", out);
    REFUSED(pixart_sampler_preview(parent.sampler, NULL, &out), "sampler", out);
}

/* Tensors are plain memory. */
static void inherited_tensors(void) {
    pixart_tensor *smaller;
    int64_t shape[] = {2};
    EXPECT(pixart_tensor_rank(parent.images) == 4 && pixart_tensor_shape(parent.images)[3] == 3);
    EXPECT(pixart_tensor_create(PIXART_UINT8, 1, shape, pixart_tensor_data(parent.images), 2, &smaller) == PIXART_OK);
    pixart_tensor_release(smaller);
    EXPECT(pixart_image_resize(parent.images, "{\"height\": 16, \"width\": 24}", &smaller) == PIXART_OK);
    pixart_tensor_release(smaller);
    embeddings_release(parent.both);
    pixart_tensor_release(parent.latents);
    pixart_tensor_release(parent.images);
}

/* A complete run on the child's own handles gives the parent's result. */
static void own_run(void) {
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_tensor *prompt, *latents, *images;
    EXPECT(pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder) == PIXART_OK);
    EXPECT(pixart_encode(encoder, PROMPT, NULL, NULL, NULL, &prompt) == PIXART_OK);
    EXPECT(equal(prompt, parent.both.prompt));
    pixart_encoder_release(encoder);
    EXPECT(pixart_denoiser_open(check_model(), NULL, NULL, NULL, &denoiser) == PIXART_OK);
    EXPECT(pixart_denoise(denoiser, prompt, parent.both.negative, SHORT, NULL, NULL, &latents) == PIXART_OK);
    EXPECT(equal(latents, parent.latents));
    pixart_denoiser_release(denoiser);
    EXPECT(pixart_decoder_open(check_model(), NULL, NULL, NULL, &decoder) == PIXART_OK);
    EXPECT(pixart_decode(decoder, latents, NULL, NULL, NULL, &images) == PIXART_OK);
    EXPECT(equal(images, parent.images));
    pixart_decoder_release(decoder);
    pixart_tensor_release(prompt);
    pixart_tensor_release(latents);
    pixart_tensor_release(images);
}

static void *encodes_often(void *encoder) {
    for (int i = 0; i < 60; i++) {
        pixart_tensor *out;
        EXPECT(pixart_encode(encoder, PROMPT, NULL, NULL, NULL, &out) == PIXART_OK);
        EXPECT(equal(out, parent.both.prompt));
        pixart_tensor_release(out);
    }
    return NULL;
}

/* The thread that forked and two others of the child share a handle. */
static void own_threads(void) {
    pthread_t threads[2];
    pixart_encoder *encoder;
    EXPECT(pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder) == PIXART_OK);
    for (int i = 0; i < 2; i++)
        EXPECT(!pthread_create(&threads[i], NULL, encodes_often, encoder));
    encodes_often(encoder);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pixart_encoder_release(encoder);
}

static void everything(void) {
    inherited_calls();
    own_run();
    release_all();
}

static void grandchildren(void) {
    everything();
    pid_t pid = start_child(inherited_calls, exit);
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
}

static void every_call_of_an_inherited_handle(void) {
    open_all();
    in_child(inherited_calls);
    in_child(inherited_tensors);
    in_child(own_run);
    in_child(own_threads);
    await(start_child(everything, exit));
    in_child(grandchildren);
    drive(parent.sampler); /* the parent's handles are as they were */
    pixart_tensor *latents = sampler_latents(parent.sampler);
    CHECK_SAME(latents, parent.latents);
    pixart_tensor_release(latents);
    release_all();
}

/* ---- Release ------------------------------------------------------------------------------------------------------
 */

enum { MOST = 8 };

static void *handles[MOST];
static void (*release_handle)(void *);
static int held;

static void release_forwards(void) {
    for (int i = 0; i < held; i++)
        release_handle(handles[i]);
}

static void release_backwards(void) {
    for (int i = held; i-- > 0;)
        release_handle(handles[i]);
}

static void release_some(void) {
    for (int i = 0; i < held; i += 2)
        release_handle(handles[i]);
}

static void release_in_grandchild(void) {
    pid_t pid = start_child(release_backwards, exit);
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    release_forwards();
}

static void *new_encoder(void) { return open_encoder(check_model()); }
static void *new_denoiser(void) { return open_denoiser(check_model()); }
static void *new_decoder(void) { return open_decoder(check_model()); }
static void *new_image_encoder(void) { return open_image_encoder(check_model()); }
static void *new_sampler(void) { return create_sampler(parent.denoiser, parent.both, SHORT); }
static void end_encoder(void *handle) { pixart_encoder_release(handle); }
static void end_denoiser(void *handle) { pixart_denoiser_release(handle); }
static void end_decoder(void *handle) { pixart_decoder_release(handle); }
static void end_image_encoder(void *handle) { pixart_image_encoder_release(handle); }
static void end_sampler(void *handle) { pixart_sampler_release(handle); }

static void any_number_in_any_order(void) {
    static const struct {
        void *(*open)(void);
        void (*release)(void *);
    } kinds[] = {{new_encoder, end_encoder},
                 {new_denoiser, end_denoiser},
                 {new_decoder, end_decoder},
                 {new_image_encoder, end_image_encoder},
                 {new_sampler, end_sampler}};
    static child *const orders[] = {release_forwards, release_backwards, release_some, release_in_grandchild};
    static const int counts[] = {1, 3, MOST};
    open_all();
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        for (size_t count = 0; count < sizeof counts / sizeof *counts; count++) {
            check_context("kind %zu, %d handles", kind, counts[count]);
            held = counts[count];
            release_handle = kinds[kind].release;
            for (int i = 0; i < held; i++)
                handles[i] = kinds[kind].open();
            for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
                in_child(orders[order]);
                await(start_child(orders[order], exit));
            }
            release_forwards();
        }
    release_all();
}

/* ---- fork() while other threads are inside calls -------------------------------------------------------------------
 */

enum { BUSY = 3, FORKS = 24 };

static atomic_int stop;

static void *busy(void *argument) {
    long kind = (long)argument;
    for (pixart_tensor *out; !stop; pixart_tensor_release(out)) {
        out = NULL;
        pixart_encoder *encoder = NULL;
        if (kind == 0)
            pixart_encode(parent.encoder, PROMPT, NULL, NULL, NULL, &out);
        else if (kind == 1)
            pixart_denoise(parent.denoiser, parent.both.prompt, parent.both.negative, SHORT, NULL, NULL, &out);
        else {
            pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder);
            pixart_decode(parent.decoder, parent.latents, NULL, NULL, NULL, &out);
            pixart_encoder_release(encoder);
        }
    }
    return NULL;
}

static void while_threads_are_inside_calls(void) {
    pthread_t threads[BUSY];
    open_all();
    stop = 0;
    for (long i = 0; i < BUSY; i++)
        REQUIRE(!pthread_create(&threads[i], NULL, busy, (void *)i));
    for (int i = 0; i < FORKS; i++) {
        check_context("fork %d", i);
        usleep(1000 * (unsigned)i);
        await(start_child(everything, i % 2 ? exit : _exit));
    }
    pid_t spawned;
    char *const command[] = {"true", NULL};
    for (int i = 0; i < 3; i++) {
        REQUIRE(!posix_spawnp(&spawned, "true", NULL, NULL, command, environ));
        await(spawned);
    }
    stop = 1;
    for (int i = 0; i < BUSY; i++)
        pthread_join(threads[i], NULL);
    release_all();
}

/* ---- fork() while another thread loads OpenBLAS ---------------------------------------------------------------------
 */

static void open_portable_decoder(void) {
    pixart_decoder *decoder;
    pixart_tensor *latents = blank_latents(), *images;
    EXPECT(pixart_decoder_open(check_model(), "{\"instructions\": \"portable\"}", NULL, NULL, &decoder) == PIXART_OK);
    EXPECT(pixart_decode(decoder, latents, NULL, NULL, NULL, &images) == PIXART_OK);
    release_tensors((pixart_tensor *[]){latents, images}, 2);
    pixart_decoder_release(decoder);
}

static void *opens_portable_decoder(void *unused) {
    open_portable_decoder();
    return unused;
}

static useconds_t delay;

/* A child, because OpenBLAS stays loaded. */
static void forks_while_it_loads(void) {
    pthread_t thread;
    EXPECT(!pthread_create(&thread, NULL, opens_portable_decoder, NULL));
    usleep(delay);
    pid_t pid = start_child(open_portable_decoder, _exit);
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    pthread_join(thread, NULL);
}

static void while_openblas_is_loaded(void) {
    for (delay = 0; delay < 12000; delay += 400) {
        check_context("after %d microseconds", (int)delay);
        in_child(forks_while_it_loads);
    }
}

/* ---- fork() inside a callback ---------------------------------------------------------------------------------------
 */

static int forks_at_first(void *left, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    if ((*(int *)left)-- > 0)
        in_child(everything);
    return 0;
}

static void inside_a_callback(void) {
    int left = 3;
    pixart_tensor *latents;
    open_all();
    CHECK_OK(pixart_denoise(parent.denoiser, parent.both.prompt, parent.both.negative, SHORT, forks_at_first, &left,
                            &latents));
    CHECK(left < 0);
    CHECK_SAME(latents, parent.latents);
    pixart_tensor_release(latents);
    release_all();
}

static const check_test tests[] = {
    {"every call of an inherited handle", every_call_of_an_inherited_handle},
    {"any number in any order", any_number_in_any_order},
    {"inside a callback", inside_a_callback},
    {"while threads are inside calls", while_threads_are_inside_calls},
    {"while OpenBLAS is loaded", while_openblas_is_loaded},
};
CHECK_MAIN(tests)
