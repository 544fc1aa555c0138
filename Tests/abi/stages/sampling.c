/* Runs of many prompts, and guidance in part of the steps. */
#include "folder.h"
#include "damage.h"
#include "stages.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    pixart_denoiser *denoiser;
    embeddings both;
    pixart_tensor *other;
} open;

static void open_all(void) {
    pixart_encoder *encoder = open_encoder(check_model());
    open.both = encode_prompts(check_model());
    open.other = encode(encoder, "two red apples and a very long green train behind them");
    pixart_encoder_release(encoder);
    open.denoiser = open_denoiser(check_model());
    REQUIRE(pixart_tensor_shape(open.other)[0] != pixart_tensor_shape(open.both.prompt)[0]);
}

static void close_all(void) {
    pixart_tensor_release(open.other);
    pixart_denoiser_release(open.denoiser);
    embeddings_release(open.both);
}

static pixart_tensor *run(const char *options) { return denoise(open.denoiser, open.both, options); }

/* The latents of a run with some prompts. */
static pixart_tensor *batch(size_t count, const pixart_tensor *const *prompts, const pixart_tensor *const *negatives,
                            const char *options) {
    pixart_sampler *sampler;
    CHECK_OK(pixart_sampler_create_batch(open.denoiser, count, prompts, negatives, options, &sampler));
    return finish(sampler);
}

/* ---- Many prompts ------------------------------------------------------------------------------------------------ */

/* Each image equals the image of a separate run with its prompt, negative prompt and seed. */
static void images_equal_separate_runs(void) {
    static const char *const singles[] = {RUN("\"seed\": 7"),  RUN("\"seed\": 8"),  RUN("\"seed\": 9"),
                                          RUN("\"seed\": 10"), RUN("\"seed\": 11"), RUN("\"seed\": 12")};
    open_all();
    const pixart_tensor *prompts[] = {open.both.prompt, open.other, open.both.negative};
    const pixart_tensor *negatives[] = {open.both.negative, open.both.prompt, open.both.negative};
    pixart_tensor *all =
        batch(3, prompts, negatives, RUN("\"seed\": [7, 8, 9, 10, 11, 12], \"num_images_per_prompt\": 2"));
    CHECK_EQUAL(pixart_tensor_shape(all)[0], 6);
    for (int i = 0; i < 6; i++) {
        pixart_tensor *single;
        CHECK_OK(pixart_denoise(open.denoiser, prompts[i / 2], negatives[i / 2], singles[i], NULL, NULL, &single));
        float error = batch_error(all, i, single);
        check_context("image %d: off by %g", i, error);
        CHECK(error <= BATCH_BOUND);
        pixart_tensor_release(single);
    }
    pixart_tensor_release(all);
    close_all();
}

/* A single seed draws the noise of all images at once, whatever their prompts. */
static void one_seed_draws_for_all(void) {
    open_all();
    const pixart_tensor *prompts[] = {open.both.prompt, open.other};
    pixart_sampler *several, *single;
    CHECK_OK(pixart_sampler_create_batch(open.denoiser, 2, prompts, prompts, SHORT, &several));
    single = create_sampler(open.denoiser, open.both, RUN("\"seed\": 7, \"num_images_per_prompt\": 2"));
    pixart_tensor *found = sampler_latents(several), *expected = sampler_latents(single);
    CHECK_SAME(found, expected);
    pixart_tensor_release(found);
    pixart_tensor_release(expected);
    pixart_sampler_release(several);
    pixart_sampler_release(single);
    close_all();
}

/* A batch of one equals a run, and an embedding may occur several times. */
static void embeddings_may_repeat(void) {
    open_all();
    const pixart_tensor *prompt = open.both.prompt, *negative = open.both.negative;
    pixart_tensor *copy;
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 2, pixart_tensor_shape(negative), pixart_tensor_data(negative),
                                  pixart_tensor_size(negative), &copy));
    pixart_tensor *one = batch(1, &prompt, &negative, SHORT), *expected = run(SHORT);
    CHECK_SAME(one, expected);
    pixart_tensor *repeated =
        batch(2, (const pixart_tensor *[]){prompt, prompt}, (const pixart_tensor *[]){negative, negative}, SHORT);
    pixart_tensor *copied =
        batch(2, (const pixart_tensor *[]){prompt, prompt}, (const pixart_tensor *[]){negative, copy}, SHORT);
    CHECK_SAME(repeated, copied);
    pixart_tensor *tensors[] = {one, expected, repeated, copied, copy};
    release_tensors(tensors, 5);
    close_all();
}

