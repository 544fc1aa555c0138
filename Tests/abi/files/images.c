/* Images: reading, resizing and blending. */
#include "damage.h"
#include "folder.h"
#include "stages.h"

#include <stdio.h>

/* The bytes in memory equal those of the file, and decode to the same images. */
static void images_in_memory(const char *folder, const char *path, const pixart_tensor *images) {
    pixart_tensor *bytes, *read, *nothing;
    char other[FOLDER_PATH + 16];
    CHECK_OK(pixart_image_write_memory(images, 0, "{\"text\": {\"prompt\": \"a cat\"}}", &bytes));
    CHECK_EQUAL(pixart_tensor_type(bytes), PIXART_UINT8);
    CHECK_EQUAL(pixart_tensor_rank(bytes), 1);
    const unsigned char *data = pixart_tensor_data(bytes);
    size_t size = pixart_tensor_size(bytes);
    snprintf(other, sizeof other, "%s/y.png", folder);
    FILE *file = fopen(other, "wb");
    REQUIRE(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    CHECK(folder_same_file(folder, "y.png", folder, "x.png"));
    CHECK_OK(pixart_image_read_memory(data, size, NULL, &read));
    CHECK_SAME(read, images);
    pixart_tensor_release(read);
    CHECK_OK(pixart_image_read_memory(data, size, "{\"channels\": 4}", &read));
    CHECK_EQUAL(pixart_tensor_shape(read)[2], 4);
    pixart_tensor_release(read);
    for (size_t cut = 0; cut < size; cut += size / 7 + 1)
        CHECK_CLEARED(pixart_image_read_memory(data, cut, NULL, &nothing), PIXART_ERROR_FORMAT, nothing, "data");
    CHECK_CLEARED(pixart_image_read_memory(path, 5, NULL, &nothing), PIXART_ERROR_FORMAT, nothing, "data");
    CHECK_CLEARED(pixart_image_read_memory(NULL, size, NULL, &nothing), PIXART_ERROR_ARGUMENT, nothing, "data");
    CHECK_CLEARED(pixart_image_read_memory(data, SIZE_MAX, NULL, &nothing), PIXART_ERROR_ARGUMENT, nothing, "size");
    CHECK_CLEARED(pixart_image_write_memory(images, 1, NULL, &nothing), PIXART_ERROR_ARGUMENT, nothing, "index");
    CHECK_CLEARED(pixart_image_write_memory(NULL, 0, NULL, &nothing), PIXART_ERROR_ARGUMENT, nothing, "images");
    CHECK_CLEARED(pixart_image_write_memory(images, 0, "{\"text\": 1}", &nothing), PIXART_ERROR_OPTION, nothing,
                  "text");
    pixart_tensor_release(bytes);
}

static void images_come_back_from_files(void) {
    char folder[FOLDER_PATH], path[FOLDER_PATH + 16];
    folder_temporary(folder);
    snprintf(path, sizeof path, "%s/x.png", folder);
    pixart_tensor *images = colours(3, (int64_t[]){9, 14, 3}), *read;
    CHECK_OK(pixart_image_write(images, 0, path, "{\"text\": {\"prompt\": \"a cat\"}}"));
    CHECK_OK(pixart_image_read(path, NULL, &read));
    CHECK_SAME(read, images);
    pixart_tensor_release(read);
    for (int64_t channels = 1; channels <= 4; channels++) {
        char options[32];
        snprintf(options, sizeof options, "{\"channels\": %d}", (int)channels);
        check_context("%s", options);
        if (channels == 2) {
            CHECK_CLEARED(pixart_image_read(path, options, &read), PIXART_ERROR_OPTION, read, "channels",
                          "1 or 3 or 4");
            continue;
        }
        CHECK_OK(pixart_image_read(path, options, &read));
        CHECK_EQUAL(pixart_tensor_shape(read)[2], channels);
        const unsigned char *p = pixart_tensor_data(read), *q = pixart_tensor_data(images);
        CHECK_EQUAL(p[0], channels == 1 ? (19595 * q[0] + 38470 * q[1] + 7471 * q[2] + 32768) >> 16 : q[0]);
        if (channels == 4)
            CHECK_EQUAL(p[3], 255);
        pixart_tensor_release(read);
    }
    images_in_memory(folder, path, images);
    damage_cut(folder, "x.png", NULL, "-1");
    CHECK_CLEARED(pixart_image_read(path, NULL, &read), PIXART_ERROR_FORMAT, read, "x.png");
    folder_delete(folder, "x.png");
    CHECK_CLEARED(pixart_image_read(path, NULL, &read), PIXART_ERROR_FILE, read, "x.png");
    CHECK_CLEARED(pixart_image_read(folder, NULL, &read), PIXART_ERROR_FILE, read, folder);
    pixart_tensor_release(images);
    folder_remove(folder);
}

static void images_of_other_sizes(void) {
    pixart_tensor *images = colours(4, (int64_t[]){2, 30, 20, 3}), *stretched, *cropped, *grey;
    CHECK_OK(pixart_image_resize(images, "{\"height\": 16, \"width\": 24}", &stretched));
    CHECK_OK(pixart_image_resize(images, "{\"height\": 16, \"width\": 24, \"resize_mode\": \"crop\"}", &cropped));
    const int64_t expected[] = {2, 16, 24, 3};
    CHECK(!memcmp(pixart_tensor_shape(stretched), expected, sizeof expected));
    CHECK(!memcmp(pixart_tensor_shape(cropped), expected, sizeof expected));
    CHECK(memcmp(pixart_tensor_data(stretched), pixart_tensor_data(cropped), pixart_tensor_size(cropped)) != 0);
    pixart_tensor *wrong = zeros(PIXART_UINT8, 2, (int64_t[]){8, 8}),
                  *floats = zeros(PIXART_FLOAT32, 3, (int64_t[]){8, 8, 3});
    CHECK_CLEARED(pixart_image_resize(wrong, NULL, &grey), PIXART_ERROR_ARGUMENT, grey, "images", "[8, 8]");
    CHECK_CLEARED(pixart_image_resize(floats, NULL, &grey), PIXART_ERROR_ARGUMENT, grey, "images", "float32");
    CHECK_CLEARED(pixart_image_resize(images, "{\"resize_mode\": \"fill\"}", &grey), PIXART_ERROR_OPTION, grey,
                  "resize_mode", "fill");
    pixart_tensor *tensors[] = {images, stretched, cropped, wrong, floats};
    for (size_t i = 0; i < 5; i++)
        pixart_tensor_release(tensors[i]);
}

static void images_in_images(void) {
    pixart_tensor *images = colours(4, (int64_t[]){2, 4, 6, 3}),
                  *originals = zeros(PIXART_UINT8, 3, (int64_t[]){4, 6, 3}), *out;
    unsigned char bytes[24];
    for (int i = 0; i < 24; i++)
        bytes[i] = (unsigned char)(i % 2 ? 128 : 127);
    pixart_tensor *mask;
    CHECK_OK(pixart_tensor_create(PIXART_UINT8, 2, (int64_t[]){4, 6}, bytes, sizeof bytes, &mask));
    CHECK_OK(pixart_image_blend(images, originals, mask, &out));
    const unsigned char *p = pixart_tensor_data(out), *q = pixart_tensor_data(images);
    REQUIRE(pixart_tensor_size(out) == pixart_tensor_size(images) && pixart_tensor_rank(out) == 4);
    for (size_t i = 0; i < pixart_tensor_size(out); i++)
        CHECK_EQUAL(p[i], i / 3 % 2 ? q[i] : 0);
    pixart_tensor_release(out);
    CHECK_CLEARED(pixart_image_blend(mask, originals, mask, &out), PIXART_ERROR_ARGUMENT, out, "images", "[4, 6]");
    CHECK_CLEARED(pixart_image_blend(images, mask, mask, &out), PIXART_ERROR_ARGUMENT, out, "originals", "[4, 6]");
    CHECK_CLEARED(pixart_image_blend(images, originals, images, &out), PIXART_ERROR_ARGUMENT, out, "mask", "[4, 6]");
    CHECK_CLEARED(pixart_image_blend(originals, images, mask, &out), PIXART_ERROR_ARGUMENT, out, "originals");
    pixart_tensor *tensors[] = {images, originals, mask};
    for (size_t i = 0; i < 3; i++)
        pixart_tensor_release(tensors[i]);
}

static int32_t stop(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps;
    return fraction > 0.3;
}

static void edges_of_images(void) {
    char folder[FOLDER_PATH], path[FOLDER_PATH + 24];
    folder_temporary(folder);
    snprintf(path, sizeof path, "%s/ControlNetHED.pth", folder);
    write_edge_detector(path);
    pixart_tensor *images = colours(4, (int64_t[]){2, 16, 24, 3}),
                  *small = zeros(PIXART_UINT8, 3, (int64_t[]){15, 16, 3});
    const char *models[] = {path, folder};
    for (int i = 0; i < 2; i++) {
        pixart_tensor *edges;
        CHECK_OK(pixart_image_edges(images, models[i], NULL, NULL, NULL, &edges));
        REQUIRE(pixart_tensor_size(edges) == pixart_tensor_size(images) && pixart_tensor_rank(edges) == 4);
        const unsigned char *p = pixart_tensor_data(edges);
        for (size_t j = 0; j < pixart_tensor_size(edges); j++)
            CHECK_EQUAL(p[j], 128);
        pixart_tensor_release(edges);
    }
    pixart_tensor *out;
    CHECK_CLEARED(pixart_image_edges(images, path, NULL, stop, NULL, &out), PIXART_CANCELLED, out, "cancel");
    CHECK_CLEARED(pixart_image_edges(small, path, NULL, NULL, NULL, &out), PIXART_ERROR_ARGUMENT, out, "[15, 16, 3]",
                  "16");
    CHECK_CLEARED(pixart_image_edges(images, check_model(), NULL, NULL, NULL, &out), PIXART_ERROR_FILE, out,
                  "ControlNetHED.pth");
    char vae[4096];
    snprintf(vae, sizeof vae, "%s/vae/diffusion_pytorch_model.safetensors", check_model());
    CHECK_CLEARED(pixart_image_edges(images, vae, NULL, NULL, NULL, &out), PIXART_ERROR_MODEL, out, "norm", "missing");
    pixart_tensor_release(images);
    pixart_tensor_release(small);
    folder_remove(folder);
}

static void null_for_each_argument(void) {
    pixart_tensor *out, *images = zeros(PIXART_UINT8, 3, (int64_t[]){8, 8, 3});
    pixart_tensor *mask = zeros(PIXART_UINT8, 2, (int64_t[]){8, 8});
    const pixart_status argument = PIXART_ERROR_ARGUMENT;
    CHECK_CLEARED(pixart_image_read(NULL, NULL, &out), argument, out, "path");
    CHECK_CLEARED(pixart_image_read("\xff", NULL, &out), argument, out, "path", "UTF-8");
    CHECK_FAILS(pixart_image_read("/nowhere/x.png", NULL, NULL), argument, "out");
    CHECK_CLEARED(pixart_image_resize(NULL, NULL, &out), argument, out, "images");
    CHECK_FAILS(pixart_image_resize(images, NULL, NULL), argument, "out");
    CHECK_CLEARED(pixart_image_edges(NULL, "x", NULL, NULL, NULL, &out), argument, out, "images");
    CHECK_CLEARED(pixart_image_edges(images, NULL, NULL, NULL, NULL, &out), argument, out, "model");
    CHECK_FAILS(pixart_image_edges(images, "x", NULL, NULL, NULL, NULL), argument, "out");
    CHECK_CLEARED(pixart_image_blend(NULL, images, mask, &out), argument, out, "images");
    CHECK_CLEARED(pixart_image_blend(images, NULL, mask, &out), argument, out, "originals");
    CHECK_CLEARED(pixart_image_blend(images, images, NULL, &out), argument, out, "mask");
    CHECK_FAILS(pixart_image_blend(images, images, mask, NULL), argument, "out");
    pixart_tensor_release(images);
    pixart_tensor_release(mask);
}

static const check_test tests[] = {
    {"images come back from files", images_come_back_from_files},
    {"images of other sizes", images_of_other_sizes},
    {"images in images", images_in_images},
    {"edges of images", edges_of_images},
    {"NULL for each argument", null_for_each_argument},
};
CHECK_MAIN(tests)
