import Foundation
import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage
import Testing

/// A small random network and the reference's results, written by tools/goldens/make_network_goldens.py.
struct NetworkGolden {
    let source: SafetensorsFile
    private let file: SafetensorsFile

    init(_ name: String) throws {
        let folder = Bundle.module.bundlePath + "/Resources/"
        source = try SafetensorsFile(path: folder + "\(name).safetensors")
        file = try SafetensorsFile(path: folder + "\(name)-golden.safetensors")
    }

    /// The weights as stored, in float32.
    var weights: WeightReader { WeightReader(source) }

    subscript(name: String) -> Tensor {
        get throws { try Tensor(#require(try file[name])) }
    }

    func matrix(_ name: String) throws -> Matrix {
        let tensor = try self[name]
        return try Matrix(rows: tensor.shape[0], columns: tensor.shape[1], elements: tensor.floats)
    }

    /// A batch of one, [1, C, Y, X], as a map.
    func map(_ name: String) throws -> FeatureMap {
        let tensor = try self[name]
        let map = try FeatureMap(height: tensor.shape[2], width: tensor.shape[3], channels: tensor.shape[1])
        let pixels = map.pixels.rows
        for (index, value) in tensor.floats.enumerated() { map.pixels[index % pixels, index / pixels] = value }
        return map
    }
}

/// A map as [C, Y, X].
func planar(_ map: FeatureMap) -> [Float] { planar(map.pixels) }

/// Pixels [Y*X, C] as [C, Y, X].
func planar(_ pixels: Matrix) -> [Float] {
    (0..<pixels.columns).flatMap { channel in (0..<pixels.rows).map { pixels[$0, channel] } }
}

extension T5Encoder.Configuration {
    static let golden = Self(
        vocabulary: 50, width: 24, feedForwardWidth: 40, layers: 3, heads: 3, headWidth: 8, positionBuckets: 8,
        maximumDistance: 16, epsilon: 1e-6)
}

extension PixArtTransformer.Configuration {
    static func golden(hasSizes: Bool) -> Self {
        Self(
            heads: 3, headWidth: 8, layers: 2, inChannels: 4, outChannels: 8, patchSize: 2, captionChannels: 20,
            sampleSize: hasSizes ? 16 : 8, interpolationScale: hasSizes ? 2 : 1, sizeConditions: hasSizes,
            attentionBias: true, epsilon: 1e-6)
    }
}

extension VAEConfiguration {
    static func golden(isWhole: Bool) -> Self {
        Self(
            latentChannels: 4, blockChannels: [16, 32], layersPerBlock: 1, groups: 8, middleAttention: isWhole,
            quantConvolution: isWhole, postQuantConvolution: isWhole)
    }
}

extension TinyConfiguration {
    static let goldenDecoder = Self(latentChannels: 4, channels: 16, blocks: [2, 1, 1])
    static let goldenEncoder = Self(latentChannels: 4, channels: 16, blocks: [1, 2, 1])
}
