/* Model folders with one fault at a time. Each is refused with a message that names the fault, and the intact model
 * opens afterwards. */
#include "damage.h"
#include "folder.h"
#include "safetensors.h"
#include "stages.h"

#include <stdlib.h>

#define TOKENIZER "tokenizer/spiece.model"
#define TEXT_CONFIG "text_encoder/config.json"
#define CONFIG "transformer/config.json"
#define SCHEDULER "scheduler/scheduler_config.json"
#define VAE_CONFIG "vae/config.json"

enum { FILE_ERROR = PIXART_ERROR_FILE, FORMAT = PIXART_ERROR_FORMAT, MODEL = PIXART_ERROR_MODEL };

/* One fault. The message must contain `file`, or `where` if another file shows the fault, and `needle`, or the key if
 * `needle` is NULL. */
typedef struct {
    damage *inflict;
    const char *file, *key, *value;
    pixart_status status;
    const char *needle, *where;
} patient;

static const patient transformers[] = {
    {damage_missing, TRANSFORMER, NULL, NULL, FILE_ERROR, "diffusion_pytorch_model.safetensors", "/transformer"},
    {damage_empty, TRANSFORMER, NULL, NULL, FORMAT, ""},
    {damage_folder, TRANSFORMER, NULL, NULL, FILE_ERROR, ""},
    {damage_garbage, TRANSFORMER, NULL, NULL, FORMAT, ""},
    {damage_cut, TRANSFORMER, NULL, "7", FORMAT, ""},
    {damage_cut, TRANSFORMER, NULL, "8", FORMAT, ""},
    {damage_cut, TRANSFORMER, NULL, "100", FORMAT, ""},
    {damage_cut, TRANSFORMER, NULL, "-1", FORMAT, ""},
    {damage_cut, TRANSFORMER, NULL, "-4096", FORMAT, ""},
    {damage_length, TRANSFORMER, NULL, NULL, FORMAT, ""},
    {damage_length, TRANSFORMER, NULL, "1000000000", FORMAT, ""},
    {damage_length, TRANSFORMER, NULL, "8", FORMAT, ""},
    {damage_length, TRANSFORMER, NULL, "-64", FORMAT, ""},
    {damage_absent, TRANSFORMER, "proj_out.weight", NULL, MODEL, NULL, "/transformer"},
    {damage_absent, TRANSFORMER, "transformer_blocks.0.attn1.to_q.weight", NULL, MODEL, NULL, "/transformer"},
    {damage_hole, TRANSFORMER, "proj_out.weight", NULL, FORMAT, ""},
    {damage_added, TRANSFORMER, "mystery.weight", NULL, MODEL, NULL, "/transformer"},
    {damage_renamed, TRANSFORMER, "proj_out.bias", "proj_out.bais", MODEL, "proj_out.bia", "/transformer"},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"shape\": [1, 1]}", FORMAT, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"dtype\": \"I8\"}", FORMAT, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"dtype\": \"complex\"}", MODEL, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"data_offsets\": [0, 99999999999]}", FORMAT, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"data_offsets\": [-8, 8]}", FORMAT, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"data_offsets\": null}", FORMAT, NULL},
    {damage_entry, TRANSFORMER, "proj_out.bias", "{\"shape\": [1e300]}", FORMAT, NULL},
    {damage_sharded, TRANSFORMER, NULL, "absent-00001-of-00001.safetensors", FILE_ERROR, "absent-00001-of-00001", ""},

    {damage_missing, CONFIG, NULL, NULL, FILE_ERROR, ""},
    {damage_empty, CONFIG, NULL, NULL, FORMAT, ""},
    {damage_garbage, CONFIG, NULL, NULL, FORMAT, ""},
    {damage_text, CONFIG, NULL, "[1, 2, 3]", MODEL, "object"},
    {damage_text, CONFIG, NULL, "{\"num_layers\": ", FORMAT, ""},
    {damage_unset, CONFIG, "caption_channels", NULL, MODEL, NULL},
    {damage_unset, CONFIG, "num_layers", NULL, MODEL, "transformer_blocks.", "/transformer"},
    {damage_set, CONFIG, "num_attention_heads", "0", MODEL, NULL},
    {damage_set, CONFIG, "num_attention_heads", "\"four\"", MODEL, NULL},
    {damage_set, CONFIG, "num_attention_heads", "9223372036854775807", MODEL, NULL},
    {damage_set, CONFIG, "attention_head_dim", "-8", MODEL, NULL},
    {damage_set, CONFIG, "attention_head_dim", "[16]", MODEL, NULL},
    {damage_set, CONFIG, "num_layers", "-1", MODEL, NULL},
    {damage_set, CONFIG, "num_layers", "2000000000", MODEL, NULL},
    {damage_set, CONFIG, "num_layers", "1.5", MODEL, NULL},
    {damage_set, CONFIG, "patch_size", "0", MODEL, NULL},
    {damage_set, CONFIG, "patch_size", "3000000000", MODEL, NULL},
    {damage_set, CONFIG, "in_channels", "0", MODEL, NULL},
    {damage_set, CONFIG, "sample_size", "0", MODEL, NULL},
    {damage_set, CONFIG, "sample_size", "-9223372036854775808", MODEL, NULL},
    {damage_set, CONFIG, "caption_channels", "null", MODEL, NULL},
    {damage_set, CONFIG, "norm_type", "\"layer_norm\"", MODEL, NULL},
    {damage_set, CONFIG, "activation_fn", "\"geglu\"", MODEL, NULL},
    {damage_set, CONFIG, "_class_name", "\"UNet2DConditionModel\"", MODEL, "UNet2DConditionModel"},

    {damage_garbage, SCHEDULER, NULL, NULL, FORMAT, ""},
    {damage_set, SCHEDULER, "_class_name", "\"MysteryScheduler\"", MODEL, "MysteryScheduler"},
    {damage_unset, SCHEDULER, "_class_name", NULL, MODEL, NULL},
    {damage_set, SCHEDULER, "algorithm_type", "\"magic\"", MODEL, "magic"},
    {damage_set, SCHEDULER, "beta_schedule", "\"crooked\"", MODEL, "crooked"},
    {damage_set, SCHEDULER, "prediction_type", "\"prophecy\"", MODEL, "prophecy"},
    {damage_set, SCHEDULER, "num_train_timesteps", "0", MODEL, NULL},
    {damage_set, SCHEDULER, "num_train_timesteps", "4000000000000", MODEL, NULL},
    {damage_set, SCHEDULER, "beta_end", "\"high\"", MODEL, NULL},
    {damage_set, SCHEDULER, "solver_order", "-2", MODEL, NULL},
};

