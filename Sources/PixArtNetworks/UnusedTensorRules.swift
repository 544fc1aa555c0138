import PixArtCompute

// Tensors that published and re-saved files contain and the networks do not use, each with the reason why it is
// ignored or refused.

extension UnusedTensors {
    package static let transformer = UnusedTensors(
        "the PixArt transformer",
        harmless: [
            .init("caption_projection.y_embedding", nullCaption), .init("y_embedder.y_embedding", nullCaption),
            .init("pos_embed.pos_embed", "table of positions, which is computed for each size"),
        ] + leftovers,
        foreign: [
            .init("*controlnet*", "a ControlNet"),
            .init("blocks.*.attn.sr*", compression), .init("*.attn1.sr*", compression),
            .init("*.attn.sr*", compression),
            .init("blocks.*.attn.qkv.*", originalNames), .init("y_embedder.y_proj.*", originalNames),
            .init("t_block.*", originalNames), .init("x_embedder.proj.*", originalNames),
            .init("double_blocks.*", "Flux"), .init("single_blocks.*", "Flux"),
            .init("single_transformer_blocks.*", "Flux"), .init("joint_blocks.*", "Stable Diffusion 3"),
            .init("*.attn*.add_*_proj.*", "a transformer with joint attention, such as Stable Diffusion 3 or Flux"),
            .init("*.q_norm.*", normalized), .init("*.k_norm.*", normalized),
            .init("*.norm_q.*", normalized), .init("*.norm_k.*", normalized),
            .init("*.norm_added_*", normalized),
            .init("input_blocks.*", unet), .init("down_blocks.*", unet), .init("mid_block.*", unet),
            .init("*.fuser.*", "a transformer with gated self-attention (GLIGEN)"),
            .init("transformer_blocks.*.norm1.*", "a transformer whose norms have weights, such as DiT"),
            .init("transformer_blocks.*.norm2.*", "a transformer whose norms have weights"),
        ] + otherForms)

    package static let controlNet = UnusedTensors(
        "the ControlNet of the transformer", harmless: leftovers,
        foreign: [
            .init("controlnet.*", "a ControlNet with the names of the original repository"),
            .init("*.q_norm.*", normalized), .init("*.k_norm.*", normalized),
            .init("*.norm_q.*", normalized), .init("*.norm_k.*", normalized),
            .init("*.attn1.sr*", compression), .init("down_blocks.*", unet), .init("input_blocks.*", unet),
            .init("controlnet_down_blocks.*", "a ControlNet of Stable Diffusion"),
        ] + otherForms)

    package static let edgeDetector = UnusedTensors(
        "the edge detector HED", harmless: leftovers, foreign: [.init("netVgg*", "the original HED")] + otherForms)

    package static let textEncoder = UnusedTensors(
        "the T5 encoder",
        harmless: [
            .init("decoder.*", "decoder of the whole T5"), .init("lm_head.*", "output layer of the whole T5"),
            .init("spiece_model", "tokenizer"), .init("shared.weight", "second copy of the token table"),
            .init("encoder.embed_tokens.weight", "second copy of the token table"),
        ] + leftovers,
        foreign: [
            .init(
                "encoder.block.*.layer.0.SelfAttention.relative_attention_bias.weight", except: "encoder.block.0.*",
                "UMT5, which has position biases in every block"),
            .init("*.DenseReluDense.wi.weight", "T5 1.0, whose feed-forward layers have no gate"),
            .init("text_model.*", "CLIP"), .init("*embeddings.word_embeddings.*", "BERT"),
            .init("model.layers.*", "a decoder-only language model"),
            .init("enc.blk.*", "T5 with the names of llama.cpp beside those of transformers"),
            .init("token_embedding.weight", "UMT5 with the names of Wan"),
            .init("text_encoders.*", "a bundle of several models"),
        ] + otherForms)

    package static let vaeDecoder = UnusedTensors(
        "the VAE's decoder",
        harmless: [.init("encoder.*", encoderHalf), .init("quant_conv.*", encoderHalf)] + leftovers,
        foreign: vaeForeign)

    package static let vaeEncoder = UnusedTensors(
        "the VAE's encoder",
        harmless: [.init("decoder.*", decoderHalf), .init("post_quant_conv.*", decoderHalf)] + leftovers,
        foreign: vaeForeign)

