// Made by `make docs` from the schemas of the library.

/// The options of `pixart_inspect`.
public struct InspectOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        config: [String: JSON]? = nil,
        stateDict: StateDict? = nil,
        unexpectedTensors: UnexpectedTensors? = nil,
        variant: String? = nil
    ) {
        self.config = config
        self.stateDict = stateDict
        self.unexpectedTensors = unexpectedTensors
        self.variant = variant
    }

    /// Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    /// its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    /// assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of
    /// PixArt-Sigma. Default: `{}`.
    public var config: [String: JSON]? {
        get { read("config") }
        set { write("config", newValue) }
    }

    /// Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    /// "state_dict_ema". Default: `"auto"`.
    public var stateDict: StateDict? {
        get { read("state_dict") }
        set { write("state_dict", newValue) }
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
}