static void wrong_batches_are_refused(void) {
    open_all();
    pixart_tensor *wrong = blank_latents();
    const pixart_tensor *prompts[] = {open.both.prompt, open.other}, *bad[] = {open.both.prompt, wrong};
    pixart_sampler *out;
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 0, prompts, prompts, SHORT, &out), PIXART_ERROR_ARGUMENT,
                "count is 0", "256");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 257, prompts, prompts, SHORT, &out), PIXART_ERROR_ARGUMENT,
                "count is 257", "256");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, SIZE_MAX, prompts, prompts, SHORT, &out),
                PIXART_ERROR_ARGUMENT, "count is 18446744073709551615");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 2, bad, prompts, SHORT, &out), PIXART_ERROR_ARGUMENT,
                "prompts[1] is float32 [1, 8, 2, 2]", "[S, ");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 2, prompts, bad, SHORT, &out), PIXART_ERROR_ARGUMENT,
                "negatives[1] is float32 [1, 8, 2, 2]", "[S, ");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 2, prompts, prompts, RUN("\"seed\": [1]"), &out),
                PIXART_ERROR_OPTION, "seed", "1 seeds", "2 images");
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 2, prompts, prompts,
                                            RUN("\"seed\": [1, 2], \"num_images_per_prompt\": 2"), &out),
                PIXART_ERROR_OPTION, "seed", "2 seeds", "4 images");
    const pixart_tensor *many[5] = {prompts[0], prompts[0], prompts[0], prompts[0], prompts[0]};
    CHECK_FAILS(pixart_sampler_create_batch(open.denoiser, 5, many, many, RUN("\"num_images_per_prompt\": 205"), &out),
                PIXART_ERROR_OPTION, "num_images_per_prompt", "205", "at most 204 with 5 prompts");
    char *report;
    CHECK_FAILS(pixart_denoiser_memory(open.denoiser, "{\"prompts\": 256, \"num_images_per_prompt\": 5}", &report),
                PIXART_ERROR_OPTION, "num_images_per_prompt", "at most 4 with 256 prompts");
    pixart_tensor *without = batch(2, prompts, NULL, RUN("\"guidance_scale\": 1"));
    CHECK_EQUAL(pixart_tensor_shape(without)[0], 2);
    pixart_tensor_release(without);
    pixart_tensor_release(wrong);
    close_all();
}

/* ---- Guidance ---------------------------------------------------------------------------------------------------- */

/* The operations of float32 GEMMs so far. */
static double operations(void) {
    char *report;
    CHECK_OK(pixart_denoiser_profile(open.denoiser, &report));
    json_object *json = json_tokener_parse(report), *kind = NULL, *value = NULL;
    pixart_string_release(report);
    REQUIRE(json && json_object_object_get_ex(json, "gemm_float32", &kind) &&
            json_object_object_get_ex(kind, "operations", &value));
    double found = json_object_get_double(value);
    json_object_put(json);
    return found;
}

/* The latents of a run, and its operations. */
static pixart_tensor *counted(const char *options, double *made) {
    double before = operations();
    pixart_tensor *latents = run(options);
    *made = operations() - before;
    return latents;
}

#define FOUR(more) "{\"num_inference_steps\": 4, \"height\": 64, \"width\": 64, \"seed\": 7, " more "}"

/* Outside the interval the negative prompt is left out: with half of the interval, a run does half of its extra work.
 */
static void guidance_has_an_interval(void) {
    double all, none, half, quarter;
    open_all();
    pixart_tensor *whole = counted(FOUR("\"guidance_interval\": [0, 1]"), &all);
    pixart_tensor *never = counted(FOUR("\"guidance_interval\": [0.5, 0.5]"), &none);
    pixart_tensor *first = counted(FOUR("\"guidance_interval\": [0, 0.5]"), &half);
    pixart_tensor *rounded = counted(FOUR("\"guidance_interval\": [0, 0.74]"), &half);
    pixart_tensor *last = counted(FOUR("\"guidance_interval\": [0.75, 1]"), &quarter);
    pixart_tensor *plain = run(FOUR("\"guidance_scale\": 4.5")), *unguided = run(FOUR("\"guidance_scale\": 1"));
    CHECK_SAME(whole, plain);
    CHECK_SAME(never, unguided);
    CHECK_SAME(first, rounded); /* int(0.74 * 4) is 2 */
    CHECK(!equal(first, whole) && !equal(first, never) && !equal(first, last));
    CHECK(!equal(last, whole) && !equal(last, never));
    CHECK(all > none);
    CHECK(half - none == (all - none) / 2);
    CHECK(quarter - none == (all - none) / 4);
    pixart_tensor *tensors[] = {whole, never, first, rounded, last, plain, unguided};
    release_tensors(tensors, 7);
    close_all();
}

