/* Runs with a ControlNet and a control image. The ControlNet is made of the model's own blocks. */
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <stdio.h>
#include <stdlib.h>

enum { COPIES = 2, CELLS = 8 };

static const char *const parts[] = {
    "attn1.to_k.bias",    "attn1.to_k.weight",    "attn1.to_out.0.bias", "attn1.to_out.0.weight",
    "attn1.to_q.bias",    "attn1.to_q.weight",    "attn1.to_v.bias",     "attn1.to_v.weight",
    "attn2.to_k.bias",    "attn2.to_k.weight",    "attn2.to_out.0.bias", "attn2.to_out.0.weight",
    "attn2.to_q.bias",    "attn2.to_q.weight",    "attn2.to_v.bias",     "attn2.to_v.weight",
    "ff.net.0.proj.bias", "ff.net.0.proj.weight", "ff.net.2.bias",       "ff.net.2.weight",
    "scale_shift_table",
};
enum { PARTS = sizeof parts / sizeof *parts };

static struct {
    char folder[FOLDER_PATH], options[2 * FOLDER_PATH];
    pixart_denoiser *plain, *controlled;
    embeddings both;
    pixart_tensor *control; /* latents of a control image: those of a run with another prompt */
    int64_t channels;
} open;

/* The tensors of a file that is being made. */
static struct {
    char names[COPIES * PARTS + 2 * (COPIES + 1)][128];
    pixart_tensor *tensors[COPIES * PARTS + 2 * (COPIES + 1)];
    size_t count;
} file;

static void add(pixart_tensor *tensor, int copy, const char *name) {
    snprintf(file.names[file.count], sizeof *file.names, "controlnet_blocks.%d.%s", copy, name);
    file.tensors[file.count++] = tensor;
}

/* A linear layer that multiplies by `gain`. */
static void add_layer(int copy, const char *name, int64_t width, float gain) {
    float *weight = calloc(width * width, sizeof *weight), *bias = calloc(width, sizeof *bias);
    char text[64];
    pixart_tensor *tensor;
    for (int64_t i = 0; i < width; i++)
        weight[i * width + i] = gain;
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 2, (int64_t[]){width, width}, weight, width * width * sizeof *weight,
                                  &tensor));
    snprintf(text, sizeof text, "%s.weight", name);
    add(tensor, copy, text);
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 1, &width, bias, width * sizeof *bias, &tensor));
    snprintf(text, sizeof text, "%s.bias", name);
    add(tensor, copy, text);
    free(weight);
    free(bias);
}

static void write_controlnet(const char *path) {
    char source[FOLDER_PATH], name[128];
    const char *names[sizeof file.names / sizeof *file.names];
    int64_t width = model_integer("transformer/config.json", "cross_attention_dim");
    snprintf(source, sizeof source, "%s/" TRANSFORMER, check_model());
    file.count = 0;
    for (int copy = 0; copy < COPIES; copy++) {
        for (int part = 0; part < PARTS; part++) {
            pixart_tensor *tensor;
            snprintf(name, sizeof name, "transformer_blocks.%d.%s", copy, parts[part]);
            CHECK_OK(pixart_tensors_load(source, 1, (const char *[]){name}, &tensor));
            snprintf(name, sizeof name, "transformer_block.%s", parts[part]);
            add(tensor, copy, name);
        }
        if (copy == 0)
            add_layer(copy, "before_proj", width, 0.5f);
        add_layer(copy, "after_proj", width, 0.25f);
    }
    for (size_t i = 0; i < file.count; i++)
        names[i] = file.names[i];
    CHECK_OK(pixart_tensors_save(path, file.count, names, (const pixart_tensor *const *)file.tensors));
    release_tensors(file.tensors, (int)file.count);
}

static void open_all(void) {
    char path[FOLDER_PATH + 32];
    folder_temporary(open.folder);
    snprintf(path, sizeof path, "%s/controlnet.safetensors", open.folder);
    write_controlnet(path);
    snprintf(open.options, sizeof open.options, "{\"controlnet\": \"%s\"}", path);
    open.both = encode_prompts(check_model());
    open.plain = open_denoiser(check_model());
    CHECK_OK(pixart_denoiser_open(check_model(), open.options, NULL, NULL, &open.controlled));
    CHECK_OK(pixart_denoise(open.plain, open.both.negative, NULL, RUN("\"guidance_scale\": 1, \"seed\": 99"), NULL,
                            NULL, &open.control));
    open.channels = pixart_tensor_shape(open.control)[1];
}

static void close_all(void) {
    pixart_tensor_release(open.control);
    pixart_denoiser_release(open.plain);
    pixart_denoiser_release(open.controlled);
    embeddings_release(open.both);
    folder_remove(open.folder);
}

/* The result of a run with the control image. */
static pixart_tensor *controlled(const char *options) {
    pixart_sampler *sampler = create_sampler(open.controlled, open.both, options);
    CHECK_OK(pixart_sampler_set_control(sampler, open.control));
    return finish(sampler);
}

