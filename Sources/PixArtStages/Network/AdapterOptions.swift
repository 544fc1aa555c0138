import PixArtFormats

/// The adapters that a network is opened with.
package struct AdapterOptions: Sendable {
    let adapters: [AdapterRequest]
    /// Whether all that can be merged is merged.
    let fuses: Bool

    /// An autoencoder has none.
    static let none = AdapterOptions(adapters: [], fuses: true)

    private init(adapters: [AdapterRequest], fuses: Bool) {
        self.adapters = adapters
        self.fuses = fuses
    }

    init(_ reader: inout OptionReader) {
        adapters = reader.read(.adapters)
        fuses = reader.read(
            .boolean(
                "fuse_adapters", default: true,
                "true: merge adapters into floating-point weights before they are converted, which costs no time in a "
                    + "call. LoRA on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied "
                    + "separately, so that nothing is rounded twice. false: multiply all LoRA separately. The option "
                    + "\"adapter_scales\" of a run can then change scales. DoRA, LoHa and LoKr are always merged."))
    }

    /// Of a conversion, which merges all.
    init(fused reader: inout OptionReader) { self.init(adapters: reader.read(.adapters), fuses: true) }
}

extension Option where Value == [AdapterRequest] {
    fileprivate static var adapters: Self {
        .adapters(
            "adapters",
            "Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {\"path\": \"style.safetensors\", "
                + "\"scale\": 0.8, \"name\": \"style\"}. \"path\" is a file, a folder as PEFT or diffusers saves it, or an id in "
                + "the Hub's cache. \"scale\" (default 1) multiplies the change that the file itself scales by its alpha. "
                + "\"name\" (default: the name of the file or folder without its extension) must be unique. Names and "
                + "scales of PEFT, diffusers, OneTrainer, kohya, LyCORIS and ComfyUI are recognized. The report of a handle "
                + "lists tensors that change nothing; if no tensor changes the part, the call fails.")
    }
}
