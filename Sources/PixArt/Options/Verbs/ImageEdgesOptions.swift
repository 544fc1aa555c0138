// Made by `make docs` from the schemas of the library.

/// The options of `pixart_image_edges`.
public struct ImageEdgesOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        instructions: Instructions? = nil,
        reproducible: Bool? = nil,
        threads: Int? = nil
    ) {
        self.instructions = instructions
        self.reproducible = reproducible
        self.threads = threads
    }

    /// Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for
    /// tests and comparisons. If the processor does not support the one that is named, the call fails and lists those
    /// that it supports. Default: `"auto"`.
    public var instructions: Instructions? {
        get { read("instructions") }
        set { write("instructions", newValue) }
    }

    /// Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    /// are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    /// "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds
    /// it is much slower. Default: `false`.
    public var reproducible: Bool? {
        get { read("reproducible") }
        set { write("reproducible", newValue) }
    }

    /// Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    /// OpenBLAS, which the portable instruction set uses, takes at most 128. Default: `0`.
    public var threads: Int? {
        get { read("threads") }
        set { write("threads", newValue) }
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
}