static const patient encoders[] = {
    {damage_missing, TOKENIZER, NULL, NULL, FILE_ERROR, ""},
    {damage_empty, TOKENIZER, NULL, NULL, FORMAT, ""},
    {damage_garbage, TOKENIZER, NULL, NULL, FORMAT, ""},
    {damage_cut, TOKENIZER, NULL, "1000", FORMAT, ""},
    {damage_cut, TOKENIZER, NULL, "-1", FORMAT, ""},
    {damage_text, TOKENIZER, NULL, "version https://git-lfs.github.com/spec/v1\n", FORMAT, ""},
    {damage_missing, TEXT_ENCODER, NULL, NULL, FILE_ERROR, "model.safetensors", "/text_encoder"},
    {damage_cut, TEXT_ENCODER, NULL, "-1", FORMAT, ""},
    {damage_text, TEXT_ENCODER, NULL, "version https://git-lfs.github.com/spec/v1\n", FORMAT, ""},
    {damage_absent, TEXT_ENCODER, "shared.weight", NULL, MODEL, "embed_tokens.weight", "/text_encoder"},
    {damage_absent, TEXT_ENCODER, "encoder.block.0.layer.1.DenseReluDense.wo.weight", NULL, MODEL, NULL,
     "/text_encoder"},
    {damage_added, TEXT_ENCODER, "mystery.weight", NULL, MODEL, NULL, "/text_encoder"},
    {damage_sharded, TEXT_ENCODER, NULL, "model-00001-of-00002.safetensors", FILE_ERROR, "model-00001-of-00002", ""},
    {damage_sharded, TEXT_ENCODER, NULL, "../../outside.safetensors", FORMAT, "outside", ""},
    {damage_missing, TEXT_CONFIG, NULL, NULL, FILE_ERROR, ""},
    {damage_text, TEXT_CONFIG, NULL, "not JSON", FORMAT, ""},
    {damage_unset, TEXT_CONFIG, "d_model", NULL, MODEL, NULL},
    {damage_set, TEXT_CONFIG, "num_heads", "0", MODEL, NULL},
    {damage_set, TEXT_CONFIG, "d_kv", "-1", MODEL, NULL},
    {damage_set, TEXT_CONFIG, "num_layers", "1000000", MODEL, NULL},
    {damage_set, TEXT_CONFIG, "vocab_size", "1", MODEL, NULL, TOKENIZER},
    {damage_set, TEXT_CONFIG, "relative_attention_num_buckets", "0", MODEL, NULL},
    {damage_set, TEXT_CONFIG, "relative_attention_max_distance", "2", MODEL, NULL},
    {damage_set, TEXT_CONFIG, "feed_forward_proj", "\"mystery\"", MODEL, "mystery"},
};

