/*
 * One embedding, several images. The prompt is encoded once and saved to a file. Later runs load the file and do not
 * open the text encoder, which is by far the largest part of the model.
 *
 *     reuse_embedding [MODEL [PROMPT [EMBEDDING.safetensors]]]
 *
 * Run it twice to see the second run skip the encoder.
 */
#include <pixart.h>

#include <stdio.h>
#include <stdlib.h>

enum { PROMPT, NEGATIVE, COUNT };
static const char *const names[COUNT] = {"prompt", "negative"};

static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Loads the embeddings from `file`. If there is no file, encodes them and saves it. */
static void prepare(const char *model, const char *text, const char *file, pixart_tensor **embeddings) {
    pixart_status status = pixart_tensors_load(file, COUNT, names, embeddings);
    if (status != PIXART_ERROR_FILE) {
        check(status);
        printf("loaded %s\n", file);
        return;
    }
    pixart_encoder *encoder;
    check(pixart_encoder_open(model, NULL, NULL, NULL, &encoder));
    check(pixart_encode(encoder, text, NULL, NULL, NULL, &embeddings[PROMPT]));
    check(pixart_encode(encoder, "", NULL, NULL, NULL, &embeddings[NEGATIVE]));
    pixart_encoder_release(encoder);
    check(pixart_tensors_save(file, COUNT, names, (const pixart_tensor *const *)embeddings));
    printf("encoded and saved %s\n", file);
}

int main(int argc, char **argv) {
    const char *model = argc > 1 ? argv[1] : "models/emoji";
    const char *text = argc > 2 ? argv[2] : "a cute cat face on a blue background";
    const char *file = argc > 3 ? argv[3] : "embedding.safetensors";
    pixart_tensor *embeddings[COUNT];
    prepare(model, text, file, embeddings);

    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    check(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    check(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    for (int seed = 1; seed <= 3; seed++) {
        char options[64], path[64];
        pixart_tensor *latents, *images;
        snprintf(options, sizeof options, "{\"seed\": %d}", seed);
        snprintf(path, sizeof path, "seed_%d.png", seed);
        check(pixart_denoise(denoiser, embeddings[PROMPT], embeddings[NEGATIVE], options, NULL, NULL, &latents));
        check(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
        check(pixart_image_write(images, 0, path, NULL));
        printf("%s\n", path);
        pixart_tensor_release(latents);
        pixart_tensor_release(images);
    }
    pixart_decoder_release(decoder);
    pixart_denoiser_release(denoiser);
    for (int i = 0; i < COUNT; i++)
        pixart_tensor_release(embeddings[i]);
    return EXIT_SUCCESS;
}
