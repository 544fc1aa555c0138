/* A converted checkpoint, opened with the defaults, computes the same bits as the original opened with the same
 * weights: for every stored type, precision, compute and part. */
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TINY "PixArtNetworksTests/Resources"

static const char *const weights[] = {"float32", "bfloat16", "int8", "int4"};
static const char *const computes[] = {"auto", "float32", "bfloat16", "int8"};

/* The original, the converted folder, and the embeddings for the denoiser. */
static char model[FOLDER_PATH], out[FOLDER_PATH + 8];
static embeddings given;
static int cells;

/* ---- Parts ------------------------------------------------------------------------------------------------------- */

static pixart_tensor *run_encoder(const char *folder, const char *options) {
    pixart_encoder *encoder;
    CHECK_OK(pixart_encoder_open(folder, options, NULL, NULL, &encoder));
    pixart_tensor *embedding = encode(encoder, PROMPT);
    pixart_encoder_release(encoder);
    return embedding;
}

static pixart_tensor *run_denoiser(const char *folder, const char *options) {
    pixart_denoiser *denoiser;
    CHECK_OK(pixart_denoiser_open(folder, options, NULL, NULL, &denoiser));
    pixart_tensor *latents =
        denoise(denoiser, given, "{\"num_inference_steps\": 2, \"height\": 64, \"width\": 48, \"seed\": 7}");
    pixart_denoiser_release(denoiser);
    return latents;
}

static pixart_tensor *run_decoder(const char *folder, const char *options) {
    pixart_decoder *decoder;
    pixart_tensor *latents, *images;
    char path[FOLDER_PATH];
    snprintf(path, sizeof path, "%s/vae/config.json", folder);
    json_object *config = json_object_from_file(path), *channels = NULL;
    REQUIRE(config && json_object_object_get_ex(config, "latent_channels", &channels));
    int64_t shape[] = {1, json_object_get_int64(channels), 6, 5};
    json_object_put(config);
    float values[16 * 6 * 5];
    size_t count = (size_t)shape[1] * 6 * 5;
    REQUIRE(count <= sizeof values / sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = sinf((float)i * 0.37f);
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 4, shape, values, 4 * count, &latents));
    CHECK_OK(pixart_decoder_open(folder, options, NULL, NULL, &decoder));
    CHECK_OK(pixart_decode(decoder, latents, "{\"output_type\": \"float32\"}", NULL, NULL, &images));
    pixart_decoder_release(decoder);
    pixart_tensor_release(latents);
    return images;
}

static pixart_tensor *run_image_encoder(const char *folder, const char *options) {
    pixart_image_encoder *encoder;
    pixart_tensor *latents, *images = colours(3, (int64_t[]){64, 48, 3});
    CHECK_OK(pixart_image_encoder_open(folder, options, NULL, NULL, &encoder));
    CHECK_OK(pixart_image_encode(encoder, images, NULL, NULL, NULL, &latents));
    pixart_image_encoder_release(encoder);
    pixart_tensor_release(images);
    return latents;
}

/* ---- Cells ------------------------------------------------------------------------------------------------------- */

/* One part, opened with `more` options: the original with `held` weights, and the converted one with the default. */
static void cell(const char *part, pixart_tensor *run(const char *, const char *), const char *stored,
                 const char *precision, const char *held, const char *more) {
    char original[160], converted[160];
    snprintf(original, sizeof original, "{\"weights\": \"%s\"%s}", held, more);
    snprintf(converted, sizeof converted, "{\"weights\": \"auto\"%s}", more);
    check_context("%s of %s, weights %s%s", part, stored, precision, more);
    pixart_tensor *expected = run(model, original), *found = run(out, converted);
    check_context("%s of %s, weights %s%s", part, stored, precision, more);
    CHECK_SAME(found, expected);
    pixart_tensor_release(expected);
    pixart_tensor_release(found);
    cells++;
}

static void convert(const char *options) { CHECK_OK(pixart_convert(model, out, options, NULL, NULL)); }

/* The portable set of kernels; convert() uses another one. */
#define PORTABLE ", \"instructions\": \"portable\""

