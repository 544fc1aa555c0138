/* The host's floating-point state changes no result, and is the same after a call: rounding, traps, denormals and
 * flags. */
#define _GNU_SOURCE
#include "folder.h"
#include "stages.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#define IMAGE (int64_t[]){1, 64, 64, 3}

/* States that a host may have set. Nothing here or in a callback computes with floating-point numbers. */
typedef struct {
    unsigned mxcsr;
    unsigned short control, status;
    int rounding, traps, flags;
} state;

static state read_state(void) {
    state found = {.rounding = fegetround(), .traps = fegetexcept(), .flags = fetestexcept(FE_ALL_EXCEPT)};
#if defined(__x86_64__)
    found.mxcsr = _mm_getcsr();
    __asm__ volatile("fnstcw %0\n\tfnstsw %1" : "=m"(found.control), "=m"(found.status));
#endif
    return found;
}

static int same_state(state a, state b) {
    return a.mxcsr == b.mxcsr && a.control == b.control && a.status == b.status && a.rounding == b.rounding &&
           a.traps == b.traps && a.flags == b.flags;
}

static void upward(void) { fesetround(FE_UPWARD); }
static void downward(void) { fesetround(FE_DOWNWARD); }
static void towards_zero(void) { fesetround(FE_TOWARDZERO); }
static void traps(void) { feenableexcept(FE_ALL_EXCEPT); }
static void usual_traps(void) { feenableexcept(FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID); }
static void flags(void) { feraiseexcept(FE_ALL_EXCEPT); }
#if defined(__x86_64__)
static void flush(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
static void single_precision(void) {
    unsigned short control = 0x007f;
    __asm__ volatile("fldcw %0" : : "m"(control));
}
static void several(void) {
    flush();
    upward();
    traps();
}
#endif

static const struct {
    const char *name;
    void (*set)(void);
} modes[] = {
    {"upward", upward},
    {"downward", downward},
    {"towards zero", towards_zero},
    {"all traps", traps},
    {"the traps of Delphi", usual_traps},
    {"all flags", flags},
#if defined(__x86_64__)
    {"FTZ and DAZ", flush},
    {"x87 in single precision", single_precision},
    {"upward, FTZ, DAZ, all traps", several},
#endif
};

/* ---- A run of everything that computes -----------------------------------------------------------------------------
 */

enum {
    PROMPT_EMBEDDING,
    NEGATIVE,
    LATENTS,
    SAMPLED,
    DECODED,
    DECODED_FLOATS,
    ENCODED,
    RESIZED,
    BLENDED,
    READ,
    RESULTS
};

static char folder[FOLDER_PATH];
static state expected;
static int changes; /* how often the state was not the host's */

static void note(void) { changes += !same_state(read_state(), expected); }

static int32_t progress(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps, (void)fraction;
    note();
    return 0;
}

#define DO(call)                                                                                                       \
    do {                                                                                                               \
        CHECK_OK(call);                                                                                                \
        note();                                                                                                        \
    } while (0)

static void run(const pixart_tensor *colour, const pixart_tensor *mask, const char *converted,
                pixart_tensor **results) {
    pixart_encoder *encoder, *missing;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_image_encoder *image_encoder;
    pixart_sampler *sampler;
    char path[2 * FOLDER_PATH];
    char *report;
    DO(pixart_encoder_open(check_model(), NULL, NULL, NULL, &encoder));
    DO(pixart_encode(encoder, PROMPT, NULL, NULL, NULL, &results[PROMPT_EMBEDDING]));
    DO(pixart_encode(encoder, "", NULL, NULL, NULL, &results[NEGATIVE]));
    DO(pixart_encoder_memory(encoder, NULL, &report));
    pixart_string_release(report);
    DO(pixart_denoiser_open(check_model(), NULL, NULL, NULL, &denoiser));
    DO(pixart_denoise(denoiser, results[PROMPT_EMBEDDING], results[NEGATIVE], SHORT, progress, NULL,
                      &results[LATENTS]));
    DO(pixart_sampler_create(denoiser, results[PROMPT_EMBEDDING], results[NEGATIVE],
                             RUN("\"seed\": 3, \"scheduler\": {\"_class_name\": \"EulerAncestralDiscreteScheduler\"}"),
                             &sampler));
    while (pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler))
        DO(pixart_sampler_step(sampler, progress, NULL));
    DO(pixart_sampler_latents(sampler, &results[SAMPLED]));
    DO(pixart_decoder_open(check_model(), NULL, NULL, NULL, &decoder));
    DO(pixart_decode(decoder, results[LATENTS], NULL, NULL, NULL, &results[DECODED]));
    DO(pixart_decode(decoder, results[LATENTS], "{\"output_type\": \"float32\"}", NULL, NULL,
                     &results[DECODED_FLOATS]));
    DO(pixart_image_encoder_open(check_model(), NULL, NULL, NULL, &image_encoder));
    DO(pixart_image_encode(image_encoder, colour, NULL, NULL, NULL, &results[ENCODED]));
    DO(pixart_image_resize(colour, "{\"height\": 40, \"width\": 88}", &results[RESIZED]));
    DO(pixart_image_blend(results[DECODED], colour, mask, &results[BLENDED]));
    snprintf(path, sizeof path, "%s/image.png", folder);
    DO(pixart_image_write(results[DECODED], 0, path, NULL));
    DO(pixart_image_read(path, NULL, &results[READ]));
    DO(pixart_convert(check_model(), converted, "{\"weights\": \"int8\"}", progress, NULL));
    CHECK_CLEARED(pixart_encoder_open("/nowhere", NULL, NULL, NULL, &missing) /* a failure restores it too */,
                  PIXART_ERROR_FILE, missing, "/nowhere");
    note();
    pixart_image_encoder_release(image_encoder);
    pixart_decoder_release(decoder);
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    pixart_encoder_release(encoder);
    note();
}

