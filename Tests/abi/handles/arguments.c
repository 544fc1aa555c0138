/* NULL for each required pointer in turn, and text that is not UTF-8, are argument errors that name the argument. */
#include "stages.h"

#include <stdlib.h>

static void null_for_tensors(void) {
    const float data[2] = {1, 2};
    const int64_t shape[1] = {2};
    pixart_tensor *tensor, *loaded[1];
    CHECK_FAILS(pixart_tensor_create(PIXART_FLOAT32, 1, shape, data, 8, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_CLEARED(pixart_tensor_create(PIXART_FLOAT32, 1, NULL, data, 8, &tensor), PIXART_ERROR_ARGUMENT, tensor,
                  "shape");
    CHECK_CLEARED(pixart_tensor_create(PIXART_FLOAT32, 1, shape, NULL, 8, &tensor), PIXART_ERROR_ARGUMENT, tensor,
                  "data");

    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 1, shape, data, 8, &tensor));
    const char *names[2] = {"a", NULL};
    const pixart_tensor *tensors[2] = {tensor, NULL};
    CHECK_FAILS(pixart_tensors_save(NULL, 1, names, tensors), PIXART_ERROR_ARGUMENT, "path");
    CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, NULL, tensors), PIXART_ERROR_ARGUMENT, "names");
    CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, names, NULL), PIXART_ERROR_ARGUMENT, "tensors");
    CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, names + 1, tensors), PIXART_ERROR_ARGUMENT, "names");
    CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, names, tensors + 1), PIXART_ERROR_ARGUMENT, "tensors");
    CHECK_CLEARED(pixart_tensors_load(NULL, 1, names, loaded), PIXART_ERROR_ARGUMENT, loaded[0], "path");
    CHECK_CLEARED(pixart_tensors_load("/nowhere/x", 1, NULL, loaded), PIXART_ERROR_ARGUMENT, loaded[0], "names");
    CHECK_CLEARED(pixart_tensors_load("/nowhere/x", 1, names + 1, loaded), PIXART_ERROR_ARGUMENT, loaded[0], "names");
    CHECK_FAILS(pixart_tensors_load("/nowhere/x", 1, names, NULL), PIXART_ERROR_ARGUMENT, "out");
    pixart_tensor_release(tensor);
}

