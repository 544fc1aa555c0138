import PixArtCompute
import PixArtNetworks
import PixArtStages
import PixArtStorage
import Testing

@Suite struct DecodedImageTests {
    @Test func bytesEqualTheReference() throws {
        for row in try StageGolden.stages["pictures"] as! [[String: Any]] {
            let (height, width) = (row["height"] as! Int, row["width"] as! Int)
            let map = try FeatureMap(height: height, width: width, channels: 3)
            for (index, value) in StageGolden.floats(row["image"]).enumerated() {
                map.pixels[index % (height * width), index / (height * width)] = value
            }
            let image = try DecodedImage(map).resizedAndCropped(
                height: row["to_height"] as! Int, width: row["to_width"] as! Int)
            let expected = (row["bytes"] as! [Int]).map { UInt8($0) }
            #expect(try bytes(of: image) == expected)
        }
    }

    @Test func valuesThatAreNotNumbersAreBlack() throws {
        let map = try FeatureMap(height: 1, width: 1, channels: 3)
        for (channel, value) in [Float.nan, .infinity, -.infinity].enumerated() { map.pixels[0, channel] = value }
        #expect(try bytes(of: DecodedImage(map)) == [0, 255, 0])
    }

    /// Latents that are 0 have the colour of the bias that belongs to a VAE's factors.
    @Test func previewsHaveTheBias() throws {
        let shape = LatentShape(images: 1, channels: 4, height: 1, width: 2)
        let zeros = Latents(shape, [Float](repeating: 0, count: shape.count))
        let colours = try [PreviewMap.stableDiffusion, .stableDiffusionXL].map {
            let image = try $0.preview(of: zeros)
            return withExtendedLifetime(image) { Array(image.bytes) }
        }
        #expect(colours == [[128, 128, 128, 128, 128, 128], [141, 125, 127, 141, 125, 127]])
    }

    private func bytes(of image: DecodedImage) throws -> [UInt8] {
        let tensor = try Tensor(.uint8, shape: [image.height, image.width, 3]) { image.writeBytes(to: $0) }
        return Array(tensor.bytes)
    }
}
