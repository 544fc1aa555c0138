import CPixArt
import Foundation
import PixArtFormats
import TestSupport
import Testing

@Suite struct WeightFolderTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Writes a file with tensors of one byte each, of value `value`.
    private func shard(_ name: String, _ tensors: [String], value: UInt8 = 0) throws {
        let entries = tensors.enumerated().map { index, tensor in
            "\"\(tensor)\":\(HostileFile.entry("U8", "[1]", "[\(index),\(index + 1)]"))"
        }
        let header = HostileFile.bytes("{\(entries.joined(separator: ","))}")
        try folder.write(name, header + [UInt8](repeating: value, count: tensors.count))
    }

    private func index(_ name: String, _ map: KeyValuePairs<String, String>) throws {
        let entries = map.map { "\"\($0.key)\":\"\($0.value)\"" }
        try folder.write(
            name, "{\"metadata\":{\"total_size\":3},\"weight_map\":{\(entries.joined(separator: ","))}}".utf8)
    }

    private func open(_ variant: String? = nil, stem: String = "model") throws -> WeightFolder {
        try WeightFolder(folder: folder.path, .init(safetensors: stem, pickle: stem), variant: variant)
    }

    private func value(_ weights: WeightFolder, _ name: String) throws -> UInt8? { try weights[name]?.bytes.first }

    @Test func oneFile() throws {
        try shard("model.safetensors", ["a", "b"], value: 1)
        try shard("model.fp16.safetensors", ["a"], value: 2)
        try shard("diffusion_pytorch_model.safetensors", ["c"], value: 3)
        let plain = try open()
        #expect(plain.location == folder.path)
        #expect(plain.names.sorted() == ["a", "b"])
        #expect(try value(plain, "b") == 1)
        #expect(try value(plain, "c") == nil)
        #expect(try value(open("fp16"), "a") == 2)
        #expect(try value(open(stem: "diffusion_pytorch_model"), "c") == 3)
    }

    @Test func shards() throws {
        try shard("model-00001-of-00002.safetensors", ["a", "b"], value: 1)
        try shard("model-00002-of-00002.safetensors", ["c"], value: 2)
        try index(
            "model.safetensors.index.json",
            [
                "c": "model-00002-of-00002.safetensors", "a": "model-00001-of-00002.safetensors",
                "b": "model-00001-of-00002.safetensors",
            ])
        let weights = try open()
        #expect(weights.names.sorted() == ["a", "b", "c"])
        #expect(try value(weights, "a") == 1)
        #expect(try value(weights, "c") == 2)
        #expect(try value(weights, "d") == nil)
    }

    @Test(arguments: ["model.fp16-00001-of-00001.safetensors", "model-00001-of-00001.fp16.safetensors"])
    func shardsOfAVariant(name: String) throws {
        try shard(name, ["a"], value: 4)
        try shard("model.safetensors", ["a"], value: 5)
        try index("model.safetensors.index.fp16.json", ["a": name])
        #expect(try value(open("fp16"), "a") == 4)
        #expect(try value(open(), "a") == 5)
    }

    @Test func theWholeFileComesBeforeShards() throws {
        try shard("model.safetensors", ["a"], value: 1)
        try shard("model-00001-of-00001.safetensors", ["a"], value: 2)
        try index("model.safetensors.index.json", ["a": "model-00001-of-00001.safetensors"])
        #expect(try value(open(), "a") == 1)
    }

    @Test func shardsMayBeLinks() throws {
        try folder.write("blob", HostileFile.bytes("{\"a\":\(HostileFile.entry("U8", "[1]", "[0,1]"))}") + [6])
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/model.safetensors", withDestinationPath: "blob")
        #expect(try value(open(), "a") == 6)
    }

    @Test func nothingThere() throws {
        expectFailure(PIXART_ERROR_FILE, folder.path, "model.safetensors", "model.safetensors.index.json") {
            _ = try open()
        }
        expectFailure(PIXART_ERROR_FILE, "model.fp16.safetensors", "model.safetensors.index.fp16.json") {
            _ = try open("fp16")
        }
        expectFailure(PIXART_ERROR_FILE, "/none", "No such file") {
            _ = try WeightFolder(
                folder: folder.path + "/none", .init(safetensors: "model", pickle: "model"), variant: nil)
        }
        try folder.write("file", [])
        expectFailure(PIXART_ERROR_FILE, "/file", "folder") {
            _ = try WeightFolder(
                folder: folder.path + "/file", .init(safetensors: "model", pickle: "model"), variant: nil)
        }
    }

    @Test func picklesOnly() throws {
        try folder.write("pytorch_model.bin", [1])
        expectFailure(PIXART_ERROR_FILE, "(pytorch_model.bin); name the file itself", "model.safetensors") {
            _ = try open()
        }
    }

    @Test func variantsOnly() throws {
        try shard("model.fp16.safetensors", ["a"])
        try shard("model.int8-00001-of-00001.safetensors", ["a"])
        try index("model.safetensors.index.bf16.json", ["a": "x"])
        expectFailure(PIXART_ERROR_FILE, "variant \"bf16\", \"fp16\"") { _ = try open() }
        expectFailure(PIXART_ERROR_FILE, "variant \"bf16\", \"fp16\"") { _ = try open("fp8") }
    }

    @Test func plainWeightsInPlaceOfAVariant() throws {
        try shard("model.safetensors", ["a"])
        expectFailure(PIXART_ERROR_FILE, "model.fp16.safetensors", "without a variant") { _ = try open("fp16") }
    }

    @Test(arguments: ["", "../x", "/", "a\0b"]) func badVariant(_ variant: String) {
        expectFailure(PIXART_ERROR_OPTION, "variant") { _ = try open(variant) }
    }

    @Test func missingShard() throws {
        try index("model.safetensors.index.json", ["a": "model-00001-of-00001.safetensors"])
        expectFailure(PIXART_ERROR_FILE, "model.safetensors.index.json", "\"model-00001-of-00001.safetensors\"") {
            _ = try open()
        }
    }

    @Test(arguments: ["../model.safetensors", "/etc/passwd", "sub/model.safetensors", "", ".", "..", "a\\u0000b"])
    func shardOutsideTheFolder(_ name: String) throws {
        try index("model.safetensors.index.json", ["a": name])
        expectFailure(PIXART_ERROR_FORMAT, "model.safetensors.index.json", "tensor \"a\"", "in the folder of the index")
        {
            _ = try open()
        }
    }

    @Test func shardThatDoesNotHoldATensor() throws {
        try shard("1.safetensors", ["a"])
        try index("model.safetensors.index.json", ["a": "1.safetensors", "b": "1.safetensors"])
        expectFailure(PIXART_ERROR_FORMAT, "index.json", "\"b\"", "\"1.safetensors\"", "is not in") {
            _ = try open()
        }
    }

    @Test func tensorThatIsNotListed() throws {
        try shard("1.safetensors", ["a", "extra"])
        try index("model.safetensors.index.json", ["a": "1.safetensors"])
        expectFailure(PIXART_ERROR_FORMAT, "1.safetensors", "\"extra\"", "does not list") { _ = try open() }
    }

    @Test func tensorInAnotherShard() throws {
        try shard("1.safetensors", ["a", "b"])
        try shard("2.safetensors", ["b"])
        try index("model.safetensors.index.json", ["a": "1.safetensors", "b": "2.safetensors"])
        expectFailure(PIXART_ERROR_FORMAT, "1.safetensors", "\"b\"", "\"2.safetensors\"") { _ = try open() }
    }

    @Test func brokenShard() throws {
        try folder.write("1.safetensors", [1, 2])
        try index("model.safetensors.index.json", ["a": "1.safetensors"])
        expectFailure(PIXART_ERROR_FORMAT, "1.safetensors", "2 bytes") { _ = try open() }
    }

    @Test(arguments: [
        ("[]", "weight_map is missing"), ("{}", "weight_map is missing"),
        (#"{"weight_map": []}"#, "weight_map is an array"),
        (#"{"weight_map": {"a": 1}}"#, "tensor \"a\""),
        ("{", "not JSON"), ("", "not JSON"),
    ])
    func brokenIndex(_ text: String, part: String) throws {
        try folder.write("model.safetensors.index.json", text.utf8)
        expectFailure(PIXART_ERROR_FORMAT, "model.safetensors.index.json", part) { _ = try open() }
    }

    @Test func theLastOfEqualNamesCounts() throws {
        try shard("1.safetensors", ["a"], value: 7)
        try index("model.safetensors.index.json", ["a": "none.safetensors", "a": "1.safetensors"])
        #expect(try value(open(), "a") == 7)
    }

    @Test func anIndexOfNothing() throws {
        try folder.write("model.safetensors.index.json", #"{"weight_map": {}}"#.utf8)
        #expect(try open().names.isEmpty)
    }
}