static void halves_of_a_vae(const char *name, const char *stored, size_t i) {
    static const char *const options[] = {"", ", \"compute\": \"float32\"", PORTABLE};
    const char *held = i < 2 ? weights[i] : "auto"; /* a VAE is not quantized */
    for (size_t j = 0; j < 3; j++) {
        char part[64];
        snprintf(part, sizeof part, "%s decoder", name);
        cell(part, run_decoder, stored, weights[i], held, options[j]);
        snprintf(part, sizeof part, "%s encoder", name);
        cell(part, run_image_encoder, stored, weights[i], held, options[j]);
    }
}

static void text_encoder_and_transformer(const char *stored, size_t i) {
    for (size_t j = 0; j < (i < 2 ? 3 : 4); j++) { /* int8 GEMMs take quantized weights only */
        char more[96];
        for (int streamed = 0; streamed < 2; streamed++) {
            snprintf(more, sizeof more, ", \"compute\": \"%s\", \"residency\": \"%s\"", computes[j],
                     streamed ? "streamed" : "resident");
            cell("text encoder", run_encoder, stored, weights[i], weights[i], more);
        }
        snprintf(more, sizeof more, ", \"compute\": \"%s\"", computes[j]);
        cell("transformer", run_denoiser, stored, weights[i], weights[i], more);
    }
    cell("text encoder", run_encoder, stored, weights[i], weights[i], PORTABLE);
    cell("transformer", run_denoiser, stored, weights[i], weights[i], PORTABLE);
}

/* ---- Stored types ------------------------------------------------------------------------------------------------ */

static void recast(const char *file, const char *stored) {
    safetensors tensors = safetensors_read(model, file);
    safetensors_recast(&tensors, stored);
    safetensors_write(&tensors, model, file);
}

/* Makes the VAE a tiny autoencoder. */
static void make_tiny(const char *stored) {
    static const char config[] = "{\"_class_name\": \"AutoencoderTiny\", \"act_fn\": \"relu\", "
                                 "\"encoder_block_out_channels\": [16, 16, 16], \"num_encoder_blocks\": [1, 2, 1], "
                                 "\"decoder_block_out_channels\": [16, 16, 16], \"num_decoder_blocks\": [2, 1, 1], "
                                 "\"latent_channels\": 4}";
    char resources[FOLDER_PATH];
    snprintf(resources, sizeof resources, "%s", __FILE__);
    snprintf(strstr(resources, "abi/files/converted.c"), 64, TINY);
    safetensors tensors = safetensors_read(resources, "tiny-vae.safetensors");
    safetensors_recast(&tensors, stored);
    safetensors_write(&tensors, model, VAE);
    folder_write(model, "vae/config.json", config, strlen(config));
}

static void all_cells(const char *stored) {
    folder_clone(check_model(), model, NULL);
    snprintf(out, sizeof out, "%s/out", model);
    recast(TEXT_ENCODER, stored);
    recast(TRANSFORMER, stored);
    recast(VAE, stored);
    given = encode_prompts(check_model());
    cells = 0;
    for (size_t i = 0; i < 4; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"weights\": \"%s\"}", weights[i]);
        convert(options);
        text_encoder_and_transformer(stored, i);
        halves_of_a_vae("VAE", stored, i);
    }
    make_tiny(stored);
    for (size_t i = 0; i < 4; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"weights\": \"%s\", \"parts\": [\"vae\"]}", weights[i]);
        convert(options);
        halves_of_a_vae("tiny", stored, i);
    }
    check_context(NULL);
    CHECK_EQUAL(cells, 2 * (3 * 3 + 2) + 2 * (4 * 3 + 2) + 4 * 6 + 4 * 6);
    embeddings_release(given);
    folder_remove(model);
}

static void float32(void) { all_cells("F32"); }
static void float16(void) { all_cells("F16"); }
static void bfloat16(void) { all_cells("BF16"); }

static const check_test tests[] = {
    {"what is stored as float32", float32},
    {"what is stored as float16", float16},
    {"what is stored as bfloat16", bfloat16},
};
CHECK_MAIN(tests)