static const patient decoders[] = {
    {damage_missing, VAE, NULL, NULL, FILE_ERROR, "diffusion_pytorch_model.safetensors", "/vae"},
    {damage_cut, VAE, NULL, "-1", FORMAT, ""},
    {damage_absent, VAE, "decoder.conv_in.weight", NULL, MODEL, NULL, "/vae"},
    {damage_added, VAE, "decoder.mystery.weight", NULL, MODEL, NULL, "/vae"},
    {damage_entry, VAE, "decoder.conv_in.bias", "{\"shape\": [1]}", FORMAT, NULL},
    {damage_missing, VAE_CONFIG, NULL, NULL, FILE_ERROR, ""},
    {damage_text, VAE_CONFIG, NULL, "{}", MODEL, ""},
    {damage_set, VAE_CONFIG, "latent_channels", "0", MODEL, NULL},
    {damage_set, VAE_CONFIG, "latent_channels", "5", MODEL, "5", "/vae"},
    {damage_set, VAE_CONFIG, "block_out_channels", "[]", MODEL, NULL},
    {damage_set, VAE_CONFIG, "block_out_channels", "\"32\"", MODEL, NULL},
    {damage_set, VAE_CONFIG, "block_out_channels", "[-1, 2]", MODEL, NULL},
    {damage_set, VAE_CONFIG, "layers_per_block", "-1", MODEL, NULL},
    {damage_set, VAE_CONFIG, "layers_per_block", "100000000", MODEL, NULL},
    {damage_set, VAE_CONFIG, "norm_num_groups", "0", MODEL, NULL},
    {damage_set, VAE_CONFIG, "norm_num_groups", "7", MODEL, NULL},
    {damage_set, VAE_CONFIG, "act_fn", "\"mystery\"", MODEL, NULL},
    {damage_set, VAE_CONFIG, "scaling_factor", "0", MODEL, NULL},
    {damage_set, VAE_CONFIG, "scaling_factor", "\"0.18\"", MODEL, NULL},
};

/* Opens a part, and releases the handle if that succeeds. */
static pixart_status try_encoder(const char *model) {
    pixart_encoder *encoder;
    pixart_status status = pixart_encoder_open(model, NULL, NULL, NULL, &encoder);
    CHECK((encoder == NULL) == (status != PIXART_OK));
    pixart_encoder_release(encoder);
    return status;
}

