/* The predicted original of a run after each step, and its preview. */
#include "damage.h"
#include "folder.h"
#include "stages.h"

#include <math.h>
#include <stdio.h>

enum { CELLS = 8 };

#define FOUR(more) "{\"num_inference_steps\": 4, \"height\": 64, \"width\": 64, \"seed\": 7, " more "}"

static struct {
    pixart_denoiser *denoiser;
    embeddings both;
    int64_t channels;
} open;

static void open_model(void) {
    open.both = encode_prompts(check_model());
    open.denoiser = open_denoiser(check_model());
    open.channels = model_integer("transformer/config.json", "in_channels");
}

static void close_model(void) {
    pixart_denoiser_release(open.denoiser);
    embeddings_release(open.both);
}

static pixart_tensor *preview(const pixart_sampler *sampler, const char *options) {
    pixart_tensor *image;
    CHECK_OK(pixart_sampler_preview(sampler, options, &image));
    return image;
}

/* The predicted original exists after a step, changes from step to step, and is the result of a run that ends at it. */
static void estimates_of_a_run(void) {
    open_model();
    pixart_sampler *sampler = create_sampler(open.denoiser, open.both, FOUR("\"result\": \"predicted_original\""));
    pixart_tensor *out, *estimates[4];
    CHECK_FAILS(pixart_sampler_predicted_original(sampler, &out), PIXART_ERROR_STATE, "first step");
    CHECK(out == NULL);
    CHECK_FAILS(pixart_sampler_preview(sampler, NULL, &out), PIXART_ERROR_STATE, "first step");
    CHECK(out == NULL);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
        estimates[i] = sampler_estimate(sampler);
        CHECK(i == 0 || !equal(estimates[i], estimates[i - 1]));
        pixart_tensor *latents = sampler_latents(sampler);
        CHECK_EQUAL(equal(estimates[i], latents), i == 3);
        pixart_tensor_release(latents);
    }
    release_tensors(estimates, 4);
    pixart_sampler_release(sampler);
    close_model();
}

/* A preview is the rounded linear map of its options. */
static void previews_are_linear(void) {
    open_model();
    pixart_sampler *sampler = create_sampler(open.denoiser, open.both, FOUR("\"num_images_per_prompt\": 2"));
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    char options[1024] = "{\"rgb_bias\": [-0.25, 0, 0.5], \"rgb_factors\": [", *end = options + strlen(options);
    for (int64_t c = 0; c < open.channels; c++)
        end += sprintf(end, "%s[%g, %g, %g]", c ? ", " : "", 0.25 * (double)c, -0.125, c == 2 ? 0.5 : 0.0);
    strcpy(end, "]}");
    pixart_tensor *image = preview(sampler, options), *estimate = sampler_estimate(sampler);
    const int64_t *shape = pixart_tensor_shape(image);
    CHECK_EQUAL(pixart_tensor_type(image), PIXART_UINT8);
    CHECK_EQUAL(pixart_tensor_rank(image), 4);
    CHECK(shape[0] == 2 && shape[1] == CELLS && shape[2] == CELLS && shape[3] == 3);
    const unsigned char *found = pixart_tensor_data(image);
    const float *x = pixart_tensor_data(estimate);
    int wrong = 0, plane = CELLS * CELLS;
    for (int i = 0; i < 2 * plane; i++) {
        double rgb[3] = {-0.25, 0, 0.5};
        for (int64_t c = 0; c < open.channels; c++) {
            double value = x[(i / plane * open.channels + c) * plane + i % plane];
            rgb[0] += 0.25 * (double)c * value, rgb[1] -= 0.125 * value, rgb[2] += c == 2 ? 0.5 * value : 0;
        }
        for (int k = 0; k < 3; k++)
            wrong += fabs(fmin(fmax(rgb[k] / 2 + 0.5, 0), 1) * 255 - found[3 * i + k]) > 0.501;
    }
    CHECK_EQUAL(wrong, 0);

    /* The model's own map, and its bias alone. */
    pixart_tensor *own = preview(sampler, NULL), *shifted = preview(sampler, "{\"rgb_bias\": [3e5, -3e5, 3e5]}");
    CHECK(!equal(own, image) && !equal(own, shifted));
    found = pixart_tensor_data(shifted);
    for (int i = 0; i < 2 * plane; i++)
        wrong += found[3 * i] != 255 || found[3 * i + 1] != 0 || found[3 * i + 2] != 255;
    CHECK_EQUAL(wrong, 0);
    pixart_tensor *tensors[] = {image, estimate, own, shifted};
    release_tensors(tensors, 4);
    pixart_sampler_release(sampler);
    close_model();
}

