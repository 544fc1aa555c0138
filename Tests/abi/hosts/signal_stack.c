/* Hosts with small signal stacks. Linux refuses the tiles of AMX to a process in which a thread's alternate signal
 * stack has no room for them. Then the library takes another set of kernels, whose float32 results are the same.
 *
 * The first answer of Linux stands for the life of a process. So each host is a child, and the parent opens no handle.
 */
#define _GNU_SOURCE
#include "children.h"
#include "folder.h"
#include "stages.h"

#include <json-c/json.h>
#include <pthread.h>
#include <signal.h>

enum { NAME = 32, SMALLEST = 2048, ROOM = 1 << 16 };

static char usual_file[FOLDER_PATH + 32], small_file[FOLDER_PATH + 32];

/* The set of kernels that pixart_denoiser_report names. */
static void read_instructions(const pixart_denoiser *denoiser, char name[NAME]) {
    char *report;
    EXPECT(pixart_denoiser_report(denoiser, &report) == PIXART_OK);
    json_object *json = json_tokener_parse(report), *kernels, *instructions;
    EXPECT(json_object_object_get_ex(json, "kernels", &kernels));
    EXPECT(json_object_object_get_ex(kernels, "instructions", &instructions));
    snprintf(name, NAME, "%s", json_object_get_string(instructions));
    json_object_put(json);
    pixart_string_release(report);
}

/* Opens a denoiser, runs it and saves the latents. Returns whether its kernels use tiles. */
static int run_saving(const char *file) {
    char name[NAME];
    pixart_denoiser *denoiser;
    EXPECT(pixart_denoiser_open(check_model(), "{\"compute\": \"float32\"}", NULL, NULL, &denoiser) == PIXART_OK);
    read_instructions(denoiser, name);
    embeddings both = encode_prompts(check_model());
    pixart_tensor *latents = denoise(denoiser, both, SHORT);
    const pixart_tensor *const saved[] = {latents};
    EXPECT(pixart_tensors_save(file, 1, (const char *const[]){"latents"}, saved) == PIXART_OK);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
    pixart_tensor_release(latents);
    return strcmp(name, "amx") == 0;
}

static void usual_host(void) { run_saving(usual_file); }

/* ---- A host with a small signal stack ---------------------------------------------------------------------------- */

static pthread_barrier_t stack_is_set, host_is_done;

/* A thread with the smallest signal stack that Linux accepts: some systems accept none that is too small. */
static void *small_stack(void *unused) {
    static char room[ROOM];
    stack_t stack = {.ss_sp = room, .ss_size = SMALLEST};
    while (sigaltstack(&stack, NULL) != 0 && stack.ss_size < ROOM)
        stack.ss_size += 256;
    EXPECT(stack.ss_size < ROOM);
    pthread_barrier_wait(&stack_is_set);
    pthread_barrier_wait(&host_is_done);
    return unused;
}

static void expect_no_tiles(void) {
    pixart_denoiser *denoiser = NULL;
    EXPECT(pixart_denoiser_open(check_model(), "{\"instructions\": \"amx\"}", NULL, NULL, &denoiser) ==
           PIXART_ERROR_OPTION);
    EXPECT(strstr(pixart_error_message(), "amx"));
}

static void host_with_a_small_stack(void) {
    pthread_t thread;
    EXPECT(!pthread_barrier_init(&stack_is_set, NULL, 2) && !pthread_barrier_init(&host_is_done, NULL, 2));
    EXPECT(!pthread_create(&thread, NULL, small_stack, NULL));
    pthread_barrier_wait(&stack_is_set);
    expect_no_tiles();
    EXPECT(!run_saving(small_file));
    pthread_barrier_wait(&host_is_done);
    EXPECT(!pthread_join(thread, NULL));
    /* All handles of a process have the same kernels, also when the stack is gone. */
    expect_no_tiles();
    EXPECT(!run_saving(small_file));
}

static void a_small_stack(void) {
    char folder[FOLDER_PATH];
    const char *const names[] = {"latents"};
    pixart_tensor *usual, *small;
    folder_temporary(folder);
    snprintf(usual_file, sizeof usual_file, "%s/usual.safetensors", folder);
    snprintf(small_file, sizeof small_file, "%s/small.safetensors", folder);
    in_child(usual_host);
    in_child(host_with_a_small_stack);
    CHECK_OK(pixart_tensors_load(usual_file, 1, names, &usual));
    CHECK_OK(pixart_tensors_load(small_file, 1, names, &small));
    CHECK_SAME(small, usual);
    pixart_tensor_release(usual);
    pixart_tensor_release(small);
    folder_remove(folder);
}

static const check_test tests[] = {{"a small signal stack", a_small_stack}};
CHECK_MAIN(tests)
