/* The files that a conversion copies: known files inside the model's folder, after links are followed. */
#include "folder.h"
#include "stages.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKENIZER_CONFIG "tokenizer/tokenizer_config.json"

/* A folder with a clone of the model, a file `secret` and a folder `elsewhere` with copies of the small files. */
static char root[FOLDER_PATH], model[FOLDER_PATH + 16], out[FOLDER_PATH + 16];

static const char *in_root(const char *name) {
    static char paths[4][FOLDER_PATH + 300];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

static void clone(const char *name) {
    char path[FOLDER_PATH];
    folder_clone(check_model(), path, NULL);
    REQUIRE(rename(path, in_root(name)) == 0);
}

static void prepare(void) {
    folder_temporary(root);
    clone("model");
    clone("elsewhere");
    folder_write(root, "secret", "secret", 6);
    snprintf(model, sizeof model, "%s/model", root);
    snprintf(out, sizeof out, "%s/out", root);
}

static pixart_status convert(const char *from) {
    return pixart_convert(from, out, "{\"weights\": \"bfloat16\"}", NULL, NULL);
}

/* Replaces model/file by a link. */
static void relink(const char *file, const char *target) {
    char path[FOLDER_PATH + 300];
    snprintf(path, sizeof path, "%s/%s", model, file);
    unlink(path);
    REQUIRE(symlink(target, path) == 0);
}

static void known_files_only(void) {
    static const char *const others[] = {"tokenizer/extra.txt",
                                         "tokenizer/.hidden",
                                         "scheduler/notes",
                                         "transformer/pickle.bin",
                                         "README.md",
                                         "tokenizer/spiece.model.bak",
                                         "scheduler/tokenizer_config.json",
                                         "tokenizer/scheduler_config.json"};
    static const char *const known[] = {"tokenizer/spiece.model",   "tokenizer/special_tokens_map.json",
                                        TOKENIZER_CONFIG,           "tokenizer/added_tokens.json",
                                        "tokenizer/tokenizer.json", "scheduler/scheduler_config.json",
                                        "model_index.json"};
    prepare();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        folder_write(model, others[i], "{}", 2);
    relink("tokenizer/extra.txt", "/etc/shadow");
    folder_write(model, "tokenizer/added_tokens.json", "{}", 2);
    folder_write(model, "tokenizer/tokenizer.json", "{}", 2);
    CHECK_OK(convert(model));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        check_context("%s", known[i]);
        CHECK(folder_same_file(model, known[i], out, known[i]));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char path[FOLDER_PATH + 100];
        struct stat status;
        check_context("%s", others[i]);
        snprintf(path, sizeof path, "%s/%s", out, others[i]);
        CHECK(lstat(path, &status) != 0);
    }
    folder_remove(root);
}

/* A link out of the folder is refused before anything is written. */
static void links_out_of_the_folder(void) {
    static const char *const files[] = {TOKENIZER_CONFIG,           "tokenizer/added_tokens.json",
                                        "tokenizer/spiece.model",   "scheduler/scheduler_config.json",
                                        "transformer/config.json",  "vae/config.json",
                                        "text_encoder/config.json", "model_index.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char other[FOLDER_PATH + 300];
        prepare();
        snprintf(other, sizeof other, "%s/elsewhere/%s", root, files[i]); /* a correct file in the wrong place */
        relink(files[i], access(other, F_OK) == 0 ? other : in_root("secret"));
        check_context("%s", files[i]);
        CHECK_FAILS(convert(model), PIXART_ERROR_FILE, files[i], "leads to", root, "expected a file in");
        CHECK(access(out, F_OK) != 0);
        folder_remove(root);
    }
}

static void roundabout_links(void) {
    static const struct {
        const char *file, *target;
    } rows[] = {
        {TOKENIZER_CONFIG, "/etc/shadow"},
        {TOKENIZER_CONFIG, "../../secret"},
        {TOKENIZER_CONFIG, "../tokenizer/../../secret"},
        {TOKENIZER_CONFIG, "../inner"}, /* a link to a link */
        {TOKENIZER_CONFIG, "../up/secret"},
        {TOKENIZER_CONFIG, "../../model-of-others/secret"}, /* begins with the folder's name */
        {TOKENIZER_CONFIG, "../../blobs/secret"},           /* not the Hub's cache: the folder is not in snapshots */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        prepare();
        relink("inner", "up/secret");
        relink("up", "..");
        REQUIRE(mkdir(in_root("model-of-others"), 0777) == 0 && mkdir(in_root("blobs"), 0777) == 0);
        folder_write(root, "model-of-others/secret", "secret", 6);
        folder_write(root, "blobs/secret", "secret", 6);
        relink(rows[i].file, rows[i].target);
        check_context("%s", rows[i].target);
        CHECK_FAILS(convert(model), PIXART_ERROR_FILE, rows[i].file, "leads to", "expected a file in");
        CHECK(access(out, F_OK) != 0);
        folder_remove(root);
    }
}

static void folders_out_of_the_folder(void) {
    static const char *const folders[] = {"tokenizer", "scheduler", "vae", "transformer", "text_encoder"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char aside[FOLDER_PATH + 300], target[FOLDER_PATH + 300];
        prepare();
        snprintf(aside, sizeof aside, "%s/aside", root);
        snprintf(target, sizeof target, "%s/%s", model, folders[i]);
        REQUIRE(rename(target, aside) == 0);
        relink(folders[i], "../aside");
        check_context("%s", folders[i]);
        CHECK_FAILS(convert(model), PIXART_ERROR_FILE, folders[i], "leads to", "/aside/", "expected a file in");
        folder_remove(root);
    }
}

