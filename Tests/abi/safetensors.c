#include "safetensors.h"
#include "check.h"
#include "folder.h"

#include <stdint.h>
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
