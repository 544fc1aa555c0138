import PixArtStorage

/// What a file of weights holds that is none of the library's networks, or in a form that is not read, for messages.
package enum ForeignModel {
    /// Parts of names that say it. The first that matches counts.
    private static let marks: [(pattern: TensorPattern, found: String)] = [
        // Forms of weights.
        ("*._weight_qdata", "holds weights quantized by torchao"),
        ("*.weight_scale_2", "holds weights quantized as nvfp4"),
        ("*.wscales", "holds weights quantized by nunchaku (SVDQuant)"),
        ("*.qweight", "holds weights quantized by GPTQ, AWQ or nunchaku"),
        // Adapters.
        ("*lora_A*", "holds an adapter (LoRA)"), ("*lora_down*", "holds an adapter (LoRA)"),
        ("*_lora.down*", "holds an adapter (LoRA)"), ("*hada_w1*", "holds an adapter (LoHa)"),
        ("*lokr_w1*", "holds an adapter (LoKr)"), ("*controlnet*", "holds a ControlNet"),
        // Transformers.
        ("*double_blocks.*", "holds a Flux transformer"), ("*single_transformer_blocks.*", "holds a Flux transformer"),
        ("*joint_blocks.*", "holds a Stable Diffusion 3 transformer"),
        ("*context_embedder.*", "holds a Stable Diffusion 3 transformer"),
        ("*patchify_proj.*", "holds a transformer of LTX-Video"),
        ("*.self_attn.norm_q.*", "holds a transformer of Wan"),
        ("*cap_embedder.*", "holds a transformer of Lumina"),
        ("*y_embedder.embedding_table.*", "holds DiT, a transformer for classes"),
        ("*.attn1.Wqkv.*", "holds Hunyuan-DiT"), ("*pooler.positional_embedding", "holds Hunyuan-DiT"),
        ("*caption_norm.*", "holds a Sana transformer"),
        ("*input_blocks.*", "holds a U-Net"),
        // Text encoders.
        ("*text_model.encoder.*", "holds a CLIP text encoder"), ("*text_projection*", "holds a CLIP text encoder"),
        ("token_embedding.weight", "holds UMT5, with the names of Wan"),
        ("*.DenseReluDense.wi.weight", "holds T5 1.0, whose feed-forward layers have no gate"),
        ("model.layers.*", "holds a decoder-only language model"),
        ("blk.0.attn_q.weight", "holds a decoder-only language model"),
        ("*embeddings.word_embeddings.*", "holds BERT"),
        // Autoencoders.
        ("decoder_unet.*", "holds a consistency decoder"),
        ("*time_stack.*", "holds a video autoencoder"), ("*.conv1.conv.weight", "holds a video autoencoder"),
        ("*quantize.embedding.*", "holds a VQ autoencoder"),
        ("down_blocks.*", "holds a U-Net of diffusers"),
    ]

    /// A clause that says what the tensors are known to be; nil if nothing is known of them.
    package static func known(in source: any WeightSource) -> String? {
        let names = source.names.map { Array($0.utf8) }
        for (pattern, found) in marks where names.contains(where: { pattern.matches($0) }) { return found }
        return nil
    }

    /// A clause that says what is known of the tensors.
    package static func found(in source: any WeightSource) -> String {
        if let known = known(in: source) { return known }
        guard let first = source.names.min() else { return "holds no tensors" }
        return "holds \(source.names.count) tensors of no known network, such as \"\(first)\""
    }
}
