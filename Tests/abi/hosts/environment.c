/* The environment and the sandbox of a host do not make the library print, handle signals, or return other results. */
#define _GNU_SOURCE
#include "folder.h"
#include "stages.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#define EXPECTED "PIXART_TEST_EXPECTED" /* a file with the images of an undisturbed run */
#define QUIET "a quiet run"

static pixart_tensor *whole_run(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *latents = denoise(denoiser, both, SHORT);
    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *images = decode(decoder, latents);
    pixart_decoder_release(decoder);
    pixart_denoiser_release(denoiser);
    pixart_tensor_release(latents);
    embeddings_release(both);
    CHECK(pixart_options_schema("denoise") != NULL);
    return images;
}

/* The embedding with the portable kernels, which load OpenBLAS. */
static pixart_tensor *portable_run(void) {
    pixart_encoder *encoder = NULL;
    CHECK_OK(pixart_encoder_open(check_model(), "{\"instructions\": \"portable\"}", NULL, NULL, &encoder));
    pixart_tensor *embedding = encode(encoder, PROMPT);
    pixart_encoder_release(encoder);
    return embedding;
}

/* Runs in a separate process, whose environment another test has set. */
static void a_quiet_run(void) {
    pixart_tensor *images = whole_run(), *embedding = portable_run();
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (number == SIGKILL || number == SIGSTOP || sigaction(number, NULL, &action))
            continue;
        check_context("signal %d", number);
        CHECK(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
    }
    check_context(NULL);
    stack_t stack;
    REQUIRE(!sigaltstack(NULL, &stack));
    CHECK(stack.ss_flags & SS_DISABLE);
    const char *expected = getenv(EXPECTED), *const names[] = {"images", "embedding"};
    if (expected) {
        pixart_tensor *undisturbed[2];
        CHECK_OK(pixart_tensors_load(expected, 2, names, undisturbed));
        CHECK_SAME(images, undisturbed[0]);
        CHECK_SAME(embedding, undisturbed[1]);
        release_tensors(undisturbed, 2);
    }
    release_tensors((pixart_tensor *[]){images, embedding}, 2);
}

/* Starts this program again for the quiet run, after `prepare`, and checks that it prints only its own lines. */
static void runs_quietly(void (*prepare)(const void *), const void *argument) {
    char said[4096];
    size_t size = 0;
    int ends[2], status = -1, lines = 0;
    REQUIRE(!pipe(ends));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        alarm(60);
        prepare(argument);
        execl("/proc/self/exe", "environment", check_model(), QUIET, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], said + size, sizeof said - 1 - size)) > 0;)
        size += (size_t)got;
    close(ends[0]);
    said[size] = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    for (const char *at = said; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    if (!CHECK(lines == 3 && status == 0 && strstr(said, "1 passed, 0 failed")))
        for (const char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
            printf("     %.150s\n", line);
}

static char folder[FOLDER_PATH], file[FOLDER_PATH + 32];

static void expect_an_undisturbed_run(void) {
    const char *const names[] = {"images", "embedding"};
    pixart_tensor *both[] = {whole_run(), portable_run()};
    folder_temporary(folder);
    snprintf(file, sizeof file, "%s/images.safetensors", folder);
    CHECK_OK(pixart_tensors_save(file, 2, names, (const pixart_tensor *const *)both));
    release_tensors(both, 2);
    setenv(EXPECTED, file, 1);
}

static void set_variable(const void *setting) { putenv((char *)setting); }

static void variables(void) {
    static const char *const settings[] = {
        "SWIFT_DEBUG_HELP=YES",
        "SWIFT_DEBUG_NO_SUCH_VARIABLE=1",
        "SWIFT_DEBUG_ENABLE_METADATA_ALLOCATION_ITERATION=nonsense",
        "SWIFT_DEBUG_ENABLE_MALLOC_SCRIBBLE=YES",
        "SWIFT_DEBUG_RUNTIME_EXCLUSIVITY_LOGGING=YES",
        "SWIFT_DEBUG_VALIDATE_EXTERNAL_GENERIC_METADATA_BUILDER=YES",
        "SWIFT_DEBUG_LIB_PRESPECIALIZED_PATH=/nowhere",
        "SWIFT_DETERMINISTIC_HASHING=1",
        "SWIFT_BINARY_COMPATIBILITY_VERSION=nonsense",
        "SWIFT_BACKTRACE=enable=yes",
        "SWIFT_BACKTRACE=enable=yes,swift-backtrace=/bin/true",
        "SWIFT_BACKTRACE=nonsense=1,color=nonsense",
        "SWIFT_ROOT=/opt/swift/usr",
        "OPENBLAS_VERBOSE=2",
        "OPENBLAS_CORETYPE=nonsense",
        "OPENBLAS_NUM_THREADS=64",
        "GOTO_NUM_THREADS=nonsense",
        "OMP_NUM_THREADS=64",
        "_JSON_C_STRERROR_ENABLE=1",
        "LC_ALL=tr_TR.UTF-8",
        "TMPDIR=/nowhere",
    };
    expect_an_undisturbed_run();
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        check_context("%s", settings[i]);
        runs_quietly(set_variable, settings[i]);
    }
    folder_remove(folder);
    unsetenv(EXPECTED);
}

#if defined(__x86_64__)
static void refuse_getrandom(const void *error) {
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)*(const int *)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(126);
}

static void without_randomness(void) {
    static const int errors[] = {EPERM, ENOSYS, EAGAIN};
    expect_an_undisturbed_run();
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        check_context("getrandom fails with %d", errors[i]);
        runs_quietly(refuse_getrandom, &errors[i]);
    }
    folder_remove(folder);
    unsetenv(EXPECTED);
}
#endif

static const check_test tests[] = {
    {QUIET, a_quiet_run},
    {"variables", variables},
#if defined(__x86_64__)
    {"without a source of randomness", without_randomness},
#endif
};
CHECK_MAIN(tests)
