/*
 * Folders for the tests: temporary folders, and clones of a model whose files may be replaced one at a time. A failure
 * of the file system ends the test.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stddef.h>

#define FOLDER_PATH 4096

/* Makes an empty folder under $TMPDIR or /tmp; `path` has room for FOLDER_PATH bytes. */
void folder_temporary(char *path);

/* Removes a folder and everything in it, without following links. */
void folder_remove(const char *path);

/* The number of entries of a folder, including hidden ones. */
int folder_count(const char *path);

/* Clones `model` into the new folder `path`: real folders, symbolic links to the weights, copies of the other files.
 * `parts` names the parts (subfolders) to clone, NULL-terminated; NULL clones all. */
void folder_clone(const char *model, char *path, const char *const *parts);

/* Returns the bytes of folder/file with a zero after them. The caller frees them. */
char *folder_read(const char *folder, const char *file, size_t *size);

/* Writes these bytes to folder/file. A link is replaced, so the file that it pointed to does not change. */
void folder_write(const char *folder, const char *file, const void *bytes, size_t size);

/* Returns 1 if two files have the same bytes. */
int folder_same_file(const char *folder, const char *file, const char *other, const char *other_file);

/* Removes folder/file. */
void folder_delete(const char *folder, const char *file);

#endif
