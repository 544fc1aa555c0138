/* Tensors that the networks do not use: harmless ones are ignored, those of another architecture are refused by name,
 * and the option unexpected_tensors decides about the others. */
#include "damage.h"
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <stdio.h>

#define IGNORE "\"unexpected_tensors\": \"ignore\""

typedef struct {
    const char *file, *tensor, *needle; /* part of the message */
} extra;

static const extra harmless[] = {
    {TRANSFORMER, "caption_projection.y_embedding"},
    {TRANSFORMER, "y_embedder.y_embedding"},
    {TRANSFORMER, "pos_embed.pos_embed"},
    {TRANSFORMER, "model_ema.decay"},
    {TRANSFORMER, "ema.transformer_blocks.0.attn1.to_q.weight"},
    {TRANSFORMER, "transformer_blocks.0.norm.num_batches_tracked"},
    {TEXT_ENCODER, "decoder.block.0.layer.0.SelfAttention.q.weight"},
    {TEXT_ENCODER, "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"},
    {TEXT_ENCODER, "lm_head.weight"},
    {TEXT_ENCODER, "encoder.embed_tokens.weight"},
    {TEXT_ENCODER, "encoder.embeddings.position_ids"},
    {VAE, "loss.logvar"},
    {VAE, "loss.perceptual_loss.lin0.model.1.weight"},
    {VAE, "model_ema.num_updates"},
    {VAE, "model_ema.decoderconv_inweight"},
};

static const extra foreign[] = {
    {TRANSFORMER, "transformer_blocks.0.attn1.q_norm.weight", "normalizes queries and keys"},
    {TRANSFORMER, "transformer_blocks.1.attn2.k_norm.weight", "normalizes queries and keys"},
    {TRANSFORMER, "transformer_blocks.0.attn1.norm_q.weight", "normalizes queries and keys"},
    {TRANSFORMER, "blocks.14.attn.sr.weight", "compressed keys and values"},
    {TRANSFORMER, "transformer_blocks.0.attn1.sr.bias", "compressed keys and values"},
    {TRANSFORMER, "controlnet.0.before_proj.weight", "ControlNet"},
    {TRANSFORMER, "controlnet_blocks.0.after_proj.bias", "ControlNet"},
    {TRANSFORMER, "blocks.0.attn.qkv.weight", "original repository"},
    {TRANSFORMER, "double_blocks.0.img_attn.qkv.weight", "Flux"},
    {TRANSFORMER, "transformer_blocks.0.attn1.to_q.lora_A.weight", "LoRA"},
    {TRANSFORMER, "proj_out.lora_B.default.weight", "LoRA"},
    {TRANSFORMER, "lora_transformer_proj_out.lora_down.weight", "LoRA"},
    {TEXT_ENCODER, "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", "UMT5"},
    {TEXT_ENCODER, "encoder.block.0.layer.1.DenseReluDense.wi.weight", "T5 1.0"},
    {TEXT_ENCODER, "text_model.encoder.layers.0.mlp.fc1.weight", "CLIP"},
    {VAE, "quantize.embedding.weight", "VQ"},
    {VAE, "first_stage_model.decoder.conv_in.weight", "Stable Diffusion checkpoint"},
    {VAE, "decoder.mid.block_1.conv1.weight", "original Stable Diffusion"},
    {VAE, "decoder.up_blocks.0.resnets.0.temporal_res_block.conv1.weight", "video"},
};