/* The preview of a finished run is close to the decoded image, averaged over 8 x 8 pixels. */
static void previews_look_like_images(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_sampler *sampler = create_sampler(denoiser, both, "{\"seed\": 3}");
    drive(sampler);
    pixart_tensor *small = preview(sampler, NULL), *latents = sampler_latents(sampler),
                  *images = decode(decoder, latents);
    const unsigned char *a = pixart_tensor_data(small), *b = pixart_tensor_data(images);
    int64_t height = pixart_tensor_shape(small)[1], width = pixart_tensor_shape(small)[2];
    double error = 0, mean = 0, spread = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < height * width * 3; i++) {
            int64_t y = i / 3 / width, x = i / 3 % width, sum = 0;
            for (int64_t j = 0; j < 64; j++)
                sum += b[((8 * y + j / 8) * 8 * width + 8 * x + j % 8) * 3 + i % 3];
            double average = (double)sum / 64, count = (double)(height * width * 3);
            if (pass == 0)
                mean += average / count;
            else
                error += pow(average - a[i], 2) / count, spread += pow(average - mean, 2) / count;
        }
    check_context("%g of %g levels", sqrt(error), sqrt(spread));
    CHECK(sqrt(error) < 0.5 * sqrt(spread)); /* a grey image would be at 1 */
    pixart_tensor *tensors[] = {small, latents, images};
    release_tensors(tensors, 3);
    pixart_sampler_release(sampler);
    pixart_decoder_release(decoder);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* If a VAE's configuration cannot be read or has no map, only pixart_sampler_preview() fails. */
static void maps_of_checkpoints(void) {
    static const struct {
        const char *key, *value;
        pixart_status status;
        const char *needle;
    } rows[] = {
        {"latent_rgb_factors", "[[1, 2, 3]]", PIXART_ERROR_OPTION, "rgb_factors"},
        {"latent_rgb_factors", "null", PIXART_ERROR_OPTION, "8 rows"},
        {"latent_rgb_factors", "[]", PIXART_ERROR_MODEL, "latent_rgb_factors"},
        {"latent_rgb_factors", "[[1, 2, 3], [1, 2]]", PIXART_ERROR_MODEL, "latent_rgb_factors"},
        {"latent_rgb_factors", "[[1, 2, \"3\"]]", PIXART_ERROR_MODEL, "latent_rgb_factors"},
        {"latent_rgb_factors", "7", PIXART_ERROR_MODEL, "latent_rgb_factors"},
        {"latent_rgb_factors", "[[1, 2, NaN]]", PIXART_ERROR_MODEL, "latent_rgb_factors"},
        {"latent_rgb_bias", "[1, 2]", PIXART_ERROR_MODEL, "latent_rgb_bias"},
        {NULL, NULL, PIXART_ERROR_FORMAT, "vae/config.json"},
    };
    embeddings both = encode_prompts(check_model());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[FOLDER_PATH];
        folder_clone(check_model(), folder, NULL);
        if (rows[i].key)
            damage_set(folder, "vae/config.json", rows[i].key, rows[i].value);
        else
            damage_garbage(folder, "vae/config.json", NULL, NULL);
        check_context("%s %s", rows[i].key ? rows[i].key : "garbage", rows[i].value ? rows[i].value : "");
        pixart_denoiser *denoiser = open_denoiser(folder);
        folder_remove(folder); /* the configuration was read before */
        pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
        pixart_tensor *out, *given;
        CHECK_FAILS(pixart_sampler_preview(sampler, NULL, &out), rows[i].status, rows[i].needle);
        CHECK(out == NULL);
        CHECK_OK(pixart_sampler_preview(sampler,
                                        "{\"rgb_factors\": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], "
                                        "[0, 0, 0], [0, 0, 0], [0, 0, 0]]}",
                                        &given));
        pixart_tensor_release(given);
        pixart_sampler_release(sampler);
        pixart_denoiser_release(denoiser);
    }
    embeddings_release(both);
}

static const check_test tests[] = {
    {"estimates of a run", estimates_of_a_run},
    {"previews are linear", previews_are_linear},
    {"previews look like images", previews_look_like_images},
    {"maps of checkpoints", maps_of_checkpoints},
};
CHECK_MAIN(tests)
