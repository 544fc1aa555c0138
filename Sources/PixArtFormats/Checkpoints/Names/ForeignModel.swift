import PixArtStorage

/// What a file of weights holds that is none of the library's networks, for messages.
package enum ForeignModel {
    private static let marks: [(pattern: String, found: String)] = [
        ("text_model.encoder.", "holds a CLIP text encoder"), ("double_blocks.", "holds a Flux transformer"),
        ("joint_blocks.", "holds a Stable Diffusion 3 transformer"), ("input_blocks.", "holds a U-Net"),
        ("down_blocks.", "holds a U-Net of diffusers"), ("token_embedding.weight", "holds UMT5, with the names of Wan"),
        ("controlnet", "holds a ControlNet"), (".lora_A.", "holds an adapter (LoRA)"),
        (".lora_down.", "holds an adapter (LoRA)"), (".hada_w1_a", "holds an adapter (LoHa)"),
        (".lokr_w1", "holds an adapter (LoKr)"),
    ]

    /// A clause that says what is known of the tensors.
    package static func found(in source: any WeightSource) -> String {
        let names = source.names
        for (pattern, found) in marks where names.contains(where: { $0.contains(pattern) }) { return found }
        guard let first = names.min() else { return "holds no tensors" }
        return "holds \(names.count) tensors of no known network, such as \"\(first)\""
    }
}
