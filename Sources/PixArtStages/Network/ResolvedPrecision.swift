import PixArtCompute
import PixArtStorage

/// The precision of a network's weights and of its matrix multiplications: the options `weights` and `compute`, resolved
/// with the precision in which the weights are stored.
package struct ResolvedPrecision: Equatable, Sendable {
    /// nil: as they are stored.
    package let weights: WeightEncoding?
    /// Whether weights that other programs rounded to 8 bits or fewer are held as stored, whatever `weights` is.
    package let keepsRounded: Bool
    package let compute: ComputePrecision

    /// - Parameters:
    ///   - weights: as requested; nil for the precision in which they are stored.
    ///   - compute: as requested; nil for int8 if the weights are int8 or int4, and float32 otherwise.
    ///   - quantization: of the stored weights; nil for floating point.
    ///   - location: of the weights, for messages.
    ///
    /// Fails with `.option` naming the key if the three do not fit together:
    /// - Weights that are stored as int8 or int4 keep that precision, because the lost bits cannot be restored.
    /// - Matrix multiplications in int8 need int8 or int4 weights. If `weights` is nil, floating-point weights become
    ///   int8, and those of 8 bits or fewer are rounded whenever they are multiplied.
    package init(
        weights: WeightEncoding?, compute: ComputePrecision?, quantization: WeightEncoding?, location: String
    ) throws(PixArtError) {
        if let quantization, let weights, weights != quantization {
            throw .option(
                "option \"weights\" is \"\(weights.rawValue)\", expected \"auto\" or \"\(quantization.rawValue)\", as "
                    + "\(location) is stored; for another precision take the original checkpoint")
        }
        let isQuantized = quantization != nil || weights?.isQuantized == true
        if compute == .int8, !isQuantized, let weights {
            throw .option(
                "option \"compute\" is \"int8\", expected \"auto\", \"float32\" or \"bfloat16\" with weights "
                    + "\"\(weights.rawValue)\"; int8 takes weights \"int8\" or \"int4\"")
        }
        keepsRounded = weights == nil
        self.weights = compute == .int8 && !isQuantized ? .int8 : quantization != nil ? nil : weights
        self.compute = compute ?? (isQuantized ? .int8 : .float32)
    }

    /// From the options of a call.
    package init(_ options: PrecisionOptions, storedAs source: any WeightSource) throws(PixArtError) {
        try self.init(
            weights: options.weights, compute: options.compute, quantization: source.quantization,
            location: source.location)
    }
}