static const extra unknown[] = {
    {TRANSFORMER, "mystery.weight"},
    {TRANSFORMER, "transformer_blocks.0.attn1.to_z.weight"},
    {TRANSFORMER, "decoder.weight"},
    {TEXT_ENCODER, "mystery"},
    {TEXT_ENCODER, "encoder.block.0.layer.2.weight"},
    {TEXT_ENCODER, "caption_projection.y_embedding"},
    {VAE, "decoder.mystery.weight"},
    {VAE, "pos_embed.pos_embed"},
    {VAE, "transformer.weight"},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Opens the part that `file` belongs to. */
static pixart_status open_part(const char *model, const char *file, const char *options) {
    pixart_encoder *encoder = NULL;
    pixart_denoiser *denoiser = NULL;
    pixart_decoder *decoder = NULL;
    pixart_status status = !strcmp(file, TEXT_ENCODER)  ? pixart_encoder_open(model, options, NULL, NULL, &encoder)
                           : !strcmp(file, TRANSFORMER) ? pixart_denoiser_open(model, options, NULL, NULL, &denoiser)
                                                        : pixart_decoder_open(model, options, NULL, NULL, &decoder);
    pixart_encoder_release(encoder);
    pixart_denoiser_release(denoiser);
    pixart_decoder_release(decoder);
    return status;
}

static pixart_status open_image_part(const char *model, const char *options) {
    pixart_image_encoder *encoder;
    pixart_status status = pixart_image_encoder_open(model, options, NULL, NULL, &encoder);
    pixart_image_encoder_release(encoder);
    return status;
}

/* The value "ignore" of the option. */
static pixart_status estimate(const char *model, const char *file, int ignore) {
    char options[256], *report;
    snprintf(options, sizeof options, "{\"stage\": \"%s\"%s}",
             !strcmp(file, TEXT_ENCODER)  ? "encode"
             : !strcmp(file, TRANSFORMER) ? "denoise"
                                          : "decode",
             ignore ? ", " IGNORE : "");
    pixart_status status = pixart_memory_estimate(model, options, &report);
    pixart_string_release(report);
    return status;
}

static pixart_status convert(const char *model, const char *out, const char *file, int ignore) {
    char options[256];
    snprintf(options, sizeof options, "{\"weights\": \"bfloat16\", \"parts\": [\"%.*s\"]%s}",
             (int)(strchr(file, '/') - file), file, ignore ? ", " IGNORE : "");
    return pixart_convert(model, out, options, NULL, NULL);
}

/* A clone of the model with one more tensor. */
static void clone_with(const extra *each, char *folder) {
    folder_clone(check_model(), folder, NULL);
    damage_added(folder, each->file, each->tensor, NULL);
    check_context("%s: %s", each->file, each->tensor);
}

/* The part converts, and the tensor is dropped. */
static void check_dropped(const char *folder, const extra *each, int ignore) {
    char out[FOLDER_PATH + 16];
    snprintf(out, sizeof out, "%s/converted", folder);
    CHECK_OK(convert(folder, out, each->file, ignore));
    safetensors written = safetensors_read(out, each->file);
    CHECK(!json_object_object_get_ex(written.header, each->tensor, NULL));
    safetensors_write(&written, out, each->file);
    folder_remove(out);
}

static void harmless_tensors(void) {
    for (size_t i = 0; i < COUNT(harmless); i++) {
        char folder[FOLDER_PATH];
        clone_with(&harmless[i], folder);
        CHECK_OK(open_part(folder, harmless[i].file, NULL));
        if (!strcmp(harmless[i].file, VAE))
            CHECK_OK(open_image_part(folder, NULL));
        CHECK_OK(estimate(folder, harmless[i].file, 0));
        check_dropped(folder, &harmless[i], 0);
        folder_remove(folder);
    }
}

static void foreign_tensors(void) {
    for (size_t i = 0; i < COUNT(foreign); i++) {
        const extra *each = &foreign[i];
        char folder[FOLDER_PATH], out[FOLDER_PATH + 16];
        clone_with(each, folder);
        snprintf(out, sizeof out, "%s/converted", folder);
        CHECK_FAILS(open_part(folder, each->file, NULL), PIXART_ERROR_MODEL, each->tensor, each->needle);
        CHECK_FAILS(open_part(folder, each->file, "{" IGNORE "}"), PIXART_ERROR_MODEL, each->tensor, each->needle);
        CHECK_FAILS(estimate(folder, each->file, 0), PIXART_ERROR_MODEL, each->tensor, each->needle);
        CHECK_FAILS(convert(folder, out, each->file, 1), PIXART_ERROR_MODEL, each->tensor, each->needle);
        folder_remove(folder);
    }
}

/* Files of another architecture mostly lack tensors too. The message names the architecture, which helps more. */
static void foreign_before_missing(void) {
    char folder[FOLDER_PATH];
    clone_with(&(extra){TRANSFORMER, "blocks.0.attn.qkv.weight"}, folder);
    damage_absent(folder, TRANSFORMER, "proj_out.weight", NULL);
    CHECK_FAILS(open_part(folder, TRANSFORMER, NULL), PIXART_ERROR_MODEL, "blocks.0.attn.qkv.weight",
                "original repository");
    folder_remove(folder);
}

static void unknown_tensors(void) {
    for (size_t i = 0; i < COUNT(unknown); i++) {
        const extra *each = &unknown[i];
        char folder[FOLDER_PATH], out[FOLDER_PATH + 16];
        clone_with(each, folder);
        snprintf(out, sizeof out, "%s/converted", folder);
        for (int spelled = 0; spelled < 2; spelled++) {
            const char *options = spelled ? "{\"unexpected_tensors\": \"error\"}" : NULL;
            CHECK_FAILS(open_part(folder, each->file, options), PIXART_ERROR_MODEL, each->tensor, "unexpected_tensors",
                        "ignore");
        }
        CHECK_FAILS(estimate(folder, each->file, 0), PIXART_ERROR_MODEL, each->tensor, "unexpected_tensors");
        CHECK_FAILS(convert(folder, out, each->file, 0), PIXART_ERROR_MODEL, each->tensor, "unexpected_tensors");
        CHECK_OK(open_part(folder, each->file, "{" IGNORE "}"));
        if (!strcmp(each->file, VAE))
            CHECK_OK(open_image_part(folder, "{" IGNORE "}"));
        CHECK_OK(estimate(folder, each->file, 1));
        check_dropped(folder, each, 1);
        folder_remove(folder);
    }
}

static const check_test tests[] = {
    {"harmless tensors", harmless_tensors},
    {"tensors of another architecture", foreign_tensors},
    {"another architecture before missing tensors", foreign_before_missing},
    {"unknown tensors", unknown_tensors},
};
CHECK_MAIN(tests)
