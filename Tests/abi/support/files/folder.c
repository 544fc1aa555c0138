#define _GNU_SOURCE
#include "folder.h"
#include "check.h"

#include <dirent.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_temporary(char *path) {
    const char *base = getenv("TMPDIR");
    snprintf(path, FOLDER_PATH, "%s/pixart-abi-XXXXXX", base ? base : "/tmp");
    REQUIRE(mkdtemp(path) != NULL);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void folder_remove(const char *path) { REQUIRE(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) == 0); }

int folder_count(const char *path) {
    DIR *folder = opendir(path);
    REQUIRE(folder != NULL);
    int count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2; /* . and .. */
}

static int is_part(const char *name, const char *const *parts) {
    if (!parts)
        return 1;
    for (; *parts; parts++)
        if (!strcmp(name, *parts))
            return 1;
    return 0;
}

static FILE *open_file(const char *folder, const char *file, const char *mode) {
    char path[FOLDER_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (*mode == 'w')
        unlink(path);
    FILE *stream = fopen(path, mode);
    if (!stream)
        check_context("%s", path);
    REQUIRE(stream != NULL);
    return stream;
}

char *folder_read(const char *folder, const char *file, size_t *size) {
    FILE *stream = open_file(folder, file, "rb");
    fseek(stream, 0, SEEK_END);
    *size = (size_t)ftell(stream);
    rewind(stream);
    char *bytes = malloc(*size + 1);
    REQUIRE(bytes && fread(bytes, 1, *size, stream) == *size);
    bytes[*size] = 0;
    fclose(stream);
    return bytes;
}

void folder_write(const char *folder, const char *file, const void *bytes, size_t size) {
    FILE *stream = open_file(folder, file, "wb");
    REQUIRE(fwrite(bytes, 1, size, stream) == size);
    fclose(stream);
}

static void clone_all(const char *from, const char *to, const char *const *parts) {
    DIR *folder = opendir(from);
    REQUIRE(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char source[FOLDER_PATH], target[FOLDER_PATH];
        struct stat status;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        REQUIRE(stat(source, &status) == 0);
        const char *suffix = strrchr(entry->d_name, '.');
        if (S_ISREG(status.st_mode) && (!suffix || strcmp(suffix, ".safetensors"))) {
            size_t size;
            char *bytes = folder_read(from, entry->d_name, &size);
            folder_write(to, entry->d_name, bytes, size);
            free(bytes);
        } else if (!S_ISDIR(status.st_mode)) {
            REQUIRE(symlink(source, target) == 0);
        } else if (is_part(entry->d_name, parts)) {
            REQUIRE(mkdir(target, 0777) == 0);
            clone_all(source, target, NULL);
        }
    }
    closedir(folder);
}

void folder_clone(const char *model, char *path, const char *const *parts) {
    char *absolute = realpath(model, NULL);
    REQUIRE(absolute != NULL);
    folder_temporary(path);
    clone_all(absolute, path, parts);
    free(absolute);
}

int folder_same_file(const char *folder, const char *file, const char *other, const char *other_file) {
    size_t size, other_size;
    char *bytes = folder_read(folder, file, &size), *other_bytes = folder_read(other, other_file, &other_size);
    int same = size == other_size && !memcmp(bytes, other_bytes, size);
    free(bytes);
    free(other_bytes);
    return same;
}

void folder_delete(const char *folder, const char *file) {
    char path[FOLDER_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    REQUIRE(unlink(path) == 0);
}
