// Made by `make docs` from the schemas of the library.

/// The options of `pixart_encoder_open`.
public struct EncoderOpenOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        adapters: [JSON]? = nil,
        compute: Compute? = nil,
        config: [String: JSON]? = nil,
        fuseAdapters: Bool? = nil,
        instructions: Instructions? = nil,
        preset: Preset? = nil,
        reproducible: Bool? = nil,
        residency: Residency? = nil,
        stateDict: StateDict? = nil,
        threads: Int? = nil,
        tokenizer: String? = nil,
        unexpectedTensors: UnexpectedTensors? = nil,
        variant: String? = nil,
        weights: Weights? = nil
    ) {
        self.adapters = adapters
        self.compute = compute
        self.config = config
        self.fuseAdapters = fuseAdapters
        self.instructions = instructions
        self.preset = preset
        self.reproducible = reproducible
        self.residency = residency
        self.stateDict = stateDict
        self.threads = threads
        self.tokenizer = tokenizer
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

    /// Precision of matrix multiplications. Sums are float32. "auto": int8 if the weights are int8 or int4, float32
    /// otherwise. "bfloat16" works with all weights. "int8" quantizes activations with one scale for each token. It
    /// needs int8 or int4 weights; if "weights" is "auto", floating-point weights of 16 or 32 bits are converted to
    /// int8, and those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file and are rounded to int8 on their way
    /// into a multiplication. With "bfloat16" and "int8", results on processors with AVX-512 BF16 or arm64's BF16
    /// differ from those of others by about the rounding error, unless "reproducible" is true. Default: `"auto"`.
    public var compute: Compute? {
        get { read("compute") }
        set { write("compute", newValue) }
    }

    /// Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    /// its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    /// assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of
    /// PixArt-Sigma. Default: `{}`.
    public var config: [String: JSON]? {
        get { read("config") }
        set { write("config", newValue) }
    }

    /// true: merge adapters into floating-point weights before they are converted, which costs no time in a call. LoRA
    /// on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied separately, so that
    /// nothing is rounded twice. false: multiply all LoRA separately. The option "adapter_scales" of a run can then
    /// change scales. DoRA, LoHa and LoKr are always merged. Default: `true`.
    public var fuseAdapters: Bool? {
        get { read("fuse_adapters") }
        set { write("fuse_adapters", newValue) }
    }

    /// Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for
    /// tests and comparisons. If the processor does not support the one that is named, the call fails and lists those
    /// that it supports. Default: `"auto"`.
    public var instructions: Instructions? {
        get { read("instructions") }
        set { write("instructions", newValue) }
    }

    /// Values for options that are not given: "exact" sets {"compute": "float32"}, "balanced" sets {"compute": "int8"},
    /// "fast" sets {"compute": "int8"}. null sets nothing. An option that is given keeps its value, and presets do not
    /// set "compute" to "int8" if "weights" is given. docs/presets.md compares the presets. Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }

    /// Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    /// are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    /// "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds
    /// it is much slower. Default: `false`.
    public var reproducible: Bool? {
        get { read("reproducible") }
        set { write("reproducible", newValue) }
    }

    /// "resident": all weights are held in memory while the encoder is open. "streamed": one layer is held at a time,
    /// and each prompt reads and converts all layers again. This takes little memory and more time. Default:
    /// `"resident"`.
    public var residency: Residency? {
        get { read("residency") }
        set { write("residency", newValue) }
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

    /// Path of the tokenizer: a spiece.model, a tokenizer.json, or a folder that has one. null means the one of the
    /// checkpoint, the one inside a GGUF file, or the one beside a single file of weights. Default: `null`.
    public var tokenizer: String? {
        get { read("tokenizer") }
        set { write("tokenizer", newValue) }
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

    /// Precision in which weights are held in memory. "auto": as they are stored. They stay in the memory-mapped file,
    /// and opening converts nothing. The other values convert floating-point weights layer by layer while the part is
    /// opened: "int8" with one scale for each output, "int4" with one scale for each block of 4 outputs and 16 inputs.
    /// Layers that would lose too much accuracy keep a higher precision. Weights that pixart_convert stored as int8 or
    /// int4 are held as stored. Default: `"auto"`.
    public var weights: Weights? {
        get { read("weights") }
        set { write("weights", newValue) }
    }

    /// The values of `compute`.
    public enum Compute: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case float32
        case bfloat16
        case int8
    }

    /// The values of `instructions`.
    public enum Instructions: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case amx
        case avx512Bf16 = "avx512_bf16"
        case avx512Vnni = "avx512_vnni"
        case avx512
        case avxVnni = "avx_vnni"
        case avx2
        case neonBf16 = "neon_bf16"
        case neonI8mm = "neon_i8mm"
        case neonDotprod = "neon_dotprod"
        case neon
        case portable
    }

    /// The values of `residency`.
    public enum Residency: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case resident
        case streamed
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
        case auto
        case float32
        case bfloat16
        case int8
        case int4
    }
}