/* Links that stay in the folder, links to the folder, hard links, and links to weights elsewhere. */
static void links_that_are_followed(void) {
    prepare();
    REQUIRE(rename(in_root("model/" TOKENIZER_CONFIG), in_root("model/scheduler/x")) == 0);
    relink(TOKENIZER_CONFIG, "../second");
    relink("second", "scheduler/x");
    REQUIRE(unlink(in_root("model/tokenizer/special_tokens_map.json")) == 0);
    REQUIRE(link(in_root("secret"), in_root("model/tokenizer/special_tokens_map.json")) == 0);
    REQUIRE(symlink("model", in_root("alias")) == 0);
    CHECK_OK(convert(in_root("alias")));
    CHECK(folder_same_file(root, "elsewhere/" TOKENIZER_CONFIG, out, TOKENIZER_CONFIG));
    CHECK(folder_same_file(root, "secret", out, "tokenizer/special_tokens_map.json"));
    struct stat status;
    CHECK(lstat(in_root("out/" TOKENIZER_CONFIG), &status) == 0 && S_ISREG(status.st_mode));
    folder_remove(root);
}

static void links_that_lead_nowhere(void) {
    static const char *const targets[] = {"missing", "tokenizer_config.json", "/nowhere/x", "spiece.model/x"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        prepare();
        relink(TOKENIZER_CONFIG, targets[i]);
        check_context("%s", targets[i]);
        CHECK_FAILS(convert(model), PIXART_ERROR_FILE, TOKENIZER_CONFIG, "cannot be opened");
        folder_remove(root);
    }
    prepare();
    REQUIRE(unlink(in_root("model/" TOKENIZER_CONFIG)) == 0 && mkfifo(in_root("model/" TOKENIZER_CONFIG), 0666) == 0);
    CHECK_FAILS(convert(model), PIXART_ERROR_FILE, TOKENIZER_CONFIG, "a FIFO", "expected a regular file");
    folder_remove(root);
}

/* Replaces a file of a snapshot by a link to a blob, as huggingface_hub lays it out. */
static void move_to_blobs(const char *snapshot, const char *file, const char *up, int blob) {
    char from[FOLDER_PATH + 300], to[FOLDER_PATH + 300], target[300];
    snprintf(from, sizeof from, "%s/%s", snapshot, file);
    snprintf(to, sizeof to, "%s/cache/models--a--b/blobs/%d", root, blob);
    snprintf(target, sizeof target, "%sblobs/%d", up, blob);
    REQUIRE(rename(from, to) == 0 && symlink(target, from) == 0);
}

static void the_cache_of_the_hub(void) {
    static const char *const files[] = {"model_index.json",
                                        "scheduler/scheduler_config.json",
                                        "tokenizer/spiece.model",
                                        TOKENIZER_CONFIG,
                                        "tokenizer/special_tokens_map.json",
                                        "text_encoder/config.json",
                                        "text_encoder/model.safetensors",
                                        "transformer/config.json",
                                        "transformer/diffusion_pytorch_model.safetensors",
                                        "vae/config.json",
                                        "vae/diffusion_pytorch_model.safetensors"};
    char snapshot[FOLDER_PATH + 100];
    prepare();
    REQUIRE(mkdir(in_root("cache"), 0777) == 0 && mkdir(in_root("cache/models--a--b"), 0777) == 0);
    REQUIRE(mkdir(in_root("cache/models--a--b/blobs"), 0777) == 0);
    REQUIRE(mkdir(in_root("cache/models--a--b/snapshots"), 0777) == 0);
    snprintf(snapshot, sizeof snapshot, "%s/cache/models--a--b/snapshots/0a1b", root);
    REQUIRE(rename(model, snapshot) == 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        move_to_blobs(snapshot, files[i], strchr(files[i], '/') ? "../../../" : "../../", (int)i);
    CHECK_OK(convert(snapshot));
    for (size_t i = 0; i < 6; i++) {
        check_context("%s", files[i]);
        char original[FOLDER_PATH];
        snprintf(original, sizeof original, "elsewhere/%s", files[i]);
        CHECK(folder_same_file(root, original, out, files[i]));
    }
    check_context(NULL);
    pixart_encoder_release(open_encoder(out));
    pixart_denoiser_release(open_denoiser(out));
    folder_remove(out);
    /* A blob that is a link out of the cache, and a link that does not lead to the blobs. */
    strcpy(model, snapshot);
    relink("../../blobs/3", in_root("secret"));
    CHECK_FAILS(convert(snapshot), PIXART_ERROR_FILE, TOKENIZER_CONFIG, "leads to", "/secret");
    relink(TOKENIZER_CONFIG, "../../../../../secret");
    CHECK_FAILS(convert(snapshot), PIXART_ERROR_FILE, TOKENIZER_CONFIG, "leads to", "/secret");
    folder_remove(root);
}

static const check_test tests[] = {
    {"known files only", known_files_only},
    {"links out of the folder", links_out_of_the_folder},
    {"roundabout links", roundabout_links},
    {"folders out of the folder", folders_out_of_the_folder},
    {"links that are followed", links_that_are_followed},
    {"links that lead nowhere", links_that_lead_nowhere},
    {"the cache of the Hub", the_cache_of_the_hub},
};
CHECK_MAIN(tests)
