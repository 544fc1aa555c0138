/* A host of release 1.0: it calls every function of its header once, and is compiled against that header alone.
 *
 *     host MODEL FOLDER
 *
 * Prints a line for each call that did not do what it did in 1.0, and nothing else. */
#include "pixart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

/* Reports a call whose condition is false. */
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            failures++;                                                                                                \
            printf("line %d: %s (%s)\n", __LINE__, #condition, pixart_error_message());                                \
        }                                                                                                              \
    } while (0)

/* The same for a call that must succeed; without its result the rest makes no sense. */
#define REQUIRE(call)                                                                                                  \
    do {                                                                                                               \
        if ((call) != PIXART_OK) {                                                                                     \
            printf("line %d: %s: %s\n", __LINE__, #call, pixart_error_message());                                      \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static char *report;

/* Whether a call wrote a report in JSON. Releases it. */
static int reported(pixart_status status) {
    int good = status == PIXART_OK && report && (report[0] == '{' || report[0] == '[');
    pixart_string_release(report);
    report = NULL;
    return good;
}

static int32_t count_calls(void *context, int64_t step, int64_t steps, double fraction) {
    ++*(int *)context;
    return step > steps || fraction < 0 || fraction > 1;
}

static const char *in_folder(const char *folder, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static pixart_tensor *prompt, *negative, *latents, *images;

static void check_basics(void) {
    EXPECT(strncmp(pixart_version(), "1.", 2) == 0);
    EXPECT(strcmp(pixart_status_name(PIXART_OK), "PIXART_OK") == 0);
    EXPECT(pixart_options_schema("denoise")[0] == '{');
    pixart_encoder *none;
    EXPECT(pixart_encoder_open("/nowhere", NULL, NULL, NULL, &none) != PIXART_OK && !none);
    EXPECT(strstr(pixart_error_message(), "/nowhere") != NULL);
}

static void check_encoder(const char *model) {
    int calls = 0;
    pixart_encoder *encoder;
    REQUIRE(pixart_encoder_open(model, NULL, count_calls, &calls, &encoder));
    REQUIRE(pixart_encode(encoder, "a red apple", NULL, count_calls, &calls, &prompt));
    REQUIRE(pixart_encode(encoder, "", NULL, NULL, NULL, &negative));
    EXPECT(calls > 0);
    EXPECT(reported(pixart_encoder_tokenize(encoder, "a red apple", NULL, &report)));
    EXPECT(reported(pixart_encoder_memory(encoder, NULL, &report)));
    EXPECT(reported(pixart_encoder_profile(encoder, &report)));
    EXPECT(reported(pixart_encoder_report(encoder, &report)));
    pixart_encoder_release(encoder);
}

static void check_tensors(const char *folder) {
    int64_t shape[] = {2, 3};
    float values[] = {0, 1, 2, 3, 4, 5};
    pixart_tensor *tensor, *loaded;
    REQUIRE(pixart_tensor_create(PIXART_FLOAT32, 2, shape, values, sizeof values, &tensor));
    EXPECT(pixart_tensor_type(tensor) == PIXART_FLOAT32 && pixart_tensor_rank(tensor) == 2);
    EXPECT(pixart_tensor_shape(tensor)[1] == 3 && pixart_tensor_size(tensor) == sizeof values);
    const char *path = in_folder(folder, "t.safetensors"), *name = "t";
    const pixart_tensor *saved = tensor;
    REQUIRE(pixart_tensors_save(path, 1, &name, &saved));
    REQUIRE(pixart_tensors_load(path, 1, &name, &loaded));
    EXPECT(memcmp(pixart_tensor_data(loaded), values, sizeof values) == 0);
    EXPECT(reported(pixart_tensors_list(path, &report)));
    pixart_tensor_release(tensor);
    pixart_tensor_release(loaded);
}

/* Runs a sampler to its end, and checks what it says of itself. */
static void check_sampler(pixart_sampler *sampler, int64_t steps) {
    double timestep;
    pixart_tensor *original, *preview;
    EXPECT(pixart_sampler_steps(sampler) == steps && pixart_sampler_step_index(sampler) == 0);
    EXPECT(pixart_sampler_timestep(sampler, 0, &timestep) == PIXART_OK && timestep > 0);
    for (int64_t step = 0; step < steps; step++)
        REQUIRE(pixart_sampler_step(sampler, NULL, NULL));
    EXPECT(pixart_sampler_step_index(sampler) == steps);
    EXPECT(pixart_sampler_predicted_original(sampler, &original) == PIXART_OK);
    EXPECT(pixart_sampler_preview(sampler, NULL, &preview) == PIXART_OK);
    pixart_tensor_release(original);
    pixart_tensor_release(preview);
    pixart_sampler_release(sampler);
}

static void check_denoiser(const char *model) {
    const pixart_tensor *prompts[] = {prompt, prompt}, *negatives[] = {negative, negative};
    pixart_denoiser *denoiser;
    pixart_sampler *sampler;
    pixart_tensor *noise;
    REQUIRE(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    REQUIRE(
        pixart_denoise(denoiser, prompt, negative, "{\"seed\": 1, \"num_inference_steps\": 3}", NULL, NULL, &latents));
    REQUIRE(pixart_sampler_create(denoiser, prompt, negative, "{\"seed\": 1, \"num_inference_steps\": 3}", &sampler));
    EXPECT(pixart_sampler_latents(sampler, &noise) == PIXART_OK);
    EXPECT(pixart_sampler_set_noise(sampler, noise) == PIXART_OK);
    /* Without a ControlNet, a control image is refused. */
    EXPECT(pixart_sampler_set_control(sampler, latents) != PIXART_OK);
    pixart_tensor_release(noise);
    check_sampler(sampler, 3);
    REQUIRE(pixart_sampler_create_batch(denoiser, 2, prompts, negatives, "{\"num_inference_steps\": 2}", &sampler));
    check_sampler(sampler, 2);
    EXPECT(reported(pixart_denoiser_memory(denoiser, NULL, &report)));
    EXPECT(reported(pixart_denoiser_profile(denoiser, &report)));
    EXPECT(reported(pixart_denoiser_report(denoiser, &report)));
    pixart_denoiser_release(denoiser);
}

static void check_decoder(const char *model) {
    pixart_decoder *decoder;
    REQUIRE(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    REQUIRE(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
    EXPECT(pixart_tensor_type(images) == PIXART_UINT8 && pixart_tensor_shape(images)[3] == 3);
    EXPECT(reported(pixart_decoder_memory(decoder, NULL, &report)));
    EXPECT(reported(pixart_decoder_profile(decoder, &report)));
    EXPECT(reported(pixart_decoder_report(decoder, &report)));
    pixart_decoder_release(decoder);
}

static void check_images(const char *folder) {
    const int64_t *shape = pixart_tensor_shape(images);
    const char *path = in_folder(folder, "i.png");
    pixart_tensor *file, *read, *again, *small, *mask, *blend, *edges;
    REQUIRE(pixart_image_write(images, 0, path, NULL));
    REQUIRE(pixart_image_read(path, NULL, &read));
    EXPECT(pixart_tensor_size(read) == pixart_tensor_size(images));
    EXPECT(memcmp(pixart_tensor_data(read), pixart_tensor_data(images), pixart_tensor_size(images)) == 0);
    REQUIRE(pixart_image_write_memory(images, 0, NULL, &file));
    REQUIRE(pixart_image_read_memory(pixart_tensor_data(file), pixart_tensor_size(file), NULL, &again));
    EXPECT(memcmp(pixart_tensor_data(again), pixart_tensor_data(images), pixart_tensor_size(images)) == 0);
    REQUIRE(pixart_image_resize(images, "{\"height\": 32, \"width\": 16}", &small));
    EXPECT(pixart_tensor_shape(small)[1] == 32 && pixart_tensor_shape(small)[2] == 16);
    int64_t area[] = {shape[1], shape[2]};
    size_t size = (size_t)(area[0] * area[1]);
    unsigned char *bytes = calloc(size, 1);
    REQUIRE(pixart_tensor_create(PIXART_UINT8, 2, area, bytes, size, &mask));
    free(bytes);
    EXPECT(pixart_image_blend(images, read, mask, &blend) == PIXART_OK);
    EXPECT(pixart_image_edges(images, "/nowhere", NULL, NULL, NULL, &edges) != PIXART_OK && !edges);
    pixart_tensor *made[] = {file, read, again, small, blend};
    for (size_t index = 0; index < sizeof made / sizeof *made; index++)
        pixart_tensor_release(made[index]);
    pixart_tensor_release(mask);
}

static void check_image_to_image(const char *model) {
    const int64_t *shape = pixart_tensor_shape(images);
    pixart_image_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_sampler *sampler;
    pixart_tensor *encoded, *mask;
    REQUIRE(pixart_image_encoder_open(model, NULL, NULL, NULL, &encoder));
    REQUIRE(pixart_image_encode(encoder, images, NULL, NULL, NULL, &encoded));
    EXPECT(reported(pixart_image_encoder_memory(encoder, NULL, &report)));
    EXPECT(reported(pixart_image_encoder_profile(encoder, &report)));
    EXPECT(reported(pixart_image_encoder_report(encoder, &report)));
    pixart_image_encoder_release(encoder);
    int64_t area[] = {shape[1], shape[2]};
    size_t size = (size_t)(area[0] * area[1]);
    unsigned char *bytes = malloc(size);
    memset(bytes, 255, size);
    REQUIRE(pixart_tensor_create(PIXART_UINT8, 2, area, bytes, size, &mask));
    free(bytes);
    REQUIRE(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    REQUIRE(
        pixart_sampler_create(denoiser, prompt, negative, "{\"num_inference_steps\": 4, \"strength\": 0.5}", &sampler));
    EXPECT(pixart_sampler_set_image_latents(sampler, encoded) == PIXART_OK);
    EXPECT(pixart_sampler_set_mask(sampler, mask) == PIXART_OK);
    check_sampler(sampler, 2);
    pixart_denoiser_release(denoiser);
    pixart_tensor_release(encoded);
    pixart_tensor_release(mask);
}

static void check_checkpoints(const char *model, const char *folder) {
    EXPECT(reported(pixart_inspect(model, NULL, &report)));
    EXPECT(reported(pixart_memory_estimate(model, "{\"stage\": \"denoise\"}", &report)));
    EXPECT(pixart_convert(model, in_folder(folder, "int8"), "{\"weights\": \"int8\"}", NULL, NULL) == PIXART_OK);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    check_basics();
    check_encoder(argv[1]);
    check_tensors(argv[2]);
    check_denoiser(argv[1]);
    check_decoder(argv[1]);
    check_images(argv[2]);
    check_image_to_image(argv[1]);
    check_checkpoints(argv[1], argv[2]);
    pixart_tensor *made[] = {prompt, negative, latents, images};
    for (size_t index = 0; index < sizeof made / sizeof *made; index++)
        pixart_tensor_release(made[index]);
    return failures != 0;
}
