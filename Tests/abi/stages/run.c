/* Complete runs from text to image: the same bytes every time, in one call or step by step. */
#include "folder.h"
#include "stages.h"

#include <json-c/json.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

/* Everything from text to images, with a run of SHORT. */
static pixart_tensor *image(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *latents = denoise(denoiser, both, SHORT);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *images = decode(decoder, latents);
    pixart_decoder_release(decoder);
    pixart_tensor_release(latents);
    return images;
}

static void shapes_follow_the_checkpoint(void) {
    embeddings both = encode_prompts(check_model());
    CHECK_EQUAL(pixart_tensor_type(both.prompt), PIXART_FLOAT32);
    CHECK_EQUAL(pixart_tensor_rank(both.prompt), 2);
    CHECK_EQUAL(pixart_tensor_shape(both.prompt)[1], model_integer("text_encoder/config.json", "d_model"));
    CHECK_EQUAL(pixart_tensor_shape(both.negative)[0], 1); /* "" is only the closing </s> */

    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *latents = denoise(denoiser, both, "{\"num_inference_steps\": 1}");
    int64_t side = model_integer("transformer/config.json", "sample_size");
    const int64_t *shape = pixart_tensor_shape(latents);
    CHECK_EQUAL(pixart_tensor_type(latents), PIXART_FLOAT32);
    CHECK_EQUAL(pixart_tensor_rank(latents), 4);
    CHECK_EQUAL(shape[0], 1);
    CHECK_EQUAL(shape[1], model_integer("transformer/config.json", "in_channels"));
    CHECK_EQUAL(shape[2], side);
    CHECK_EQUAL(shape[3], side);

    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *images = decode(decoder, latents);
    CHECK_EQUAL(pixart_tensor_type(images), PIXART_UINT8);
    CHECK_EQUAL(pixart_tensor_rank(images), 4);
    CHECK_EQUAL(pixart_tensor_shape(images)[0], 1);
    CHECK_EQUAL(pixart_tensor_shape(images)[1] % side, 0);
    CHECK_EQUAL(pixart_tensor_shape(images)[2], pixart_tensor_shape(images)[1]);
    CHECK_EQUAL(pixart_tensor_shape(images)[3], 3);

    pixart_tensor *floats;
    CHECK_OK(pixart_decode(decoder, latents, "{\"output_type\": \"float32\"}", NULL, NULL, &floats));
    const float *exact = pixart_tensor_data(floats);
    const unsigned char *rounded = pixart_tensor_data(images);
    REQUIRE(pixart_tensor_size(floats) == 4 * pixart_tensor_size(images));
    int far = 0;
    for (size_t i = 0; i < pixart_tensor_size(images); i++) {
        if (!(exact[i] >= 0 && exact[i] <= 1) || fabsf(exact[i] * 255 - rounded[i]) > 0.5001f)
            far++;
    }
    CHECK_EQUAL(far, 0);
    pixart_tensor_release(floats);
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
    pixart_decoder_release(decoder);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void runs_are_deterministic(void) {
    pixart_tensor *first = image(), *second = image();
    CHECK_SAME(first, second);
    pixart_tensor_release(first);
    pixart_tensor_release(second);
}

static void seeds_matter(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *seven = denoise(denoiser, both, SHORT);
    pixart_tensor *eight = denoise(denoiser, both, RUN("\"seed\": 8"));
    CHECK(memcmp(pixart_tensor_data(seven), pixart_tensor_data(eight), pixart_tensor_size(seven)) != 0);
    pixart_tensor_release(seven);
    pixart_tensor_release(eight);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void sampler_equals_denoise(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *whole = denoise(denoiser, both, SHORT);
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    CHECK_EQUAL(pixart_sampler_steps(sampler), STEPS);
    double before = INFINITY, timestep;
    for (int64_t i = 0; i < STEPS; i++) {
        CHECK_EQUAL(pixart_sampler_step_index(sampler), i);
        CHECK_OK(pixart_sampler_timestep(sampler, i, &timestep));
        CHECK(timestep >= 0 && timestep < before);
        before = timestep;
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    }
    CHECK_EQUAL(pixart_sampler_step_index(sampler), STEPS);
    CHECK_FAILS(pixart_sampler_step(sampler, NULL, NULL), PIXART_ERROR_STATE, "3");
    CHECK_FAILS(pixart_sampler_timestep(sampler, -1, &timestep), PIXART_ERROR_ARGUMENT, "index", "-1");
    CHECK_FAILS(pixart_sampler_timestep(sampler, STEPS, &timestep), PIXART_ERROR_ARGUMENT, "index", "3");
    CHECK_FAILS(pixart_sampler_timestep(sampler, INT64_MIN, &timestep), PIXART_ERROR_ARGUMENT, "index");
    pixart_tensor *driven = sampler_latents(sampler);
    CHECK_SAME(whole, driven);
    pixart_tensor_release(whole);
    pixart_tensor_release(driven);
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* Two samplers of one denoiser that advance in turns do not affect each other. */
static void samplers_interleave(void) {
    static const char *const options[] = {SHORT, RUN("\"seed\": 8, \"guidance_scale\": 2")};
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *samplers[2];
    for (int i = 0; i < 2; i++)
        samplers[i] = create_sampler(denoiser, both, options[i]);
    for (int step = 0; step < STEPS; step++)
        for (int i = 0; i < 2; i++)
            CHECK_OK(pixart_sampler_step(samplers[i], NULL, NULL));
    for (int i = 0; i < 2; i++) {
        pixart_tensor *alone = denoise(denoiser, both, options[i]), *turns = sampler_latents(samplers[i]);
        CHECK_SAME(alone, turns);
        pixart_tensor_release(alone);
        pixart_tensor_release(turns);
        pixart_sampler_release(samplers[i]);
    }
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* A sampler with another's noise runs as the other does, whatever its seed. */
static void latents_may_be_given(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *giver = create_sampler(denoiser, both, SHORT);
    pixart_sampler *taker = create_sampler(denoiser, both, RUN("\"seed\": 99"));
    pixart_tensor *noise = sampler_latents(giver);
    CHECK_OK(pixart_sampler_set_noise(taker, noise));
    pixart_tensor *taken = sampler_latents(taker);
    CHECK_SAME(noise, taken);
    drive(giver);
    drive(taker);
    pixart_tensor *expected = sampler_latents(giver), *found = sampler_latents(taker);
    CHECK_SAME(found, expected);
    CHECK_FAILS(pixart_sampler_set_noise(taker, noise), PIXART_ERROR_STATE, "step");
    pixart_tensor *kept = sampler_latents(taker);
    CHECK_SAME(kept, expected);
    pixart_tensor *tensors[] = {noise, taken, expected, found, kept};
    for (int i = 0; i < 5; i++)
        pixart_tensor_release(tensors[i]);
    pixart_sampler_release(giver);
    pixart_sampler_release(taker);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* A batch equals its images one by one. */
static void batches_equal_single_runs(void) {
    static const char *const singles[] = {RUN("\"seed\": 7"), RUN("\"seed\": 18446744073709551615"),
                                          RUN("\"seed\": 0")};
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *batch =
        denoise(denoiser, both, RUN("\"num_images_per_prompt\": 3, \"seed\": [7, 18446744073709551615, 0]"));
    CHECK_EQUAL(pixart_tensor_shape(batch)[0], 3);
    for (int i = 0; i < 3; i++) {
        pixart_tensor *single = denoise(denoiser, both, singles[i]);
        float error = batch_error(batch, i, single);
        check_context("image %d: off by %g", i, error);
        CHECK(error <= BATCH_BOUND);
        pixart_tensor_release(single);
    }
    pixart_tensor_release(batch);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void guidance_of_one_needs_no_negative(void) {
    const char *options = RUN("\"guidance_scale\": 1.0");
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *with, *without;
    CHECK_OK(pixart_denoise(denoiser, both.prompt, both.negative, options, NULL, NULL, &with));
    CHECK_OK(pixart_denoise(denoiser, both.prompt, NULL, options, NULL, NULL, &without));
    CHECK_SAME(with, without);
    pixart_tensor_release(with);
    pixart_tensor_release(without);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* A saved and loaded embedding equals the original. */
static void embeddings_survive_the_disk(void) {
    char path[FOLDER_PATH + 32];
    folder_temporary(path);
    strcat(path, "/embeddings.safetensors");
    embeddings both = encode_prompts(check_model()), loaded;
    const char *names[] = {"prompt", "negative"};
    CHECK_OK(pixart_tensors_save(path, 2, names, (const pixart_tensor *[]){both.prompt, both.negative}));
    pixart_tensor *out[2];
    CHECK_OK(pixart_tensors_load(path, 2, names, out));
    loaded = (embeddings){out[0], out[1]};
    CHECK_SAME(both.prompt, loaded.prompt);
    CHECK_SAME(both.negative, loaded.negative);
    embeddings_release(both);
    embeddings_release(loaded);
    *strrchr(path, '/') = 0;
    folder_remove(path);
}

static void tokenize_reports(void) {
    pixart_encoder *encoder = open_encoder(check_model());
    char *report;
    CHECK_OK(pixart_encoder_tokenize(encoder, PROMPT, NULL, &report));
    json_object *json = json_tokener_parse(report), *value = NULL;
    pixart_string_release(report);
    REQUIRE(json != NULL);
    REQUIRE(json_object_object_get_ex(json, "text", &value));
    CHECK_TEXT(json_object_get_string(value), PROMPT);
    REQUIRE(json_object_object_get_ex(json, "ids", &value));
    size_t tokens = json_object_array_length(value);
    CHECK_EQUAL(json_object_get_int(json_object_array_get_idx(value, tokens - 1)), 1);
    REQUIRE(json_object_object_get_ex(json, "pieces", &value));
    CHECK_EQUAL(json_object_array_length(value), tokens);
    REQUIRE(json_object_object_get_ex(json, "offsets", &value));
    CHECK_EQUAL(json_object_array_length(value), tokens);
    int end = 0;
    for (size_t i = 0; i < tokens; i++) {
        json_object *range = json_object_array_get_idx(value, i);
        CHECK_EQUAL(json_object_array_length(range), 2);
        CHECK_EQUAL(json_object_get_int(json_object_array_get_idx(range, 0)), end);
        end = json_object_get_int(json_object_array_get_idx(range, 1));
    }
    CHECK_EQUAL(end, strlen(PROMPT));
    REQUIRE(json_object_object_get_ex(json, "truncated_tokens", &value));
    CHECK_EQUAL(json_object_get_int(value), 0);
    pixart_tensor *embedding = encode(encoder, PROMPT);
    CHECK_EQUAL(pixart_tensor_shape(embedding)[0], tokens);
    pixart_tensor_release(embedding);
    json_object_put(json);

    CHECK_OK(pixart_encoder_tokenize(encoder, "one two three four five", "{\"max_sequence_length\": 3}", &report));
    json = json_tokener_parse(report);
    pixart_string_release(report);
    REQUIRE(json_object_object_get_ex(json, "ids", &value));
    CHECK_EQUAL(json_object_array_length(value), 3);
    REQUIRE(json_object_object_get_ex(json, "max_sequence_length", &value));
    CHECK_EQUAL(json_object_get_int(value), 3);
    REQUIRE(json_object_object_get_ex(json, "truncated_tokens", &value));
    CHECK(json_object_get_int(value) > 0);
    REQUIRE(json_object_object_get_ex(json, "truncated_text", &value));
    CHECK(strstr(json_object_get_string(value), "five") != NULL);
    json_object_put(json);
    pixart_encoder_release(encoder);
}

/* The PNG file contains the image's pixels and its text. */
static void images_are_written(void) {
    char folder[FOLDER_PATH], path[FOLDER_PATH + 32];
    folder_temporary(folder);
    snprintf(path, sizeof path, "%s/image.png", folder);
    pixart_tensor *images = image();
    CHECK_OK(pixart_image_write(images, 0, path, "{\"text\": {\"prompt\": \"a c\xc3\xa5t\", \"seed\": \"7\"}}"));

    png_image png = {.version = PNG_IMAGE_VERSION};
    REQUIRE(png_image_begin_read_from_file(&png, path));
    CHECK_EQUAL(png.height, pixart_tensor_shape(images)[1]);
    CHECK_EQUAL(png.width, pixart_tensor_shape(images)[2]);
    CHECK_EQUAL(png.format, PNG_FORMAT_RGB);
    unsigned char *pixels = malloc(PNG_IMAGE_SIZE(png));
    REQUIRE(pixels && png_image_finish_read(&png, NULL, pixels, 0, NULL));
    REQUIRE(PNG_IMAGE_SIZE(png) == pixart_tensor_size(images));
    CHECK(memcmp(pixels, pixart_tensor_data(images), pixart_tensor_size(images)) == 0);
    free(pixels);

    size_t size;
    char *bytes = folder_read(folder, "image.png", &size);
    int found = 0;
    for (size_t i = 0; i + 7 < size; i++)
        found |= !memcmp(bytes + i, "prompt", 7);
    CHECK(found);
    free(bytes);

    CHECK_FAILS(pixart_image_write(images, 1, path, NULL), PIXART_ERROR_ARGUMENT, "index", "1");
    CHECK_FAILS(pixart_image_write(images, SIZE_MAX, path, NULL), PIXART_ERROR_ARGUMENT, "index");
    CHECK_EQUAL(folder_count(folder), 1);
    pixart_tensor_release(images);
    folder_remove(folder);
}

static const check_test tests[] = {
    {"shapes follow the checkpoint", shapes_follow_the_checkpoint},
    {"two runs are equal bit for bit", runs_are_deterministic},
    {"another seed, another image", seeds_matter},
    {"driving a sampler equals denoise", sampler_equals_denoise},
    {"samplers interleave", samplers_interleave},
    {"latents may be given", latents_may_be_given},
    {"a batch equals single runs within 2e-5", batches_equal_single_runs},
    {"guidance of one needs no negative", guidance_of_one_needs_no_negative},
    {"embeddings survive the disk", embeddings_survive_the_disk},
    {"tokenize reports what encode encodes", tokenize_reports},
    {"images are written", images_are_written},
};
CHECK_MAIN(tests)
