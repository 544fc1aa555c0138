import PixArtCompute
import PixArtStorage

/// How a network's weights are held and what it computes in: the options `weights` and `compute` of an open, put
/// together with how the weights are stored.
package struct ResolvedPrecision: Equatable, Sendable {
    /// nil for as they are stored.
    package let weights: WeightEncoding?
    package let compute: ComputePrecision

    /// - Parameters:
    ///   - weights: as asked for; nil for as they are stored.
    ///   - compute: as asked for; nil for what suits the weights: int8 for int8 and int4, and float32 for others.
    ///   - quantization: of the stored weights; nil for floating point.
    ///   - location: of the weights, for messages.
    ///
    /// Fails with `.option` naming the key where the three do not go together:
    /// - weights that are stored as int8 or int4 are held as such; full precision cannot be had back;
    /// - products of int8 need weights held as int8 or int4. Where how to hold floating-point weights is left open,
    ///   asking for them means weights of int8.
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
        self.weights = compute == .int8 && !isQuantized ? .int8 : quantization != nil ? nil : weights
        self.compute = compute ?? (isQuantized ? .int8 : .float32)
    }

    /// As the options `weights` and `compute` of a call say.
    package init(_ options: PrecisionOptions, storedAs source: any WeightSource) throws(PixArtError) {
        try self.init(
            weights: options.weights, compute: options.compute, quantization: source.quantization,
            location: source.location)
    }
}
