#include "verbs.h"
#include "folder.h"
#include "stages.h"

static struct {
    pixart_encoder *encoder;
    pixart_denoiser *denoiser;
    pixart_decoder *decoder;
    pixart_image_encoder *image_encoder;
    embeddings both;
    pixart_sampler *sampler;
    pixart_tensor *latents, *images, *smallest;
    char folder[FOLDER_PATH], image_path[FOLDER_PATH + 16], converted[FOLDER_PATH + 16],
        edge_detector[FOLDER_PATH + 16];
} open;

static pixart_status call_encoder_open(const char *options) {
    pixart_encoder *encoder;
    pixart_status status = pixart_encoder_open(check_model(), options, NULL, NULL, &encoder);
    pixart_encoder_release(encoder);
    return status;
}

static pixart_status call_encode(const char *options) {
    pixart_tensor *embedding;
    pixart_status status = pixart_encode(open.encoder, "a", options, NULL, NULL, &embedding);
    pixart_tensor_release(embedding);
    return status;
}

static pixart_status call_denoiser_open(const char *options) {
    pixart_denoiser *denoiser;
    pixart_status status = pixart_denoiser_open(check_model(), options, NULL, NULL, &denoiser);
    pixart_denoiser_release(denoiser);
    return status;
}

static pixart_status call_denoise(const char *options) {
    pixart_sampler *sampler;
    pixart_status status =
        pixart_sampler_create(open.denoiser, open.both.prompt, open.both.negative, options, &sampler);
    pixart_sampler_release(sampler);
    return status;
}

static pixart_status call_sampler_preview(const char *options) {
    pixart_tensor *preview;
    pixart_status status = pixart_sampler_preview(open.sampler, options, &preview);
    pixart_tensor_release(preview);
    return status;
}

static pixart_status call_decoder_open(const char *options) {
    pixart_decoder *decoder;
    pixart_status status = pixart_decoder_open(check_model(), options, NULL, NULL, &decoder);
    pixart_decoder_release(decoder);
    return status;
}

static pixart_status call_decode(const char *options) {
    pixart_tensor *images;
    pixart_status status = pixart_decode(open.decoder, open.latents, options, NULL, NULL, &images);
    pixart_tensor_release(images);
    return status;
}

static pixart_status call_image_encoder_open(const char *options) {
    pixart_image_encoder *encoder;
    pixart_status status = pixart_image_encoder_open(check_model(), options, NULL, NULL, &encoder);
    pixart_image_encoder_release(encoder);
    return status;
}

static pixart_status call_image_encode(const char *options) {
    pixart_tensor *latents;
    pixart_status status = pixart_image_encode(open.image_encoder, open.images, options, NULL, NULL, &latents);
    pixart_tensor_release(latents);
    return status;
}

static pixart_status call_image_read(const char *options) {
    pixart_tensor *image;
    pixart_status status = pixart_image_read(open.image_path, options, &image);
    pixart_tensor_release(image);
    return status;
}

static pixart_status call_image_resize(const char *options) {
    pixart_tensor *images;
    pixart_status status = pixart_image_resize(open.images, options, &images);
    pixart_tensor_release(images);
    return status;
}

static pixart_status call_image_edges(const char *options) {
    pixart_tensor *edges;
    pixart_status status = pixart_image_edges(open.smallest, open.edge_detector, options, NULL, NULL, &edges);
    pixart_tensor_release(edges);
    return status;
}

static pixart_status call_image_write(const char *options) {
    return pixart_image_write(open.images, 0, open.image_path, options);
}

static pixart_status call_encoder_memory(const char *options) {
    char *report;
    pixart_status status = pixart_encoder_memory(open.encoder, options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status call_denoiser_memory(const char *options) {
    char *report;
    pixart_status status = pixart_denoiser_memory(open.denoiser, options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status call_decoder_memory(const char *options) {
    char *report;
    pixart_status status = pixart_decoder_memory(open.decoder, options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status call_image_encoder_memory(const char *options) {
    char *report;
    pixart_status status = pixart_image_encoder_memory(open.image_encoder, options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status call_convert(const char *options) {
    return pixart_convert(check_model(), open.converted, options, NULL, NULL);
}

static pixart_status call_memory_estimate(const char *options) {
    char *report;
    pixart_status status = pixart_memory_estimate(check_model(), options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status call_inspect(const char *options) {
    char *report;
    pixart_status status = pixart_inspect(check_model(), options, &report);
    pixart_string_release(report);
    return status;
}

const verb verbs[] = {
    {"encoder_open", call_encoder_open},
    {"encode", call_encode},
    {"denoiser_open", call_denoiser_open},
    {"denoise", call_denoise},
    {"sampler_preview", call_sampler_preview},
    {"decoder_open", call_decoder_open},
    {"decode", call_decode},
    {"image_encoder_open", call_image_encoder_open},
    {"image_encode", call_image_encode},
    {"image_encoder_memory", call_image_encoder_memory},
    {"image_read", call_image_read},
    {"image_write", call_image_write},
    {"image_resize", call_image_resize},
    {"image_edges", call_image_edges},
    {"encoder_memory", call_encoder_memory},
    {"denoiser_memory", call_denoiser_memory},
    {"decoder_memory", call_decoder_memory},
    {"convert", call_convert},
    {"memory_estimate", call_memory_estimate},
    {"inspect", call_inspect},
    {NULL, NULL},
};

const verb *verb_named(const char *name) {
    const verb *each = verbs;
    while (each->name && strcmp(each->name, name))
        each++;
    REQUIRE(each->name != NULL);
    return each;
}

void verbs_open(void) {
    folder_temporary(open.folder);
    strcpy(open.image_path, open.folder);
    strcat(open.image_path, "/x.png");
    strcpy(open.converted, open.folder);
    strcat(open.converted, "/converted");
    strcpy(open.edge_detector, open.folder);
    strcat(open.edge_detector, "/edges");
    write_edge_detector(open.edge_detector);
    open.encoder = open_encoder(check_model());
    open.denoiser = open_denoiser(check_model());
    open.decoder = open_decoder(check_model());
    open.both = encode_prompts(check_model());
    open.sampler = create_sampler(open.denoiser, open.both, SHORT);
    CHECK_OK(pixart_sampler_step(open.sampler, NULL, NULL));
    open.latents = blank_latents();
    open.image_encoder = open_image_encoder(check_model());
    open.images = zeros(PIXART_UINT8, 3, (int64_t[]){8, 8, 3});
    open.smallest = zeros(PIXART_UINT8, 3, (int64_t[]){16, 16, 3});
    CHECK_OK(pixart_image_write(open.images, 0, open.image_path, NULL));
}

void verbs_close(void) {
    pixart_encoder_release(open.encoder);
    pixart_denoiser_release(open.denoiser);
    pixart_decoder_release(open.decoder);
    pixart_image_encoder_release(open.image_encoder);
    embeddings_release(open.both);
    pixart_sampler_release(open.sampler);
    pixart_tensor_release(open.latents);
    pixart_tensor_release(open.images);
    pixart_tensor_release(open.smallest);
    folder_remove(open.folder);
}
