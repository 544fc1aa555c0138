import CPixArt
import PixArtCompute
import PixArtStages
import PixArtStorage
import Testing

@Suite struct WorkingPrecisionTests {
    private func resolve(
        _ weights: WeightEncoding?, _ compute: ComputePrecision?, _ stored: WeightEncoding?
    ) throws(PixArtError) -> (WeightEncoding?, ComputePrecision) {
        let precision = try ResolvedPrecision(
            weights: weights, compute: compute, quantization: stored, location: "folder")
        return (precision.weights, precision.compute)
    }

    private func failure(_ weights: WeightEncoding?, _ compute: ComputePrecision?, _ stored: WeightEncoding?) -> String
    {
        do {
            _ = try resolve(weights, compute, stored)
            return ""
        } catch {
            #expect(error.status == PIXART_ERROR_OPTION)
            return error.message
        }
    }

    /// Without options, the precision follows from the stored weights.
    @Test func defaults() throws {
        #expect(try resolve(nil, nil, nil) == (nil, .float32))
        #expect(try resolve(.float32, nil, nil) == (.float32, .float32))
        #expect(try resolve(.bfloat16, nil, nil) == (.bfloat16, .float32))
        #expect(try resolve(.int8, nil, nil) == (.int8, .int8))
        #expect(try resolve(.int4, nil, nil) == (.int4, .int8))
        #expect(try resolve(nil, nil, .int8) == (nil, .int8))
        #expect(try resolve(nil, nil, .int4) == (nil, .int8))
    }

    @Test func floatingPointWeights() throws {
        for weights in [nil, WeightEncoding.float32, .bfloat16] {
            for compute in [ComputePrecision.float32, .bfloat16] {
                #expect(try resolve(weights, compute, nil) == (weights, compute))
            }
        }
        #expect(try resolve(nil, .int8, nil) == (.int8, .int8))
        for weights in [WeightEncoding.float32, .bfloat16] {
            let message = failure(weights, .int8, nil)
            #expect(message.contains("\"compute\" is \"int8\"") && message.contains("\"\(weights.rawValue)\""))
        }
    }

    /// Only weights that are not asked for stay as other programs rounded them.
    @Test func roundedWeightsStay() throws {
        func stay(_ weights: WeightEncoding?, _ compute: ComputePrecision?) throws -> Bool {
            try ResolvedPrecision(weights: weights, compute: compute, quantization: nil, location: "folder")
                .keepsRounded
        }
        for compute in [nil, ComputePrecision.float32, .bfloat16, .int8] { #expect(try stay(nil, compute)) }
        for weights in WeightEncoding.targets { #expect(try !stay(weights, nil)) }
    }

    @Test func quantizedWeights() throws {
        for compute in ComputePrecision.allCases {
            #expect(try resolve(.int8, compute, nil) == (.int8, compute))
            #expect(try resolve(.int4, compute, nil) == (.int4, compute))
            #expect(try resolve(nil, compute, .int8) == (nil, compute))
            #expect(try resolve(.int4, compute, .int4) == (nil, compute))
        }
    }

    /// Weights stored as int8 or int4 are held as stored.
    @Test func storedPrecisionStays() {
        for stored in [WeightEncoding.int8, .int4] {
            for weights in WeightEncoding.targets where weights != stored {
                let message = failure(weights, nil, stored)
                #expect(message.contains("\"weights\" is \"\(weights.rawValue)\""))
                #expect(message.contains("expected \"auto\" or \"\(stored.rawValue)\"") && message.contains("folder"))
            }
        }
    }
}
