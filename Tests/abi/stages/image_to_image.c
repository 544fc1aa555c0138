/* Image-to-image runs, with and without a mask. */
#include "stages.h"

#include <stdlib.h>

enum { SIDE = 64, CELLS = SIDE / 8, SEED = 7 };

static struct {
    pixart_denoiser *denoiser;
    embeddings both;
    pixart_tensor *image; /* latents of an image: those of a run with another prompt */
    int64_t channels;
} open;

static void open_all(void) {
    open.both = encode_prompts(check_model());
    open.denoiser = open_denoiser(check_model());
    CHECK_OK(pixart_denoise(open.denoiser, open.both.negative, NULL, RUN("\"guidance_scale\": 1, \"seed\": 99"), NULL,
                            NULL, &open.image));
    open.channels = pixart_tensor_shape(open.image)[1];
}

static void close_all(void) {
    pixart_tensor_release(open.image);
    pixart_denoiser_release(open.denoiser);
    embeddings_release(open.both);
}

#define FOUR(more) "{\"num_inference_steps\": 4, \"height\": 64, \"width\": 64, \"seed\": 7" more "}"
#define HALF FOUR(", \"strength\": 0.5")
#define FULL FOUR(", \"strength\": 1")

/* A sampler that starts from the image, with a mask unless it is NULL. */
static pixart_sampler *from_image(const char *options, const pixart_tensor *mask) {
    pixart_sampler *sampler = create_sampler(open.denoiser, open.both, options);
    CHECK_OK(pixart_sampler_set_image_latents(sampler, open.image));
    if (mask)
        CHECK_OK(pixart_sampler_set_mask(sampler, mask));
    return sampler;
}

typedef unsigned char shade(int y, int x);
static unsigned char all(int y, int x) { return (void)y, (void)x, 255; }
static unsigned char none(int y, int x) { return (void)y, (void)x, 0; }
static unsigned char right(int y, int x) { return (void)y, x < SIDE / 2 ? 127 : 128; }
static unsigned char firsts(int y, int x) { return y % 8 || x % 8 ? 0 : 255; }
static unsigned char others(int y, int x) { return y % 8 || x % 8 ? 255 : 0; }

/* A mask of the run's size in the given shape. */
static pixart_tensor *mask_of(shade *shade, size_t rank, const int64_t *shape) {
    unsigned char pixels[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++)
        pixels[i] = shade(i / SIDE, i % SIDE);
    pixart_tensor *mask;
    CHECK_OK(pixart_tensor_create(PIXART_UINT8, rank, shape, pixels, sizeof pixels, &mask));
    return mask;
}

static pixart_tensor *flat_mask(shade *shade) { return mask_of(shade, 2, (int64_t[]){SIDE, SIDE}); }

/* The result of a run from the image with a mask. */
static pixart_tensor *masked(const char *options, shade *shade) {
    pixart_tensor *mask = flat_mask(shade), *latents = finish(from_image(options, mask));
    pixart_tensor_release(mask);
    return latents;
}

/* ---- Image to image ---------------------------------------------------------------------------------------------- */

/* With a strength of 0.5, a run has the last half of the steps and starts from the image with their noise. */
static void strength_leaves_out_steps(void) {
    open_all();
    pixart_sampler *whole = create_sampler(open.denoiser, open.both, FOUR("")), *half = from_image(HALF, NULL);
    CHECK_EQUAL(pixart_sampler_steps(whole), 4);
    CHECK_EQUAL(pixart_sampler_steps(half), 2);
    for (int64_t i = 0; i < 2; i++) {
        double expected, found;
        CHECK_OK(pixart_sampler_timestep(whole, i + 2, &expected));
        CHECK_OK(pixart_sampler_timestep(half, i, &found));
        CHECK(found == expected);
    }
    double unused;
    CHECK_FAILS(pixart_sampler_timestep(half, 2, &unused), PIXART_ERROR_ARGUMENT, "index is 2", "0 to 1");
    pixart_tensor *noisy = sampler_latents(half), *noise = sampler_latents(whole);
    CHECK(!equal(noisy, noise) && !equal(noisy, open.image));
    pixart_sampler *third = from_image(FOUR(", \"strength\": 0.8"), NULL); /* int(4 * 0.8) is 3 */
    CHECK_EQUAL(pixart_sampler_steps(third), 3);
    pixart_sampler_release(whole);
    pixart_tensor *results[] = {noisy, noise, finish(half), finish(third), finish(from_image(FULL, NULL))};
    for (int i = 2; i < 5; i++)
        for (int j = 2; j < i; j++)
            CHECK(!equal(results[i], results[j]));
    release_tensors(results, 5);
    close_all();
}

