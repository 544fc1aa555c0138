import CNative

/// How weights are held.
package enum WeightPrecision: String, CaseIterable, Sendable {
    /// As they are stored.
    case auto
    case float32
    case bfloat16
    /// One scale for each output.
    case int8
    /// One scale for each 64 inputs of an output.
    case int4
}

/// What products are computed in. Sums are float32 in all of them, and exact before scaling in int8.
package enum Compute: String, CaseIterable, Sendable {
    case float32
    case bfloat16
    /// Rows are rounded to int8 on the fly, with a scale for each.
    case int8
}

/// The lowest precision that a weight may be held in, whatever is asked for.
package enum WeightPolicy: Sendable {
    case int4, int8, bfloat16, float32

    /// The precision that a weight is held in where `requested` is asked for.
    package func limit(_ requested: WeightPrecision) -> WeightPrecision {
        switch (self, requested) {
        case (_, .auto), (_, .float32), (.int4, _), (.int8, .int8), (.int8, .bfloat16), (.bfloat16, .bfloat16):
            requested
        case (.int8, .int4): .int8
        case (.bfloat16, _): .bfloat16
        case (.float32, _): .float32
        }
    }
}

/// The kernels of an instruction set.
package struct Kernels: @unchecked Sendable {
    /// Never released.
    let table: UnsafePointer<native_kernels>

    /// Those of the best instruction set of this processor.
    package static let best = Kernels(table: native_kernels_named(nil)!)

    /// Names of the instruction sets that there may be, the best first.
    package static let names = ["avx512_bf16", "avx512", "avx2", "portable"]

    /// Names of those that this processor runs.
    package static var available: [String] { names.filter { native_kernels_named($0) != nil } }

    private init(table: UnsafePointer<native_kernels>) { self.table = table }

    /// The kernels called `name`; nil stands for the best. Fails with `.option` where the processor lacks the set.
    package init(named name: String?) throws(PixArtError) {
        guard let table = native_kernels_named(name) else {
            let known = Self.available.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .option(
                "option \"instructions\" is \"\(name ?? "")\", expected one that this processor has: \(known)")
        }
        self.table = table
    }

    package var name: String { String(cString: table.pointee.name) }

}
