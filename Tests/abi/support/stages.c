#include "stages.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

pixart_encoder *open_encoder(const char *model) {
    pixart_encoder *encoder;
    CHECK_OK(pixart_encoder_open(model, NULL, NULL, NULL, &encoder));
    return encoder;
}

pixart_denoiser *open_denoiser(const char *model) {
    pixart_denoiser *denoiser;
    CHECK_OK(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    return denoiser;
}

pixart_decoder *open_decoder(const char *model) {
    pixart_decoder *decoder;
    CHECK_OK(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    return decoder;
}

pixart_image_encoder *open_image_encoder(const char *model) {
    pixart_image_encoder *encoder;
    CHECK_OK(pixart_image_encoder_open(model, NULL, NULL, NULL, &encoder));
    return encoder;
}

pixart_tensor *encode(const pixart_encoder *encoder, const char *prompt) {
    pixart_tensor *embedding;
    CHECK_OK(pixart_encode(encoder, prompt, NULL, NULL, NULL, &embedding));
    return embedding;
}

embeddings encode_prompts(const char *model) {
    pixart_encoder *encoder = open_encoder(model);
    embeddings both = {encode(encoder, PROMPT), encode(encoder, "")};
    pixart_encoder_release(encoder);
    return both;
}

void embeddings_release(embeddings both) {
    pixart_tensor_release(both.prompt);
    pixart_tensor_release(both.negative);
}

pixart_tensor *denoise(const pixart_denoiser *denoiser, embeddings both, const char *options) {
    pixart_tensor *latents;
    CHECK_OK(pixart_denoise(denoiser, both.prompt, both.negative, options, NULL, NULL, &latents));
    return latents;
}

pixart_sampler *create_sampler(const pixart_denoiser *denoiser, embeddings both, const char *options) {
    pixart_sampler *sampler;
    CHECK_OK(pixart_sampler_create(denoiser, both.prompt, both.negative, options, &sampler));
    return sampler;
}

void drive(pixart_sampler *sampler) {
    while (pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler))
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
}

pixart_tensor *sampler_latents(const pixart_sampler *sampler) {
    pixart_tensor *latents;
    CHECK_OK(pixart_sampler_latents(sampler, &latents));
    return latents;
}

pixart_tensor *sampler_estimate(const pixart_sampler *sampler) {
    pixart_tensor *latents;
    CHECK_OK(pixart_sampler_predicted_original(sampler, &latents));
    return latents;
}

pixart_tensor *finish(pixart_sampler *sampler) {
    drive(sampler);
    pixart_tensor *latents = sampler_latents(sampler);
    pixart_sampler_release(sampler);
    return latents;
}

int equal(const pixart_tensor *a, const pixart_tensor *b) {
    return pixart_tensor_size(a) == pixart_tensor_size(b) &&
           !memcmp(pixart_tensor_data(a), pixart_tensor_data(b), pixart_tensor_size(a));
}

float batch_error(const pixart_tensor *batch, int64_t index, const pixart_tensor *single) {
    size_t count = pixart_tensor_size(single) / sizeof(float), first = count * (size_t)index;
    REQUIRE(pixart_tensor_shape(single)[0] == 1 && index < pixart_tensor_shape(batch)[0]);
    REQUIRE(pixart_tensor_size(batch) == (size_t)pixart_tensor_shape(batch)[0] * pixart_tensor_size(single));
    const float *a = (const float *)pixart_tensor_data(batch) + first, *b = pixart_tensor_data(single);
    float far = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        far = fmaxf(far, fabsf(a[i] - b[i]));
        largest = fmaxf(largest, fabsf(b[i]));
    }
    return far / largest;
}

pixart_tensor *decode(const pixart_decoder *decoder, const pixart_tensor *latents) {
    pixart_tensor *images;
    CHECK_OK(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
    return images;
}

pixart_tensor *zeros(int32_t type, size_t rank, const int64_t *shape) {
    size_t size = type == PIXART_FLOAT32 ? 4 : 1;
    for (size_t i = 0; i < rank; i++)
        size *= (size_t)shape[i];
    void *data = calloc(size + 1, 1);
    pixart_tensor *tensor;
    pixart_status status = pixart_tensor_create(type, rank, shape, data, size, &tensor);
    free(data);
    CHECK_OK(status);
    return tensor;
}

void release_tensors(pixart_tensor **tensors, int count) {
    for (int i = 0; i < count; i++)
        pixart_tensor_release(tensors[i]);
}

pixart_tensor *colours(size_t rank, const int64_t *shape) {
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    unsigned char *bytes = malloc(count);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(127 + 120 * sin((double)i * 0.013 + (double)(i % 3)));
    pixart_tensor *images;
    pixart_status status = pixart_tensor_create(PIXART_UINT8, rank, shape, bytes, count, &images);
    free(bytes);
    CHECK_OK(status);
    return images;
}

pixart_tensor *blank_latents(void) {
    return zeros(PIXART_FLOAT32, 4, (int64_t[]){1, model_integer("vae/config.json", "latent_channels"), 2, 2});
}

int64_t model_integer(const char *file, const char *key) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", check_model(), file);
    json_object *config = json_object_from_file(path), *value = NULL;
    REQUIRE(config && json_object_object_get_ex(config, key, &value));
    int64_t integer = json_object_get_int64(value);
    json_object_put(config);
    return integer;
}

void write_edge_detector(const char *path) {
    static const struct {
        int64_t channels;
        int convolutions;
    } levels[] = {{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
    enum { LEVELS = 5, TENSORS = 1 + 2 * (2 + 2 + 3 + 3 + 3 + LEVELS), NAME = 32 };
    char names[TENSORS][NAME] = {"norm"};
    pixart_tensor *tensors[TENSORS] = {zeros(PIXART_FLOAT32, 4, (int64_t[]){1, 3, 1, 1})};
    const char *all[TENSORS];
    int count = 1;
    int64_t inputs = 3;
    for (int level = 0; level < LEVELS; level++) {
        int64_t channels = levels[level].channels;
        for (int i = 0; i <= levels[level].convolutions; i++) {
            int projects = i == levels[level].convolutions;
            int64_t outputs = projects ? 1 : channels, side = projects ? 1 : 3;
            char layer[NAME - 8];
            if (projects)
                snprintf(layer, sizeof layer, "block%d.projection", level + 1);
            else
                snprintf(layer, sizeof layer, "block%d.convs.%d", level + 1, i);
            snprintf(names[count], NAME, "%s.weight", layer);
            tensors[count++] = zeros(PIXART_FLOAT32, 4, (int64_t[]){outputs, inputs, side, side});
            snprintf(names[count], NAME, "%s.bias", layer);
            tensors[count++] = zeros(PIXART_FLOAT32, 1, &outputs);
            inputs = channels;
        }
    }
    for (int i = 0; i < TENSORS; i++)
        all[i] = names[i];
    CHECK_OK(pixart_tensors_save(path, TENSORS, all, (const pixart_tensor *const *)tensors));
    release_tensors(tensors, TENSORS);
}