/* One source image for all images of a batch, or one for each. */
static void images_of_a_batch(void) {
    open_all();
    const char *options = FOUR(", \"strength\": 0.5, \"num_images_per_prompt\": 2");
    int64_t shape[] = {2, open.channels, CELLS, CELLS};
    size_t size = pixart_tensor_size(open.image);
    char *bytes = malloc(2 * size);
    memcpy(bytes, pixart_tensor_data(open.image), size);
    memcpy(bytes + size, pixart_tensor_data(open.image), size);
    pixart_tensor *twice, *results[3];
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 4, shape, bytes, 2 * size, &twice));
    memset(bytes + size, 0, size);
    pixart_tensor *different;
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 4, shape, bytes, 2 * size, &different));
    const pixart_tensor *images[] = {open.image, twice, different};
    for (int i = 0; i < 3; i++) {
        pixart_sampler *sampler = create_sampler(open.denoiser, open.both, options);
        CHECK_OK(pixart_sampler_set_image_latents(sampler, images[i]));
        results[i] = finish(sampler);
    }
    CHECK_SAME(results[0], results[1]);
    CHECK(!equal(results[0], results[2]));
    free(bytes);
    release_tensors(results, 3);
    pixart_tensor_release(twice);
    pixart_tensor_release(different);
    close_all();
}

/* The noise that the host sets is added to the image, whichever is set first. */
static void noise_may_be_given(void) {
    open_all();
    pixart_sampler *plain = create_sampler(open.denoiser, open.both, FOUR(""));
    pixart_tensor *noise = sampler_latents(plain), *results[4];
    pixart_sampler_release(plain);
    results[0] = finish(from_image(HALF, NULL));
    for (int first = 0; first < 2; first++) {
        pixart_sampler *sampler = create_sampler(
            open.denoiser, open.both,
            "{\"num_inference_steps\": 4, \"height\": 64, \"width\": 64, \"seed\": 8, \"strength\": 0.5}");
        if (first)
            CHECK_OK(pixart_sampler_set_noise(sampler, noise));
        CHECK_OK(pixart_sampler_set_image_latents(sampler, open.image));
        if (!first)
            CHECK_OK(pixart_sampler_set_noise(sampler, noise));
        results[1 + first] = finish(sampler);
        CHECK_SAME(results[1 + first], results[0]);
    }
    results[3] = noise;
    release_tensors(results, 4);
    close_all();
}

/* ---- Inpainting -------------------------------------------------------------------------------------------------- */

/* With a mask that keeps everything, the result is the image. A mask that keeps nothing equals no mask, and at full
 * strength no image. With other masks, the kept area is the image's. */
static void masks_keep_what_they_keep(void) {
    open_all();
    pixart_tensor *kept = masked(HALF, none), *painted = masked(HALF, all), *half = masked(HALF, right);
    pixart_tensor *unmasked = finish(from_image(HALF, NULL)), *full = masked(FULL, all);
    pixart_tensor *from_noise = finish(create_sampler(open.denoiser, open.both, FOUR("")));
    CHECK_SAME(kept, open.image);
    CHECK_SAME(painted, unmasked);
    CHECK_SAME(full, from_noise);
    const float *found = pixart_tensor_data(half), *image = pixart_tensor_data(open.image);
    int64_t wrong = 0, changed = 0;
    for (int64_t i = 0; i < open.channels * CELLS * CELLS; i++) {
        if (i % CELLS < CELLS / 2)
            wrong += found[i] != image[i];
        else
            changed += found[i] != image[i];
    }
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(changed, open.channels * CELLS * CELLS / 2);
    pixart_tensor *tensors[] = {kept, painted, half, unmasked, full, from_noise};
    release_tensors(tensors, 6);
    close_all();
}

/* A latent takes the mask value of its top-left pixel. */
static void masks_are_reduced_to_first_pixels(void) {
    open_all();
    pixart_tensor *tensors[] = {masked(HALF, firsts), masked(HALF, all), masked(HALF, others), masked(HALF, none)};
    CHECK_SAME(tensors[0], tensors[1]);
    CHECK_SAME(tensors[2], tensors[3]);
    release_tensors(tensors, 4);
    close_all();
}

static void masks_of_every_shape(void) {
    static const struct {
        size_t rank;
        int64_t shape[4];
    } shapes[] = {{2, {SIDE, SIDE}}, {3, {SIDE, SIDE, 1}}, {3, {1, SIDE, SIDE}}, {4, {1, SIDE, SIDE, 1}}};
    open_all();
    pixart_tensor *expected = masked(HALF, right);
    for (size_t i = 0; i < 4; i++) {
        pixart_tensor *mask = mask_of(right, shapes[i].rank, shapes[i].shape);
        pixart_tensor *found = finish(from_image(HALF, mask));
        CHECK_SAME(found, expected);
        pixart_tensor_release(found);
        pixart_tensor_release(mask);
    }
    pixart_tensor_release(expected);
    close_all();
}