/* Every option of perturbed-attention guidance changes the run, with guidance and without. */
static void attention_is_perturbed(void) {
    static const char *const scales[] = {"4.5", "1"};
    open_all();
    for (int i = 0; i < 2; i++) {
        char plain[256], options[6][320];
        snprintf(plain, sizeof plain, FOUR("\"guidance_scale\": %s"), scales[i]);
        static const char *const more[] = {
            "\"pag_scale\": 3",
            "\"pag_scale\": 3, \"pag_applied_layers\": [1]",
            "\"pag_scale\": 3, \"pag_applied_layers\": [0, 2]",
            "\"pag_scale\": 2",
            "\"pag_scale\": 3, \"pag_adaptive_scale\": 0.005",
            "\"pag_scale\": 3, \"pag_adaptive_scale\": 1000",
        };
        pixart_tensor *none = run(plain), *runs[6];
        for (int j = 0; j < 6; j++) {
            snprintf(options[j], sizeof options[j], FOUR("\"guidance_scale\": %s, %s"), scales[i], more[j]);
            runs[j] = run(options[j]);
        }
        check_context("guidance_scale %s", scales[i]);
        CHECK(!equal(runs[0], none));
        CHECK_SAME(runs[0], runs[1]); /* the default of a model with five blocks */
        CHECK(!equal(runs[0], runs[2]) && !equal(runs[0], runs[3]) && !equal(runs[0], runs[4]));
        CHECK(!equal(runs[4], none));
        CHECK_SAME(runs[5], none); /* the adaptive scale is 0 in every step */
        pixart_tensor_release(none);
        release_tensors(runs, 6);
    }
    close_all();
}

/* A scale of 0, set or adaptive, costs nothing. Any other scale adds a prediction to each step. */
static void perturbing_costs_a_prediction(void) {
    double plain, perturbed, faded;
    open_all();
    pixart_tensor_release(counted(FOUR("\"guidance_scale\": 1"), &plain));
    pixart_tensor_release(counted(FOUR("\"guidance_scale\": 1, \"pag_scale\": 2"), &perturbed));
    pixart_tensor_release(
        counted(FOUR("\"guidance_scale\": 1, \"pag_scale\": 2, \"pag_adaptive_scale\": 1000"), &faded));
    CHECK(plain == faded);
    CHECK(perturbed > 1.8 * plain);
    close_all();
}

/* In a model of one block, no block is perturbed by default. */
static void perturbing_needs_blocks(void) {
    char folder[FOLDER_PATH];
    pixart_denoiser *small;
    folder_clone(check_model(), folder, (const char *[]){"transformer", NULL});
    damage_set(folder, "transformer/config.json", "num_layers", "1");
    for (int block = 1; block < 5; block++) {
        static const char *const names[] = {
            "attn1.to_k.bias",    "attn1.to_k.weight",    "attn1.to_out.0.bias", "attn1.to_out.0.weight",
            "attn1.to_q.bias",    "attn1.to_q.weight",    "attn1.to_v.bias",     "attn1.to_v.weight",
            "attn2.to_k.bias",    "attn2.to_k.weight",    "attn2.to_out.0.bias", "attn2.to_out.0.weight",
            "attn2.to_q.bias",    "attn2.to_q.weight",    "attn2.to_v.bias",     "attn2.to_v.weight",
            "ff.net.0.proj.bias", "ff.net.0.proj.weight", "ff.net.2.bias",       "ff.net.2.weight",
            "scale_shift_table",
        };
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            char name[128];
            snprintf(name, sizeof name, "transformer_blocks.%d.%s", block, names[i]);
            damage_absent(folder, "transformer/diffusion_pytorch_model.safetensors", name, NULL);
        }
    }
    CHECK_OK(pixart_denoiser_open(folder, NULL, NULL, NULL, &small));
    embeddings both = encode_prompts(check_model());
    pixart_tensor *out;
    CHECK_FAILS(pixart_denoise(small, both.prompt, both.negative, RUN("\"pag_scale\": 1"), NULL, NULL, &out),
                PIXART_ERROR_OPTION, "pag_applied_layers", "has 1");
    pixart_tensor_release(denoise(small, both, RUN("\"pag_scale\": 1, \"pag_applied_layers\": [0]")));
    embeddings_release(both);
    pixart_denoiser_release(small);
    folder_remove(folder);
}

