/* Conversion: the files that it writes, that they open and run, and that nothing else changes. */
#include "damage.h"
#include "folder.h"
#include "precisions.h"
#include "safetensors.h"
#include "stages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "transformer/config.json"
#define LAYER "transformer_blocks.0.attn1.to_q.weight"

/* A folder that is empty until `out` is made in it. */
static char root[FOLDER_PATH - 64], out[FOLDER_PATH];

static void prepare(void) {
    char path[FOLDER_PATH];
    folder_temporary(path);
    REQUIRE(strlen(path) < sizeof root);
    strcpy(root, path);
    snprintf(out, sizeof out, "%s/out", root);
}

static void convert(const char *model, const char *options) {
    CHECK_OK(pixart_convert(model, out, options, NULL, NULL));
}

/* ---- What is written --------------------------------------------------------------------------------------------- */

static const char *type_of(const safetensors *file, const char *tensor) {
    return json_object_get_string(json_object_object_get(safetensors_entry(file, tensor), "dtype"));
}

static int64_t dimension(const safetensors *file, const char *tensor, size_t index) {
    json_object *shape = json_object_object_get(safetensors_entry(file, tensor), "shape");
    REQUIRE(index < json_object_array_length(shape));
    return json_object_get_int64(json_object_array_get_idx(shape, index));
}

static int has(const safetensors *file, const char *tensor) {
    return json_object_object_get_ex(file->header, tensor, NULL);
}

static void discard(safetensors *file) {
    json_object_put(file->header);
    free(file->data);
}

/* Types and shapes of a layer, its bias and its scales. */
static void layout_of_tensors(void) {
    static const struct {
        const char *options, *type;
    } rows[] = {
        {"{\"weights\": \"float32\"}", "F32"},
        {"{\"weights\": \"bfloat16\"}", "BF16"},
        {"{\"weights\": \"int8\"}", "I8"},
        {"{\"weights\": \"int4\"}", "U8"},
    };
    prepare();
    safetensors original = safetensors_read(check_model(), TRANSFORMER);
    int64_t outputs = dimension(&original, LAYER, 0), inputs = dimension(&original, LAYER, 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        convert(check_model(), rows[i].options);
        safetensors file = safetensors_read(out, TRANSFORMER);
        CHECK_TEXT(type_of(&file, LAYER), rows[i].type);
        CHECK_EQUAL(dimension(&file, LAYER, 0), i == 3 ? (outputs + 15) / 16 : outputs);
        CHECK_EQUAL(dimension(&file, LAYER, 1), i == 3 ? (inputs + 7) / 8 : inputs);
        CHECK_EQUAL(has(&file, LAYER "_scale"), i >= 2);
        if (i >= 2) {
            CHECK_TEXT(type_of(&file, LAYER "_scale"), "F32");
            CHECK_EQUAL(dimension(&file, LAYER "_scale", 0), i == 3 ? (outputs + 3) / 4 : outputs);
        }
        if (i == 3) {
            CHECK_EQUAL(dimension(&file, LAYER, 2), 16);
            CHECK_EQUAL(dimension(&file, LAYER, 3), 4);
            CHECK_EQUAL(dimension(&file, LAYER "_scale", 1), (inputs + 15) / 16);
        }
        static const char *const unrounded[] = {"proj_out.bias", "proj_out.weight"};
        for (size_t j = 0; j < 2; j++)
            CHECK_TEXT(type_of(&file, unrounded[j]), i == 0 ? "F32" : type_of(&original, unrounded[j]));
        json_object_object_foreach(original.header, name, entry) {
            (void)entry;
            check_context("%s %s", rows[i].options, name);
            CHECK(has(&file, name));
        }
        discard(&file);
    }
    discard(&original);
    folder_remove(root);
}

/* The value of an element of int4, [outputs / 16][inputs / 8][16][4]. Of eight inputs, the first four are in the low
 * halves of bytes. */
static int int4_value(const unsigned char *bytes, int64_t inputs, int64_t output, int64_t input) {
    int64_t run = (output / 16 * ((inputs + 7) / 8) + input / 8) * 16 + output % 16;
    unsigned char pair = bytes[run * 4 + input % 4];
    return (input % 8 < 4 ? pair & 15 : pair >> 4) - 8;
}

