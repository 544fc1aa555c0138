/* Tensors: what create accepts, what the accessors return, and saving and loading. */
#include "folder.h"
#include "stages.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void round_trip_through_memory(void) {
    const int64_t shape[] = {2, 3};
    float data[6] = {0, -0.0f, 1.5f, NAN, INFINITY, 1e-42f};
    pixart_tensor *tensor;
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 2, shape, data, sizeof data, &tensor));
    float copy[6];
    memcpy(copy, data, sizeof data);
    memset(data, 0xaa, sizeof data); /* the tensor has a copy */
    CHECK_EQUAL(pixart_tensor_type(tensor), PIXART_FLOAT32);
    CHECK_EQUAL(pixart_tensor_rank(tensor), 2);
    CHECK_EQUAL(pixart_tensor_shape(tensor)[0], 2);
    CHECK_EQUAL(pixart_tensor_shape(tensor)[1], 3);
    CHECK_EQUAL(pixart_tensor_size(tensor), sizeof copy);
    CHECK(memcmp(pixart_tensor_data(tensor), copy, sizeof copy) == 0);
    pixart_tensor_release(tensor);
}

static void every_rank(void) {
    const int64_t shape[PIXART_MAX_RANK] = {1, 2, 1, 2, 1, 3, 1, 1};
    unsigned char data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    size_t size = 1;
    for (size_t rank = 0; rank <= PIXART_MAX_RANK; rank++) {
        if (rank)
            size *= (size_t)shape[rank - 1];
        pixart_tensor *tensor;
        CHECK_OK(pixart_tensor_create(PIXART_UINT8, rank, rank ? shape : NULL, data, size, &tensor));
        CHECK_EQUAL(pixart_tensor_rank(tensor), rank);
        CHECK_EQUAL(pixart_tensor_size(tensor), size);
        CHECK(memcmp(pixart_tensor_data(tensor), data, size) == 0);
        pixart_tensor_release(tensor);
    }
}

static void alignment(void) {
    for (int64_t size = 0; size < 300; size += 7) {
        pixart_tensor *tensor = zeros(PIXART_UINT8, 1, &size);
        CHECK_EQUAL((uintptr_t)pixart_tensor_data(tensor) % 64, 0);
        pixart_tensor_release(tensor);
    }
    embeddings both = encode_prompts(check_model());
    CHECK_EQUAL((uintptr_t)pixart_tensor_data(both.prompt) % 64, 0);
    embeddings_release(both);
}

static void no_elements(void) {
    const int64_t shape[] = {3, 0, 5};
    pixart_tensor *tensor = zeros(PIXART_FLOAT32, 3, shape);
    CHECK_EQUAL(pixart_tensor_size(tensor), 0);
    CHECK_EQUAL(pixart_tensor_shape(tensor)[2], 5);
    pixart_tensor_release(tensor);
}

