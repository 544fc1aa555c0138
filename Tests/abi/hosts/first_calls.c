/* fork() while another thread makes the process's first call. A child may make the same call, and all others.
 *
 *   PIXART_FORKS   number of forks (60), each in another process
 */
#define _DEFAULT_SOURCE
#include "children.h"
#include "stages.h"

#include <pthread.h>

static void first_encoding(void) {
    pixart_encoder *encoder;
    pixart_tensor *out;
    EXPECT(pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder) == PIXART_OK);
    EXPECT(pixart_encode(encoder, "a <b>first</b> prompt, &amp; https://example.com", NULL, NULL, NULL, &out) ==
           PIXART_OK);
    pixart_encoder_release(encoder);
    pixart_tensor_release(out);
}

static void first_denoiser(void) {
    pixart_denoiser *denoiser;
    char *report;
    EXPECT(pixart_denoiser_open(check_model(), NULL, NULL, NULL, &denoiser) == PIXART_OK);
    EXPECT(pixart_denoiser_memory(denoiser, NULL, &report) == PIXART_OK);
    pixart_denoiser_release(denoiser);
    pixart_string_release(report);
}

static void first_image(void) {
    uint8_t pixels[8 * 8 * 3] = {0};
    int64_t shape[] = {1, 8, 8, 3};
    pixart_tensor *image, *larger;
    EXPECT(pixart_tensor_create(PIXART_UINT8, 4, shape, pixels, sizeof pixels, &image) == PIXART_OK);
    EXPECT(pixart_image_resize(image, "{\"height\": 16, \"width\": 24}", &larger) == PIXART_OK);
    pixart_tensor_release(image);
    pixart_tensor_release(larger);
}

static void first_schemas(void) {
    EXPECT(pixart_options_schema("encode") && pixart_options_schema("denoise") && pixart_options_schema("convert"));
}

static void first_failure(void) {
    char *report;
    EXPECT(pixart_memory_estimate("/nowhere", NULL, &report) != PIXART_OK);
    EXPECT(strstr(pixart_error_message(), "/nowhere"));
}

static child *const first_calls[] = {first_encoding, first_denoiser, first_image, first_schemas, first_failure};
enum { FIRST_CALLS = sizeof first_calls / sizeof *first_calls };

static int kind;
static unsigned delay; /* microseconds */

static void *first_call(void *unused) {
    first_calls[kind]();
    return unused;
}

static void all_first_calls(void) {
    for (int i = 0; i < FIRST_CALLS; i++)
        first_calls[(kind + i) % FIRST_CALLS]();
}

static void forks_during_the_first_call(void) {
    pthread_t thread;
    EXPECT(!pthread_create(&thread, NULL, first_call, NULL));
    usleep(delay);
    pid_t pid = start_child(all_first_calls, delay % 2 ? exit : _exit);
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    pthread_join(thread, NULL);
}

/* The parent makes no calls, so each child is a process without earlier calls. */
static void during_the_first_call(void) {
    const char *forks = getenv("PIXART_FORKS");
    int count = forks ? atoi(forks) : 60;
    for (int i = 0; i < count; i++) {
        kind = i % FIRST_CALLS;
        delay = (unsigned)(20000L * i / count * i / count); /* most of the setup happens early */
        check_context("first call %d, after %u us", kind, delay);
        in_child(forks_during_the_first_call);
    }
}

static const check_test tests[] = {{"a fork during the first call", during_the_first_call}};
CHECK_MAIN(tests)