/* int8 is value times scale. int4 is a nibble minus 8, with a scale for four by sixteen. Each value is the level
 * nearest to the original, or the last level on its side: a few originals of int4 lie slightly beyond the last level.
 */
static void values_of_tensors(void) {
    prepare();
    convert(check_model(), "{\"weights\": \"float32\"}");
    safetensors exact = safetensors_read(out, TRANSFORMER);
    const float *wanted = safetensors_bytes(&exact, LAYER);
    int64_t outputs = dimension(&exact, LAYER, 0), inputs = dimension(&exact, LAYER, 1), groups = (inputs + 15) / 16;
    for (int is_int4 = 0; is_int4 < 2; is_int4++) {
        convert(check_model(), is_int4 ? "{\"weights\": \"int4\"}" : "{\"weights\": \"int8\"}");
        safetensors file = safetensors_read(out, TRANSFORMER);
        const unsigned char *bytes = safetensors_bytes(&file, LAYER);
        const float *scales = safetensors_bytes(&file, LAYER "_scale");
        int64_t far = 0, clipped = 0, nonzero = 0;
        for (int64_t row = 0; row < outputs; row++)
            for (int64_t column = 0; column < inputs; column++) {
                float scale = is_int4 ? scales[row / 4 * groups + column / 16] : scales[row];
                int value =
                    is_int4 ? int4_value(bytes, inputs, row, column) : (signed char)bytes[row * inputs + column];
                float level = scale != 0 ? wanted[row * inputs + column] / scale : 0;
                int lowest = is_int4 ? -8 : -127, highest = is_int4 ? 7 : 127;
                int beyond = (value == lowest && level < lowest && level > lowest - 2) ||
                             (value == highest && level > highest && level < highest + 2);
                far += !(fabsf(level - (float)value) < 0.51f) && !beyond;
                clipped += beyond;
                nonzero += value != 0;
            }
        check_context("%s", is_int4 ? "int4" : "int8");
        CHECK_EQUAL(far, 0);
        CHECK(clipped < outputs * inputs / 16);
        CHECK(nonzero > outputs * inputs / 2);
        discard(&file);
    }
    discard(&exact);
    folder_remove(root);
}

static json_object *config(const char *folder, const char *file) {
    size_t size;
    char *text = folder_read(folder, file, &size);
    json_object *json = json_tokener_parse(text);
    free(text);
    REQUIRE(json != NULL);
    return json;
}

