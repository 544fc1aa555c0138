import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// Resizing and blending.
@Suite struct ImageTests {
    private func tensor(_ shape: [Int], _ bytes: some Collection<UInt8>) throws -> Tensor {
        #expect(bytes.count == shape.reduce(1, *))
        return try Tensor(.uint8, shape: shape) { $0.copyBytes(from: Array(bytes)) }
    }

    private func noise(_ shape: [Int], seed: UInt64 = 1) throws -> Tensor {
        var random = SplitMix(seed: seed)
        return try tensor(shape, (0..<shape.reduce(1, *)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }

    // MARK: Resizing

    @Test func equalsPillow() throws {
        for row in try ImageGolden.rows("resized") {
            let (height, width) = (row["height"] as! Int, row["width"] as! Int)
            let (toHeight, toWidth) = (row["to_height"] as! Int, row["to_width"] as! Int)
            let image = try tensor([height, width, 3], ImageGolden.data(row["pixels"]))
            let resized = try ImageResize.resized(
                image, height: toHeight, width: toWidth, crops: row["mode"] as! String == "crop")
            #expect(resized.shape == [toHeight, toWidth, 3])
            #expect(
                Data(content(resized)) == ImageGolden.data(row["result"]),
                "\(height) x \(width) to \(toHeight) x \(toWidth), \(row["mode"]!)")
        }
    }

    /// Images of a batch, and channels, are resized separately.
    @Test(arguments: [false, true])
    func batchesAndChannels(_ crops: Bool) throws {
        let batch = try noise([3, 10, 14, 4])
        let resized = try ImageResize.resized(batch, height: 5, width: 20, crops: crops)
        #expect(resized.shape == [3, 5, 20, 4])
        let (before, after) = (content(batch), content(resized))
        for image in 0..<3 {
            for channel in 0..<4 {
                let plane = (0..<140).map { before[(image * 140 + $0) * 4 + channel] }
                let alone = try ImageResize.resized(tensor([10, 14, 1], plane), height: 5, width: 20, crops: crops)
                #expect(content(alone) == (0..<100).map { after[(image * 100 + $0) * 4 + channel] })
            }
        }
    }

    @Test func ownSizes() throws {
        let image = try noise([6, 9, 3])
        #expect(try content(ImageResize.resized(image, height: nil, width: nil, crops: false)) == content(image))
        #expect(try ImageResize.resized(image, height: 3, width: nil, crops: false).shape == [3, 9, 3])
        #expect(try ImageResize.resized(image, height: nil, width: 3, crops: true).shape == [6, 3, 3])
    }

    @Test(arguments: [[6, 9], [6, 9, 2], [1, 1, 6, 9, 3], [0, 9, 3], [2, 0, 9, 3]])
    func imagesThatAreNone(_ shape: [Int]) throws {
        let image = try noise(shape)
        expectFailure(PIXART_ERROR_ARGUMENT, "images are uint8 \(shape)", "[H, W, C]", "1, 3, 4") {
            _ = try ImageResize.resized(image, height: 2, width: 2, crops: false)
        }
    }

    // MARK: Blending

    /// All shapes of masks and originals for two images.
    @Test func blending() throws {
        let images = try noise([2, 3, 5, 3], seed: 1)
        for originals in [[2, 3, 5, 3], [1, 3, 5, 3], [3, 5, 3]] {
            let originals = try noise(originals, seed: 2)
            for shape in [[3, 5], [1, 3, 5], [2, 3, 5], [3, 5, 1], [1, 3, 5, 1], [2, 3, 5, 1]] {
                let mask = try noise(shape, seed: 3)
                let (front, back, choice) = (content(images), content(originals), content(mask))
                let blended = try ImageBlend.blended(images, over: originals, mask: mask)
                let expected = (0..<90).map { index -> UInt8 in
                    let takes = choice[index / 3 % choice.count] >= 128
                    return takes ? front[index] : back[index % back.count]
                }
                #expect(blended.shape == images.shape && content(blended) == expected, "\(shape)")
            }
        }
    }

    @Test func thresholdOfTheMask() throws {
        let (ones, zeros) = (try tensor([1, 4, 1], [1, 1, 1, 1]), try tensor([1, 4, 1], [0, 0, 0, 0]))
        let mask = try tensor([1, 4], [0, 127, 128, 255])
        #expect(try content(ImageBlend.blended(ones, over: zeros, mask: mask)) == [0, 0, 1, 1])
    }

    @Test func whatDoesNotFit() throws {
        let images = try noise([2, 3, 5, 3])
        let mask = try noise([3, 5])
        for shape in [[3, 3, 5, 3], [2, 3, 5, 1], [2, 5, 3, 3], [3, 5]] {
            let originals = try noise(shape)
            expectFailure(PIXART_ERROR_ARGUMENT, "originals are uint8 \(shape)") {
                _ = try ImageBlend.blended(images, over: originals, mask: mask)
            }
        }
        for shape in [[5, 3], [3, 3, 5], [2, 3, 5, 3], [1, 1, 3, 5], [15], [3, 5, 1, 1]] {
            let wrong = try noise(shape)
            expectFailure(PIXART_ERROR_ARGUMENT, "mask is uint8 \(shape)", "[3, 5]") {
                _ = try ImageBlend.blended(images, over: images, mask: wrong)
            }
        }
        let floats = try Tensor(shape: [3, 5], elements: [Float](repeating: 1, count: 15))
        expectFailure(PIXART_ERROR_ARGUMENT, "mask is float32", "uint8") {
            _ = try ImageBlend.blended(images, over: images, mask: floats)
        }
        expectFailure(PIXART_ERROR_ARGUMENT, "images are float32", "uint8") {
            _ = try ImageBlend.blended(floats, over: images, mask: mask)
        }
    }
}
