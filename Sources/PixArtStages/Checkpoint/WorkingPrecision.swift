import PixArtCompute
import PixArtStorage

/// How a network's weights are stored, as far as it matters for how they may be held.
package enum StoredPrecision: Equatable, Sendable {
    /// float32, float16 or bfloat16.
    case floatingPoint
    case int8
    /// With int8 for layers that do not take int4.
    case int4

    /// Looks at the types of all tensors; those of unsupported types are for whoever takes them to refuse.
    package init(_ source: any WeightSource) {
        var types: Set<ElementType> = []
        for name in source.names {
            if let type = (try? source[name])?.type { types.insert(type) }
        }
        self = types.contains(.uint8) ? .int4 : types.contains(.int8) ? .int8 : .floatingPoint
    }

    /// The name of a precision that quantized weights have; nil for floating point.
    package var quantized: WeightPrecision? {
        switch self {
        case .floatingPoint: nil
        case .int8: .int8
        case .int4: .int4
        }
    }
}

/// How a network's weights are held and what it computes in: the options `weights` and `compute` of an open, put together
/// with how the weights are stored.
package struct WorkingPrecision: Equatable, Sendable {
    /// `auto` for as they are stored.
    package let weights: WeightPrecision
    package let compute: Compute

    /// - Parameters:
    ///   - weights: as asked for; `auto` for as they are stored.
    ///   - compute: as asked for; nil for what suits the weights: int8 for int8 and int4, and float32 for others.
    ///   - location: of the weights, for messages.
    ///
    /// Fails with `.option` naming the key where the three do not go together:
    /// - weights that are stored as int8 or int4 are held as such; full precision cannot be had back;
    /// - products of int8 need weights held as int8 or int4. Where how to hold floating-point weights is left open, asking
    ///   for them means weights of int8.
    package init(
        weights: WeightPrecision, compute: Compute?, stored: StoredPrecision, location: String
    ) throws(PixArtError) {
        if let quantized = stored.quantized, weights != .auto, weights != quantized {
            throw .option(
                "option \"weights\" is \"\(weights.rawValue)\", expected \"auto\" or \"\(quantized.rawValue)\", as "
                    + "\(location) is stored; for another precision take the original checkpoint")
        }
        let isQuantized = stored.quantized != nil || weights == .int8 || weights == .int4
        if compute == .int8, !isQuantized, weights != .auto {
            throw .option(
                "option \"compute\" is \"int8\", expected \"auto\", \"float32\" or \"bfloat16\" with weights "
                    + "\"\(weights.rawValue)\"; int8 takes weights \"int8\" or \"int4\"")
        }
        self.weights = compute == .int8 && !isQuantized ? .int8 : stored.quantized != nil ? .auto : weights
        self.compute = compute ?? (isQuantized ? .int8 : .float32)
    }

    /// As the options `weights` and `compute` of a call say.
    package init(_ options: Options, storedAs source: any WeightSource) throws(PixArtError) {
        try self.init(
            weights: options.string("weights").flatMap { WeightPrecision(rawValue: $0) } ?? .auto,
            compute: options.string("compute").flatMap { Compute(rawValue: $0) },
            stored: StoredPrecision(source), location: source.location)
    }
}

extension ThreadPool {
    /// Workers as the options `threads` and `instructions` of a call say.
    convenience init(_ options: Options) throws(PixArtError) {
        let instructions = options.string("instructions")
        try self.init(
            threads: options.integer("threads") ?? 0, instructions: instructions == "auto" ? nil : instructions)
    }
}
