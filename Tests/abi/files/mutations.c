/* Mutated model files, several hundred from a fixed seed. Opening them never crashes, and returns a status that a file
 * can cause. If a part opens, it can be used. PIXART_FUZZ_ROUNDS sets another number of rounds. */
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t state;

static size_t below(size_t bound) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (size_t)((state >> 11) % bound);
}

/* Bytes with a meaning in one of the formats. */
static const char *const morsels[] = {"0",       "-1",   "1e308", "999999999999999999999",
                                      "null",    "{",    "}",     "[",
                                      "]",       "\"",   ",",     ":",
                                      "\\u0000", "\xff", "NaN",   "true",
                                      "F32",     "I64",  "BF16"};

/* Changes a few bytes in the first `reach` of them; the result is at most 64 bytes longer. */
static size_t mutate(char *bytes, size_t size, size_t reach) {
    for (size_t changes = 1 + below(3); changes > 0 && size > 0; changes--) {
        size_t at = below(reach < size ? reach : size);
        const char *morsel = morsels[below(sizeof morsels / sizeof *morsels)];
        size_t length = strlen(morsel);
        switch (below(5)) {
        case 0:
            bytes[at] = (char)(bytes[at] ^ (1 << below(8)));
            break;
        case 1:
            bytes[at] = (char)below(256);
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, --size - at);
            break;
        case 3:
            if (at + length <= size)
                memcpy(bytes + at, morsel, length);
            break;
        case 4:
            memmove(bytes + at + length, bytes + at, size - at);
            memcpy(bytes + at, morsel, length);
            size += length;
        }
    }
    return size;
}

static int32_t stop_soon(void *context, int64_t step, int64_t steps, double fraction) {
    (void)step, (void)steps, (void)fraction;
    return --*(int *)context <= 0;
}

static pixart_status use_encoder(const char *model) {
    pixart_encoder *encoder;
    pixart_tensor *embedding = NULL;
    pixart_status status = pixart_encoder_open(model, NULL, NULL, NULL, &encoder);
    if (!status)
        status = pixart_encode(encoder, PROMPT, NULL, NULL, NULL, &embedding);
    pixart_tensor_release(embedding);
    pixart_encoder_release(encoder);
    return status;
}

static embeddings both;

static pixart_status use_denoiser(const char *model) {
    pixart_denoiser *denoiser;
    pixart_tensor *latents = NULL;
    int calls = 2;
    pixart_status status = pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser);
    if (!status)
        status = pixart_denoise(denoiser, both.prompt, both.negative, "{\"height\": 64, \"width\": 64}", stop_soon,
                                &calls, &latents);
    pixart_tensor_release(latents);
    pixart_denoiser_release(denoiser);
    return status;
}

static pixart_status use_decoder(const char *model) {
    pixart_decoder *decoder;
    pixart_tensor *latents = blank_latents(), *images = NULL;
    pixart_status status = pixart_decoder_open(model, NULL, NULL, NULL, &decoder);
    if (!status)
        status = pixart_decode(decoder, latents, NULL, NULL, NULL, &images);
    pixart_tensor_release(images);
    pixart_tensor_release(latents);
    pixart_decoder_release(decoder);
    return status;
}

static pixart_status use_image_encoder(const char *model) {
    pixart_image_encoder *encoder;
    pixart_tensor *images = zeros(PIXART_UINT8, 3, (int64_t[]){64, 64, 3}), *latents = NULL;
    pixart_status status = pixart_image_encoder_open(model, NULL, NULL, NULL, &encoder);
    if (!status)
        status = pixart_image_encode(encoder, images, NULL, NULL, NULL, &latents);
    pixart_tensor_release(latents);
    pixart_tensor_release(images);
    pixart_image_encoder_release(encoder);
    return status;
}

/* A file, a function that uses its part, and the number of bytes at its beginning to mutate (0: the safetensors
 * header).
 */
static const struct {
    const char *file;
    pixart_status (*use)(const char *model);
    size_t reach;
} targets[] = {
    {TEXT_ENCODER, use_encoder, 0},
    {"text_encoder/config.json", use_encoder, 4096},
    {TRANSFORMER, use_denoiser, 0},
    {"transformer/config.json", use_denoiser, 4096},
    {VAE, use_decoder, 0},
    {"vae/config.json", use_decoder, 4096},
    {"vae/config.json", use_image_encoder, 4096},
    {"scheduler/scheduler_config.json", use_denoiser, 4096},
    {"tokenizer/spiece.model", use_encoder, 1 << 20},
};

static void feed(size_t target, int rounds) {
    char folder[FOLDER_PATH];
    size_t size;
    uint64_t header = 0;
    int opened = 0;
    folder_clone(check_model(), folder, NULL);
    char *original = folder_read(folder, targets[target].file, &size);
    char *bytes = malloc(size + 256);
    memcpy(&header, original, 8);
    size_t reach = targets[target].reach ? targets[target].reach : 8 + (size_t)header;
    for (int round = 0; round < rounds; round++) {
        check_context("%s, round %d", targets[target].file, round);
        memcpy(bytes, original, size);
        folder_write(folder, targets[target].file, bytes, mutate(bytes, size, reach));
        pixart_status status = targets[target].use(folder);
        opened += status == PIXART_OK || status == PIXART_CANCELLED;
        CHECK(status != PIXART_ERROR_INTERNAL);
        CHECK(status == PIXART_OK || pixart_error_message()[0] != 0);
    }
    printf("     %s: %d of %d were usable\n", targets[target].file, opened, rounds);
    free(bytes);
    free(original);
    folder_remove(folder);
}

static void mutated_files(void) {
    const char *setting = getenv("PIXART_FUZZ_ROUNDS");
    int rounds = setting ? atoi(setting) : 60;
    state = 0x9e3779b97f4a7c15u;
    both = encode_prompts(check_model());
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        feed(i, rounds);
    embeddings_release(both);
    CHECK_OK(use_encoder(check_model()));
    CHECK_OK(use_decoder(check_model()));
}

static const check_test tests[] = {{"mutated files", mutated_files}};
CHECK_MAIN(tests)
