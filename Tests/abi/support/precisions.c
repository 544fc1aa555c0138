#include "precisions.h"

#include <math.h>
#include <stdlib.h>

const precision precisions[PRECISIONS] = {
    {"float32", 0, 0, 0},
    {"bfloat16", 0.004, 0.01, 2},
    {"int8", 0.02, 0.1, 10},
    {"int4", 0.15, 0.3, 20},
};

results run_stages(const char *model, const char *options, const char *decoder) {
    results r;
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *vae;
    CHECK_OK(pixart_encoder_open(model, options, NULL, NULL, &encoder));
    r.embedding = encode(encoder, PROMPT);
    embeddings both = {r.embedding, encode(encoder, "")};
    pixart_encoder_release(encoder);
    CHECK_OK(pixart_denoiser_open(model, options, NULL, NULL, &denoiser));
    r.latents = denoise(denoiser, both, SHORT);
    pixart_denoiser_release(denoiser);
    pixart_tensor_release(both.negative);
    CHECK_OK(pixart_decoder_open(model, decoder, NULL, NULL, &vae));
    r.images = decode(vae, r.latents);
    pixart_decoder_release(vae);
    return r;
}

void results_release(results r) {
    pixart_tensor_release(r.embedding);
    pixart_tensor_release(r.latents);
    pixart_tensor_release(r.images);
}

double relative_error(const pixart_tensor *found, const pixart_tensor *expected) {
    REQUIRE(pixart_tensor_size(found) == pixart_tensor_size(expected));
    const float *a = pixart_tensor_data(found), *b = pixart_tensor_data(expected);
    double difference = 0, size = 0;
    for (size_t i = 0; i < pixart_tensor_size(found) / 4; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(difference / size);
}

/* The root mean square difference of two images, in steps of 255. */
static double image_error(const pixart_tensor *found, const pixart_tensor *expected) {
    REQUIRE(pixart_tensor_size(found) == pixart_tensor_size(expected));
    const unsigned char *a = pixart_tensor_data(found), *b = pixart_tensor_data(expected);
    double sum = 0;
    for (size_t i = 0; i < pixart_tensor_size(found); i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)pixart_tensor_size(found));
}

/* `error` is at most `bound`, and above zero if the bound is. */
static void within(const char *what, double error, double bound) {
    check_context("%s: %g, at most %g", what, error, bound);
    CHECK(error <= bound);
    CHECK((error > 0) == (bound > 0));
}

void check_close(results found, results original, const precision *bounds) {
    within("embedding", relative_error(found.embedding, original.embedding), bounds->embedding);
    within("latents", relative_error(found.latents, original.latents), bounds->latents);
    within("images", image_error(found.images, original.images), bounds->images);
}
