/* Kinds of files: only regular files are read and replaced, links are followed, and no temporary file is left. */
#define _GNU_SOURCE
#include "folder.h"
#include "stages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[FOLDER_PATH];

static const char *in_folder(const char *name) {
    static char paths[4][FOLDER_PATH + 300];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    REQUIRE(bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0);
    close(descriptor);
}

/* A folder with one file of each kind that is not regular. Devices are links, because making them needs privileges. */
static const struct {
    const char *name, *kind;
} others[] = {
    {"fifo", "a FIFO"},        {"socket", "a socket"},         {"folder", "a folder"},
    {"to fifo", "a FIFO"},     {"null", "a character device"}, {"zero", "a character device"},
    {"to folder", "a folder"},
};
#define OTHERS (sizeof others / sizeof *others)

static void prepare(void) {
    folder_temporary(folder);
    REQUIRE(mkfifo(in_folder("fifo"), 0666) == 0);
    make_socket(in_folder("socket"));
    REQUIRE(mkdir(in_folder("folder"), 0777) == 0);
    REQUIRE(symlink("fifo", in_folder("to fifo")) == 0);
    REQUIRE(symlink("folder", in_folder("to folder")) == 0);
    REQUIRE(symlink("/dev/null", in_folder("null")) == 0);
    REQUIRE(symlink("/dev/zero", in_folder("zero")) == 0);
}

static mode_t mode_of(const char *path) {
    struct stat status;
    REQUIRE(lstat(path, &status) == 0);
    return status.st_mode;
}

typedef pixart_status write_call(const char *path);

static pixart_status save(const char *path) {
    pixart_tensor *tensor = zeros(PIXART_UINT8, 3, (int64_t[]){8, 8, 3});
    const pixart_tensor *const tensors[] = {tensor};
    pixart_status status = pixart_tensors_save(path, 1, (const char *[]){"a"}, tensors);
    pixart_tensor_release(tensor);
    return status;
}

static pixart_status write_image(const char *path) {
    pixart_tensor *tensor = zeros(PIXART_UINT8, 3, (int64_t[]){8, 8, 3});
    pixart_status status = pixart_image_write(tensor, 0, path, NULL);
    pixart_tensor_release(tensor);
    return status;
}

static write_call *const writers[] = {save, write_image};
#define WRITERS (sizeof writers / sizeof *writers)

static void others_are_not_read(void) {
    prepare();
    for (size_t i = 0; i < OTHERS; i++) {
        const char *path = in_folder(others[i].name);
        pixart_tensor *tensor;
        check_context("%s", others[i].name);
        CHECK_CLEARED(pixart_image_read(path, NULL, &tensor), PIXART_ERROR_FILE, tensor, path, others[i].kind,
                      "expected a regular file");
        CHECK_CLEARED(pixart_tensors_load(path, 1, (const char *[]){"a"}, &tensor), PIXART_ERROR_FILE, tensor, path,
                      others[i].kind, "expected a regular file");
    }
    folder_remove(folder);
}

static void others_are_no_part_of_a_model(void) {
    static const char *const files[] = {"model_index.json", "transformer/config.json",
                                        "scheduler/scheduler_config.json",
                                        "transformer/diffusion_pytorch_model.safetensors"};
    prepare();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (size_t k = 0; k < OTHERS; k++) {
            char model[FOLDER_PATH], path[FOLDER_PATH + 100];
            pixart_denoiser *denoiser;
            folder_clone(check_model(), model, NULL);
            folder_delete(model, files[i]);
            snprintf(path, sizeof path, "%s/%s", model, files[i]);
            REQUIRE(symlink(in_folder(others[k].name), path) == 0);
            check_context("%s is %s", files[i], others[k].name);
            CHECK_CLEARED(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser), PIXART_ERROR_FILE, denoiser, path,
                          others[k].kind);
            folder_remove(model);
        }
    folder_remove(folder);
}

static void others_are_not_replaced(void) {
    prepare();
    int entries = folder_count(folder);
    for (size_t w = 0; w < WRITERS; w++)
        for (size_t i = 0; i < OTHERS; i++) {
            const char *path = in_folder(others[i].name);
            mode_t mode = mode_of(path);
            check_context("%s", others[i].name);
            CHECK_FAILS(writers[w](path), PIXART_ERROR_FILE, path, others[i].kind, "expected a regular file");
            CHECK_EQUAL(mode_of(path), mode);
            CHECK_EQUAL(folder_count(folder), entries);
        }
    folder_remove(folder);
}