static void no_result_and_no_state_changes(void) {
    pixart_tensor *plain[RESULTS], *found[RESULTS];
    char converted[2 * FOLDER_PATH], other[2 * FOLDER_PATH];
    fenv_t usual;
    folder_temporary(folder);
    fegetenv(&usual);
    pixart_tensor *colour = colours(4, IMAGE), *mask = colours(2, (int64_t[]){64, 64});
    snprintf(converted, sizeof converted, "%s/plain", folder);
    expected = read_state();
    run(colour, mask, converted, plain);
    for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
        check_context("%s", modes[mode].name);
        snprintf(other, sizeof other, "%s/%zu", folder, mode);
        modes[mode].set();
        expected = read_state();
        changes = 0;
        run(colour, mask, other, found);
        fesetenv(&usual);
        CHECK_EQUAL(changes, 0);
        for (int i = 0; i < RESULTS; i++) {
            CHECK_SAME(found[i], plain[i]);
            pixart_tensor_release(found[i]);
        }
        CHECK(folder_same_file(other, "transformer/diffusion_pytorch_model.safetensors", converted,
                               "transformer/diffusion_pytorch_model.safetensors"));
        CHECK(folder_same_file(other, "vae/diffusion_pytorch_model.safetensors", converted,
                               "vae/diffusion_pytorch_model.safetensors"));
    }
    release_tensors(plain, RESULTS);
    pixart_tensor_release(colour);
    pixart_tensor_release(mask);
    folder_remove(folder);
}

/* The state that a callback sets is restored after the call, which goes on in the default state. */
static int32_t meddles(void *context, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    feraiseexcept(FE_ALL_EXCEPT);
    ((void (*)(void))context)();
    return 0;
}

static void callbacks_change_nothing(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_tensor *plain = denoise(denoiser, both, SHORT), *found;
    for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode++) {
        if (modes[mode].set == flags || modes[mode].set == traps || modes[mode].set == usual_traps ||
            modes[mode].set == several)
            continue; /* in x87 a raised flag traps at once */
        check_context("%s", modes[mode].name);
        CHECK_OK(pixart_denoise(denoiser, both.prompt, both.negative, SHORT, meddles, (void *)modes[mode].set, &found));
        CHECK_SAME(found, plain);
        pixart_tensor_release(found);
    }
    pixart_tensor_release(plain);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

static const check_test tests[] = {
    {"no result and no state changes", no_result_and_no_state_changes},
    {"callbacks change nothing", callbacks_change_nothing},
};
CHECK_MAIN(tests)
