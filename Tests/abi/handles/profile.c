/* Profiles: where the time of a handle's calls went. */
#include "stages.h"

#include <json-c/json.h>
#include <time.h>

static const char *const kinds[] = {"gemm_float32", "gemm_bfloat16", "gemm_int8", "attention",
                                    "convolution",  "rows",          "weights",   "other"};
enum { FLOAT32, BFLOAT16, INT8, ATTENTION, CONVOLUTION, ROWS, WEIGHTS, OTHER, KINDS };

typedef struct {
    double seconds[KINDS], operations[KINDS];
} profile;

static double number(json_object *entry, const char *key) {
    json_object *value = NULL;
    REQUIRE(json_object_object_get_ex(entry, key, &value));
    return json_object_get_double(value);
}

/* Parses a report and frees it. It must have exactly the kinds that the header lists. */
static profile read_report(char *report) {
    profile read;
    json_object *json = json_tokener_parse(report), *entry = NULL;
    REQUIRE(json != NULL);
    CHECK_EQUAL(json_object_object_length(json), KINDS);
    for (size_t i = 0; i < KINDS; i++) {
        check_context("%s: %s", kinds[i], report);
        REQUIRE(json_object_object_get_ex(json, kinds[i], &entry));
        read.seconds[i] = number(entry, "seconds");
        read.operations[i] = number(entry, "operations");
        CHECK(read.seconds[i] >= 0 && read.operations[i] >= 0);
    }
    check_context(NULL);
    json_object_put(json);
    pixart_string_release(report);
    return read;
}

static profile encoder_profile(const pixart_encoder *encoder) {
    char *report;
    CHECK_OK(pixart_encoder_profile(encoder, &report));
    return read_report(report);
}

static profile denoiser_profile(const pixart_denoiser *denoiser) {
    char *report;
    CHECK_OK(pixart_denoiser_profile(denoiser, &report));
    return read_report(report);
}

static profile decoder_profile(const pixart_decoder *decoder) {
    char *report;
    CHECK_OK(pixart_decoder_profile(decoder, &report));
    return read_report(report);
}

/* The operations of a kind grew if and only if `growing` has its bit. If they grew, so did its seconds. */
static void check_growth(profile before, profile after, unsigned growing) {
    for (size_t i = 0; i < KINDS; i++) {
        check_context("%s", kinds[i]);
        CHECK_EQUAL(after.operations[i] > before.operations[i], growing >> i & 1);
        CHECK(after.seconds[i] >= before.seconds[i]);
        CHECK(!(growing >> i & 1) || after.seconds[i] > before.seconds[i]);
    }
    check_context(NULL);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* GEMMs count by what they are computed in, with their operations. The time of all kinds is at most that of the call.
 */
static void runs_are_profiled(void) {
    static const struct {
        const char *options;
        unsigned growing;
    } rows[] = {{NULL, 1 << FLOAT32 | 1 << ATTENTION},
                {"{\"compute\": \"bfloat16\"}", 1 << FLOAT32 | 1 << BFLOAT16 | 1 << ATTENTION},
                {"{\"weights\": \"int8\"}", 1 << FLOAT32 | 1 << BFLOAT16 | 1 << INT8 | 1 << ATTENTION}};
    embeddings both = encode_prompts(check_model());
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pixart_denoiser *denoiser;
        CHECK_OK(pixart_denoiser_open(check_model(), rows[i].options, NULL, NULL, &denoiser));
        profile before = denoiser_profile(denoiser);
        double start = now();
        pixart_tensor_release(denoise(denoiser, both, SHORT));
        double end = now();
        profile after = denoiser_profile(denoiser);
        check_growth(before, after, rows[i].growing);
        CHECK(after.seconds[ROWS] > before.seconds[ROWS]);
        CHECK((before.seconds[WEIGHTS] > 0) == (i == 2));
        double seconds = 0;
        for (size_t kind = 0; kind < KINDS; kind++)
            seconds += after.seconds[kind] - before.seconds[kind];
        CHECK(seconds <= end - start);
        CHECK(seconds > (end - start) / 10);
        pixart_denoiser_release(denoiser);
    }
    embeddings_release(both);
}

/* Every step of a run counts the same operations. */
static void operations_are_counted(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *denoiser = open_denoiser(check_model());
    pixart_sampler *sampler = create_sampler(denoiser, both, SHORT);
    profile at[STEPS + 1];
    at[0] = denoiser_profile(denoiser);
    for (int step = 0; step < STEPS; step++) {
        CHECK_OK(pixart_sampler_step(sampler, NULL, NULL));
        at[step + 1] = denoiser_profile(denoiser);
    }
    static const int counted[] = {FLOAT32, ATTENTION};
    for (size_t i = 0; i < 2; i++) {
        double first = at[1].operations[counted[i]] - at[0].operations[counted[i]];
        CHECK(first > 0);
        for (int step = 1; step < STEPS; step++)
            CHECK(at[step + 1].operations[counted[i]] - at[step].operations[counted[i]] == first);
    }
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    embeddings_release(both);
}

/* Encoder and decoder report as the denoiser does. */
static void other_stages_are_profiled(void) {
    pixart_encoder *encoder = open_encoder(check_model());
    profile opened = encoder_profile(encoder);
    pixart_tensor_release(encode(encoder, PROMPT));
    check_growth(opened, encoder_profile(encoder), 1 << FLOAT32 | 1 << ATTENTION);
    pixart_encoder_release(encoder);

    pixart_decoder *decoder = open_decoder(check_model());
    pixart_tensor *latents = blank_latents();
    profile before = decoder_profile(decoder);
    pixart_tensor_release(decode(decoder, latents));
    profile after = decoder_profile(decoder);
    CHECK(after.seconds[CONVOLUTION] > before.seconds[CONVOLUTION]);
    CHECK(after.operations[CONVOLUTION] > before.operations[CONVOLUTION]);
    CHECK(after.operations[BFLOAT16] == 0 && after.operations[INT8] == 0);
    pixart_tensor_release(latents);
    pixart_decoder_release(decoder);
}

/* The work of one handle is not in another's profile. */
static void handles_do_not_share(void) {
    embeddings both = encode_prompts(check_model());
    pixart_denoiser *busy = open_denoiser(check_model()), *idle = open_denoiser(check_model());
    profile before = denoiser_profile(idle);
    pixart_tensor_release(denoise(busy, both, SHORT));
    profile after = denoiser_profile(idle);
    for (size_t i = 0; i < KINDS; i++) {
        check_context("%s", kinds[i]);
        CHECK(after.seconds[i] == before.seconds[i] && after.operations[i] == before.operations[i]);
    }
    check_context(NULL);
    CHECK(denoiser_profile(busy).operations[FLOAT32] > after.operations[FLOAT32]);
    pixart_denoiser_release(busy);
    pixart_denoiser_release(idle);
    embeddings_release(both);
}

static const check_test tests[] = {
    {"runs are profiled", runs_are_profiled},
    {"operations are counted", operations_are_counted},
    {"encoder and decoder are profiled", other_stages_are_profiled},
    {"handles do not share a profile", handles_do_not_share},
};
CHECK_MAIN(tests)
