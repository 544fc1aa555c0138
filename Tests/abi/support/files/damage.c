#include "damage.h"
#include "check.h"
#include "folder.h"
#include "safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void damage_missing(const char *folder, const char *file, const char *key, const char *value) {
    (void)key, (void)value;
    folder_delete(folder, file);
}

void damage_empty(const char *folder, const char *file, const char *key, const char *value) {
    (void)key, (void)value;
    folder_write(folder, file, "", 0);
}

void damage_cut(const char *folder, const char *file, const char *key, const char *value) {
    (void)key;
    size_t size;
    char *bytes = folder_read(folder, file, &size);
    long long at = atoll(value), end = at < 0 ? (long long)size + at : at;
    REQUIRE(end >= 0 && end < (long long)size);
    folder_write(folder, file, bytes, (size_t)end);
    free(bytes);
}

void damage_garbage(const char *folder, const char *file, const char *key, const char *value) {
    (void)key, (void)value;
    unsigned char bytes[4096];
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        bytes[i] = (unsigned char)(state >> 32);
    }
    folder_write(folder, file, bytes, sizeof bytes);
}

void damage_text(const char *folder, const char *file, const char *key, const char *value) {
    (void)key;
    folder_write(folder, file, value, strlen(value));
}

void damage_folder(const char *folder, const char *file, const char *key, const char *value) {
    (void)key, (void)value;
    char path[FOLDER_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    folder_delete(folder, file);
    REQUIRE(mkdir(path, 0777) == 0);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_object *read_json(const char *folder, const char *file) {
    size_t size;
    char *text = folder_read(folder, file, &size);
    json_object *json = json_tokener_parse(text);
    free(text);
    REQUIRE(json != NULL);
    return json;
}

static void write_json(const char *folder, const char *file, json_object *json) {
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);
    folder_write(folder, file, text, strlen(text));
    json_object_put(json);
}

void damage_set(const char *folder, const char *file, const char *key, const char *value) {
    json_object *json = read_json(folder, file), *parsed = json_tokener_parse(value);
    json_object_object_add(json, key, parsed);
    write_json(folder, file, json);
}

void damage_unset(const char *folder, const char *file, const char *key, const char *value) {
    (void)value;
    json_object *json = read_json(folder, file);
    REQUIRE(json_object_object_get_ex(json, key, NULL));
    json_object_object_del(json, key);
    write_json(folder, file, json);
}

/* ---- Safetensors ------------------------------------------------------------------------------------------------- */

void damage_length(const char *folder, const char *file, const char *key, const char *value) {
    (void)key;
    size_t size;
    uint64_t length;
    char *bytes = folder_read(folder, file, &size);
    memcpy(&length, bytes, 8);
    length = value ? length + (uint64_t)atoll(value) : 1ULL << 63;
    memcpy(bytes, &length, 8);
    folder_write(folder, file, bytes, size);
    free(bytes);
}

void damage_entry(const char *folder, const char *file, const char *key, const char *value) {
    safetensors tensors = safetensors_read(folder, file);
    json_object *entry = safetensors_entry(&tensors, key), *members = json_tokener_parse(value);
    REQUIRE(members != NULL);
    json_object_object_foreach(members, member, replacement)
        json_object_object_add(entry, member, json_object_get(replacement));
    json_object_put(members);
    safetensors_write(&tensors, folder, file);
}

void damage_absent(const char *folder, const char *file, const char *key, const char *value) {
    (void)value;
    safetensors tensors = safetensors_read(folder, file);
    safetensors_remove(&tensors, key);
    safetensors_write(&tensors, folder, file);
}

void damage_hole(const char *folder, const char *file, const char *key, const char *value) {
    (void)value;
    safetensors tensors = safetensors_read(folder, file);
    safetensors_entry(&tensors, key);
    json_object_object_del(tensors.header, key);
    safetensors_write(&tensors, folder, file);
}

void damage_renamed(const char *folder, const char *file, const char *key, const char *value) {
    safetensors tensors = safetensors_read(folder, file);
    json_object_object_add(tensors.header, value, json_object_get(safetensors_entry(&tensors, key)));
    json_object_object_del(tensors.header, key);
    safetensors_write(&tensors, folder, file);
}

/* The new tensor's bytes come after the others', so nothing overlaps. */
void damage_added(const char *folder, const char *file, const char *key, const char *value) {
    (void)value;
    safetensors tensors = safetensors_read(folder, file);
    char entry[128];
    snprintf(entry, sizeof entry, "{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[%zu,%zu]}", tensors.size,
             tensors.size + 16);
    tensors.data = realloc(tensors.data, tensors.size + 16);
    memset(tensors.data + tensors.size, 0, 16);
    tensors.size += 16;
    json_object_object_add(tensors.header, key, json_tokener_parse(entry));
    safetensors_write(&tensors, folder, file);
}

void damage_sharded(const char *folder, const char *file, const char *key, const char *value) {
    (void)key;
    char index[FOLDER_PATH];
    snprintf(index, sizeof index, "%s.index.json", file);
    safetensors tensors = safetensors_read(folder, file);
    json_object *json = json_object_new_object(), *map = json_object_new_object();
    json_object_object_foreach(tensors.header, name, entry) {
        (void)entry;
        if (strcmp(name, "__metadata__"))
            json_object_object_add(map, name, json_object_new_string(value));
    }
    json_object_object_add(json, "weight_map", map);
    write_json(folder, index, json);
    json_object_put(tensors.header);
    free(tensors.data);
    folder_delete(folder, file);
}