/* A mask for each image of a batch. */
static void masks_of_a_batch(void) {
    unsigned char *pixels = calloc(2, SIDE * SIDE);
    open_all();
    memset(pixels + SIDE * SIDE, 255, SIDE * SIDE);
    pixart_tensor *mask;
    CHECK_OK(pixart_tensor_create(PIXART_UINT8, 3, (int64_t[]){2, SIDE, SIDE}, pixels, 2 * SIDE * SIDE, &mask));
    pixart_tensor *both = finish(from_image(FOUR(", \"strength\": 0.5, \"num_images_per_prompt\": 2"), mask));
    CHECK(batch_error(both, 0, open.image) == 0);
    CHECK(batch_error(both, 1, open.image) > 0.1f);
    pixart_tensor_release(both);
    pixart_tensor_release(mask);
    free(pixels);
    close_all();
}

/* The image may be set before the mask or after it. */
static void the_order_is_free(void) {
    open_all();
    pixart_tensor *mask = flat_mask(right), *expected = finish(from_image(FULL, mask));
    pixart_sampler *sampler = create_sampler(open.denoiser, open.both, FULL);
    CHECK_OK(pixart_sampler_set_mask(sampler, mask));
    CHECK_OK(pixart_sampler_set_image_latents(sampler, open.image));
    pixart_tensor *found = finish(sampler);
    CHECK_SAME(found, expected);
    pixart_tensor *tensors[] = {mask, expected, found};
    release_tensors(tensors, 3);
    close_all();
}

/* ---- Refusals ---------------------------------------------------------------------------------------------------- */

static void calls_out_of_order(void) {
    open_all();
    pixart_tensor *mask = flat_mask(right), *out;
    pixart_sampler *plain = create_sampler(open.denoiser, open.both, FOUR(""));
    CHECK_FAILS(pixart_sampler_set_image_latents(plain, open.image), PIXART_ERROR_STATE, "strength", "null");
    CHECK_FAILS(pixart_sampler_set_mask(plain, mask), PIXART_ERROR_STATE, "strength", "null");
    pixart_sampler_release(plain);

    pixart_sampler *sampler = create_sampler(open.denoiser, open.both, HALF);
    CHECK_FAILS(pixart_sampler_step(sampler, NULL, NULL), PIXART_ERROR_STATE, "image", "strength");
    CHECK_OK(pixart_sampler_set_mask(sampler, mask));
    CHECK_FAILS(pixart_sampler_step(sampler, NULL, NULL), PIXART_ERROR_STATE, "image", "strength");
    CHECK_EQUAL(pixart_sampler_step_index(sampler), 0);
    CHECK_OK(pixart_sampler_set_image_latents(sampler, open.image));
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    CHECK_FAILS(pixart_sampler_set_image_latents(sampler, open.image), PIXART_ERROR_STATE, "image", "first step",
                "1 of 2");
    CHECK_FAILS(pixart_sampler_set_mask(sampler, mask), PIXART_ERROR_STATE, "mask", "first step", "1 of 2");
    pixart_tensor *found = finish(sampler), *expected = masked(HALF, right);
    CHECK_SAME(found, expected);
    CHECK_FAILS(pixart_denoise(open.denoiser, open.both.prompt, open.both.negative, HALF, NULL, NULL, &out),
                PIXART_ERROR_OPTION, "strength", "0.5", "null", "pixart_sampler_set_image_latents");
    pixart_tensor *tensors[] = {mask, found, expected};
    release_tensors(tensors, 3);
    close_all();
}