static void links_are_written_through(void) {
    for (size_t w = 0; w < WRITERS; w++) {
        prepare();
        folder_write(folder, "folder/real", "old", 3);
        REQUIRE(symlink("folder/real", in_folder("one")) == 0);
        REQUIRE(symlink(in_folder("one"), in_folder("two")) == 0);
        REQUIRE(symlink("to folder/new", in_folder("dangling")) == 0);
        REQUIRE(symlink("round", in_folder("about")) == 0);
        REQUIRE(symlink("about", in_folder("round")) == 0);
        CHECK_OK(writers[w](in_folder("two")));
        CHECK(S_ISLNK(mode_of(in_folder("one"))) && S_ISLNK(mode_of(in_folder("two"))));
        size_t size;
        free(folder_read(folder, "folder/real", &size));
        CHECK(size > 3);
        CHECK_OK(writers[w](in_folder("dangling")));
        CHECK(S_ISLNK(mode_of(in_folder("dangling"))));
        CHECK(S_ISREG(mode_of(in_folder("folder/new"))));
        CHECK_FAILS(writers[w](in_folder("round")), PIXART_ERROR_FILE, "round", strerror(ELOOP));
        CHECK(S_ISLNK(mode_of(in_folder("round"))));
        folder_remove(folder);
    }
}

static void permissions(void) {
    static const mode_t kept[] = {0600, 0644, 0666, 0400, 0751};
    for (size_t w = 0; w < WRITERS; w++) {
        folder_temporary(folder);
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
            folder_write(folder, "old", "old", 3);
            REQUIRE(chmod(in_folder("old"), kept[i]) == 0);
            CHECK_OK(writers[w](in_folder("old")));
            CHECK_EQUAL(mode_of(in_folder("old")) & 07777, kept[i]);
            folder_delete(folder, "old");
        }
        mode_t masks[] = {0, 022, 077};
        for (size_t i = 0; i < 3; i++) {
            mode_t before = umask(masks[i]);
            CHECK_OK(writers[w](in_folder("new")));
            umask(before);
            CHECK_EQUAL(mode_of(in_folder("new")) & 07777, 0666 & ~masks[i]);
            folder_delete(folder, "new");
        }
        folder_remove(folder);
    }
}

/* Abandoned temporary files are removed. One that another process writes stays, and so does a file that only looks like
 * one. */
static void leftovers(void) {
    folder_temporary(folder);
    const char *names[] = {".pixart-1z9.tmp", ".pixart-0123456789abc.tmp", ".pixart-Q.tmp", ".pixart-.tmp",
                           "pixart-1z9.tmp",  ".pixart-held.tmp"};
    for (int i = 0; i < 6; i++)
        folder_write(folder, names[i], "draft", 5);
    REQUIRE(mkfifo(in_folder(".pixart-fifo.tmp"), 0666) == 0);
    int held = open(in_folder(names[5]), O_RDONLY);
    REQUIRE(flock(held, LOCK_EX | LOCK_NB) == 0);
    CHECK_OK(save(in_folder("a")));
    for (int i = 0; i < 6; i++) {
        check_context("%s", names[i]);
        CHECK_EQUAL(access(in_folder(names[i]), F_OK) == 0, i >= 2);
    }
    CHECK(access(in_folder(".pixart-fifo.tmp"), F_OK) == 0);
    close(held);
    CHECK_OK(write_image(in_folder("b")));
    CHECK(access(in_folder(names[5]), F_OK) != 0);
    folder_remove(folder);
}

/* Runs in a child, because a limit cannot be raised again, and the signal would end the process. */
static void size_limit(void) {
    for (size_t w = 0; w < WRITERS; w++) {
        folder_temporary(folder);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            sigset_t pending, mask;
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){16, 16});
            pixart_status status = writers[w](in_folder("a"));
            sigpending(&pending);
            sigprocmask(SIG_BLOCK, NULL, &mask);
            _exit(status == PIXART_ERROR_FILE && strstr(pixart_error_message(), strerror(EFBIG)) != NULL &&
                          !sigismember(&pending, SIGXFSZ) && !sigismember(&mask, SIGXFSZ)
                      ? 0
                      : 1);
        }
        int outcome;
        REQUIRE(waitpid(child, &outcome, 0) == child);
        CHECK(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
        CHECK_EQUAL(folder_count(folder), 0);
        folder_remove(folder);
    }
}

static const check_test tests[] = {
    {"only regular files are read", others_are_not_read},
    {"only regular files are parts of a model", others_are_no_part_of_a_model},
    {"only regular files are replaced", others_are_not_replaced},
    {"links are written through", links_are_written_through},
    {"permissions are kept", permissions},
    {"drafts of killed processes are removed", leftovers},
    {"a limit on the size of files is an error", size_limit},
};
CHECK_MAIN(tests)