/* The control image changes the result, always in the same way. With a scale of 0, and with an interval that has no
 * step, the result is the transformer's alone; then a run needs no control image. */
static void control_guides_a_run(void) {
    const char *off = RUN("\"seed\": 7, \"controlnet_conditioning_scale\": 0");
    open_all();
    pixart_tensor *results[] = {
        denoise(open.plain, open.both, SHORT),
        controlled(SHORT),
        controlled(SHORT),
        controlled(off),
        denoise(open.controlled, open.both, off),
        controlled(RUN("\"seed\": 7, \"control_guidance_start\": 0.4, \"control_guidance_end\": 0.6")),
        controlled(RUN("\"seed\": 7, \"controlnet_conditioning_scale\": 0.5")),
    };
    CHECK(!equal(results[0], results[1]));
    CHECK_SAME(results[1], results[2]);
    for (int i = 3; i < 6; i++)
        CHECK_SAME(results[i], results[0]);
    CHECK(!equal(results[6], results[0]) && !equal(results[6], results[1]));
    release_tensors(results, 7);
    close_all();
}

/* One control image for all images of a batch equals one for each, up to rounding. */
static void control_of_a_batch(void) {
    const char *options = RUN("\"seed\": [7, 8], \"num_images_per_prompt\": 2");
    open_all();
    size_t size = pixart_tensor_size(open.control);
    char *bytes = malloc(2 * size);
    memcpy(bytes, pixart_tensor_data(open.control), size);
    memcpy(bytes + size, pixart_tensor_data(open.control), size);
    pixart_tensor *twice;
    CHECK_OK(
        pixart_tensor_create(PIXART_FLOAT32, 4, (int64_t[]){2, open.channels, CELLS, CELLS}, bytes, 2 * size, &twice));
    pixart_sampler *sampler = create_sampler(open.controlled, open.both, options);
    CHECK_OK(pixart_sampler_set_control(sampler, twice));
    pixart_tensor *each = finish(sampler), *one = controlled(options), *first = controlled(SHORT);
    CHECK(batch_error(each, 0, first) < BATCH_BOUND);
    CHECK(batch_error(one, 0, first) < BATCH_BOUND);
    pixart_tensor *second = controlled(RUN("\"seed\": 8"));
    CHECK(batch_error(each, 1, second) < BATCH_BOUND);
    CHECK(batch_error(one, 1, second) < BATCH_BOUND);
    free(bytes);
    pixart_tensor *tensors[] = {twice, each, one, first, second};
    release_tensors(tensors, 5);
    close_all();
}

/* A refused call does not change the run. */
static void calls_out_of_order(void) {
    open_all();
    pixart_tensor *out, *expected = controlled(SHORT);
    pixart_sampler *plain = create_sampler(open.plain, open.both, SHORT);
    CHECK_FAILS(pixart_sampler_set_control(plain, open.control), PIXART_ERROR_STATE, "ControlNet", "controlnet");
    pixart_sampler_release(plain);
    CHECK_CLEARED(pixart_denoise(open.controlled, open.both.prompt, open.both.negative, SHORT, NULL, NULL, &out),
                  PIXART_ERROR_STATE, out, "pixart_sampler_set_control");

    pixart_sampler *sampler = create_sampler(open.controlled, open.both, SHORT);
    CHECK_FAILS(pixart_sampler_step(sampler, NULL, NULL), PIXART_ERROR_STATE, "pixart_sampler_set_control");
    CHECK_EQUAL(pixart_sampler_step_index(sampler), 0);
    CHECK_FAILS(pixart_sampler_set_control(NULL, open.control), PIXART_ERROR_ARGUMENT, "sampler is NULL");
    CHECK_FAILS(pixart_sampler_set_control(sampler, NULL), PIXART_ERROR_ARGUMENT, "latents is NULL");
    const int64_t shapes[][4] = {
        {2, open.channels, CELLS, CELLS}, {1, open.channels + 1, CELLS, CELLS}, {1, open.channels, CELLS, CELLS - 2}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        pixart_tensor *other = zeros(PIXART_FLOAT32, 4, shapes[i]);
        check_context("shape %zu", i);
        CHECK_FAILS(pixart_sampler_set_control(sampler, other), PIXART_ERROR_ARGUMENT, "latents are",
                    "float32 [1, 8, 8, 8]");
        pixart_tensor_release(other);
    }
    check_context(NULL);
    CHECK_OK(pixart_sampler_set_control(sampler, open.control));
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    CHECK_FAILS(pixart_sampler_set_control(sampler, open.control), PIXART_ERROR_STATE, "control", "first step",
                "1 of 3");
    pixart_tensor *found = finish(sampler);
    CHECK_SAME(found, expected);
    pixart_tensor_release(found);
    pixart_tensor_release(expected);
    close_all();
}

static const check_test tests[] = {
    {"a control image guides a run", control_guides_a_run},
    {"the control image of a batch", control_of_a_batch},
    {"calls out of order", calls_out_of_order},
};
CHECK_MAIN(tests)
