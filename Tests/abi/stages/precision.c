/* The options of an open that choose precision, residency and instructions, and the memory that handles report. */
#include "folder.h"
#include "precisions.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Weights and compute ----------------------------------------------------------------------------------------- */

static pixart_status try_encoder(const char *model, const char *options) {
    pixart_encoder *encoder;
    pixart_status status = pixart_encoder_open(model, options, NULL, NULL, &encoder);
    CHECK((encoder == NULL) == (status != PIXART_OK));
    pixart_encoder_release(encoder);
    return status;
}

static pixart_status try_denoiser(const char *model, const char *options) {
    pixart_denoiser *denoiser;
    pixart_status status = pixart_denoiser_open(model, options, NULL, NULL, &denoiser);
    CHECK((denoiser == NULL) == (status != PIXART_OK));
    pixart_denoiser_release(denoiser);
    return status;
}

static pixart_status try_decoder(const char *model, const char *options) {
    pixart_decoder *decoder;
    pixart_status status = pixart_decoder_open(model, options, NULL, NULL, &decoder);
    CHECK((decoder == NULL) == (status != PIXART_OK));
    pixart_decoder_release(decoder);
    return status;
}

/* Each precision of weights, converted at opening, with each precision of compute that fits it. */
static void every_combination_runs(void) {
    static const char *const computes[] = {"auto", "float32", "bfloat16", "int8"};
    results original = run_stages(check_model(), NULL, NULL);
    for (size_t i = 0; i < PRECISIONS; i++)
        for (size_t j = 0; j < 4; j++) {
            char options[96];
            snprintf(options, sizeof options, "{\"weights\": \"%s\", \"compute\": \"%s\"}", precisions[i].name,
                     computes[j]);
            check_context("%s", options);
            if (i < 2 && j == 3) { /* int8 GEMMs do not take floating-point weights */
                CHECK_FAILS(try_encoder(check_model(), options), PIXART_ERROR_OPTION, "compute", "int8",
                            precisions[i].name);
                CHECK_FAILS(try_denoiser(check_model(), options), PIXART_ERROR_OPTION, "compute", "int8");
                continue;
            }
            /* The coarser of the two decides. */
            const precision *bounds = &precisions[i == 0 && j == 2 ? 1 : i];
            results found = run_stages(check_model(), options, NULL);
            check_context("%s", options);
            check_close(found, original, bounds);
            results_release(found);
        }
    results_release(original);
}

/* "compute": "int8" alone makes the weights int8. */
static void int8_products_make_int8_weights(void) {
    results implied = run_stages(check_model(), "{\"compute\": \"int8\"}", NULL);
    results named = run_stages(check_model(), "{\"weights\": \"int8\"}", NULL);
    CHECK_SAME(implied.embedding, named.embedding);
    CHECK_SAME(implied.latents, named.latents);
    results_release(implied);
    results_release(named);
}

static void decoders_take_less(void) {
    CHECK_OK(try_decoder(check_model(), "{\"weights\": \"float32\", \"compute\": \"float32\"}"));
    CHECK_OK(try_decoder(check_model(), "{\"weights\": \"bfloat16\"}"));
    CHECK_FAILS(try_decoder(check_model(), "{\"weights\": \"int8\"}"), PIXART_ERROR_OPTION, "weights", "bfloat16");
    CHECK_FAILS(try_decoder(check_model(), "{\"compute\": \"bfloat16\"}"), PIXART_ERROR_OPTION, "compute", "float32");
    CHECK_FAILS(try_decoder(check_model(), "{\"residency\": \"streamed\"}"), PIXART_ERROR_OPTION, "residency");
}

