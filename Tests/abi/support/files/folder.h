/*
 * Folders for the tests: temporary ones, and clones of a model whose files may be replaced one at a time. A failure of
 * the file system ends the test.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <stddef.h>

#define FOLDER_PATH 4096

/* Makes an empty folder under $TMPDIR or /tmp; `path` has room for FOLDER_PATH bytes. */
void folder_temporary(char *path);

/* Removes a folder and everything in it, without following links. */
void folder_remove(const char *path);

/* Entries of a folder, hidden ones too. */
int folder_count(const char *path);

/* Clones `model` into the new folder `path`: real folders, symbolic links to the weights, copies of the other files. Of
 * the parts (subfolders) only those that `parts` names, NULL-terminated; all of them where it is NULL. */
void folder_clone(const char *model, char *path, const char *const *parts);

/* The bytes of folder/file with a zero after them, to be freed. */
char *folder_read(const char *folder, const char *file, size_t *size);

/* Makes folder/file hold these bytes. A link is replaced, so the file it pointed to stays as it was. */
void folder_write(const char *folder, const char *file, const void *bytes, size_t size);

/* Whether two files hold the same bytes. */
int folder_same_file(const char *folder, const char *file, const char *other, const char *other_file);

/* Takes folder/file away. */
void folder_delete(const char *folder, const char *file);

#endif