static void null_for_encoder(void) {
    pixart_encoder *encoder;
    pixart_tensor *tensor;
    char *report;
    CHECK_CLEARED(pixart_encoder_open(NULL, NULL, NULL, NULL, &encoder), PIXART_ERROR_ARGUMENT, encoder, "model");
    CHECK_FAILS(pixart_encoder_open(check_model(), NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");

    encoder = open_encoder(check_model());
    CHECK_CLEARED(pixart_encode(NULL, "a", NULL, NULL, NULL, &tensor), PIXART_ERROR_ARGUMENT, tensor, "encoder");
    CHECK_CLEARED(pixart_encode(encoder, NULL, NULL, NULL, NULL, &tensor), PIXART_ERROR_ARGUMENT, tensor, "prompt");
    CHECK_FAILS(pixart_encode(encoder, "a", NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_CLEARED(pixart_encoder_tokenize(NULL, "a", NULL, &report), PIXART_ERROR_ARGUMENT, report, "encoder");
    CHECK_CLEARED(pixart_encoder_tokenize(encoder, NULL, NULL, &report), PIXART_ERROR_ARGUMENT, report, "prompt");
    CHECK_FAILS(pixart_encoder_tokenize(encoder, "a", NULL, NULL), PIXART_ERROR_ARGUMENT, "report");
    pixart_encoder_release(encoder);
}

static void null_for_denoiser(void) {
    pixart_denoiser *denoiser;
    pixart_tensor *out;
    CHECK_CLEARED(pixart_denoiser_open(NULL, NULL, NULL, NULL, &denoiser), PIXART_ERROR_ARGUMENT, denoiser, "model");
    CHECK_FAILS(pixart_denoiser_open(check_model(), NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");

    embeddings both = encode_prompts(check_model());
    const pixart_tensor *prompt = both.prompt, *negative = both.negative;
    denoiser = open_denoiser(check_model());
    CHECK_CLEARED(pixart_denoise(NULL, prompt, negative, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out,
                  "denoiser");
    CHECK_CLEARED(pixart_denoise(denoiser, NULL, negative, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out,
                  "prompt");
    CHECK_CLEARED(pixart_denoise(denoiser, prompt, NULL, SHORT, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out,
                  "negative", "guidance_scale");
    CHECK_FAILS(pixart_denoise(denoiser, prompt, negative, SHORT, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void null_for_sampler(void) {
    embeddings both = encode_prompts(check_model());
    const pixart_tensor *prompt = both.prompt, *negative = both.negative;
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *sampler;
    CHECK_CLEARED(pixart_sampler_create(NULL, prompt, negative, SHORT, &sampler), PIXART_ERROR_ARGUMENT, sampler,
                  "denoiser");
    CHECK_CLEARED(pixart_sampler_create(denoiser, NULL, negative, SHORT, &sampler), PIXART_ERROR_ARGUMENT, sampler,
                  "prompt");
    CHECK_CLEARED(pixart_sampler_create(denoiser, prompt, NULL, SHORT, &sampler), PIXART_ERROR_ARGUMENT, sampler,
                  "negative");
    CHECK_FAILS(pixart_sampler_create(denoiser, prompt, negative, SHORT, NULL), PIXART_ERROR_ARGUMENT, "out");

    const pixart_tensor *prompts[] = {prompt, prompt}, *gap[] = {prompt, NULL};
    CHECK_CLEARED(pixart_sampler_create_batch(NULL, 2, prompts, prompts, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                  sampler, "denoiser");
    CHECK_CLEARED(pixart_sampler_create_batch(denoiser, 2, NULL, prompts, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                  sampler, "prompts");
    CHECK_CLEARED(pixart_sampler_create_batch(denoiser, 2, gap, prompts, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                  sampler, "prompts[1]");
    CHECK_CLEARED(pixart_sampler_create_batch(denoiser, 2, prompts, NULL, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                  sampler, "negatives", "guidance_scale");
    CHECK_CLEARED(pixart_sampler_create_batch(denoiser, 2, prompts, gap, SHORT, &sampler), PIXART_ERROR_ARGUMENT,
                  sampler, "negatives[1]");
    CHECK_FAILS(pixart_sampler_create_batch(denoiser, 2, prompts, prompts, SHORT, NULL), PIXART_ERROR_ARGUMENT, "out");

    sampler = create_sampler(denoiser, both, SHORT);
    double timestep = 5;
    pixart_tensor *latents;
    CHECK_CLEARED(pixart_sampler_predicted_original(NULL, &latents), PIXART_ERROR_ARGUMENT, latents, "sampler");
    CHECK_FAILS(pixart_sampler_predicted_original(sampler, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_CLEARED(pixart_sampler_preview(NULL, NULL, &latents), PIXART_ERROR_ARGUMENT, latents, "sampler");
    CHECK_FAILS(pixart_sampler_preview(sampler, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_FAILS(pixart_sampler_set_image_latents(NULL, prompt), PIXART_ERROR_ARGUMENT, "sampler");
    CHECK_FAILS(pixart_sampler_set_image_latents(sampler, NULL), PIXART_ERROR_ARGUMENT, "latents");
    CHECK_FAILS(pixart_sampler_set_control(NULL, prompt), PIXART_ERROR_ARGUMENT, "sampler");
    CHECK_FAILS(pixart_sampler_set_control(sampler, NULL), PIXART_ERROR_ARGUMENT, "latents");
    CHECK_FAILS(pixart_sampler_set_mask(NULL, prompt), PIXART_ERROR_ARGUMENT, "sampler");
    CHECK_FAILS(pixart_sampler_set_mask(sampler, NULL), PIXART_ERROR_ARGUMENT, "mask");
    CHECK_FAILS(pixart_sampler_timestep(NULL, 0, &timestep), PIXART_ERROR_ARGUMENT, "sampler");
    CHECK(timestep == 0);
    CHECK_FAILS(pixart_sampler_timestep(sampler, 0, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_FAILS(pixart_sampler_step(NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "sampler");
    CHECK_CLEARED(pixart_sampler_latents(NULL, &latents), PIXART_ERROR_ARGUMENT, latents, "sampler");
    CHECK_FAILS(pixart_sampler_latents(sampler, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_FAILS(pixart_sampler_set_noise(sampler, NULL), PIXART_ERROR_ARGUMENT, "latents");
    CHECK_FAILS(pixart_sampler_set_noise(NULL, both.prompt), PIXART_ERROR_ARGUMENT, "sampler");
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void null_for_decoder(void) {
    pixart_decoder *decoder;
    pixart_tensor *out, *latents = blank_latents();
    CHECK_CLEARED(pixart_decoder_open(NULL, NULL, NULL, NULL, &decoder), PIXART_ERROR_ARGUMENT, decoder, "model");
    CHECK_FAILS(pixart_decoder_open(check_model(), NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");

    decoder = open_decoder(check_model());
    CHECK_CLEARED(pixart_decode(NULL, latents, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "decoder");
    CHECK_CLEARED(pixart_decode(decoder, NULL, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "latents");
    CHECK_FAILS(pixart_decode(decoder, latents, NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_FAILS(pixart_image_write(NULL, 0, "/tmp/x.png", NULL), PIXART_ERROR_ARGUMENT, "images");
    pixart_tensor *images = zeros(PIXART_UINT8, 3, (int64_t[]){2, 2, 3});
    CHECK_FAILS(pixart_image_write(images, 0, NULL, NULL), PIXART_ERROR_ARGUMENT, "path");
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
    pixart_decoder_release(decoder);
}

static void null_for_memory(void) {
    pixart_encoder *encoder = open_encoder(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_decoder *decoder = open_decoder(check_model());
    char *report;
    CHECK_CLEARED(pixart_encoder_memory(NULL, NULL, &report), PIXART_ERROR_ARGUMENT, report, "encoder");
    CHECK_FAILS(pixart_encoder_memory(encoder, NULL, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_denoiser_memory(NULL, NULL, &report), PIXART_ERROR_ARGUMENT, report, "denoiser");
    CHECK_FAILS(pixart_denoiser_memory(denoiser, NULL, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_decoder_memory(NULL, NULL, &report), PIXART_ERROR_ARGUMENT, report, "decoder");
    CHECK_FAILS(pixart_decoder_memory(decoder, NULL, NULL), PIXART_ERROR_ARGUMENT, "report");
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
}

static void null_for_profiles_and_reports(void) {
    pixart_encoder *encoder = open_encoder(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_decoder *decoder = open_decoder(check_model());
    char *report;
    CHECK_CLEARED(pixart_encoder_profile(NULL, &report), PIXART_ERROR_ARGUMENT, report, "encoder");
    CHECK_FAILS(pixart_encoder_profile(encoder, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_denoiser_profile(NULL, &report), PIXART_ERROR_ARGUMENT, report, "denoiser");
    CHECK_FAILS(pixart_denoiser_profile(denoiser, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_decoder_profile(NULL, &report), PIXART_ERROR_ARGUMENT, report, "decoder");
    CHECK_FAILS(pixart_decoder_profile(decoder, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_encoder_report(NULL, &report), PIXART_ERROR_ARGUMENT, report, "encoder");
    CHECK_FAILS(pixart_encoder_report(encoder, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_denoiser_report(NULL, &report), PIXART_ERROR_ARGUMENT, report, "denoiser");
    CHECK_FAILS(pixart_denoiser_report(denoiser, NULL), PIXART_ERROR_ARGUMENT, "report");
    CHECK_CLEARED(pixart_decoder_report(NULL, &report), PIXART_ERROR_ARGUMENT, report, "decoder");
    CHECK_FAILS(pixart_decoder_report(decoder, NULL), PIXART_ERROR_ARGUMENT, "report");
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
}

static void null_for_checkpoints(void) {
    char *report;
    CHECK_FAILS(pixart_convert(NULL, "/nowhere/x", NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "model");
    CHECK_FAILS(pixart_convert(check_model(), NULL, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    CHECK_CLEARED(pixart_memory_estimate(NULL, NULL, &report), PIXART_ERROR_ARGUMENT, report, "model");
    CHECK_FAILS(pixart_memory_estimate(check_model(), NULL, NULL), PIXART_ERROR_ARGUMENT, "report");
}

static void null_to_accessors(void) {
    CHECK_EQUAL(pixart_tensor_type(NULL), 0);
    CHECK_EQUAL(pixart_tensor_rank(NULL), 0);
    CHECK(pixart_tensor_shape(NULL) == NULL);
    CHECK(pixart_tensor_data(NULL) == NULL);
    CHECK_EQUAL(pixart_tensor_size(NULL), 0);
    CHECK_EQUAL(pixart_sampler_steps(NULL), 0);
    CHECK_EQUAL(pixart_sampler_step_index(NULL), 0);
}

static void null_to_release(void) {
    pixart_tensor_release(NULL);
    pixart_string_release(NULL);
    pixart_encoder_release(NULL);
    pixart_denoiser_release(NULL);
    pixart_sampler_release(NULL);
    pixart_decoder_release(NULL);
}

/* The sequences that RFC 3629 forbids: stray, truncated, overlong, surrogate, beyond U+10FFFF. */
static const char *const ill_formed[] = {
    "\xff",
    "\x80",
    "\xc3(",
    "\xe2\x82",
    "a\xf0\x9f\x98",
    "\xc0\xaf",
    "\xe0\x80\xaf",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\xf8\x88\x80\x80",
    "good \xe9 latin",
};

static void ill_formed_text(void) {
    pixart_encoder *encoder = open_encoder(check_model()), *second;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_tensor *images = zeros(PIXART_UINT8, 3, (int64_t[]){2, 2, 3}), *out;
    char *report;
    for (size_t i = 0; i < sizeof ill_formed / sizeof *ill_formed; i++) {
        const char *text = ill_formed[i], *names[] = {text};
        const pixart_tensor *tensors[] = {images};
        check_context("sequence %zu", i);
        CHECK_CLEARED(pixart_encode(encoder, text, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "prompt",
                      "UTF-8");
        CHECK_CLEARED(pixart_encoder_tokenize(encoder, text, NULL, &report), PIXART_ERROR_ARGUMENT, report, "prompt");
        CHECK_CLEARED(pixart_encode(encoder, "a", text, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "options",
                      "UTF-8");
        CHECK_CLEARED(pixart_encoder_open(text, NULL, NULL, NULL, &second), PIXART_ERROR_ARGUMENT, second, "model",
                      "UTF-8");
        CHECK_CLEARED(pixart_denoiser_open(text, NULL, NULL, NULL, &denoiser), PIXART_ERROR_ARGUMENT, denoiser, "model",
                      "UTF-8");
        CHECK_CLEARED(pixart_decoder_open(text, NULL, NULL, NULL, &decoder), PIXART_ERROR_ARGUMENT, decoder, "model",
                      "UTF-8");
        CHECK_FAILS(pixart_image_write(images, 0, text, NULL), PIXART_ERROR_ARGUMENT, "path", "UTF-8");
        CHECK_FAILS(pixart_tensors_save(text, 1, names, tensors), PIXART_ERROR_ARGUMENT, "path", "UTF-8");
        CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, names, tensors), PIXART_ERROR_ARGUMENT, "name", "UTF-8");
        CHECK_CLEARED(pixart_tensors_load(text, 1, names, &out), PIXART_ERROR_ARGUMENT, out, "path", "UTF-8");
        CHECK_FAILS(pixart_convert(text, "/nowhere/x", NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "model", "UTF-8");
        CHECK_FAILS(pixart_convert(check_model(), text, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out", "UTF-8");
        CHECK_CLEARED(pixart_memory_estimate(text, NULL, &report), PIXART_ERROR_ARGUMENT, report, "model", "UTF-8");
        CHECK(pixart_options_schema(text) == NULL);
    }
    pixart_tensor_release(images);
    pixart_encoder_release(encoder);
}

/* Well-formed text at the limits is accepted. */
static void well_formed_text(void) {
    static const char *const prompts[] = {
        "",
        " ",
        "\xef\xbb\xbf mark",
        "\xf4\x8f\xbf\xbf",
        "\x01\x02\x1b[31m",
        "e\xcc\x81\xcc\x81\xcc\x81",
        "\xe7\x8c\xab \xf0\x9f\x90\xb1\xe2\x80\x8d\xf0\x9f\x91\xa4",
        "</s><pad><extra_id_0>",
        "\xd8\xa7\xd9\x84\xd9\x82\xd8\xb7",
    };
    pixart_encoder *encoder = open_encoder(check_model());
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        check_context("prompt %zu", i);
        pixart_tensor *embedding = encode(encoder, prompts[i]);
        CHECK_EQUAL(pixart_tensor_rank(embedding), 2);
        CHECK(pixart_tensor_shape(embedding)[0] >= 1);
        pixart_tensor_release(embedding);
    }
    size_t length = 1 << 16;
    char *novel = malloc(length + 1);
    for (size_t i = 0; i < length; i++)
        novel[i] = "cats and dogs "[i % 14];
    novel[length] = 0;
    pixart_tensor *embedding = encode(encoder, novel);
    CHECK(pixart_tensor_shape(embedding)[0] <= 120);
    pixart_tensor_release(embedding);
    free(novel);
    pixart_encoder_release(encoder);
}

static void missing_paths(void) {
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_tensor *out;
    const char *names[] = {"a"};
    const char *nowhere = "/nowhere/model";
    char *report;
    CHECK_CLEARED(pixart_encoder_open(nowhere, NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE, encoder, nowhere);
    CHECK_CLEARED(pixart_denoiser_open(nowhere, NULL, NULL, NULL, &denoiser), PIXART_ERROR_FILE, denoiser, nowhere);
    CHECK_CLEARED(pixart_decoder_open(nowhere, NULL, NULL, NULL, &decoder), PIXART_ERROR_FILE, decoder, nowhere);
    CHECK_CLEARED(pixart_memory_estimate(nowhere, NULL, &report), PIXART_ERROR_FILE, report, nowhere);
    CHECK_FAILS(pixart_convert(nowhere, "/nowhere/x", NULL, NULL, NULL), PIXART_ERROR_FILE, nowhere);
    CHECK_FAILS(pixart_convert(check_model(), "/nowhere/x", NULL, NULL, NULL), PIXART_ERROR_FILE, "/nowhere/x");
    CHECK_CLEARED(pixart_tensors_load("/nowhere/x", 1, names, &out), PIXART_ERROR_FILE, out, "/nowhere/x");
    CHECK_CLEARED(pixart_tensors_load("/", 1, names, &out), PIXART_ERROR_FILE, out, "/");
    pixart_tensor *images = zeros(PIXART_UINT8, 3, (int64_t[]){2, 2, 3});
    const pixart_tensor *tensors[] = {images};
    CHECK_FAILS(pixart_tensors_save("/nowhere/x", 1, names, tensors), PIXART_ERROR_FILE, "/nowhere/x");
    CHECK_FAILS(pixart_image_write(images, 0, "/nowhere/x.png", NULL), PIXART_ERROR_FILE, "/nowhere/x.png");
    pixart_tensor_release(images);
}

static void names_of_statuses(void) {
    CHECK_TEXT(pixart_status_name(PIXART_OK), "PIXART_OK");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_ARGUMENT), "PIXART_ERROR_ARGUMENT");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_OPTION), "PIXART_ERROR_OPTION");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_STATE), "PIXART_ERROR_STATE");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_FILE), "PIXART_ERROR_FILE");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_FORMAT), "PIXART_ERROR_FORMAT");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_MODEL), "PIXART_ERROR_MODEL");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_MEMORY), "PIXART_ERROR_MEMORY");
    CHECK_TEXT(pixart_status_name(PIXART_CANCELLED), "PIXART_CANCELLED");
    CHECK_TEXT(pixart_status_name(PIXART_ERROR_INTERNAL), "PIXART_ERROR_INTERNAL");
    CHECK_TEXT(pixart_status_name(-1), "unknown status");
    CHECK_TEXT(pixart_status_name(INT32_MAX), "unknown status");
}

static const check_test tests[] = {
    {"NULL for tensors", null_for_tensors},
    {"NULL for the encoder's calls", null_for_encoder},
    {"NULL for the denoiser's calls", null_for_denoiser},
    {"NULL for the sampler's calls", null_for_sampler},
    {"NULL for the decoder's calls", null_for_decoder},
    {"NULL for memory reports", null_for_memory},
    {"NULL for profiles and reports", null_for_profiles_and_reports},
    {"NULL for checkpoints", null_for_checkpoints},
    {"accessors of NULL", null_to_accessors},
    {"release of NULL", null_to_release},
    {"ill-formed UTF-8", ill_formed_text},
    {"well-formed text at the edges", well_formed_text},
    {"paths that do not exist", missing_paths},
    {"names of statuses", names_of_statuses},
};
CHECK_MAIN(tests)
