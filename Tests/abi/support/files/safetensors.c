#include "safetensors.h"
#include "check.h"
#include "folder.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

safetensors safetensors_read(const char *folder, const char *file) {
    size_t size;
    uint64_t length;
    char *bytes = folder_read(folder, file, &size);
    memcpy(&length, bytes, 8);
    REQUIRE(length <= size - 8);
    json_tokener *tokener = json_tokener_new();
    safetensors result = {.header = json_tokener_parse_ex(tokener, bytes + 8, (int)length)};
    json_tokener_free(tokener);
    REQUIRE(result.header != NULL);
    result.size = size - 8 - (size_t)length;
    result.data = malloc(result.size + 1);
    memcpy(result.data, bytes + 8 + length, result.size);
    free(bytes);
    return result;
}

void safetensors_write(safetensors *file, const char *folder, const char *name) {
    const char *header = json_object_to_json_string_ext(file->header, JSON_C_TO_STRING_PLAIN);
    uint64_t length = strlen(header), padded = (length + 7) / 8 * 8;
    char *bytes = malloc(8 + padded + file->size);
    memcpy(bytes, &padded, 8);
    memset(bytes + 8, ' ', padded);
    memcpy(bytes + 8, header, length);
    memcpy(bytes + 8 + padded, file->data, file->size);
    folder_write(folder, name, bytes, 8 + padded + file->size);
    free(bytes);
    free(file->data);
    json_object_put(file->header);
}

json_object *safetensors_entry(const safetensors *file, const char *tensor) {
    json_object *entry = NULL;
    check_context("%s", tensor);
    REQUIRE(json_object_object_get_ex(file->header, tensor, &entry));
    return entry;
}

/* The bytes of an entry: from `begin` up to `end`. */
static void range(json_object *entry, size_t *begin, size_t *end) {
    json_object *offsets = json_object_object_get(entry, "data_offsets");
    *begin = (size_t)json_object_get_int64(json_object_array_get_idx(offsets, 0));
    *end = (size_t)json_object_get_int64(json_object_array_get_idx(offsets, 1));
}

const void *safetensors_bytes(const safetensors *file, const char *tensor) {
    size_t begin, end;
    range(safetensors_entry(file, tensor), &begin, &end);
    REQUIRE(begin <= end && end <= file->size);
    return file->data + begin;
}

void safetensors_remove(safetensors *file, const char *tensor) {
    size_t begin, end, other_begin, other_end;
    range(safetensors_entry(file, tensor), &begin, &end);
    REQUIRE(begin <= end && end <= file->size);
    memmove(file->data + begin, file->data + end, file->size - end);
    file->size -= end - begin;
    json_object_object_del(file->header, tensor);
    json_object_object_foreach(file->header, name, entry) {
        if (!strcmp(name, "__metadata__"))
            continue;
        range(entry, &other_begin, &other_end);
        if (other_begin < end)
            continue;
        json_object *offsets = json_object_new_array();
        json_object_array_add(offsets, json_object_new_int64((int64_t)(other_begin - (end - begin))));
        json_object_array_add(offsets, json_object_new_int64((int64_t)(other_end - (end - begin))));
        json_object_object_add(entry, "data_offsets", offsets);
    }
}

void safetensors_flip_signs(safetensors *file, const char *tensor) {
    json_object *entry = safetensors_entry(file, tensor);
    const char *type = json_object_get_string(json_object_object_get(entry, "dtype"));
    size_t begin, end;
    range(entry, &begin, &end);
    size_t element = !strcmp(type, "F32") ? 4 : 2;
    REQUIRE(end <= file->size);
    for (size_t i = begin + element - 1; i < end; i += element)
        file->data[i] = (char)(file->data[i] ^ 0x80);
}

static float widened(const char *source, const char *type, size_t index) {
    float value = 0;
    uint16_t half;
    if (!strcmp(type, "F32")) {
        memcpy(&value, source + 4 * index, 4);
        return value;
    }
    memcpy(&half, source + 2 * index, 2);
    if (!strcmp(type, "BF16")) {
        uint32_t bits = (uint32_t)half << 16;
        memcpy(&value, &bits, 4);
        return value;
    }
    REQUIRE(!strcmp(type, "F16"));
    _Float16 number;
    memcpy(&number, &half, 2);
    return (float)number;
}

static void store(char *target, const char *type, size_t index, float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (!strcmp(type, "F32")) {
        memcpy(target + 4 * index, &value, 4);
    } else if (!strcmp(type, "BF16")) {
        uint16_t half = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        memcpy(target + 2 * index, &half, 2);
    } else {
        REQUIRE(!strcmp(type, "F16"));
        _Float16 number = (_Float16)value;
        memcpy(target + 2 * index, &number, 2);
    }
}

void safetensors_recast(safetensors *file, const char *type) {
    size_t element = !strcmp(type, "F32") ? 4 : 2, size = 0;
    char *data = malloc(2 * file->size + 4);
    json_object_object_foreach(file->header, name, entry) {
        if (!strcmp(name, "__metadata__"))
            continue;
        char from[8];
        size_t begin, end;
        snprintf(from, sizeof from, "%s", json_object_get_string(json_object_object_get(entry, "dtype")));
        range(entry, &begin, &end);
        size_t count = (end - begin) / (!strcmp(from, "F32") ? 4 : 2);
        for (size_t i = 0; i < count; i++) {
            float value = widened(file->data + begin, from, i);
            store(data + size, type, i, value * (1 + (float)(i % 61) / 7919));
        }
        json_object *offsets = json_object_new_array();
        json_object_array_add(offsets, json_object_new_int64((int64_t)size));
        size += count * element;
        json_object_array_add(offsets, json_object_new_int64((int64_t)size));
        json_object_object_add(entry, "data_offsets", offsets);
        json_object_object_add(entry, "dtype", json_object_new_string(type));
    }
    free(file->data);
    file->data = data;
    file->size = size;
}