/* A refused argument does not change the run. */
static void wrong_images_and_masks(void) {
    open_all();
    pixart_sampler *sampler =
        create_sampler(open.denoiser, open.both, FOUR(", \"strength\": 0.5, \"num_images_per_prompt\": 3"));
    const struct {
        int32_t type;
        size_t rank;
        int64_t shape[5];
    } images[] =
        {
            {PIXART_FLOAT32, 3, {open.channels, CELLS, CELLS}},
            {PIXART_FLOAT32, 4, {2, open.channels, CELLS, CELLS}},
            {PIXART_FLOAT32, 4, {0, open.channels, CELLS, CELLS}},
            {PIXART_FLOAT32, 4, {1, open.channels + 1, CELLS, CELLS}},
            {PIXART_FLOAT32, 4, {1, open.channels, CELLS + 2, CELLS}},
            {PIXART_FLOAT32, 4, {1, open.channels, CELLS, CELLS - 2}},
            {PIXART_UINT8, 4, {1, open.channels, CELLS, CELLS}},
        },
      masks[] = {
          {PIXART_UINT8, 1, {SIDE * SIDE}},         {PIXART_UINT8, 2, {CELLS, CELLS}},
          {PIXART_UINT8, 2, {SIDE, SIDE + 8}},      {PIXART_UINT8, 3, {2, SIDE, SIDE}},
          {PIXART_UINT8, 3, {SIDE, SIDE, 3}},       {PIXART_UINT8, 4, {1, SIDE, SIDE, 3}},
          {PIXART_UINT8, 5, {1, 1, SIDE, SIDE, 1}}, {PIXART_UINT8, 0, {0}},
          {PIXART_FLOAT32, 2, {SIDE, SIDE}},
      };
    pixart_tensor *before = sampler_latents(sampler);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        pixart_tensor *image = zeros(images[i].type, images[i].rank, images[i].shape);
        check_context("image %zu", i);
        CHECK_FAILS(pixart_sampler_set_image_latents(sampler, image), PIXART_ERROR_ARGUMENT, "latents are",
                    "float32 [1 or 3, 8, 8, 8]");
        pixart_tensor_release(image);
    }
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        pixart_tensor *mask = zeros(masks[i].type, masks[i].rank, masks[i].shape);
        check_context("mask %zu", i);
        CHECK_FAILS(pixart_sampler_set_mask(sampler, mask), PIXART_ERROR_ARGUMENT, "mask is",
                    "uint8 [64, 64] or [1 or 3, 64, 64]");
        pixart_tensor_release(mask);
    }
    pixart_tensor *after = sampler_latents(sampler);
    CHECK_SAME(after, before);
    pixart_tensor_release(before);
    pixart_tensor_release(after);
    pixart_sampler_release(sampler);
    close_all();
}

/* ---- Cancelling -------------------------------------------------------------------------------------------------- */

static int32_t stop_at(void *context, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    return --*(int *)context == 0;
}

/* With an image, a mask, a guidance interval, perturbed attention and a scheduler that draws noise, a run that is
 * cancelled in every step ends as an undisturbed run does. */
static void cancelling_leaves_the_run(void) {
    const char *options = FOUR(", \"strength\": 0.8, \"guidance_interval\": [0, 0.5], \"pag_scale\": 2, "
                               "\"scheduler\": \"EulerAncestralDiscrete\"");
    open_all();
    pixart_tensor *mask = flat_mask(right), *expected = finish(from_image(options, mask));
    pixart_sampler *sampler = from_image(options, mask);
    while (pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler)) {
        int64_t index = pixart_sampler_step_index(sampler);
        pixart_tensor *before = sampler_latents(sampler), *seen = index ? sampler_estimate(sampler) : NULL;
        for (int calls = 1; calls < 7; calls += 5) { /* the first call, and the one after the last block */
            int left = calls;
            CHECK_FAILS(pixart_sampler_step(sampler, stop_at, &left), PIXART_CANCELLED, "cancel");
            pixart_tensor *after = sampler_latents(sampler), *estimate = index ? sampler_estimate(sampler) : NULL;
            CHECK_SAME(after, before);
            if (index)
                CHECK_SAME(estimate, seen);
            pixart_tensor_release(after);
            pixart_tensor_release(estimate);
        }
        pixart_tensor_release(before);
        pixart_tensor_release(seen);
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    }
    pixart_tensor *found = finish(sampler);
    CHECK_SAME(found, expected);
    pixart_tensor *tensors[] = {mask, found, expected};
    release_tensors(tensors, 3);
    close_all();
}

/* The area that the mask keeps is the image's in the predicted original, too. */
static void estimates_under_a_mask(void) {
    open_all();
    pixart_tensor *mask = flat_mask(none);
    pixart_sampler *sampler = from_image(HALF, mask);
    CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
    pixart_tensor *estimate = sampler_estimate(sampler), *latents = sampler_latents(sampler);
    CHECK_SAME(estimate, open.image);
    CHECK(!equal(latents, open.image)); /* which still contain noise */
    pixart_tensor *tensors[] = {mask, estimate, latents};
    release_tensors(tensors, 3);
    pixart_sampler_release(sampler);
    close_all();
}

static const check_test tests[] = {
    {"strength leaves out steps", strength_leaves_out_steps},
    {"images of a batch", images_of_a_batch},
    {"noise may be given", noise_may_be_given},
    {"masks keep what they keep", masks_keep_what_they_keep},
    {"masks are reduced to first pixels", masks_are_reduced_to_first_pixels},
    {"masks of every shape", masks_of_every_shape},
    {"masks of a batch", masks_of_a_batch},
    {"the order of image and mask is free", the_order_is_free},
    {"calls out of order", calls_out_of_order},
    {"wrong images and masks", wrong_images_and_masks},
    {"cancelling leaves the run", cancelling_leaves_the_run},
    {"estimates under a mask", estimates_under_a_mask},
};
CHECK_MAIN(tests)