static void refused(void) {
    const float data[4] = {0};
    const int64_t two[] = {2}, negative[] = {2, -1}, huge[] = {INT64_MAX, INT64_MAX}, wrap[] = {1LL << 32, 1LL << 32},
                  many[PIXART_MAX_RANK + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    pixart_tensor *tensor;
    CHECK_FAILS(pixart_tensor_create(0, 1, two, data, 8, &tensor), PIXART_ERROR_ARGUMENT, "type", "0");
    CHECK(tensor == NULL);
    CHECK_FAILS(pixart_tensor_create(3, 1, two, data, 8, &tensor), PIXART_ERROR_ARGUMENT, "type", "3");
    CHECK_FAILS(pixart_tensor_create(-1, 1, two, data, 8, &tensor), PIXART_ERROR_ARGUMENT, "type", "-1");
    CHECK_FAILS(pixart_tensor_create(PIXART_FLOAT32, 1, two, data, 7, &tensor), PIXART_ERROR_ARGUMENT, "size", "7",
                "float32 [2]");
    CHECK_FAILS(pixart_tensor_create(PIXART_UINT8, 1, two, data, 8, &tensor), PIXART_ERROR_ARGUMENT, "size", "8",
                "uint8 [2]");
    CHECK_FAILS(pixart_tensor_create(PIXART_FLOAT32, 2, negative, data, 8, &tensor), PIXART_ERROR_ARGUMENT, "shape",
                "-1");
    CHECK_FAILS(pixart_tensor_create(PIXART_FLOAT32, 2, huge, data, 16, &tensor), PIXART_ERROR_ARGUMENT, "size");
    CHECK_FAILS(pixart_tensor_create(PIXART_UINT8, 2, wrap, data, 0, &tensor), PIXART_ERROR_ARGUMENT, "size");
    CHECK_FAILS(pixart_tensor_create(PIXART_UINT8, PIXART_MAX_RANK + 1, many, data, 1, &tensor), PIXART_ERROR_ARGUMENT,
                "rank", "9", "8");
    CHECK_FAILS(pixart_tensor_create(PIXART_UINT8, SIZE_MAX, many, data, 1, &tensor), PIXART_ERROR_ARGUMENT, "rank");
}

static void round_trip_through_a_file(void) {
    char path[FOLDER_PATH];
    folder_temporary(path);
    strcat(path, "/saved \xf0\x9f\x90\xb1.safetensors");
    const int64_t image[] = {5, 7, 3}, none[] = {INT64_MAX, 0, INT64_MAX};
    unsigned char bytes[105];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    float scalar = 0.1f;
    pixart_tensor *saved[3], *loaded[3];
    CHECK_OK(pixart_tensor_create(PIXART_UINT8, 3, image, bytes, sizeof bytes, &saved[0]));
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 0, NULL, &scalar, sizeof scalar, &saved[1]));
    CHECK_OK(pixart_tensor_create(PIXART_FLOAT32, 3, none, NULL, 0, &saved[2]));
    const char *names[] = {"an image \"quoted\"\\", "\xc3\xa9", "none"};
    CHECK_OK(pixart_tensors_save(path, 3, names, (const pixart_tensor *const *)saved));
    CHECK_OK(pixart_tensors_save(path, 3, names, (const pixart_tensor *const *)saved)); /* replaces */
    const char *reversed[] = {names[2], names[1], names[0]};
    CHECK_OK(pixart_tensors_load(path, 3, reversed, loaded));
    unlink(path); /* a loaded tensor does not need the file */
    for (int i = 0; i < 3; i++) {
        CHECK_SAME(saved[i], loaded[2 - i]);
        CHECK_EQUAL((uintptr_t)pixart_tensor_data(loaded[i]) % 64, 0);
    }
    for (int i = 0; i < 3; i++) {
        pixart_tensor_release(saved[i]);
        pixart_tensor_release(loaded[i]);
    }
    *strrchr(path, '/') = 0;
    CHECK_EQUAL(folder_count(path), 0); /* no temporary file is left behind */
    folder_remove(path);
}

/* Writes `json` and `data` as a safetensors file, and returns the status of loading `name` from it. */
static pixart_status load(const char *json, const void *data, size_t size, const char *name, pixart_tensor **out) {
    char path[FOLDER_PATH];
    folder_temporary(path);
    strcat(path, "/crafted.safetensors");
    uint64_t length = strlen(json);
    FILE *file = fopen(path, "wb");
    fwrite(&length, 8, 1, file);
    fwrite(json, 1, length, file);
    fwrite(data, 1, size, file);
    fclose(file);
    pixart_status status = pixart_tensors_load(path, 1, &name, out);
    *strrchr(path, '/') = 0;
    folder_remove(path);
    return status;
}

static void half_precision_is_converted(void) {
    const float expected[4] = {1.0f, -2.5f, 6.103515625e-05f / 2, INFINITY};
    const uint16_t f16[4] = {0x3c00, 0xc100, 0x0200, 0x7c00}, bf16[4] = {0x3f80, 0xc020, 0x3800, 0x7f80};
    pixart_tensor *tensor;
    CHECK_OK(load("{\"x\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]}}", f16, 8, "x", &tensor));
    CHECK_EQUAL(pixart_tensor_type(tensor), PIXART_FLOAT32);
    CHECK_EQUAL(pixart_tensor_size(tensor), 16);
    CHECK(memcmp(pixart_tensor_data(tensor), expected, 16) == 0);
    pixart_tensor_release(tensor);
    CHECK_OK(load("{\"x\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}", bf16, 8, "x", &tensor));
    CHECK(memcmp(pixart_tensor_data(tensor), expected, 16) == 0);
    pixart_tensor_release(tensor);
}

static void files_that_lie(void) {
    static const struct {
        const char *json;
        pixart_status status;
        const char *needle;
    } files[] = {
        {"{\"x\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", PIXART_ERROR_MODEL, "I64"},
        {"{\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", PIXART_ERROR_MODEL, "x"},
        {"{\"x\":{\"dtype\":\"F99\",\"shape\":[2],\"data_offsets\":[0,8]}}", PIXART_ERROR_MODEL, "F99"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", PIXART_ERROR_FORMAT, "x"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", PIXART_ERROR_FORMAT, "crafted"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", PIXART_ERROR_FORMAT, "x"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", PIXART_ERROR_FORMAT, "x"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,2],\"data_offsets\":[0,8]}}", PIXART_ERROR_FORMAT,
         "x"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":\"2\",\"data_offsets\":[0,8]}}", PIXART_ERROR_FORMAT, "shape"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", PIXART_ERROR_FORMAT, "data_offsets"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         PIXART_ERROR_FORMAT, "overlap"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         PIXART_ERROR_FORMAT, "x"},
        {"[1,2]", PIXART_ERROR_FORMAT, "crafted"},
        {"{\"x\":", PIXART_ERROR_FORMAT, "crafted"},
        {"", PIXART_ERROR_FORMAT, "crafted"},
    };
    const char zero[8] = {0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        pixart_tensor *tensor = (pixart_tensor *)zero;
        check_context("%s", files[i].json);
        CHECK_FAILS(load(files[i].json, zero, 8, "x", &tensor), files[i].status, files[i].needle);
        CHECK(tensor == NULL);
    }
}

