import CPixArt
import PixArtCompute
import PixArtStages
import PixArtStorage
import Testing

@Suite struct WorkingPrecisionTests {
    private func resolve(
        _ weights: WeightPrecision, _ compute: Compute?, _ stored: StoredPrecision
    ) throws(PixArtError) -> (WeightPrecision, Compute) {
        let precision = try WorkingPrecision(weights: weights, compute: compute, stored: stored, location: "folder")
        return (precision.weights, precision.compute)
    }

    private func failure(_ weights: WeightPrecision, _ compute: Compute?, _ stored: StoredPrecision) -> String {
        do {
            _ = try resolve(weights, compute, stored)
            return ""
        } catch {
            #expect(error.status == PIXART_ERROR_OPTION)
            return error.message
        }
    }

    /// What suits the weights is taken where nobody says more.
    @Test func defaults() throws {
        #expect(try resolve(.auto, nil, .floatingPoint) == (.auto, .float32))
        #expect(try resolve(.float32, nil, .floatingPoint) == (.float32, .float32))
        #expect(try resolve(.bfloat16, nil, .floatingPoint) == (.bfloat16, .float32))
        #expect(try resolve(.int8, nil, .floatingPoint) == (.int8, .int8))
        #expect(try resolve(.int4, nil, .floatingPoint) == (.int4, .int8))
        #expect(try resolve(.auto, nil, .int8) == (.auto, .int8))
        #expect(try resolve(.auto, nil, .int4) == (.auto, .int8))
    }

    @Test func floatingPointWeights() throws {
        for weights in [WeightPrecision.auto, .float32, .bfloat16] {
            for compute in [Compute.float32, .bfloat16] {
                #expect(try resolve(weights, compute, .floatingPoint) == (weights, compute))
            }
        }
        #expect(try resolve(.auto, .int8, .floatingPoint) == (.int8, .int8))
        for weights in [WeightPrecision.float32, .bfloat16] {
            let message = failure(weights, .int8, .floatingPoint)
            #expect(message.contains("\"compute\" is \"int8\"") && message.contains("\"\(weights.rawValue)\""))
        }
    }

    @Test func quantizedWeights() throws {
        for compute in Compute.allCases {
            #expect(try resolve(.int8, compute, .floatingPoint) == (.int8, compute))
            #expect(try resolve(.int4, compute, .floatingPoint) == (.int4, compute))
            #expect(try resolve(.auto, compute, .int8) == (.auto, compute))
            #expect(try resolve(.int4, compute, .int4) == (.auto, compute))
        }
    }

    /// What was stored as int8 or int4 is held as that and nothing else.
    @Test func storedPrecisionStays() {
        for (stored, name) in [(StoredPrecision.int8, WeightPrecision.int8), (.int4, .int4)] {
            for weights in WeightPrecision.allCases where weights != .auto && weights != name {
                let message = failure(weights, nil, stored)
                #expect(message.contains("\"weights\" is \"\(weights.rawValue)\""))
                #expect(message.contains("expected \"auto\" or \"\(name.rawValue)\"") && message.contains("folder"))
            }
        }
    }
}
