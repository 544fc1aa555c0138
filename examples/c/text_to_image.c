/*
 * Text to image: encode, denoise, decode, write.
 *
 *     text_to_image [MODEL [PROMPT [OUTPUT.png]]]
 *
 * Each stage is released before the next is opened, so at most one network is in memory.
 */
#define _POSIX_C_SOURCE 200809L /* open_memstream */

#include <pixart.h>

#include <stdio.h>
#include <stdlib.h>

/* Ends the program with the library's message if a call failed. */
static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Prints a line like "step 7 of 20" during the run. Returning 0 continues it. */
static int32_t show(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context;
    fprintf(stderr, "\rstep %lld of %lld, %3.0f%%", (long long)step, (long long)steps, fraction * 100);
    if (step == steps)
        fputc('\n', stderr);
    return 0;
}

/* Writes text as a JSON string. */
static void quote(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", *text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

/* Returns options of pixart_image_write that store prompt and settings in the file. The caller frees them. */
static char *provenance(const char *prompt, const char *settings) {
    char *json = NULL;
    size_t size;
    FILE *out = open_memstream(&json, &size);
    if (!out)
        return NULL;
    fputs("{\"text\": {\"Software\": \"libpixart\", \"prompt\": ", out);
    quote(out, prompt);
    fputs(", \"settings\": ", out);
    quote(out, settings);
    fputs("}}", out);
    return fclose(out) == 0 ? json : NULL;
}

int main(int argc, char **argv) {
    const char *model = argc > 1 ? argv[1] : "models/emoji";
    const char *text = argc > 2 ? argv[2] : "a cute cat face on a blue background";
    const char *output = argc > 3 ? argv[3] : "text_to_image.png";

    pixart_encoder *encoder;
    pixart_tensor *prompt, *negative;
    check(pixart_encoder_open(model, NULL, NULL, NULL, &encoder));
    check(pixart_encode(encoder, text, NULL, NULL, NULL, &prompt));
    check(pixart_encode(encoder, "", NULL, NULL, NULL, &negative));
    pixart_encoder_release(encoder);

    pixart_denoiser *denoiser;
    pixart_tensor *latents;
    const char *options = "{\"seed\": 7, \"num_inference_steps\": 20, \"guidance_scale\": 4.5}";
    check(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    check(pixart_denoise(denoiser, prompt, negative, options, show, NULL, &latents));
    pixart_denoiser_release(denoiser);
    pixart_tensor_release(prompt);
    pixart_tensor_release(negative);

    pixart_decoder *decoder;
    pixart_tensor *images;
    check(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    check(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
    pixart_decoder_release(decoder);
    pixart_tensor_release(latents);

    const int64_t *shape = pixart_tensor_shape(images); /* [B, H, W, 3] */
    char *written = provenance(text, options);
    check(pixart_image_write(images, 0, output, written));
    free(written);
    printf("%s: %lld x %lld pixels\n", output, (long long)shape[2], (long long)shape[1]);
    pixart_tensor_release(images);
    return EXIT_SUCCESS;
}