static pixart_status try_denoiser(const char *model) {
    pixart_denoiser *denoiser;
    pixart_status status = pixart_denoiser_open(model, NULL, NULL, NULL, &denoiser);
    CHECK((denoiser == NULL) == (status != PIXART_OK));
    pixart_denoiser_release(denoiser);
    return status;
}

static pixart_status try_decoder(const char *model) {
    pixart_decoder *decoder;
    pixart_status status = pixart_decoder_open(model, NULL, NULL, NULL, &decoder);
    CHECK((decoder == NULL) == (status != PIXART_OK));
    pixart_decoder_release(decoder);
    return status;
}

static void refused(const patient *patients, size_t count, pixart_status (*try)(const char *)) {
    for (size_t i = 0; i < count; i++) {
        const patient *p = &patients[i];
        char folder[FOLDER_PATH];
        folder_clone(check_model(), folder, NULL);
        p->inflict(folder, p->file, p->key, p->value);
        check_context("%s, %s: %s", p->file, p->key ? p->key : "whole file", p->value ? p->value : "");
        pixart_status status = try(folder);
        CHECK_FAILS(status, p->status, p->where ? p->where : p->file, p->needle ? p->needle : p->key);
        folder_remove(folder);
        CHECK_OK(try(check_model()));
    }
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void damaged_encoders(void) { refused(encoders, COUNT(encoders), try_encoder); }
static void damaged_denoisers(void) { refused(transformers, COUNT(transformers), try_denoiser); }
static void damaged_decoders(void) { refused(decoders, COUNT(decoders), try_decoder); }

/* In a folder that lacks parts, the existing parts open. The errors of the others say what is missing. */
static void partial_models(void) {
    char folder[FOLDER_PATH];
    folder_clone(check_model(), folder, (const char *[]){"text_encoder", "tokenizer", NULL});
    CHECK_OK(try_encoder(folder));
    CHECK_FAILS(try_denoiser(folder), FILE_ERROR, folder, "transformer");
    CHECK_FAILS(try_decoder(folder), FILE_ERROR, folder, "vae");
    folder_remove(folder);
    folder_clone(check_model(), folder, (const char *[]){"transformer", "scheduler", NULL});
    CHECK_OK(try_denoiser(folder));
    CHECK_FAILS(try_encoder(folder), FILE_ERROR, folder);
    folder_remove(folder);
    folder_clone(
        check_model(), folder,
        (const char *[]){"transformer", NULL}); /* the settings that all published checkpoints share are used */
    CHECK_OK(try_denoiser(folder));
    folder_remove(folder);
    folder_clone(check_model(), folder, (const char *[]){"vae", NULL});
    CHECK_OK(try_decoder(folder));
    CHECK_FAILS(try_denoiser(folder), FILE_ERROR, folder);
    folder_remove(folder);
}

/* Shards with an index open. A slash at the end of a path changes nothing. */
static void sharded_models(void) {
    char folder[FOLDER_PATH];
    size_t size;
    folder_clone(check_model(), folder, NULL);
    char *bytes = folder_read(folder, TEXT_ENCODER, &size);
    folder_write(folder, "text_encoder/model-00001-of-00001.safetensors", bytes, size);
    free(bytes);
    damage_sharded(folder, TEXT_ENCODER, NULL, "model-00001-of-00001.safetensors");
    embeddings single = encode_prompts(check_model()), sharded = encode_prompts(folder);
    CHECK_SAME(single.prompt, sharded.prompt);
    embeddings_release(sharded);
    strcat(folder, "/");
    CHECK_OK(try_encoder(folder));
    CHECK_OK(try_denoiser(folder));
    CHECK_OK(try_decoder(folder));
    embeddings_release(single);
    folder_remove(folder);
}

static const check_test tests[] = {
    {"damaged encoders", damaged_encoders},  {"damaged denoisers", damaged_denoisers},
    {"damaged decoders", damaged_decoders},  {"folders that lack parts", partial_models},
    {"folders with shards", sharded_models},
};
CHECK_MAIN(tests)
