/* Tensors that do not fit a verb. The message names the argument, what was found and what was expected. */
#include "stages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define F PIXART_FLOAT32
#define U PIXART_UINT8

/* A tensor that does not fit, and its description in the message. */
typedef struct {
    int32_t type;
    size_t rank;
    int64_t shape[5];
    const char *found;
} misfit;

static void embeddings_that_do_not_fit(void) {
    int64_t width = model_integer("text_encoder/config.json", "d_model");
    char expected[32], wide[32], narrow[32];
    snprintf(expected, sizeof expected, "%lld]", (long long)width);
    snprintf(wide, sizeof wide, "[3, %lld]", (long long)width + 1);
    snprintf(narrow, sizeof narrow, "[3, %lld]", (long long)width - 1);
    const misfit misfits[] = {
        {F, 2, {3, width + 1}, wide},
        {F, 2, {3, width - 1}, narrow},
        {F, 2, {3, 0}, "[3, 0]"},
        {F, 2, {0, width}, "[0, "},
        {F, 1, {width}, "["},
        {F, 3, {1, 3, width}, "[1, 3, "},
        {F, 0, {0}, "[]"},
        {U, 2, {3, width}, "uint8"},
    };
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        pixart_tensor *wrong = zeros(misfits[i].type, misfits[i].rank, misfits[i].shape), *out = wrong;
        pixart_sampler *sampler;
        const char *wanted = misfits[i].type == U ? "float32" : expected;
        check_context("%s", misfits[i].found);
        CHECK_FAILS(pixart_denoise(denoiser, wrong, both.negative, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT,
                    "prompt", misfits[i].found, wanted);
        CHECK(out == NULL);
        CHECK_FAILS(pixart_denoise(denoiser, both.prompt, wrong, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT,
                    "negative", misfits[i].found, wanted);
        CHECK_FAILS(pixart_sampler_create(denoiser, wrong, both.negative, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                    "prompt", misfits[i].found, wanted);
        CHECK(sampler == NULL);
        pixart_tensor_release(wrong);
    }
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void latents_that_do_not_fit(void) {
    int64_t c = model_integer("vae/config.json", "latent_channels");
    const misfit misfits[] = {
        {F, 4, {1, c + 1, 2, 2}, "[1, "}, {F, 4, {1, 2, 2, c}, "[1, 2, 2, "},
        {F, 3, {c, 2, 2}, "2, 2]"},       {F, 5, {1, 1, c, 2, 2}, "[1, 1, "},
        {F, 4, {1, c, 0, 2}, "0, 2]"},    {F, 4, {1, c, 2, 0}, "2, 0]"},
        {F, 4, {0, c, 2, 2}, "[0, "},     {F, 0, {0}, "[]"},
        {U, 4, {1, c, 2, 2}, "uint8"},
    };
    pixart_decoder *decoder = open_decoder(check_model());
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        pixart_tensor *wrong = zeros(misfits[i].type, misfits[i].rank, misfits[i].shape), *out = wrong;
        const char *wanted = misfits[i].type == U ? "float32" : "[B, ";
        check_context("%zu: %s", i, misfits[i].found);
        CHECK_FAILS(pixart_decode(decoder, wrong, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, "latents",
                    misfits[i].found, wanted);
        CHECK(out == NULL);
        pixart_tensor_release(wrong);
    }
    pixart_decoder_release(decoder);
}

/* A sampler accepts latents only in the shape of its run. */
static void given_latents_that_do_not_fit(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    pixart_tensor *noise = sampler_latents(sampler);
    const int64_t *s = pixart_tensor_shape(noise);
    const misfit misfits[] = {
        {F, 4, {s[0] + 1, s[1], s[2], s[3]}, "[2, "},
        {F, 4, {s[0], s[1] + 1, s[2], s[3]}, "[1, "},
        {F, 4, {s[0], s[1], s[2] + 1, s[3]}, "[1, "},
        {F, 4, {s[0], s[1], s[2], 0}, ", 0]"},
        {F, 3, {s[1], s[2], s[3]}, "["},
        {U, 4, {s[0], s[1], s[2], s[3]}, "uint8"},
    };
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        pixart_tensor *wrong = zeros(misfits[i].type, misfits[i].rank, misfits[i].shape);
        check_context("%zu", i);
        CHECK_FAILS(pixart_sampler_set_noise(sampler, wrong), PIXART_ERROR_ARGUMENT, "latents", misfits[i].found,
                    misfits[i].type == U ? "float32" : "[1, ");
        pixart_tensor_release(wrong);
    }
    pixart_tensor *kept = sampler_latents(sampler);
    CHECK_SAME(kept, noise);
    pixart_tensor_release(kept);
    pixart_tensor_release(noise);
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void images_that_do_not_fit(void) {
    static const misfit misfits[] = {
        {U, 4, {1, 2, 2, 4}, "[1, 2, 2, 4]"},       {U, 3, {2, 2, 1}, "[2, 2, 1]"},  {U, 2, {2, 2}, "[2, 2]"},
        {U, 5, {1, 1, 2, 2, 3}, "[1, 1, 2, 2, 3]"}, {U, 3, {0, 2, 3}, "[0, 2, 3]"},  {U, 4, {0, 2, 2, 3}, "0"},
        {U, 4, {1, 2, 0, 3}, "[1, 2, 0, 3]"},       {F, 4, {1, 2, 2, 3}, "float32"}, {U, 0, {0}, "[]"},
    };
    for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
        pixart_tensor *wrong = zeros(misfits[i].type, misfits[i].rank, misfits[i].shape);
        check_context("%zu", i);
        CHECK_FAILS(pixart_image_write(wrong, 0, "/nowhere/x.png", NULL), PIXART_ERROR_ARGUMENT, misfits[i].found);
        pixart_tensor_release(wrong);
    }
}

/* Latents that are not finite are refused with index and value. The largest finite ones are decoded. */
static void numbers_that_are_none(void) {
    int64_t c = model_integer("vae/config.json", "latent_channels"), shape[] = {1, c, 2, 2};
    size_t count = (size_t)c * 4;
    static const struct {
        float value;
        const char *name; /* NULL for finite */
    } rows[] = {{NAN, "nan"}, {INFINITY, "inf"}, {-INFINITY, "-inf"}, {3.4e38f, NULL}, {-3.4e38f, NULL}};
    pixart_decoder *decoder = open_decoder(check_model());
    float *data = malloc(count * sizeof *data);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pixart_tensor *latents, *images;
        for (size_t j = 0; j < count; j++)
            data[j] = j < 7 ? 0 : rows[i].value; /* the first one is [0, 1, 1, 1] */
        check_context("%g", rows[i].value);
        CHECK_OK(pixart_tensor_create(F, 4, shape, data, count * sizeof *data, &latents));
        if (rows[i].name) {
            CHECK_FAILS(pixart_decode(decoder, latents, NULL, NULL, NULL, &images), PIXART_ERROR_ARGUMENT,
                        "latents: element [0, 1, 1, 1] is ", rows[i].name, "expected a finite number");
            CHECK(images == NULL);
        } else {
            CHECK_OK(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
        }
        pixart_tensor_release(images);
        pixart_tensor_release(latents);
    }
    free(data);
    pixart_decoder_release(decoder);
}

/* A copy of a float32 tensor with another last element. */
static pixart_tensor *spoiled(const pixart_tensor *tensor, float value) {
    size_t size = pixart_tensor_size(tensor), rank = pixart_tensor_rank(tensor);
    float *data = malloc(size);
    pixart_tensor *out;
    memcpy(data, pixart_tensor_data(tensor), size);
    data[size / sizeof *data - 1] = value;
    CHECK_OK(pixart_tensor_create(F, rank, pixart_tensor_shape(tensor), data, size, &out));
    free(data);
    return out;
}

/* Embeddings and latents that start a run are refused in the same way, with the name of the argument. A negative prompt
 * that the run does not use is not checked. */
static void runs_from_numbers_that_are_none(void) {
    static const float values[] = {NAN, INFINITY, -INFINITY};
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        pixart_tensor *prompt = spoiled(both.prompt, values[i]), *negative = spoiled(both.negative, values[i]), *out;
        check_context("%g", values[i]);
        CHECK_FAILS(pixart_denoise(denoiser, prompt, both.negative, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT,
                    "prompt: element [", "expected a finite number");
        CHECK_FAILS(pixart_denoise(denoiser, both.prompt, negative, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT,
                    "negative: element [", "expected a finite number");
        CHECK_OK(pixart_denoise(denoiser, both.prompt, negative, RUN("\"guidance_scale\": 1"), NULL, NULL, &out));
        pixart_tensor_release(out);
        const pixart_tensor *prompts[] = {both.prompt, prompt};
        pixart_sampler *sampler;
        CHECK_FAILS(pixart_sampler_create_batch(denoiser, 2, prompts, NULL, RUN("\"guidance_scale\": 1"), &sampler),
                    PIXART_ERROR_ARGUMENT, "prompts[1]: element [");
        sampler = create_sampler(denoiser, both, RUN("\"strength\": 0.9"));
        pixart_tensor *latents = sampler_latents(sampler), *wrong = spoiled(latents, values[i]);
        CHECK_FAILS(pixart_sampler_set_noise(sampler, wrong), PIXART_ERROR_ARGUMENT, "latents: element [0, ");
        CHECK_FAILS(pixart_sampler_set_image_latents(sampler, wrong), PIXART_ERROR_ARGUMENT, "latents: element [0, ");
        pixart_tensor *after = sampler_latents(sampler);
        CHECK(equal(latents, after));
        pixart_sampler_release(sampler);
        release_tensors((pixart_tensor *[]){prompt, negative, latents, wrong, after}, 5);
    }
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static const check_test tests[] = {
    {"embeddings that do not fit", embeddings_that_do_not_fit},
    {"latents that do not fit", latents_that_do_not_fit},
    {"given latents that do not fit", given_latents_that_do_not_fit},
    {"images that do not fit", images_that_do_not_fit},
    {"numbers that are none", numbers_that_are_none},
    {"runs from numbers that are none", runs_from_numbers_that_are_none},
};
CHECK_MAIN(tests)