/* Weights that are stored as int8 stay int8. */
static void quantized_models_stay_as_they_are(void) {
    char folder[FOLDER_PATH], out[FOLDER_PATH + 8];
    folder_temporary(folder);
    snprintf(out, sizeof out, "%s/out", folder);
    CHECK_OK(pixart_convert(check_model(), out, NULL, NULL, NULL));
    static const char *const taken[] = {NULL, "{\"weights\": \"int8\"}",
                                        "{\"weights\": \"int8\", \"compute\": \"float32\"}",
                                        "{\"compute\": \"bfloat16\"}"};
    static const char *const refused[] = {"float32", "bfloat16", "int4"};
    for (size_t i = 0; i < 4; i++) {
        check_context("%s", taken[i] ? taken[i] : "{}");
        CHECK_OK(try_encoder(out, taken[i]));
        CHECK_OK(try_denoiser(out, taken[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"weights\": \"%s\"}", refused[i]);
        CHECK_FAILS(try_encoder(out, options), PIXART_ERROR_OPTION, "weights", refused[i], "int8", "text_encoder");
        CHECK_FAILS(try_denoiser(out, options), PIXART_ERROR_OPTION, "weights", refused[i], "int8", "transformer");
    }
    folder_remove(folder);
}

/* ---- Residency --------------------------------------------------------------------------------------------------- */

/* A streamed encoder returns the same, every time. */
static void streamed_encoders_agree(void) {
    static const char *const weights[] = {"auto", "bfloat16", "int8", "int4"};
    for (size_t i = 0; i < 4; i++) {
        char options[96];
        pixart_encoder *resident, *streamed;
        snprintf(options, sizeof options, "{\"weights\": \"%s\"}", weights[i]);
        CHECK_OK(pixart_encoder_open(check_model(), options, NULL, NULL, &resident));
        snprintf(options, sizeof options, "{\"weights\": \"%s\", \"residency\": \"streamed\"}", weights[i]);
        CHECK_OK(pixart_encoder_open(check_model(), options, NULL, NULL, &streamed));
        for (int round = 0; round < 2; round++) {
            pixart_tensor *a = encode(resident, PROMPT), *b = encode(streamed, PROMPT);
            CHECK_SAME(a, b);
            pixart_tensor_release(a);
            pixart_tensor_release(b);
        }
        pixart_encoder_release(resident);
        pixart_encoder_release(streamed);
    }
}

/* ---- Instructions ------------------------------------------------------------------------------------------------ */

/* All instruction sets of this processor compute the same image up to rounding. The others are refused, and the message
 * names those of the processor. */
static void every_instruction_set_agrees(void) {
    static const char *const sets[] = {"amx",       "avx512_bf16", "avx512_vnni",  "avx512", "avx_vnni", "avx2",
                                       "neon_bf16", "neon_i8mm",   "neon_dotprod", "neon",   "portable"};
    static const struct {
        const char *weights;
        double embedding, latents; /* relative errors between sets */
    } rows[] = {{"float32", 1e-5, 1e-4}, {"bfloat16", 1e-5, 1e-4}, {"int8", 0.01, 0.1}, {"int4", 0.01, 0.1}};
    int available = 0;
    for (size_t i = 0; i < 4; i++) {
        char options[96];
        snprintf(options, sizeof options, "{\"weights\": \"%s\", \"instructions\": \"portable\"}", rows[i].weights);
        results portable = run_stages(check_model(), options, "{\"instructions\": \"portable\"}");
        for (size_t j = 0; j < sizeof sets / sizeof *sets; j++) {
            char decoder[64];
            snprintf(options, sizeof options, "{\"weights\": \"%s\", \"instructions\": \"%s\"}", rows[i].weights,
                     sets[j]);
            snprintf(decoder, sizeof decoder, "{\"instructions\": \"%s\"}", sets[j]);
            check_context("%s", options);
            if (try_encoder(check_model(), options)) {
                CHECK_FAILS(try_encoder(check_model(), options), PIXART_ERROR_OPTION, "instructions", sets[j],
                            "portable");
                CHECK_FAILS(try_denoiser(check_model(), options), PIXART_ERROR_OPTION, "instructions", sets[j]);
                CHECK_FAILS(try_decoder(check_model(), decoder), PIXART_ERROR_OPTION, "instructions", sets[j]);
                continue;
            }
            available++;
            results found = run_stages(check_model(), options, decoder);
            double embedding = relative_error(found.embedding, portable.embedding);
            double latents = relative_error(found.latents, portable.latents);
            check_context("%s: %g, %g", options, embedding, latents);
            CHECK(embedding <= rows[i].embedding);
            CHECK(latents <= rows[i].latents);
            results_release(found);
        }
        results_release(portable);
    }
    CHECK(available >= 4);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

/* The integer at `key` of a report; -1 if there is none. */
static int64_t number(const char *report, const char *key) {
    json_object *json = json_tokener_parse(report), *value = NULL;
    REQUIRE(json != NULL);
    int64_t found = json_object_object_get_ex(json, key, &value) ? json_object_get_int64(value) : -1;
    json_object_put(json);
    return found;
}

/* The values of two reports are equal under the keys that both have, and add up. */
static void check_reports(const char *handle, const char *estimate) {
    static const char *const keys[] = {"weights_resident", "weights_mapped", "activations", "peak"};
    int64_t sum = 0;
    for (size_t i = 0; i < 4; i++) {
        check_context("%s: %s, %s", keys[i], handle, estimate);
        CHECK(number(handle, keys[i]) >= 0);
        CHECK_EQUAL(number(handle, keys[i]), number(estimate, keys[i]));
        if (i < 3)
            sum += number(handle, keys[i]);
    }
    CHECK_EQUAL(number(handle, "peak"), sum);
    CHECK_EQUAL(number(estimate, "activations_held"), -1);
}

/* The report of a handle, which this function frees, equals the estimate for these options. */
static void check_estimate(char *report, const char *options) {
    char *estimated;
    CHECK_OK(pixart_memory_estimate(check_model(), options, &estimated));
    check_reports(report, estimated);
    pixart_string_release(report);
    pixart_string_release(estimated);
}

static void handles_report_what_was_estimated(void) {
    static const char *const weights[] = {"auto", "float32", "bfloat16", "int8", "int4"};
    for (size_t i = 0; i < 5; i++) {
        char open[96], ask[192], *report;
        pixart_encoder *encoder;
        pixart_denoiser *denoiser;
        pixart_decoder *decoder;
        snprintf(open, sizeof open, "{\"weights\": \"%s\", \"residency\": \"streamed\"}", weights[i]);
        CHECK_OK(pixart_encoder_open(check_model(), open, NULL, NULL, &encoder));
        CHECK_OK(pixart_encoder_memory(encoder, "{\"tokens\": 31}", &report));
        snprintf(ask, sizeof ask,
                 "{\"stage\": \"encode\", \"weights\": \"%s\", \"residency\": \"streamed\", \"tokens\": 31}",
                 weights[i]);
        check_estimate(report, ask);
        pixart_encoder_release(encoder);

        CHECK_OK(pixart_denoiser_open(check_model(), open, NULL, NULL, &denoiser));
        CHECK_OK(pixart_denoiser_memory(denoiser, "{\"height\": 256, \"width\": 64, \"guidance_scale\": 1}", &report));
        snprintf(ask, sizeof ask,
                 "{\"weights\": \"%s\", \"residency\": \"streamed\", \"height\": 256, \"width\": 64, "
                 "\"guidance_scale\": 1}",
                 weights[i]);
        check_estimate(report, ask);
        pixart_denoiser_release(denoiser);

        if (i > 2)
            continue;
        snprintf(open, sizeof open, "{\"weights\": \"%s\"}", weights[i]);
        CHECK_OK(pixart_decoder_open(check_model(), open, NULL, NULL, &decoder));
        CHECK_OK(pixart_decoder_memory(decoder, "{\"height\": 256, \"width\": 120}", &report));
        snprintf(ask, sizeof ask, "{\"stage\": \"decode\", \"weights\": \"%s\", \"height\": 256, \"width\": 120}",
                 weights[i]);
        check_estimate(report, ask);
        pixart_decoder_release(decoder);

        pixart_image_encoder *image_encoder;
        CHECK_OK(pixart_image_encoder_open(check_model(), open, NULL, NULL, &image_encoder));
        CHECK_OK(pixart_image_encoder_memory(image_encoder, "{\"height\": 256, \"width\": 120}", &report));
        snprintf(ask, sizeof ask, "{\"stage\": \"image_encode\", \"weights\": \"%s\", \"height\": 256, \"width\": 120}",
                 weights[i]);
        check_estimate(report, ask);
        pixart_image_encoder_release(image_encoder);
    }
}

/* The value at `key` of the estimate for these options. */
static int64_t estimated(const char *options, const char *key) {
    char *report;
    CHECK_OK(pixart_memory_estimate(check_model(), options, &report));
    int64_t value = number(report, key);
    pixart_string_release(report);
    return value;
}

/* Lower precisions take less memory, larger images more, and weights that stay in the file no private memory. */
static void estimates_are_in_order(void) {
    int64_t float32 = estimated("{\"weights\": \"float32\"}", "weights_resident");
    int64_t bfloat16 = estimated("{\"weights\": \"bfloat16\"}", "weights_resident");
    int64_t int8 = estimated("{\"weights\": \"int8\"}", "weights_resident");
    int64_t int4 = estimated("{\"weights\": \"int4\"}", "weights_resident");
    CHECK(int4 < int8 && int8 < bfloat16 && bfloat16 < float32);
    CHECK(estimated(NULL, "weights_resident") * 10 < float32);
    CHECK(estimated(NULL, "weights_mapped") > 0);
    CHECK(estimated("{\"stage\": \"encode\", \"weights\": \"int8\", \"residency\": \"streamed\"}", "weights_resident") <
          estimated("{\"stage\": \"encode\", \"weights\": \"int8\"}", "weights_resident"));
    CHECK(estimated("{\"residency\": \"streamed\"}", "weights_mapped") < estimated(NULL, "weights_mapped") / 2);
    CHECK_EQUAL(estimated("{\"weights\": \"int8\", \"residency\": \"streamed\"}", "weights_resident"), int8);
    CHECK(estimated("{\"height\": 256}", "activations") > estimated("{\"height\": 128}", "activations"));
    CHECK(estimated("{\"num_images_per_prompt\": 4}", "activations") > estimated(NULL, "activations"));
    CHECK(estimated("{\"guidance_scale\": 1}", "activations") < estimated(NULL, "activations"));
    CHECK(estimated("{\"pag_scale\": 1}", "activations") > estimated(NULL, "activations"));
    CHECK(estimated("{\"prompts\": 2}", "activations") > estimated("{\"num_images_per_prompt\": 2}", "activations"));
    CHECK(estimated("{\"strength\": 1}", "activations") > estimated(NULL, "activations"));
    CHECK(estimated("{\"tokens\": 4000}", "activations") > estimated(NULL, "activations"));
    CHECK(estimated("{\"stage\": \"encode\", \"tokens\": 500}", "activations") >
          estimated("{\"stage\": \"encode\"}", "activations"));
    CHECK(estimated("{\"stage\": \"decode\", \"width\": 1024}", "activations") >
          estimated("{\"stage\": \"decode\", \"width\": 512}", "activations"));
    CHECK(estimated("{\"stage\": \"decode\", \"height\": 1024, \"width\": 1024, \"low_memory\": true}", "activations") <
          estimated("{\"stage\": \"decode\", \"height\": 1024, \"width\": 1024}", "activations"));
    CHECK(estimated("{\"stage\": \"image_encode\", \"width\": 1024}", "activations") >
          estimated("{\"stage\": \"image_encode\", \"width\": 512}", "activations"));
}

static void estimates_are_refused(void) {
    char *report = NULL;
    CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"height\": 100}", &report), PIXART_ERROR_OPTION, "height",
                "100");
    CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"stage\": \"decode\", \"weights\": \"int8\"}", &report),
                PIXART_ERROR_OPTION, "weights", "decode");
    CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"stage\": \"image_encode\", \"weights\": \"int4\"}", &report),
                PIXART_ERROR_OPTION, "weights", "image_encode");
    CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"stage\": \"decode\", \"compute\": \"bfloat16\"}", &report),
                PIXART_ERROR_OPTION, "compute", "decode");
    CHECK_FAILS(pixart_memory_estimate(check_model(), "{\"weights\": \"float32\", \"compute\": \"int8\"}", &report),
                PIXART_ERROR_OPTION, "compute", "int8");
    char folder[FOLDER_PATH];
    folder_clone(check_model(), folder, (const char *[]){"vae", NULL});
    CHECK_FAILS(pixart_memory_estimate(folder, NULL, &report), PIXART_ERROR_FILE, folder, "transformer");
    CHECK_OK(pixart_memory_estimate(folder, "{\"stage\": \"decode\"}", &report));
    pixart_string_release(report);
    folder_remove(folder);
}

/* "activations_held" is 0 before the first call, and more after it. */
static void held_memory_is_reported(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    char *before, *after;
    CHECK_OK(pixart_denoiser_memory(denoiser, NULL, &before));
    pixart_tensor_release(denoise(denoiser, both, SHORT));
    CHECK_OK(pixart_denoiser_memory(denoiser, NULL, &after));
    CHECK_EQUAL(number(before, "activations_held"), 0);
    CHECK(number(after, "activations_held") > 0);
    CHECK(number(after, "activations_held") <= number(after, "activations"));
    pixart_string_release(before);
    pixart_string_release(after);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static const check_test tests[] = {
    {"every combination of weights and compute", every_combination_runs},
    {"products of int8 make weights int8", int8_products_make_int8_weights},
    {"decoders take less", decoders_take_less},
    {"quantized models stay as they are", quantized_models_stay_as_they_are},
    {"streamed encoders agree", streamed_encoders_agree},
    {"every instruction set agrees", every_instruction_set_agrees},
    {"handles report what was estimated", handles_report_what_was_estimated},
    {"estimates are in order", estimates_are_in_order},
    {"estimates that are refused", estimates_are_refused},
    {"held memory is reported", held_memory_is_reported},
};
CHECK_MAIN(tests)
