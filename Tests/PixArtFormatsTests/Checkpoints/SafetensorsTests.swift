import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct SafetensorsTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func save(
        _ name: String, _ tensors: [(name: String, type: ElementType, shape: [Int], bytes: [UInt8])],
        metadata: [Name: String] = [:]
    ) throws -> String {
        let path = "\(folder.path)/\(name)"
        let storage = tensors.map { tensor in
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: tensor.bytes.count, alignment: 8)
            copy.copyBytes(from: tensor.bytes)
            return copy
        }
        defer { for copy in storage { copy.deallocate() } }
        let written = zip(tensors, storage).map { tensor, copy in
            (name: tensor.name, type: tensor.type, shape: tensor.shape, bytes: UnsafeRawBufferPointer(copy))
        }
        try SafetensorsWriter.write(path: path, tensors: written, metadata: metadata)
        return path
    }

    @Test func roundTrip() throws {
        let path = try save(
            "a.safetensors",
            [
                ("image", .uint8, [1, 3], [1, 2, 3]), ("signed", .int8, [2], [255, 1]),
                ("b", .float32, [2, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
                ("scalar", .float32, [], [9, 9, 9, 9]), ("none", .float16, [0, 5], []),
                ("half", .bfloat16, [1], [7, 8]),
                ("é\"\n", .float16, [1], [5, 6]),
            ], metadata: ["format": "pt", "prompt": "猫"])
        let file = try SafetensorsFile(path: path)
        #expect(file.location == path)
        #expect(file.metadata == ["format": "pt", "prompt": "猫"])
        #expect(file.names.sorted() == ["b", "half", "image", "none", "scalar", "signed", "é\"\n"])
        let tensor = try #require(try file["b"])
        #expect(tensor.name == "b")
        #expect(tensor.type == .float32)
        #expect(tensor.shape == [2, 1])
        #expect(Array(tensor.bytes) == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(try file["scalar"]?.shape == [])
        #expect(try file["none"]?.shape == [0, 5])
        #expect(try file["none"]?.bytes.count == 0)
        #expect(try Array(#require(try file["image"]).bytes) == [1, 2, 3])
        #expect(try file["signed"]?.type == .int8)
        #expect(try Array(#require(try file["signed"]).bytes) == [255, 1])
        #expect(try file["é\"\n"]?.type == .float16)
        #expect(try file["c"] == nil)
        for name in file.names {
            let stored = try #require(try file[name])
            guard let start = stored.bytes.baseAddress else { continue }
            #expect(Int(bitPattern: start) % stored.type.size == 0, "\(name) is not aligned")
        }
    }

    @Test func headerIsPaddedAndSorted() throws {
        let path = try save(
            "a.safetensors", [("b", .float32, [1], [1, 2, 3, 4]), ("a", .float32, [1], [5, 6, 7, 8])])
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        let size = Int(bytes[0])
        #expect((8 + size) % 64 == 0)
        let header = String(decoding: bytes[8..<8 + size], as: UTF8.self)
        #expect(
            header.trimmingCharacters(in: .whitespaces)
                == #"{"a":{"data_offsets":[0,4],"dtype":"F32","shape":[1]},"b":{"data_offsets":[4,8],"dtype":"F32","shape":[1]}}"#
        )
        #expect(Array(bytes[(8 + size)...]) == [5, 6, 7, 8, 1, 2, 3, 4])
    }

    /// A tensor without elements whose size would overflow if its 0 were another number.
    @Test func tensorsWithoutElements() throws {
        let shapes = [[0], [0, 5], [1 << 60, 0], [1 << 62, 0], [.max, 0], [0, .max, .max], [.max, 0, .max]]
        for type in [ElementType.float32, .uint8, .float16] {
            let path = try save("a.safetensors", shapes.enumerated().map { ("\($0)", type, $1, []) })
            let file = try SafetensorsFile(path: path)
            for (index, shape) in shapes.enumerated() {
                let stored = try #require(try file["\(index)"])
                #expect(stored.shape == shape && stored.bytes.isEmpty)
                let tensor = try Tensor(stored)
                #expect(tensor.shape == shape && tensor.bytes.isEmpty)
            }
        }
    }

    @Test func emptyFileOfNoTensors() throws {
        let file = try SafetensorsFile(path: try save("a.safetensors", []))
        #expect(file.names.isEmpty)
        #expect(file.metadata.isEmpty)
    }

    @Test func tensorsOutliveTheFile() throws {
        let path = try save("a.safetensors", [("a", .uint8, [3], [1, 2, 3])])
        let tensor = try #require(try SafetensorsFile(path: path)["a"])
        try FileManager.default.removeItem(atPath: path)
        #expect(Array(tensor.bytes) == [1, 2, 3])
    }

    @Test func writerReplacesWhatIsThere() throws {
        _ = try save("a.safetensors", [("old", .uint8, [1], [1])])
        let path = try save("a.safetensors", [("new", .uint8, [1], [2])])
        #expect(try SafetensorsFile(path: path).names == ["new"])
        #expect(try folder.content == ["a.safetensors"])
    }

    @Test func writerFaults() throws {
        let path = try save("a.safetensors", [("old", .uint8, [1], [1])])
        expectFailure(PIXART_ERROR_ARGUMENT, "is there twice", "\"x\"") {
            _ = try save("a.safetensors", [("x", .uint8, [1], [1]), ("x", .float32, [], [1, 2, 3, 4])])
        }
        expectFailure(PIXART_ERROR_ARGUMENT, "__metadata__") {
            _ = try save("a.safetensors", [("__metadata__", .uint8, [1], [1])])
        }
        expectFailure(PIXART_ERROR_ARGUMENT, "cannot be written") {
            _ = try save("a.safetensors", [("a\0b", .uint8, [1], [1])])
        }
        expectFailure(PIXART_ERROR_ARGUMENT, "\"x\"", "3 bytes", "[1]", "F32") {
            _ = try save("a.safetensors", [("x", .float32, [1], [1, 2, 3])])
        }
        for shape in [[-1, -1], [.max, 2], [1 << 32, 1 << 32], [-1]] {
            expectFailure(PIXART_ERROR_ARGUMENT, "\"x\"") { _ = try save("a.safetensors", [("x", .uint8, shape, [1])]) }
        }
        expectFailure(PIXART_ERROR_FILE, "/none/a.safetensors", "No such file") {
            _ = try save("none/a.safetensors", [])
        }
        expectFailure(PIXART_ERROR_FILE, folder.path) { _ = try save("", []) }
        #expect(try SafetensorsFile(path: path).names == ["old"])
        #expect(try folder.content == ["a.safetensors"], "a failed write leaves nothing behind")
    }

    /// Tensors may be written in any order, in pieces, and alternately.
    @Test func writingInPieces() throws {
        let path = "\(folder.path)/a.safetensors"
        let file = try AtomicFile(path: path)
        let writer = try SafetensorsWriter(
            file,
            [
                .init(name: "values", type: .int8, shape: [2, 3]), .init(name: "scale", type: .float32, shape: [2]),
                .init(name: "none", type: .float32, shape: [0]),
            ], metadata: ["format": "pt"])
        func write(_ bytes: [UInt8], to name: String) throws {
            try bytes.withUnsafeBytes { try writer.write($0, to: name) }
        }
        expectFailure(PIXART_ERROR_ARGUMENT, "\"other\"", "not in the header") { try write([], to: "other") }
        try write([1, 2, 3], to: "values")
        try write([9, 9, 9, 9, 8], to: "scale")
        try write([], to: "values")
        expectFailure(PIXART_ERROR_ARGUMENT, "\"scale\"", "4 bytes", "at most 3") {
            try write([8, 8, 8, 8], to: "scale")
        }
        try write([4, 5, 6], to: "values")
        expectFailure(PIXART_ERROR_ARGUMENT, "\"scale\"", "3 bytes were not written") { try writer.finish() }
        try write([8, 8, 8], to: "scale")
        try writer.finish()
        #expect(try !folder.content.contains("a.safetensors"), "not in its place before the end")
        try file.commit()
        let read = try SafetensorsFile(path: path)
        #expect(read.metadata == ["format": "pt"])
        #expect(try Array(#require(try read["values"]).bytes) == [1, 2, 3, 4, 5, 6])
        #expect(try Array(#require(try read["scale"]).bytes) == [9, 9, 9, 9, 8, 8, 8, 8])
    }
}