    package static let tinyDecoder = UnusedTensors(
        "the tiny autoencoder's decoder", harmless: [.init("encoder.*", encoderHalf)] + leftovers, foreign: tinyForeign)

    package static let tinyEncoder = UnusedTensors(
        "the tiny autoencoder's encoder", harmless: [.init("decoder.*", decoderHalf)] + leftovers, foreign: tinyForeign)

    private static let nullCaption = "learned caption for training without a prompt; an empty prompt is encoded instead"
    private static let encoderHalf = "encoder half of the autoencoder"
    private static let decoderHalf = "decoder half of the autoencoder"
    private static let compression = "PixArt-Sigma with compressed keys and values"
    private static let originalNames =
        "PixArt with the names of the original repository beside those of diffusers"
    private static let normalized = "a transformer that normalizes queries and keys"
    private static let unet = "a U-Net, such as Stable Diffusion"

    /// Leftovers of training and of older versions, in files of any network.
    private static let leftovers: [Rule] = [
        .init("*.position_ids", "numbers of positions, which older versions stored"),
        .init("position_ids", "numbers of positions, which older versions stored"),
        .init("*.num_batches_tracked", "counter of training"), .init("num_batches_tracked", "counter of training"),
        .init("model_ema.*", movingAverage), .init("ema.*", movingAverage), .init("ema_model.*", movingAverage),
        .init("num_updates", movingAverage), .init("*.num_updates", movingAverage),
        .init("decay", movingAverage), .init("optimization_step", movingAverage),
        .init("loss.*", "network of the training's loss"),
        .init("logvar", "variance that training learns for its loss"),
    ]
    private static let movingAverage = "state of the moving average of training"

    private static let vaeForeign: [Rule] =
        [
            .init("first_stage_model.*", "a whole Stable Diffusion checkpoint"),
            .init("quantize.*", "a VQ autoencoder"), .init("*.time_stack.*", "a video autoencoder"),
            .init("*.temporal_res_block.*", "a video autoencoder"), .init("*.time_conv*", "a video autoencoder"),
            .init("decoder_unet.*", "a consistency decoder"),
            .init("decoder.mid.*", ldmNames), .init("encoder.mid.*", ldmNames),
            .init("decoder.layers.*", "AutoencoderTiny"), .init("encoder.layers.*", "AutoencoderTiny"),
        ] + otherForms

    private static let tinyForeign: [Rule] =
        [
            .init("decoder.mid_block.*", "AutoencoderKL"), .init("encoder.mid_block.*", "AutoencoderKL"),
            .init("decoder.1.weight", tinyNames), .init("1.weight", tinyNames),
        ] + otherForms

    private static let tinyNames = "TAESD with its original names beside those of diffusers"

    private static let ldmNames =
        "a VAE with the names of the original Stable Diffusion beside those of diffusers"

    /// Weights that do not belong to a network, or in an unsupported form.
    private static let otherForms: [Rule] = [
        .init("*.lora_A*", adapter), .init("*.lora_B*", adapter), .init("*lora_down*", adapter),
        .init("*lora_up*", adapter), .init("*.lora_magnitude_vector*", adapter), .init("*.hada_w*", adapter),
        .init("*.lokr_w*", adapter), .init("base_model.model.*", adapter), .init("*.base_layer.*", adapter),
        .init("*.SCB", "weights quantized by bitsandbytes"),
        .init("*.quant_state.*", "weights quantized by bitsandbytes"),
        .init("*.absmax", "weights quantized by bitsandbytes"),
        .init("*._data", "weights quantized by quanto"), .init("*._weight_qdata", "weights quantized by torchao"),
        .init("*.wscales", nunchaku),
        .init("*.weight_scale_2", "weights quantized as nvfp4"),
        .init("*.qweight", "weights quantized by GPTQ, AWQ or nunchaku"),
        .init("*.comfy_quant", scaled), .init("*.scale_weight", scaled), .init("scaled_fp8", scaled),
    ]
    private static let adapter = "an adapter (LoRA), which has to be merged into the weights first"
    private static let nunchaku = "weights quantized by nunchaku (SVDQuant)"
    private static let scaled = "weights quantized for ComfyUI"
}
