// Made by `make docs` from the schemas of the library.

/// The options of `pixart_convert`.
public struct ConvertOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        adapters: [JSON]? = nil,
        config: [String: JSON]? = nil,
        parts: [Part]? = nil,
        stateDict: StateDict? = nil,
        threads: Int? = nil,
        unexpectedTensors: UnexpectedTensors? = nil,
        variant: String? = nil,
        weights: Weights? = nil
    ) {
        self.adapters = adapters
        self.config = config
        self.parts = parts
        self.stateDict = stateDict
        self.threads = threads
        self.unexpectedTensors = unexpectedTensors
        self.variant = variant
        self.weights = weights
    }

    /// Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    /// "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    /// cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the
    /// name of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers,
    /// OneTrainer, kohya, LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing;
    /// if no tensor changes the part, the call fails. Default: `[]`.
    public var adapters: [JSON]? {
        get { read("adapters") }
        set { write("adapters", newValue) }
    }

    /// Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    /// its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    /// assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of
    /// PixArt-Sigma. Default: `{}`.
    public var config: [String: JSON]? {
        get { read("config") }
        set { write("config", newValue) }
    }

    /// Parts to write. The tokenizer is written with the text encoder, and the scheduler with the transformer. null
    /// means all parts of the checkpoint. Default: `null`.
    public var parts: [Part]? {
        get { read("parts") }
        set { write("parts", newValue) }
    }

    /// Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    /// "state_dict_ema". Default: `"auto"`.
    public var stateDict: StateDict? {
        get { read("state_dict") }
        set { write("state_dict", newValue) }
    }

    /// Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    /// OpenBLAS, which the portable instruction set uses, takes at most 128. Default: `0`.
    public var threads: Int? {
        get { read("threads") }
        set { write("threads", newValue) }
    }

    /// What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    /// the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null
    /// caption of published transformers, are always skipped. Tensors that only another architecture has are always an
    /// error. Default: `"error"`.
    public var unexpectedTensors: UnexpectedTensors? {
        get { read("unexpected_tensors") }
        set { write("unexpected_tensors", newValue) }
    }

    /// Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    /// names. null selects the files without a variant. Default: `null`.
    public var variant: String? {
        get { read("variant") }
        set { write("variant", newValue) }
    }

    /// Precision in which weights are stored. Layers that would lose too much accuracy keep a higher precision. Biases,
    /// norms and tables stay as they are, but "float32" widens them. The converted checkpoint, opened with default
    /// options, computes the same bits as the original opened with the same "weights". "int8" and "int4" copy the VAE
    /// unchanged: it is small and supports nothing below bfloat16. Default: `"int8"`.
    public var weights: Weights? {
        get { read("weights") }
        set { write("weights", newValue) }
    }

    /// The values of `parts`.
    public enum Part: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case textEncoder = "text_encoder"
        case transformer
        case vae
        case controlnet
    }

    /// The values of `stateDict`.
    public enum StateDict: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case ema
    }

    /// The values of `unexpectedTensors`.
    public enum UnexpectedTensors: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case error
        case ignore
    }

    /// The values of `weights`.
    public enum Weights: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case float32
        case bfloat16
        case int8
        case int4
    }
}
