// Made by `make docs` from the schemas of the library.

/// The options of `pixart_decoder_open`.
public struct DecoderOpenOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        compute: Compute? = nil,
        config: [String: JSON]? = nil,
        instructions: Instructions? = nil,
        preset: Preset? = nil,
        reproducible: Bool? = nil,
        stateDict: StateDict? = nil,
        threads: Int? = nil,
        unexpectedTensors: UnexpectedTensors? = nil,
        variant: String? = nil,
        weights: Weights? = nil
    ) {
        self.compute = compute
        self.config = config
        self.instructions = instructions
        self.preset = preset
        self.reproducible = reproducible
        self.stateDict = stateDict
        self.threads = threads
        self.unexpectedTensors = unexpectedTensors
        self.variant = variant
        self.weights = weights
    }

    /// Precision of the computation. It is float32: with Winograd convolutions, float32 is faster than a lower
    /// precision. Default: `"auto"`.
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

    /// Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for
    /// tests and comparisons. If the processor does not support the one that is named, the call fails and lists those
    /// that it supports. Default: `"auto"`.
    public var instructions: Instructions? {
        get { read("instructions") }
        set { write("instructions", newValue) }
    }

    /// Accepted so that all stages can take the same preset. It sets no option of this verb. Default: `null`.
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

    /// Precision in which weights are held in memory. "auto": as they are stored. The other values convert the weights
    /// while the part is opened. A VAE is small and supports no lower precision. Default: `"auto"`.
    public var weights: Weights? {
        get { read("weights") }
        set { write("weights", newValue) }
    }

    /// The values of `compute`.
    public enum Compute: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case float32
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
    }
}