/* Configurations keep their keys and gain the quantization of weights, if any. The other files are copies. */
static void files_of_a_folder(void) {
    static const char *const copies[] = {"model_index.json", "scheduler/scheduler_config.json",
                                         "tokenizer/spiece.model", "vae/config.json"};
    static const char *const configs[] = {CONFIG, "text_encoder/config.json"};
    prepare();
    convert(check_model(), NULL); /* int8 */
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        check_context("%s", copies[i]);
        CHECK(folder_same_file(check_model(), copies[i], out, copies[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        json_object *before = config(check_model(), configs[i]), *after = config(out, configs[i]), *said = NULL;
        REQUIRE(json_object_object_get_ex(after, "quantization_config", &said));
        CHECK_TEXT(json_object_get_string(json_object_object_get(said, "quant_method")), "pixart");
        CHECK_TEXT(json_object_get_string(json_object_object_get(said, "weights")), "int8");
        json_object_object_del(after, "quantization_config");
        CHECK(json_object_equal(before, after));
        json_object_put(before);
        json_object_put(after);
    }
    convert(check_model(), "{\"weights\": \"bfloat16\"}"); /* replaces the first */
    for (size_t i = 0; i < 2; i++)
        CHECK(folder_same_file(check_model(), configs[i], out, configs[i]));
    CHECK_EQUAL(folder_count(root), 1);
    folder_remove(root);
}

static void parts_of_a_folder(void) {
    static const struct {
        const char *options;
        int entries; /* including model_index.json */
    } rows[] = {
        {"{\"parts\": [\"vae\"]}", 2},
        {"{\"parts\": [\"transformer\"]}", 3},
        {"{\"parts\": [\"vae\", \"text_encoder\"]}", 4},
        {"{\"parts\": null}", 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        prepare();
        convert(check_model(), rows[i].options);
        check_context("%s", rows[i].options);
        CHECK_EQUAL(folder_count(out), rows[i].entries);
        folder_remove(root);
    }
    char folder[FOLDER_PATH];
    folder_clone(check_model(), folder, (const char *[]){"transformer", NULL});
    prepare();
    CHECK_FAILS(pixart_convert(folder, out, "{\"parts\": [\"vae\"]}", NULL, NULL), PIXART_ERROR_FILE, "vae");
    CHECK_EQUAL(folder_count(root), 0);
    convert(folder, NULL);
    CHECK_EQUAL(folder_count(out), 2);
    folder_remove(folder);
    folder_clone(check_model(), folder, (const char *[]){"scheduler", NULL});
    CHECK_FAILS(pixart_convert(folder, out, NULL, NULL, NULL), PIXART_ERROR_FILE, folder, "text_encoder", "vae");
    folder_remove(folder);
    folder_remove(root);
}

static void variants(void) {
    char folder[FOLDER_PATH];
    size_t size;
    prepare();
    folder_clone(check_model(), folder, (const char *[]){"transformer", NULL});
    char *bytes = folder_read(folder, TRANSFORMER, &size);
    folder_write(folder, "transformer/diffusion_pytorch_model.fp16.safetensors", bytes, size);
    folder_delete(folder, TRANSFORMER);
    free(bytes);
    CHECK_FAILS(pixart_convert(folder, out, NULL, NULL, NULL), PIXART_ERROR_FILE, "fp16");
    convert(folder, "{\"variant\": \"fp16\"}");
    pixart_denoiser_release(open_denoiser(out));
    folder_remove(folder);
    folder_remove(root);
}

/* ---- That it opens and runs -------------------------------------------------------------------------------------- */

/* A run from text to latents and images, compared with the original's at each stage. */
static void converted_models_run(void) {
    results original = run_stages(check_model(), NULL, NULL);
    for (size_t i = 0; i < PRECISIONS; i++) {
        char options[64];
        prepare();
        snprintf(options, sizeof options, "{\"weights\": \"%s\"}", precisions[i].name);
        convert(check_model(), options);
        results converted = run_stages(out, NULL, NULL);
        check_context("%s", precisions[i].name);
        check_close(converted, original, &precisions[i]);
        results_release(converted);
        folder_remove(root);
    }
    results_release(original);
}

/* ---- What it is refused for -------------------------------------------------------------------------------------- */

static void quantized_models_are_originals_no_more(void) {
    char second[FOLDER_PATH];
    prepare();
    convert(check_model(), "{\"weights\": \"int8\"}");
    snprintf(second, sizeof second, "%s/second", root);
    static const char *const others[] = {"float32", "bfloat16", "int4"};
    for (size_t i = 0; i < 3; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"weights\": \"%s\"}", others[i]);
        CHECK_FAILS(pixart_convert(out, second, options, NULL, NULL), PIXART_ERROR_MODEL, out, "int8", others[i],
                    "original");
    }
    CHECK_EQUAL(folder_count(root), 1);
    CHECK_OK(pixart_convert(out, second, "{\"weights\": \"int8\"}", NULL, NULL));
    CHECK(folder_same_file(out, CONFIG, second, CONFIG));
    CHECK(folder_same_file(out, TRANSFORMER, second, TRANSFORMER));
    CHECK(folder_same_file(out, TEXT_ENCODER, second, TEXT_ENCODER));
    folder_remove(root);
}

static void the_model_is_not_its_own_target(void) {
    char folder[FOLDER_PATH], path[FOLDER_PATH], slashes[FOLDER_PATH + 8];
    folder_clone(check_model(), folder, NULL);
    snprintf(slashes, sizeof slashes, "%s/./", folder);
    CHECK_FAILS(pixart_convert(folder, folder, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out", folder);
    CHECK_FAILS(pixart_convert(folder, slashes, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out");
    prepare();
    REQUIRE(mkdir(out, 0777) == 0);
    REQUIRE(snprintf(path, sizeof path, "%s/vae", folder) > 0 && snprintf(slashes, sizeof slashes, "%s/vae", out) > 0);
    REQUIRE(symlink(path, slashes) == 0);
    CHECK_FAILS(pixart_convert(folder, out, NULL, NULL, NULL), PIXART_ERROR_ARGUMENT, "out", "vae");
    CHECK_EQUAL(folder_count(out), 1);
    folder_remove(root);
    folder_remove(folder);
}

/* A damaged model is refused before anything is written. */
static void damaged_models_are_refused(void) {
    char folder[FOLDER_PATH];
    prepare();
    folder_clone(check_model(), folder, NULL);
    damage_absent(folder, TRANSFORMER, LAYER, NULL);
    CHECK_FAILS(pixart_convert(folder, out, NULL, NULL, NULL), PIXART_ERROR_MODEL, LAYER);
    CHECK_EQUAL(folder_count(root), 0);
    folder_remove(folder);
    folder_remove(root);
}

/* ---- Progress and cancelling ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t calls, step, steps, stop_at;
    double fraction;
    int ordered;
} progress;

static int32_t observe(void *context, int64_t step, int64_t steps, double fraction) {
    progress *seen = context;
    if (seen->calls++ == 0)
        seen->ordered = 1, seen->steps = steps;
    if (step < seen->step || step > steps || steps != seen->steps || !(fraction >= seen->fraction && fraction <= 1))
        seen->ordered = 0;
    seen->step = step;
    seen->fraction = fraction;
    return seen->calls == seen->stop_at;
}

static void progress_and_cancelling(void) {
    progress whole = {0};
    prepare();
    CHECK_OK(pixart_convert(check_model(), out, NULL, observe, &whole));
    CHECK(whole.ordered);
    CHECK(whole.fraction == 1.0);
    CHECK_EQUAL(whole.step, whole.steps);
    CHECK(whole.steps > 100);
    folder_remove(out);
    const int64_t stops[] = {1, 2, whole.calls / 2, whole.calls - 1, whole.calls};
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        progress seen = {.stop_at = stops[i]};
        check_context("call %lld of %lld", (long long)stops[i], (long long)whole.calls);
        CHECK_FAILS(pixart_convert(check_model(), out, NULL, observe, &seen), PIXART_CANCELLED, "cancel");
        CHECK_EQUAL(seen.calls, stops[i]);
        CHECK_EQUAL(folder_count(root), 0);
    }
    /* The files of an earlier call stay unchanged. */
    convert(check_model(), "{\"weights\": \"int4\"}");
    char *before, *after;
    size_t size, again;
    before = folder_read(out, TRANSFORMER, &size);
    progress seen = {.stop_at = whole.calls};
    CHECK_FAILS(pixart_convert(check_model(), out, NULL, observe, &seen), PIXART_CANCELLED, "cancel");
    after = folder_read(out, TRANSFORMER, &again);
    CHECK(size == again && !memcmp(before, after, size));
    free(before);
    free(after);
    char part[FOLDER_PATH + 16];
    snprintf(part, sizeof part, "%s/transformer", out);
    CHECK_EQUAL(folder_count(part), 2);
    folder_remove(root);
}

/* No call changes the files of a model. */
static void the_source_stays(void) {
    char folder[FOLDER_PATH];
    static const char *const files[] = {TEXT_ENCODER, TRANSFORMER,        VAE,
                                        CONFIG,       "model_index.json", "tokenizer/spiece.model"};
    prepare();
    folder_clone(check_model(), folder, NULL);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) { /* copies of the weights replace links */
        size_t size;
        char *bytes = folder_read(folder, files[i], &size);
        folder_write(folder, files[i], bytes, size);
        free(bytes);
    }
    progress seen = {.stop_at = 20};
    convert(folder, "{\"weights\": \"int4\"}");
    CHECK_FAILS(pixart_convert(folder, out, NULL, observe, &seen), PIXART_CANCELLED, "cancel");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_context("%s", files[i]);
        CHECK(folder_same_file(check_model(), files[i], folder, files[i]));
    }
    folder_remove(folder);
    folder_remove(root);
}

/* ---- Converted models that are damaged --------------------------------------------------------------------------- */

static pixart_status try_denoiser(const char *model) {
    pixart_denoiser *denoiser;
    pixart_status status = pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser);
    CHECK((denoiser == NULL) == (status != PIXART_OK));
    pixart_denoiser_release(denoiser);
    return status;
}

static void damaged_after_conversion(void) {
    static const struct {
        damage *inflict;
        const char *file, *key, *value, *needle;
    } patients[] = {
        {damage_absent, TRANSFORMER, LAYER "_scale", NULL, LAYER "_scale"},
        {damage_renamed, TRANSFORMER, LAYER "_scale", LAYER "_scales", LAYER "_scale"},
        {damage_entry, TRANSFORMER, LAYER "_scale", "{\"shape\": [1, 192]}", LAYER "_scale"},
        {damage_entry, TRANSFORMER, LAYER "_scale", "{\"shape\": [96, 2]}", LAYER "_scale"},
        {damage_entry, TRANSFORMER, LAYER "_scale", "{\"dtype\": \"I8\", \"shape\": [768]}", LAYER "_scale"},
        {damage_entry, TRANSFORMER, LAYER "_scale", "{\"dtype\": \"BF16\", \"shape\": [2, 192]}", LAYER "_scale"},
        {damage_entry, TRANSFORMER, LAYER, "{\"dtype\": \"U8\"}", LAYER},
        {damage_entry, TRANSFORMER, LAYER, "{\"shape\": [36864]}", LAYER},
        {damage_entry, TRANSFORMER, LAYER, "{\"dtype\": \"F8_E8M0\"}", LAYER},
        {damage_entry, TRANSFORMER, LAYER, "{\"dtype\": \"BOOL\"}", LAYER},
        {damage_entry, TRANSFORMER, "proj_out.bias", "{\"dtype\": \"I8\", \"shape\": [128]}", "proj_out.bias"},
        {damage_set, CONFIG, "quantization_config", "{\"quant_method\": \"gptq\"}", "gptq"},
        {damage_set, CONFIG, "quantization_config", "true", "quantization_config"},
        {damage_added, TRANSFORMER, "mystery.weight_scale", NULL, "mystery.weight_scale"},
    };
    CHECK_EQUAL(model_integer(CONFIG, "num_attention_heads") * model_integer(CONFIG, "attention_head_dim"), 192);
    prepare();
    convert(check_model(), "{\"parts\": [\"transformer\"]}");
    for (size_t i = 0; i < sizeof patients / sizeof *patients; i++) {
        char folder[FOLDER_PATH];
        folder_clone(out, folder, NULL);
        patients[i].inflict(folder, patients[i].file, patients[i].key, patients[i].value);
        check_context("%s: %s", patients[i].key, patients[i].value ? patients[i].value : "");
        CHECK_FAILS(try_denoiser(folder), PIXART_ERROR_MODEL, "/transformer", patients[i].needle);
        folder_remove(folder);
    }
    CHECK_OK(try_denoiser(out));
    folder_remove(root);
}

/* int4 in other blocks, or row by row, is refused. */
static void int4_in_another_order(void) {
    static const char *const shapes[] = {"{\"shape\": [192, 96]}", "{\"shape\": [6, 24, 32, 4]}",
                                         "{\"shape\": [12, 24, 64]}"};
    prepare();
    convert(check_model(), "{\"parts\": [\"transformer\"], \"weights\": \"int4\"}");
    CHECK_OK(try_denoiser(out));
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char folder[FOLDER_PATH];
        folder_clone(out, folder, NULL);
        damage_entry(folder, TRANSFORMER, LAYER, shapes[i]);
        check_context("%s", shapes[i]);
        CHECK_FAILS(try_denoiser(folder), PIXART_ERROR_MODEL, "/transformer", LAYER, "[12, 24, 16, 4]");
        folder_remove(folder);
    }
    folder_remove(root);
}

static const check_test tests[] = {
    {"the layout of tensors", layout_of_tensors},
    {"the values of tensors", values_of_tensors},
    {"the files of a folder", files_of_a_folder},
    {"the parts of a folder", parts_of_a_folder},
    {"variants", variants},
    {"converted models run", converted_models_run},
    {"quantized models are originals no more", quantized_models_are_originals_no_more},
    {"a model is not its own target", the_model_is_not_its_own_target},
    {"damaged models are refused", damaged_models_are_refused},
    {"progress and cancelling", progress_and_cancelling},
    {"the source stays", the_source_stays},
    {"converted models that are damaged", damaged_after_conversion},
    {"int4 in another order", int4_in_another_order},
};
CHECK_MAIN(tests)