/* ---- PixArt-Sigma ------------------------------------------------------------------------------------------------ */

/* The number of tokens in the report for a prompt of more than 300. */
static int64_t tokens(const pixart_encoder *encoder) {
    char text[2000], *report;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = "cat "[i % 4];
    text[sizeof text - 1] = 0;
    CHECK_OK(pixart_encoder_tokenize(encoder, text, NULL, &report));
    json_object *json = json_tokener_parse(report), *value = NULL;
    pixart_string_release(report);
    REQUIRE(json && json_object_object_get_ex(json, "ids", &value));
    int64_t count = (int64_t)json_object_array_length(value);
    json_object_put(json);
    return count;
}

static int64_t activations(const char *model, const char *options) {
    char *report;
    CHECK_OK(pixart_memory_estimate(model, options, &report));
    json_object *json = json_tokener_parse(report), *value = NULL;
    pixart_string_release(report);
    REQUIRE(json && json_object_object_get_ex(json, "activations", &value));
    int64_t bytes = json_object_get_int64(value);
    json_object_put(json);
    return bytes;
}

/* A PixArt-Sigma checkpoint takes 300 tokens, and its runs of one step end as other runs do. */
static void checkpoints_of_sigma(void) {
    char folder[FOLDER_PATH];
    folder_clone(check_model(), folder, NULL);
    damage_set(folder, "model_index.json", "_class_name", "\"PixArtSigmaPipeline\"");
    pixart_encoder *alpha = open_encoder(check_model()), *sigma = open_encoder(folder);
    CHECK_EQUAL(tokens(alpha), 120);
    CHECK_EQUAL(tokens(sigma), 300);
    pixart_encoder_release(alpha);
    pixart_encoder_release(sigma);
    static const char *const stages[] = {"{\"stage\": \"encode\"}", "{\"stage\": \"denoise\"}"};
    static const char *const expected[] = {"{\"stage\": \"encode\", \"tokens\": 300}", "{\"tokens\": 300}"};
    for (int i = 0; i < 2; i++) {
        CHECK(activations(folder, stages[i]) > activations(check_model(), stages[i]));
        CHECK_EQUAL(activations(folder, stages[i]), activations(check_model(), expected[i]));
    }

    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(folder), *other = open_denoiser(check_model());
#define ONCE                                                                                                           \
    "\"scheduler\": {\"final_sigmas_type\": \"sigma_min\"}, \"num_inference_steps\": 1, \"height\": 64, \"width\": 64"
    pixart_tensor *automatic = denoise(denoiser, both, "{" ONCE "}");
    pixart_tensor *sample = denoise(denoiser, both, "{\"result\": \"sample\", " ONCE "}");
    pixart_tensor *original = denoise(denoiser, both, "{\"result\": \"predicted_original\", " ONCE "}");
    pixart_tensor *of_alpha = denoise(other, both, "{" ONCE "}");
    CHECK_SAME(automatic, sample);
    CHECK_SAME(of_alpha, original);
    CHECK(!equal(sample, original));
    pixart_tensor *tensors[] = {automatic, sample, original, of_alpha};
    release_tensors(tensors, 4);
    pixart_denoiser_release(denoiser);
    pixart_denoiser_release(other);
    embeddings_release(both);
    folder_remove(folder);
}

static const check_test tests[] = {
    {"images of a batch equal separate runs", images_equal_separate_runs},
    {"one seed draws for all", one_seed_draws_for_all},
    {"embeddings may repeat", embeddings_may_repeat},
    {"wrong batches are refused", wrong_batches_are_refused},
    {"guidance has an interval", guidance_has_an_interval},
    {"attention is perturbed", attention_is_perturbed},
    {"perturbing costs a prediction", perturbing_costs_a_prediction},
    {"perturbing needs blocks", perturbing_needs_blocks},
    {"checkpoints of PixArt-Sigma", checkpoints_of_sigma},
};
CHECK_MAIN(tests)