/* Names are compared byte by byte, and messages print them with escapes. */
static void names_of_equal_letters(void) {
    static const char *const pairs[][2] = {
        {"\xc3\xa9", "e\xcc\x81"}, {"K", "\xe2\x84\xaa"}, {"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"}};
    char path[FOLDER_PATH];
    folder_temporary(path);
    strcat(path, "/names.safetensors");
    unsigned char byte = 7;
    pixart_tensor *tensors[2] = {zeros(PIXART_UINT8, 1, (int64_t[]){1}), NULL}, *loaded[2];
    CHECK_OK(pixart_tensor_create(PIXART_UINT8, 1, (int64_t[]){1}, &byte, 1, &tensors[1]));
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        CHECK_OK(pixart_tensors_save(path, 2, pairs[i], (const pixart_tensor *const *)tensors));
        CHECK_OK(pixart_tensors_load(path, 2, pairs[i], loaded));
        for (int k = 0; k < 2; k++) {
            CHECK_SAME(tensors[k], loaded[k]);
            pixart_tensor_release(loaded[k]);
        }
        CHECK_OK(pixart_tensors_save(path, 1, pairs[i], (const pixart_tensor *const *)tensors));
        CHECK_CLEARED(pixart_tensors_load(path, 1, &pairs[i][1], loaded), PIXART_ERROR_MODEL, loaded[0], pairs[i][1],
                      "is missing");
    }
    CHECK_CLEARED(pixart_tensors_load(path, 1, (const char *[]){"a\x1b[2J\xe2\x80\xae"}, loaded), PIXART_ERROR_MODEL,
                  loaded[0], "\"a\\u001b[2J\\u202e\" is missing");
    pixart_tensor_release(tensors[0]);
    pixart_tensor_release(tensors[1]);
    *strrchr(path, '/') = 0;
    folder_remove(path);
}

/* If one tensor fails, no handle is left. */
static void all_or_nothing(void) {
    char path[FOLDER_PATH];
    folder_temporary(path);
    strcat(path, "/two.safetensors");
    pixart_tensor *tensor = zeros(PIXART_UINT8, 1, (int64_t[]){4}), *loaded[3];
    const pixart_tensor *both[] = {tensor, tensor};
    CHECK_OK(pixart_tensors_save(path, 2, (const char *[]){"a", "b"}, both));
    memset(loaded, 0xee, sizeof loaded);
    CHECK_FAILS(pixart_tensors_load(path, 3, (const char *[]){"a", "c", "b"}, loaded), PIXART_ERROR_MODEL, "c", path);
    for (int i = 0; i < 3; i++)
        CHECK(loaded[i] == NULL);
    CHECK_FAILS(pixart_tensors_save(path, 2, (const char *[]){"a", "a"}, both), PIXART_ERROR_ARGUMENT, "a");
    CHECK_FAILS(pixart_tensors_save(path, 1, (const char *[]){"__metadata__"}, both), PIXART_ERROR_ARGUMENT,
                "__metadata__");
    CHECK_OK(pixart_tensors_load(path, 1, (const char *[]){"b"}, loaded)); /* the old content is still there */
    CHECK_SAME(loaded[0], tensor);
    pixart_tensor_release(loaded[0]);
    pixart_tensor_release(tensor);
    *strrchr(path, '/') = 0;
    folder_remove(path);
}

static const check_test tests[] = {
    {"create copies, and the accessors report", round_trip_through_memory},
    {"every rank", every_rank},
    {"data is aligned to 64 bytes", alignment},
    {"a tensor without elements", no_elements},
    {"what create refuses", refused},
    {"save and load", round_trip_through_a_file},
    {"F16 and BF16 become float32", half_precision_is_converted},
    {"safetensors files that lie", files_that_lie},
    {"names of equal letters", names_of_equal_letters},
    {"load is all or nothing", all_or_nothing},
};
CHECK_MAIN(tests)
