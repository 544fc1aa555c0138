/*
 * Makes images as lines of standard input say, and writes latents and images to files.
 *
 *     runs MODEL IMAGE FOLDER
 *
 * A line is NAME, PROMPT and options of pixart_encoder_open(), pixart_denoiser_open(), pixart_decoder_open() and
 * pixart_sampler_create(), with tabs between them. FOLDER/NAME.latents has the bytes of the latents, and
 * FOLDER/NAME.png the first image. A run with a strength starts from the file IMAGE. For each line, the report of the
 * denoiser is printed.
 */
#include <pixart.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME, PROMPT, ENCODER, DENOISER, DECODER, RUN, FIELDS };

static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Takes a line apart in its place. */
static void split(char *line, char *fields[FIELDS]) {
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = line;
        size_t length = strcspn(line, "\t");
        if ((line[length] == '\t') != (i < FIELDS - 1)) {
            fprintf(stderr, "a line has %d fields; expected %d\n", i + 1, FIELDS);
            exit(EXIT_FAILURE);
        }
        line[length] = '\0';
        line += length + (i < FIELDS - 1);
    }
}

static void write_bytes(const char *path, const pixart_tensor *tensor) {
    FILE *file = fopen(path, "wb");
    if (!file ||
        fwrite(pixart_tensor_data(tensor), 1, pixart_tensor_size(tensor), file) != pixart_tensor_size(tensor) ||
        fclose(file)) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

/* The latents of an image file. The caller releases them. */
static pixart_tensor *encode_image(const char *model, const char *file, const char *options) {
    pixart_tensor *read, *image, *latents;
    check(pixart_image_read(file, NULL, &read));
    check(pixart_image_resize(read, "{\"height\": 64, \"width\": 96, \"resize_mode\": \"crop\"}", &image));
    pixart_image_encoder *encoder;
    check(pixart_image_encoder_open(model, options, NULL, NULL, &encoder));
    check(pixart_image_encode(encoder, image, "{\"sample_mode\": \"sample\", \"seed\": 1}", NULL, NULL, &latents));
    pixart_image_encoder_release(encoder);
    pixart_tensor_release(image);
    pixart_tensor_release(read);
    return latents;
}

static pixart_tensor *denoise(const char *model, const char *image, char *const fields[FIELDS]) {
    pixart_encoder *encoder;
    pixart_tensor *prompt, *negative, *latents;
    check(pixart_encoder_open(model, fields[ENCODER], NULL, NULL, &encoder));
    check(pixart_encode(encoder, fields[PROMPT], NULL, NULL, NULL, &prompt));
    check(pixart_encode(encoder, "", NULL, NULL, NULL, &negative));
    pixart_encoder_release(encoder);

    pixart_denoiser *denoiser;
    pixart_sampler *sampler;
    char *report;
    check(pixart_denoiser_open(model, fields[DENOISER], NULL, NULL, &denoiser));
    check(pixart_denoiser_report(denoiser, &report));
    printf("%s\n", report);
    fflush(stdout);
    pixart_string_release(report);
    check(pixart_sampler_create(denoiser, prompt, negative, fields[RUN], &sampler));
    if (strstr(fields[RUN], "\"strength\"")) {
        pixart_tensor *start = encode_image(model, image, fields[DECODER]);
        check(pixart_sampler_set_image_latents(sampler, start));
        pixart_tensor_release(start);
    }
    for (int64_t step = 0, steps = pixart_sampler_steps(sampler); step < steps; step++)
        check(pixart_sampler_step(sampler, NULL, NULL));
    check(pixart_sampler_latents(sampler, &latents));
    pixart_sampler_release(sampler);
    pixart_denoiser_release(denoiser);
    pixart_tensor_release(prompt);
    pixart_tensor_release(negative);
    return latents;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return fprintf(stderr, "runs MODEL IMAGE FOLDER\n"), EXIT_FAILURE;
    static char line[4096], path[4096];
    while (fgets(line, sizeof line, stdin)) {
        char *fields[FIELDS];
        split(line, fields);
        pixart_tensor *latents = denoise(argv[1], argv[2], fields), *images;
        pixart_decoder *decoder;
        check(pixart_decoder_open(argv[1], fields[DECODER], NULL, NULL, &decoder));
        check(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
        pixart_decoder_release(decoder);
        snprintf(path, sizeof path, "%s/%s.latents", argv[3], fields[NAME]);
        write_bytes(path, latents);
        snprintf(path, sizeof path, "%s/%s.png", argv[3], fields[NAME]);
        check(pixart_image_write(images, 0, path, NULL));
        pixart_tensor_release(latents);
        pixart_tensor_release(images);
    }
    return EXIT_SUCCESS;
}
