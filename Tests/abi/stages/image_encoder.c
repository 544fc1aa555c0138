/* Image encoders: latents of images, in either mode, from either half of a VAE. */
#include "damage.h"
#include "folder.h"
#include "precisions.h"
#include "safetensors.h"
#include "stages.h"

#include <json-c/json.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#define F PIXART_FLOAT32
#define U PIXART_UINT8

static pixart_tensor *encode_images(const pixart_image_encoder *encoder, const pixart_tensor *images,
                                    const char *options) {
    pixart_tensor *latents;
    CHECK_OK(pixart_image_encode(encoder, images, options, NULL, NULL, &latents));
    return latents;
}

static int same(const pixart_tensor *a, const pixart_tensor *b) {
    return pixart_tensor_size(a) == pixart_tensor_size(b) &&
           !memcmp(pixart_tensor_data(a), pixart_tensor_data(b), pixart_tensor_size(a));
}

static void shapes_of_latents(void) {
    static const struct {
        size_t rank;
        int64_t shape[4], count, height, width;
    } rows[] = {{3, {64, 40, 3}, 1, 8, 5}, {4, {1, 8, 8, 3}, 1, 1, 1}, {4, {3, 24, 16, 3}, 3, 3, 2}};
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pixart_tensor *images = colours(rows[i].rank, rows[i].shape), *latents = encode_images(encoder, images, NULL);
        check_context("%zu", i);
        CHECK_EQUAL(pixart_tensor_type(latents), F);
        REQUIRE(pixart_tensor_rank(latents) == 4);
        const int64_t *shape = pixart_tensor_shape(latents);
        CHECK_EQUAL(shape[0], rows[i].count);
        CHECK_EQUAL(shape[1], model_integer("vae/config.json", "latent_channels"));
        CHECK_EQUAL(shape[2], rows[i].height);
        CHECK_EQUAL(shape[3], rows[i].width);
        pixart_tensor_release(images);
        pixart_tensor_release(latents);
    }
    pixart_image_encoder_release(encoder);
}

/* The mean is the same for all seeds. Samples lie around it, and differ from seed to seed. */
static void sample_modes_and_seeds(void) {
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    pixart_tensor *images = colours(3, (int64_t[]){32, 32, 3});
    pixart_tensor *mean = encode_images(encoder, images, "{\"sample_mode\": \"argmax\"}");
    pixart_tensor *other = encode_images(encoder, images, "{\"sample_mode\": \"argmax\", \"seed\": 9}");
    pixart_tensor *standard = encode_images(encoder, images, NULL);
    pixart_tensor *zero = encode_images(encoder, images, "{\"sample_mode\": \"sample\", \"seed\": 0}");
    pixart_tensor *nine = encode_images(encoder, images, "{\"seed\": [9]}");
    CHECK_SAME(mean, other);
    CHECK_SAME(standard, zero);
    CHECK(!same(zero, nine) && !same(zero, mean));
    CHECK(relative_error(zero, mean) < 0.5);
    pixart_tensor *refused;
    CHECK_CLEARED(pixart_image_encode(encoder, images, "{\"seed\": [1, 2]}", NULL, NULL, &refused), PIXART_ERROR_OPTION,
                  refused, "seed", "2", "1 images");
    pixart_tensor *tensors[] = {images, mean, other, standard, zero, nine};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
        pixart_tensor_release(tensors[i]);
    pixart_image_encoder_release(encoder);
}

/* With one seed per image, an image of a batch equals the image alone. */
static void batches_equal_single_images(void) {
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    pixart_tensor *batch = colours(4, (int64_t[]){2, 16, 24, 3});
    pixart_tensor *both = encode_images(encoder, batch, "{\"seed\": [7, 18446744073709551615]}");
    static const char *const options[] = {"{\"seed\": 7}", "{\"seed\": 18446744073709551615}"};
    for (size_t i = 0; i < 2; i++) {
        pixart_tensor *image, *half;
        const unsigned char *bytes = (const unsigned char *)pixart_tensor_data(batch) + i * 16 * 24 * 3;
        CHECK_OK(pixart_tensor_create(U, 3, (int64_t[]){16, 24, 3}, bytes, 16 * 24 * 3, &image));
        half = encode_images(encoder, image, options[i]);
        size_t size = pixart_tensor_size(half);
        REQUIRE(pixart_tensor_size(both) == 2 * size);
        CHECK(!memcmp(pixart_tensor_data(half), (const char *)pixart_tensor_data(both) + i * size, size));
        pixart_tensor_release(image);
        pixart_tensor_release(half);
    }
    pixart_tensor_release(batch);
    pixart_tensor_release(both);
    pixart_image_encoder_release(encoder);
}

