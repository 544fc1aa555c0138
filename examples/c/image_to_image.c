/*
 * Image-to-image: a new image that starts from a given one. The strength sets how much of it changes.
 *
 *     image_to_image [MODEL [PROMPT [SOURCE.png [STRENGTH [OUTPUT.png]]]]]
 *
 * The source is resized and cropped to the size of models/emoji, 128 x 128 pixels.
 */
#include <pixart.h>

#include <stdio.h>
#include <stdlib.h>

static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Returns the latents of a PNG file. The caller releases them. */
static pixart_tensor *encode_image(const char *model, const char *file) {
    pixart_tensor *read, *image, *latents;
    check(pixart_image_read(file, NULL, &read));
    check(pixart_image_resize(read, "{\"height\": 128, \"width\": 128, \"resize_mode\": \"crop\"}", &image));
    pixart_tensor_release(read);

    pixart_image_encoder *encoder;
    check(pixart_image_encoder_open(model, NULL, NULL, NULL, &encoder));
    check(pixart_image_encode(encoder, image, "{\"sample_mode\": \"argmax\"}", NULL, NULL, &latents));
    pixart_image_encoder_release(encoder);
    pixart_tensor_release(image);
    return latents;
}

int main(int argc, char **argv) {
    const char *model = argc > 1 ? argv[1] : "models/emoji";
    const char *text = argc > 2 ? argv[2] : "a fox on a red background";
    const char *source = argc > 3 ? argv[3] : "docs/images/demo.png";
    double strength = argc > 4 ? strtod(argv[4], NULL) : 0.6;
    const char *output = argc > 5 ? argv[5] : "image_to_image.png";

    pixart_tensor *start = encode_image(model, source);
    pixart_encoder *encoder;
    pixart_tensor *prompt, *negative;
    check(pixart_encoder_open(model, NULL, NULL, NULL, &encoder));
    check(pixart_encode(encoder, text, NULL, NULL, NULL, &prompt));
    check(pixart_encode(encoder, "", NULL, NULL, NULL, &negative));
    pixart_encoder_release(encoder);

    pixart_denoiser *denoiser;
    pixart_sampler *sampler;
    char options[128];
    snprintf(options, sizeof options, "{\"seed\": 0, \"num_inference_steps\": 30, \"strength\": %.4f}", strength);
    check(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    check(pixart_sampler_create(denoiser, prompt, negative, options, &sampler));
    check(pixart_sampler_set_image_latents(sampler, start));
    pixart_denoiser_release(denoiser); /* the sampler keeps the weights alive */
    pixart_tensor_release(start);
    pixart_tensor_release(prompt);
    pixart_tensor_release(negative);

    int64_t steps = pixart_sampler_steps(sampler);
    for (int64_t step = 0; step < steps; step++)
        check(pixart_sampler_step(sampler, NULL, NULL));
    pixart_tensor *latents, *images;
    check(pixart_sampler_latents(sampler, &latents));
    pixart_sampler_release(sampler);

    pixart_decoder *decoder;
    check(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    check(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
    pixart_decoder_release(decoder);
    check(pixart_image_write(images, 0, output, NULL));
    printf("%s: strength %g, %lld steps\n", output, strength, (long long)steps);
    pixart_tensor_release(latents);
    pixart_tensor_release(images);
    return EXIT_SUCCESS;
}
