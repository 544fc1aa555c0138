/*
 * A run that the host advances: one step at a time, with a look at the latents between steps. Ctrl-C stops it within a
 * fraction of a step.
 *
 *     drive_sampler [MODEL [PROMPT [OUTPUT.png]]]
 *
 * After Ctrl-C, the image is made from the latents of the last complete step.
 */
#include <pixart.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal) {
    (void)signal;
    interrupted = 1;
}

static void check(pixart_status status) {
    if (status == PIXART_OK)
        return;
    fprintf(stderr, "%s: %s\n", pixart_status_name(status), pixart_error_message());
    exit(EXIT_FAILURE);
}

/* Called after every transformer block. Any value but 0 cancels the step. */
static int32_t go_on(void *context, int64_t step, int64_t steps, double fraction) {
    (void)context, (void)step, (void)steps;
    fprintf(stderr, "\r%3.0f%% ", fraction * 100);
    return interrupted;
}

/* The standard deviation of the latents: about 1 for the noise that a run starts from. */
static double deviation(const pixart_tensor *latents) {
    const float *values = pixart_tensor_data(latents);
    size_t count = pixart_tensor_size(latents) / sizeof *values;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i], squares += (double)values[i] * values[i];
    return sqrt(squares / (double)count - sum / (double)count * (sum / (double)count));
}

/* Prints the state of the run. */
static void describe(const pixart_sampler *sampler) {
    int64_t done = pixart_sampler_step_index(sampler);
    double timestep = 0;
    pixart_tensor *latents;
    if (done < pixart_sampler_steps(sampler))
        check(pixart_sampler_timestep(sampler, done, &timestep));
    check(pixart_sampler_latents(sampler, &latents));
    printf("step %2lld of %lld, next timestep %5.1f, deviation of the latents %.3f\n", (long long)done,
           (long long)pixart_sampler_steps(sampler), timestep, deviation(latents));
    pixart_tensor_release(latents);
}

int main(int argc, char **argv) {
    const char *model = argc > 1 ? argv[1] : "models/emoji";
    const char *text = argc > 2 ? argv[2] : "a cute cat face on a blue background";
    const char *output = argc > 3 ? argv[3] : "drive_sampler.png";
    signal(SIGINT, interrupt);

    pixart_encoder *encoder;
    pixart_tensor *prompt, *negative;
    check(pixart_encoder_open(model, NULL, NULL, NULL, &encoder));
    check(pixart_encode(encoder, text, NULL, NULL, NULL, &prompt));
    check(pixart_encode(encoder, "", NULL, NULL, NULL, &negative));
    pixart_encoder_release(encoder);

    pixart_denoiser *denoiser;
    pixart_sampler *sampler;
    check(pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser));
    check(pixart_sampler_create(denoiser, prompt, negative, "{\"seed\": 7}", &sampler));
    pixart_denoiser_release(denoiser); /* the sampler keeps the weights alive */
    pixart_tensor_release(prompt);
    pixart_tensor_release(negative);

    describe(sampler);
    while (pixart_sampler_step_index(sampler) < pixart_sampler_steps(sampler)) {
        pixart_status status = pixart_sampler_step(sampler, go_on, NULL);
        if (status == PIXART_CANCELLED)
            break; /* the latents are those before this step */
        check(status);
        describe(sampler);
    }
    pixart_tensor *latents, *images;
    check(pixart_sampler_latents(sampler, &latents));
    pixart_sampler_release(sampler);

    pixart_decoder *decoder;
    check(pixart_decoder_open(model, NULL, NULL, NULL, &decoder));
    check(pixart_decode(decoder, latents, NULL, NULL, NULL, &images));
    pixart_decoder_release(decoder);
    check(pixart_image_write(images, 0, output, NULL));
    printf("%s\n", output);
    pixart_tensor_release(latents);
    pixart_tensor_release(images);
    return EXIT_SUCCESS;
}