/* The root mean square difference of two images. */
static double distance(const pixart_tensor *a, const pixart_tensor *b) {
    REQUIRE(pixart_tensor_size(a) == pixart_tensor_size(b));
    const unsigned char *p = pixart_tensor_data(a), *q = pixart_tensor_data(b);
    double sum = 0;
    for (size_t i = 0; i < pixart_tensor_size(a); i++)
        sum += (p[i] - q[i]) * (p[i] - q[i]);
    return sqrt(sum / (double)pixart_tensor_size(a));
}

/* An image of the model is reproduced from its latents, before and after conversion; in bfloat16 approximately. */
static void images_are_reproduced(void) {
    static const char *const weights[] = {NULL, "{\"weights\": \"int8\"}", "{\"weights\": \"bfloat16\"}"};
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *latents = denoise(denoiser, both, "{\"num_inference_steps\": 12, \"seed\": 3}");
    pixart_tensor *image = decode(decoder, latents), *first = NULL;
    for (size_t i = 0; i < 3; i++) {
        char folder[FOLDER_PATH], out[FOLDER_PATH + 8];
        folder_temporary(folder);
        snprintf(out, sizeof out, "%s/out", folder);
        if (weights[i])
            CHECK_OK(pixart_convert(check_model(), out, weights[i], NULL, NULL));
        pixart_image_encoder *encoder = open_image_encoder(weights[i] ? out : check_model());
        pixart_decoder *back = open_decoder(weights[i] ? out : check_model());
        pixart_tensor *found = encode_images(encoder, image, "{\"sample_mode\": \"argmax\"}");
        pixart_tensor *again = decode(back, found);
        check_context("%s: %g levels", weights[i] ? weights[i] : "as stored", distance(again, image));
        CHECK(distance(again, image) < 15);
        CHECK(relative_error(found, latents) < 0.5);
        if (i == 1)
            CHECK_SAME(found, first);
        if (i == 2)
            CHECK(relative_error(found, first) > 0 && relative_error(found, first) < 0.02);
        if (i > 0)
            pixart_tensor_release(found);
        else
            first = found;
        pixart_tensor_release(again);
        pixart_decoder_release(back);
        pixart_image_encoder_release(encoder);
        folder_remove(folder);
    }
    pixart_tensor *tensors[] = {latents, image, first};
    for (size_t i = 0; i < 3; i++)
        pixart_tensor_release(tensors[i]);
    pixart_decoder_release(decoder);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static void images_that_cannot_be_encoded(void) {
    static const struct {
        int32_t type;
        size_t rank;
        int64_t shape[5];
        const char *found, *expected;
    } rows[] = {
        {U, 3, {12, 8, 3}, "[12, 8, 3]", "multiples of 8"},
        {U, 4, {1, 8, 4, 3}, "[1, 8, 4, 3]", "multiples of 8"},
        {U, 3, {8, 8, 4}, "[8, 8, 4]", "[B, H, W, 3]"},
        {U, 2, {8, 8}, "[8, 8]", "[B, H, W, 3]"},
        {U, 5, {1, 1, 8, 8, 3}, "[1, 1, 8, 8, 3]", "[B, H, W, 3]"},
        {U, 4, {0, 8, 8, 3}, "[0, 8, 8, 3]", "[B, H, W, 3]"},
        {U, 3, {0, 8, 3}, "[0, 8, 3]", "[B, H, W, 3]"},
        {F, 3, {8, 8, 3}, "float32", "uint8"},
    };
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    pixart_tensor *out;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pixart_tensor *wrong = zeros(rows[i].type, rows[i].rank, rows[i].shape);
        check_context("%s", rows[i].found);
        CHECK_CLEARED(pixart_image_encode(encoder, wrong, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "images",
                      rows[i].found, rows[i].expected);
        pixart_tensor_release(wrong);
    }
    pixart_image_encoder_release(encoder);
}

/* Two threads on one handle get the result of one thread. */
typedef struct {
    const pixart_image_encoder *encoder;
    const pixart_tensor *images;
    const char *options;
    pixart_tensor *results[3];
    pixart_status status;
} worker;

static void *labour(void *argument) {
    worker *self = argument;
    for (int i = 0; i < 3 && !self->status; i++)
        self->status = pixart_image_encode(self->encoder, self->images, self->options, NULL, NULL, &self->results[i]);
    return NULL;
}

static void threads_share_an_encoder(void) {
    static const char *const options[] = {"{\"seed\": 1}", "{\"sample_mode\": \"argmax\"}"};
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    worker workers[2] = {{0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pixart_tensor *images = colours(3, (int64_t[]){64, 64 + 16 * i, 3});
        workers[i] = (worker){.encoder = encoder, .images = images, .options = options[i]};
        REQUIRE(pthread_create(&threads[i], NULL, labour, &workers[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQUAL(workers[i].status, PIXART_OK);
        pixart_tensor *alone = encode_images(encoder, workers[i].images, options[i]);
        for (int round = 0; round < 3; round++) {
            CHECK_SAME(workers[i].results[round], alone);
            pixart_tensor_release(workers[i].results[round]);
        }
        pixart_tensor_release(alone);
        pixart_tensor_release((pixart_tensor *)workers[i].images);
    }
    pixart_image_encoder_release(encoder);
}

static void profiles_grow(void) {
    pixart_image_encoder *encoder = open_image_encoder(check_model());
    pixart_tensor *images = colours(3, (int64_t[]){32, 32, 3});
    double before = 0;
    for (int i = 0; i < 2; i++) {
        char *report;
        CHECK_OK(pixart_image_encoder_profile(encoder, &report));
        json_object *json = json_tokener_parse(report);
        double found =
            json_object_get_double(json_object_object_get(json_object_object_get(json, "convolution"), "operations"));
        CHECK(i == 0 ? found == 0 : found > before);
        before = found;
        json_object_put(json);
        pixart_string_release(report);
        pixart_tensor_release(encode_images(encoder, images, NULL));
    }
    pixart_tensor_release(images);
    pixart_image_encoder_release(encoder);
}

/* The latents of an image from a handle opened with these options; NULL if the processor lacks the instructions. */
static pixart_tensor *encode_opened(const char *options, const pixart_tensor *images) {
    pixart_image_encoder *encoder;
    pixart_status status = pixart_image_encoder_open(check_model(), options, NULL, NULL, &encoder);
    if (status == PIXART_ERROR_OPTION && strstr(pixart_error_message(), "instructions"))
        return NULL;
    CHECK_OK(status);
    pixart_tensor *latents = encode_images(encoder, images, NULL);
    pixart_image_encoder_release(encoder);
    return latents;
}

/* The best instruction set that this processor has. */
static const char *best_instructions(const pixart_tensor *images) {
    static const char *const sets[] = {"amx",       "avx512_bf16", "avx512_vnni",  "avx512", "avx_vnni", "avx2",
                                       "neon_bf16", "neon_i8mm",   "neon_dotprod", "neon",   "portable"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char options[64];
        snprintf(options, sizeof options, "{\"instructions\": \"%s\"}", sets[i]);
        pixart_tensor *found = encode_opened(options, images);
        pixart_tensor_release(found);
        if (found)
            return sets[i];
    }
    REQUIRE(!"an instruction set opens");
    return NULL;
}

/* The number of threads makes no difference, nor do other instructions but OpenBLAS's; wider weights make almost none,
 * rounded ones some. */
static void options_of_opening(void) {
    static const struct {
        const char *options;
        double least, most;
    } rows[] = {
        {"{\"threads\": 1}", 0, 0},
        {"{\"weights\": \"float32\", \"compute\": \"float32\"}", 0, 1e-6},
        {"{\"instructions\": \"portable\"}", 1e-9, 1e-5},
        {"{\"instructions\": \"avx2\"}", 0, 0},
        {"{\"weights\": \"bfloat16\"}", 1e-5, 0.02},
    };
    pixart_tensor *images = colours(3, (int64_t[]){64, 48, 3}), *plain = encode_opened(NULL, images);
    const char *best = best_instructions(images);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pixart_tensor *found = encode_opened(rows[i].options, images);
        if (!found)
            continue;
        check_context("%s: %g", rows[i].options, relative_error(found, plain));
        if (strstr(rows[i].options, "instructions") && strstr(rows[i].options, best)) /* the default */
            CHECK_SAME(found, plain);
        else
            CHECK(relative_error(found, plain) >= rows[i].least && relative_error(found, plain) <= rows[i].most);
        pixart_tensor_release(found);
    }
    pixart_image_encoder *refused;
    CHECK_CLEARED(pixart_image_encoder_open(check_model(), "{\"variant\": \"fp16\"}", NULL, NULL, &refused),
                  PIXART_ERROR_FILE, refused, "fp16");
    CHECK_CLEARED(pixart_image_encoder_open(check_model(), "{\"weights\": \"int8\"}", NULL, NULL, &refused),
                  PIXART_ERROR_OPTION, refused, "weights", "int8", "bfloat16");
    pixart_tensor_release(images);
    pixart_tensor_release(plain);
}

/* If the encoder half of a VAE is damaged, it is refused and the decoder half opens; and vice versa. */
static void damaged_halves(void) {
    static const struct {
        damage *inflict;
        const char *file, *key, *value;
        int decodes; /* 1 if the decoder opens all the same */
    } rows[] = {
        {damage_absent, VAE, "encoder.conv_in.weight", NULL, 1},
        {damage_absent, VAE, "encoder.down_blocks.0.downsamplers.0.conv.bias", NULL, 1},
        {damage_absent, VAE, "quant_conv.weight", NULL, 1},
        {damage_added, VAE, "encoder.mystery.weight", NULL, 1},
        {damage_set, "vae/config.json", "in_channels", "4", 1},
        {damage_set, "vae/config.json", "down_block_types", "[\"AttnDownEncoderBlock2D\"]", 1},
        {damage_added, VAE, "mystery.weight", NULL, 0},
        {damage_set, "vae/config.json", "scaling_factor", "0", 0},
        {damage_set, "vae/config.json", "shift_factor", "0.1", 0},
        {damage_set, "vae/config.json", "_class_name", "\"AutoencoderDC\"", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char folder[FOLDER_PATH];
        pixart_image_encoder *encoder;
        pixart_decoder *decoder;
        folder_clone(check_model(), folder, (const char *[]){"vae", NULL});
        rows[i].inflict(folder, rows[i].file, rows[i].key, rows[i].value);
        check_context("%s", rows[i].key);
        CHECK_CLEARED(pixart_image_encoder_open(folder, NULL, NULL, NULL, &encoder), PIXART_ERROR_MODEL, encoder,
                      "/vae", rows[i].key);
        CHECK_EQUAL(pixart_decoder_open(folder, NULL, NULL, NULL, &decoder),
                    rows[i].decodes ? PIXART_OK : PIXART_ERROR_MODEL);
        pixart_decoder_release(decoder);
        folder_remove(folder);
    }
}

/* ---- NULL -------------------------------------------------------------------------------------------------------- */

static void null_for_each_argument(void) {
    pixart_image_encoder *encoder;
    pixart_tensor *out, *images = zeros(U, 3, (int64_t[]){8, 8, 3});
    char *report;
    const pixart_status argument = PIXART_ERROR_ARGUMENT;
    CHECK_CLEARED(pixart_image_encoder_open(NULL, NULL, NULL, NULL, &encoder), argument, encoder, "model");
    CHECK_FAILS(pixart_image_encoder_open(check_model(), NULL, NULL, NULL, NULL), argument, "out");
    CHECK_CLEARED(pixart_image_encoder_open("/nowhere/x", NULL, NULL, NULL, &encoder), PIXART_ERROR_FILE, encoder,
                  "/nowhere/x");
    CHECK_CLEARED(pixart_image_encoder_open("\xff", NULL, NULL, NULL, &encoder), argument, encoder, "model", "UTF-8");
    encoder = open_image_encoder(check_model());
    CHECK_CLEARED(pixart_image_encode(NULL, images, NULL, NULL, NULL, &out), argument, out, "encoder");
    CHECK_CLEARED(pixart_image_encode(encoder, NULL, NULL, NULL, NULL, &out), argument, out, "images");
    CHECK_FAILS(pixart_image_encode(encoder, images, NULL, NULL, NULL, NULL), argument, "out");
    CHECK_CLEARED(pixart_image_encoder_memory(NULL, NULL, &report), argument, report, "encoder");
    CHECK_FAILS(pixart_image_encoder_memory(encoder, NULL, NULL), argument, "report");
    CHECK_CLEARED(pixart_image_encoder_profile(NULL, &report), argument, report, "encoder");
    CHECK_FAILS(pixart_image_encoder_profile(encoder, NULL), argument, "report");
    CHECK_CLEARED(pixart_image_encoder_report(NULL, &report), argument, report, "encoder");
    CHECK_FAILS(pixart_image_encoder_report(encoder, NULL), argument, "report");
    pixart_image_encoder_release(encoder);
    pixart_image_encoder_release(NULL);
    pixart_tensor_release(images);
}

static const check_test tests[] = {
    {"shapes of latents", shapes_of_latents},
    {"sample modes and seeds", sample_modes_and_seeds},
    {"batches equal single images", batches_equal_single_images},
    {"images are reproduced from their latents", images_are_reproduced},
    {"images that cannot be encoded", images_that_cannot_be_encoded},
    {"two threads encode images", threads_share_an_encoder},
    {"profiles of image encoders", profiles_grow},
    {"options of opening", options_of_opening},
    {"damaged halves of a VAE", damaged_halves},
    {"NULL for each argument", null_for_each_argument},
};
CHECK_MAIN(tests)
