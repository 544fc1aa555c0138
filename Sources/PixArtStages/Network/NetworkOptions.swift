import PixArtCompute
import PixArtFormats
import PixArtStorage

/// How a network is opened: what the verbs that open a part have in common.
package struct NetworkOptions: Sendable {
    let workers: WorkerOptions
    let source: SourceOptions
    let precision: PrecisionOptions
    let adapters: AdapterOptions

    /// Of a transformer.
    init(_ reader: inout OptionReader) {
        workers = WorkerOptions(&reader)
        source = SourceOptions(&reader)
        precision = PrecisionOptions(&reader)
        adapters = AdapterOptions(&reader)
    }

    /// Of an autoencoder.
    init(autoencoder reader: inout OptionReader) {
        workers = WorkerOptions(&reader)
        source = SourceOptions(&reader)
        precision = PrecisionOptions(autoencoder: &reader)
        adapters = .none
    }

    init(
        _ workers: WorkerOptions, _ source: SourceOptions, _ precision: PrecisionOptions, _ adapters: AdapterOptions
    ) {
        self.adapters = adapters
        self.workers = workers
        self.source = source
        self.precision = precision
    }
}

/// The threads of a handle, and the kernels that they run.
package struct WorkerOptions: Sendable {
    let threads: Int
    /// nil for the best instruction set of the processor.
    let instructions: String?
    /// Whether all processors have to compute the same bits.
    let isReproducible: Bool

    init(_ reader: inout OptionReader) {
        threads = reader.read(.threads)
        instructions = reader.read(
            .automatic(
                "instructions", Kernels.names,
                "Instruction set of the kernels. \"auto\" selects the best one that the processor supports. The others are "
                    + "for tests and comparisons. If the processor does not support the one that is named, the call fails "
                    + "and lists those that it supports."
            ) { $0 })
        isReproducible = reader.read(
            .boolean(
                "reproducible", default: false,
                "Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON "
                    + "they are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in "
                    + "bfloat16, as with \"compute\": \"bfloat16\" or \"int8\". true does without those instructions. On processors without "
                    + "fused multiply-adds it is much slower."))
    }
}

/// Which weight files of a checkpoint are read, and how strictly.
package struct SourceOptions: Sendable {
    /// nil for the files without a variant in their names.
    let variant: String?
    let unexpectedTensors: UnexpectedTensors
    /// Fields of the part's configuration that replace those of its file, or what is concluded from its tensors.
    let configuration: [Name: JSONValue]
    /// "ema" for the moving average in a training checkpoint.
    let weights: String?

    /// The defaults.
    package static let plain: SourceOptions = {
        var reader = OptionReader()
        return SourceOptions(&reader)
    }()

    init(_ reader: inout OptionReader) {
        variant = reader.read(
            .optionalText(
                "variant",
                "Variant of the weight files, as in from_pretrained(variant=...). \"fp16\" selects the files with \".fp16.\" "
                    + "in their names. null selects the files without a variant."))
        unexpectedTensors = reader.read(
            .choice(
                "unexpected_tensors", default: .error,
                "What to do if the weight files contain a tensor that the network does not use. \"error\": the call fails "
                    + "and names the tensor. \"ignore\": the tensor is skipped. Tensors that are known to be harmless, such "
                    + "as the learned null caption of published transformers, are always skipped. Tensors that only another "
                    + "architecture has are always an error."))
        configuration = reader.read(
            .object(
                "config",
                "Fields of the part's config.json. They replace those of the file. A single file of weights has no "
                    + "config.json: its fields are derived from names and shapes of the tensors, and the report of the "
                    + "handle lists those that are assumed. Give them here if an assumption is wrong, such as "
                    + "{\"scaling_factor\": 0.13025} for the VAE of PixArt-Sigma."))
        weights = reader.read(
            .automatic(
                "state_dict", ["ema"],
                "Weights to take from a PyTorch training checkpoint. \"auto\": its \"state_dict\". \"ema\": the moving "
                    + "average, \"state_dict_ema\"."
            ) { $0 })
    }
}

/// What weights are held as, and what matrix multiplications are computed in.
package struct PrecisionOptions: Sendable {
    /// nil for "auto": as they are stored.
    let weights: WeightEncoding?
    /// nil for "auto": what suits the weights.
    let compute: ComputePrecision?

    /// Of a transformer.
    init(_ reader: inout OptionReader) {
        weights = reader.read(
            .automatic(
                "weights", WeightEncoding.targets,
                "Precision in which weights are held in memory. \"auto\": as they are stored. They stay in the "
                    + "memory-mapped file, and opening converts nothing. The other values convert floating-point weights "
                    + "layer by layer while the part is opened: \"int8\" with one scale for each output, \"int4\" with one "
                    + "scale for each block of 4 outputs and 16 inputs. Layers that would lose too much accuracy keep a "
                    + "higher precision. Weights that pixart_convert stored as int8 or int4 are held as stored."))
        compute = reader.read(
            .automatic(
                "compute", ComputePrecision.allCases,
                "Precision of matrix multiplications. Sums are float32. \"auto\": int8 if the weights are int8 or int4, "
                    + "float32 otherwise. \"bfloat16\" works with all weights. \"int8\" quantizes activations with one scale "
                    + "for each token. It needs int8 or int4 weights; if \"weights\" is \"auto\", floating-point weights of 16 "
                    + "or 32 bits are converted to int8, and those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file "
                    + "and are rounded to int8 on their way into a multiplication. With \"bfloat16\" and \"int8\", results "
                    + "on processors with AVX-512 BF16 or arm64's BF16 differ from those of others by about the rounding "
                    + "error, unless \"reproducible\" is true."))
    }

    /// Of an autoencoder, which has fewer precisions.
    init(autoencoder reader: inout OptionReader) {
        weights = reader.read(
            .automatic(
                "weights", [.float32, .bfloat16],
                "Precision in which weights are held in memory. \"auto\": as they are stored. The other values convert the "
                    + "weights while the part is opened. A VAE is small and supports no lower precision."))
        compute = reader.read(
            .automatic(
                "compute", [.float32],
                "Precision of the computation. It is float32: with Winograd convolutions, float32 is faster than a lower "
                    + "precision."))
    }
}

extension Option where Value == Int {
    static var threads: Self {
        .integer(
            "threads", 0...Int64(ThreadPool.maximum), default: 0,
            "Number of threads that compute for the call or handle. 0 means one for each processor that the process may "
                + "use. OpenBLAS, which the portable instruction set uses, takes at most 128.")
    }
}

extension ThreadPool {
    /// Fails with `.option` if the processor lacks the instructions.
    convenience init(_ options: WorkerOptions) throws(PixArtError) {
        try self.init(
            threads: options.threads, instructions: options.instructions, reproducible: options.isReproducible)
    }
}
