import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct TorchFileTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    private func resource(_ name: String) -> String { Resource.path("torch/\(name)") }

    private func floats(_ tensor: StoredTensor?) throws -> [Float] {
        let bytes = try #require(tensor).bytes
        return (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }

    /// Opens a file that may be damaged, and reads all that it has. Whatever fails must say so properly.
    private func explore(_ path: String) {
        do throws(PixArtError) {
            let file = try TorchFile(path: path)
            for name in file.names + ["x"] {
                do throws(PixArtError) {
                    let tensor = try file[name]
                    _ = tensor.map { ($0.bytes.first, $0.bytes.last) }
                    if let tensor { #expect(tensor.type.bytes(of: tensor.shape) == tensor.bytes.count) }
                } catch {
                    #expect([PIXART_ERROR_FORMAT, PIXART_ERROR_MODEL].contains(error.status), "\(error.message)")
                }
            }
        } catch {
            #expect(error.status == PIXART_ERROR_FORMAT, "\(error.message)")
            #expect(error.message.contains(path), "\(error.message)")
        }
    }

    // MARK: What torch writes

    @Test func everyFileAsPyTorchReadsIt() throws {
        let items = try #require(try JSONValue.load(path: resource("expected.json")).array)
        #expect(items.count >= 27)
        for item in items {
            let name = try #require(item["file"]?.string)
            let weights = item["weights"]?.string
            if let parts = item["refuse"]?.array {
                expectFailure(PIXART_ERROR_FORMAT, [name] + parts.compactMap(\.string)) {
                    _ = try TorchFile(path: resource(name), weights: weights)
                }
                continue
            }
            let file = try TorchFile(path: resource(name), weights: weights)
            let expected = try #require(item["tensors"]?.object)
            #expect(Set(file.names.map { Name($0) }) == Set(expected.keys), "\(name)")
            for (key, tensor) in expected {
                try compare(file, key.text, tensor, "\(name): \(key)")
            }
            for key in item["opaque"]?.array ?? [] {
                let key = try #require(key.string)
                #expect(file.shape(of: key) == nil)
                expectFailure(PIXART_ERROR_FORMAT, name, "tensor \"\(key)\"", "of Python") { _ = try file[key] }
            }
        }
        #expect(!FileManager.default.fileExists(atPath: "pickle-was-executed"))
    }

    private func compare(_ file: TorchFile, _ name: String, _ expected: JSONValue, _ comment: Comment) throws {
        let shape = expected["shape"]?.array?.compactMap { $0.integer.map { Int($0) } }
        let type = try #require(expected["type"]?.string)
        #expect(file.shape(of: name) == shape, comment)
        #expect(file.list[name]?["dtype"]?.string == type, comment)
        guard let bytes = expected["bytes"]?.string else {
            expectFailure(PIXART_ERROR_MODEL, "tensor \"\(name)\"", "type \(type) ", "F32, F16, BF16") {
                _ = try file[name]
            }
            return
        }
        let tensor = try #require(try file[name], comment)
        #expect(tensor.type.rawValue == type, comment)
        #expect(tensor.shape == shape, comment)
        #expect(tensor.bytes.map { String(format: "%02x", $0) }.joined() == bytes, comment)
    }

    @Test func kindsAreToldByTheirFirstBytes() throws {
        for (name, kind) in [
            ("zip.pth", FileKind.torchArchive), ("protocol5.pth", .torchArchive), ("legacy.pth", .legacyTorch),
            ("legacy-protocol4.pth", .legacyTorch),
        ] {
            let file = try MappedFile(path: resource(name))
            withExtendedLifetime(file) { #expect(FileKind(file.bytes) == kind, "\(name)") }
        }
    }

    @Test func whatASourceTells() throws {
        let path = resource("types.pth")
        let file: any WeightSource = try TorchFile(path: path)
        #expect(file.location == path)
        #expect(file.paths == [path])
        #expect(file.metadata.isEmpty)
        #expect(try file["absent"] == nil)
        #expect(file.shape(of: "absent") == nil)
        expectFailure(PIXART_ERROR_FILE, "/absent.pth", "No such file") {
            _ = try TorchFile(path: "\(folder.path)/absent.pth")
        }
    }

    /// Elements stay in the file where they can, and only views that are not contiguous are copied.
    @Test func viewsOfTheMapping() throws {
        for name in ["views.pth", "legacy-views.pth"] {
            let file = try TorchFile(path: resource(name))
            for view in ["whole", "rows", "row", "element", "parameter", "frozen"] {
                #expect(try #require(try file[view]).isMapped, "\(view)")
            }
            for view in ["columns", "transposed", "steps", "permuted", "middle", "expanded", "repeated", "bytes"] {
                #expect(try !#require(try file[view]).isMapped, "\(view)")
            }
            let whole = try #require(try file["whole"]).bytes.baseAddress
            #expect(try #require(try file["row"]).bytes.baseAddress == whole.map { $0 + 2 * 6 * 4 })
        }
    }

    @Test func tensorsOutliveTheFile() throws {
        let path = try folder.write("a.pth", try Data(contentsOf: URL(fileURLWithPath: resource("views.pth"))))
        let (row, columns) = try {
            let file = try TorchFile(path: path)
            return (try #require(try file["row"]), try #require(try file["columns"]))
        }()
        try FileManager.default.removeItem(atPath: path)
        #expect(try floats(row).count == 6)
        #expect(try floats(columns).count == 12)
    }

    @Test func dictionariesByName() throws {
        let path = resource("training.pth")
        #expect(try TorchFile(path: path, weights: "state_dict")["w"]?.type == .float32)
        #expect(try TorchFile(path: path, weights: "state_dict_ema")["w"]?.type == .float16)
        expectFailure(
            PIXART_ERROR_FORMAT, path, "no dictionary module", "\"state_dict\", \"state_dict_ema\", \"optimizer\""
        ) { _ = try TorchFile(path: path, weights: "module") }
        expectFailure(PIXART_ERROR_FORMAT, path, "no dictionary epoch") {
            _ = try TorchFile(path: path, weights: "epoch")
        }
    }

    @Test func prefixes() {
        #expect(NamePrefix.common(of: ["module.a", "module.b.c"]) == "module.")
        #expect(NamePrefix.common(of: ["module.a", "b"]).isEmpty)
        #expect(NamePrefix.common(of: ["model.diffusion_model.a"]) == "model.diffusion_model.")
        #expect(NamePrefix.common(of: ["_orig_mod.module.a", "_orig_mod.module.b"]) == "_orig_mod.module.")
        #expect(NamePrefix.common(of: ["module.", "module.a"]).isEmpty)
        #expect(NamePrefix.common(of: ["module.module.a", "module.b"]) == "module.")
        #expect(NamePrefix.common(of: []).isEmpty)
    }

    // MARK: What other programs write

    @Test func whatTheBuilderBuildsOpens() throws {
        let program = Pickle.program(Pickle.dictionary([("w", Pickle.tensor())]))
        let entries = [
            TorchBuilder.Entry(name: "e\u{301}/", content: []),
            TorchBuilder.Entry(name: "e\u{301}/data.pkl", content: program),
            TorchBuilder.Entry(
                name: "e\u{301}/data/0", content: TorchBuilder.elements, extra: Array("FB".utf8) + [3, 0, 1, 2, 3]),
            TorchBuilder.Entry(name: "e\u{301}/byteorder", content: Array("little".utf8)),
        ]
        let wide: [UInt8] = [9, 9, 0, 0, 1, 0, 24, 0]
        var large = entries[1]
        (large.size, large.stored, large.offset) = (.max, .max, .max)
        let place = Int64(TorchBuilder.local(entries[0]).count)
        let size = Pickle.size(Int64(program.count))
        large.centralExtra = wide + size + size + Pickle.size(place)
        let files = [
            TorchBuilder.archive(program), TorchBuilder.legacy(program), TorchBuilder.zip(entries),
            TorchBuilder.zip(entries, comment: Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 65531)),
            TorchBuilder.zip(entries, end64: true), TorchBuilder.zip([entries[0], large] + entries[2...]),
            TorchBuilder.legacy(program) + Array("more".utf8),
        ]
        for (index, bytes) in files.enumerated() {
            let file = try TorchFile(path: try folder.write("\(index).pth", bytes))
            #expect(try floats(file["w"]) == [0.5, 1.5, 2.5, 3.5])
        }
    }

    /// Old pickles: windows of a storage, tensors of a `_rebuild_tensor`, dictionaries of pairs, strings of Python 2.
    @Test func oldPickles() throws {
        let view = Pickle.tuple([Pickle.text("9"), Pickle.integer(1), Pickle.integer(2)])
        let window = Pickle.tensor(Pickle.storage(more: [view]), shape: Pickle.counts(2))
        let first =
            Pickle.global("torch._utils", "_rebuild_tensor")
            + Pickle.tuple([
                Pickle.storage(more: [Pickle.op("N")]), Pickle.integer(2), Pickle.counts(2), Pickle.counts(1),
            ]) + Pickle.op("R")
        let pairs = Pickle.list([
            Pickle.list([Pickle.op("U") + [1, 0x77], window]), Pickle.tuple([Pickle.text("v"), first]),
        ])
        let program = Pickle.program(
            Pickle.global("collections", "OrderedDict"), Pickle.tuple([pairs]), Pickle.op("R"))
        let file = try TorchFile(path: try folder.write("a.pth", TorchBuilder.legacy(program)))
        #expect(file.names.sorted() == ["v", "w"])
        #expect(try floats(file["w"]) == [1.5, 2.5])
        #expect(try floats(file["v"]) == [2.5, 3.5])
    }

    /// Of two entries with one key the last counts, and a tensor may be many entries.
    @Test func keysThatComeTwice() throws {
        let shifted = Pickle.tensor(offset: Pickle.integer(1), shape: Pickle.counts(3))
        let program = Pickle.program(
            Pickle.dictionary([
                ("w", Pickle.tensor(Pickle.storage(key: "absent"))), ("v", Pickle.op("N")), ("w", shifted + [0x71, 9]),
                ("v", Pickle.op("h") + [9]),
            ]))
        let file = try TorchFile(path: try folder.write("a.pth", TorchBuilder.archive(program)))
        #expect(try floats(file["w"]) == [1.5, 2.5, 3.5])
        #expect(try floats(file["v"]) == [1.5, 2.5, 3.5])
    }

    @Test func dimensionsOfOneAndOfNone() throws {
        let none = Pickle.tensor(
            offset: Pickle.integer(.max), shape: Pickle.counts(0, .max), stride: Pickle.counts(.max, 1))
        let program = Pickle.program(
            Pickle.dictionary([
                ("one", Pickle.tensor(shape: Pickle.counts(1, 4, 1), stride: Pickle.counts(.max, 1, .max))),
                (
                    "columns",
                    Pickle.tensor(shape: Pickle.counts(2, 1, 2), stride: Pickle.counts(1, .max, 2))
                ), ("none", none), ("scalar", Pickle.tensor(shape: Pickle.op(")"), stride: Pickle.op(")"))),
            ]))
        let file = try TorchFile(path: try folder.write("a.pth", TorchBuilder.archive(program)))
        #expect(try floats(file["one"]) == [0.5, 1.5, 2.5, 3.5])
        #expect(try #require(try file["one"]).isMapped)
        #expect(try floats(file["columns"]) == [0.5, 2.5, 1.5, 3.5])
        #expect(try #require(try file["none"]).bytes.isEmpty)
        #expect(try file["none"]?.shape == [0, .max])
        #expect(try floats(file["scalar"]) == [0.5])
    }

    // MARK: Large files

    /// A file with holes: `parts` are bytes and where they lie.
    private func sparse(_ name: String, _ parts: [(Int, [UInt8])]) throws -> String {
        let path = try folder.write(name, [])
        let handle = try #require(FileHandle(forWritingAtPath: path))
        for (position, bytes) in parts {
            try handle.seek(toOffset: UInt64(position))
            try handle.write(contentsOf: bytes)
        }
        try handle.close()
        return path
    }

    /// Storages beyond and of more than 4 GiB.
    @Test func archiveOf10GiB() throws {
        let count = (9 << 30) / 8
        let program = Pickle.program(
            Pickle.dictionary([
                ("w", Pickle.tensor()),
                (
                    "large",
                    Pickle.tensor(
                        Pickle.storage(key: "1", count: Pickle.integer(count)), offset: Pickle.integer(count - 2),
                        shape: Pickle.counts(2))
                ),
            ]))
        let full: UInt32 = .max
        let far = 5 << 30
        let last = far + 1000
        func wide(_ values: [Int]) -> [UInt8] {
            [1, 0] + Pickle.size(UInt16(8 * values.count)) + values.flatMap { Pickle.size(Int64($0)) }
        }
        let pickle = TorchBuilder.Entry(name: "a/data.pkl", content: program)
        let near = TorchBuilder.Entry(
            name: "a/data/0", content: TorchBuilder.elements, offset: full, centralExtra: wide([far]))
        let large = TorchBuilder.Entry(
            name: "a/data/1", content: [], size: full, stored: full, offset: full,
            centralExtra: wide([4 * count, 4 * count, last]))
        let directory =
            TorchBuilder.central(pickle, at: 0) + TorchBuilder.central(near, at: 0) + TorchBuilder.central(large, at: 0)
        let end = last + TorchBuilder.local(large).count + 4 * count
        let path = try sparse(
            "a.pth",
            [
                (0, TorchBuilder.local(pickle) + program), (far, TorchBuilder.local(near) + TorchBuilder.elements),
                (last, TorchBuilder.local(large)), (end - 8, Pickle.size((7 as Float).bitPattern)),
                (end - 4, Pickle.size((8 as Float).bitPattern)),
                (
                    end,
                    directory
                        + TorchBuilder.end64(count: 3, size: directory.count, start: end, at: end + directory.count)
                        + TorchBuilder.end(count: 3, size: 0xFFFF_FFFF, start: 0xFFFF_FFFF)
                ),
            ])
        let file = try TorchFile(path: path)
        #expect(try floats(file["w"]) == [0.5, 1.5, 2.5, 3.5])
        #expect(try floats(file["large"]) == [7, 8])
    }

    @Test func legacyFileOf5GiB() throws {
        let count = (5 << 30) / 4
        let program = Pickle.program(
            Pickle.dictionary([
                ("large", Pickle.tensor(Pickle.storage(key: "0", count: Pickle.integer(count)))),
                ("w", Pickle.tensor(Pickle.storage(key: "1"))),
            ]))
        let start = TorchBuilder.legacy(
            program, keys: Pickle.list([Pickle.text("0"), Pickle.text("1")]), storages: Pickle.size(Int64(count)))
        let path = try sparse(
            "a.pth", [(0, start), (start.count + 4 * count, Pickle.size(Int64(4)) + TorchBuilder.elements)])
        let file = try TorchFile(path: path)
        #expect(try floats(file["w"]) == [0.5, 1.5, 2.5, 3.5])
        #expect(try floats(file["large"]) == [0, 0, 0, 0])
    }

    // MARK: Damaged and lying files

    @Test func everyFaultIsNamed() throws {
        #expect(HostileTorch.all.count >= 100)
        #expect(Set(HostileTorch.all.map(\.name)).count == HostileTorch.all.count)
        for hostile in HostileTorch.all {
            let path = try folder.write("a.pth", hostile.bytes)
            do throws(PixArtError) {
                let file = try TorchFile(path: path)
                for name in file.names { _ = try file[name] }
                Issue.record("\(hostile.name): opened")
            } catch {
                #expect(error.status == PIXART_ERROR_FORMAT, "\(hostile.name): \(error.message)")
                for part in [path] + hostile.parts {
                    #expect(error.message.contains(part), "\(hostile.name): no \"\(part)\" in: \(error.message)")
                }
            }
        }
    }

    /// What is told apart only when a tensor is asked for.
    @Test func faultsOfATensorThatIsAskedFor() throws {
        let program = Pickle.program(Pickle.dictionary([("w", Pickle.tensor())]))
        var bytes = TorchBuilder.archive(program)
        let header = TorchBuilder.local(TorchBuilder.Entry(name: "archive/data.pkl", content: [])).count + program.count
        bytes[header] = 0
        var file = try TorchFile(path: try folder.write("a.pth", bytes))
        #expect(file.shape(of: "w") == [4])
        expectFailure(PIXART_ERROR_FORMAT, "no local header", "archive/data/0") { _ = try file["w"] }
        bytes[header] = UInt8(ascii: "P")
        bytes[header + 28] = 60
        file = try TorchFile(path: try folder.write("b.pth", bytes))
        expectFailure(PIXART_ERROR_FORMAT, "archive/data/0", "16 bytes from byte") { _ = try file["w"] }
        let legacy = TorchBuilder.legacy(program, storages: Pickle.size(Int64(3)) + TorchBuilder.elements)
        file = try TorchFile(path: try folder.write("c.pth", legacy))
        expectFailure(PIXART_ERROR_FORMAT, "storage \"0\" has 3 elements; expected 4") { _ = try file["w"] }
        let repeated = Pickle.tensor(shape: Pickle.counts(1 << 40), stride: Pickle.counts(0))
        file = try TorchFile(path: try folder.write("d.pth", TorchBuilder.one(repeated)))
        expectFailure(PIXART_ERROR_FORMAT, "tensor \"w\"", "repeats", "4398046511104") { _ = try file["w"] }
        let unknown = Pickle.tensor(Pickle.storage("NewStorage"))
        file = try TorchFile(path: try folder.write("e.pth", TorchBuilder.one(unknown)))
        expectFailure(PIXART_ERROR_MODEL, "tensor \"w\"", "torch.NewStorage") { _ = try file["w"] }
    }

    @Test func truncatedEverywhere() throws {
        for name in ["flat.pth", "legacy-views.pth", "protocol4.pth"] {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: resource(name))))
            for count in 0..<bytes.count {
                let path = try folder.write("a.pth", bytes.prefix(count))
                expectFailure(PIXART_ERROR_FORMAT, path) { _ = try TorchFile(path: path) }
            }
        }
    }

    @Test(arguments: ["flat.pth", "evil.pth", "legacy-flat.pth", "legacy-views.pth", "legacy-protocol4.pth"])
    func everyByteChanged(_ name: String) throws {
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: resource(name))))
        var random = SplitMix(seed: 1)
        for position in bytes.indices {
            let byte = bytes[position]
            for change in [0xFF, UInt8.random(in: 1...0xFE, using: &random)] {
                bytes[position] = byte ^ change
                explore(try folder.write("a.pth", bytes))
            }
            bytes[position] = byte
        }
        #expect(!FileManager.default.fileExists(atPath: "pickle-was-executed"))
    }

    /// Programs of random opcodes: those that are known, with small arguments.
    @Test func randomPrograms() throws {
        var random = SplitMix(seed: 2)
        var pieces: [[UInt8]] = Pickle.op("N}])(tuseaRbQ012").map { [$0] }
        pieces += [0x81, 0x85, 0x86, 0x87, 0x8F, 0x90, 0x91, 0x92, 0x93, 0x94].map { [$0] }
        pieces += [[0x71, 0], [0x68, 0], [0x68, 1], [0x71, 1], Pickle.text("w"), Pickle.text("storage")]
        pieces += [Pickle.integer(4), Pickle.counts(4), Pickle.storage(), Pickle.tensor()]
        let globals = [
            ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter"),
            ("collections", "OrderedDict"), ("torch", "Size"), ("os", "system"),
        ]
        pieces += globals.map { Pickle.global($0.0, $0.1) }
        for _ in 0..<5000 {
            var program: [UInt8] = [0x80, 2, 0x7D, 0x28]
            for _ in 0..<Int.random(in: 1...24, using: &random) {
                program += pieces.randomElement(using: &random) ?? []
            }
            explore(try folder.write("a.pth", TorchBuilder.archive(program + [0x75, 0x2E])))
        }
    }

    // MARK: Bombs

    private func opens(_ value: [UInt8]) throws {
        let program = Pickle.program(Pickle.dictionary([("bomb", value), ("w", Pickle.tensor())]))
        let file = try TorchFile(path: try folder.write("a.pth", TorchBuilder.archive(program)))
        #expect(file.names == ["w"])
        #expect(try floats(file["w"]) == [0.5, 1.5, 2.5, 3.5])
    }

    /// A million lists, tuples and dictionaries within each other.
    @Test(.timeLimit(.minutes(2))) func deepNesting() throws {
        let depth = 1_000_000
        func many(_ bytes: [UInt8], _ count: Int = depth) -> [UInt8] { Pickle.many(bytes, count) }
        try opens(many(Pickle.op("]")) + many(Pickle.op("a"), depth - 1))
        try opens(Pickle.op(")") + many([0x85]))
        try opens(many(Pickle.op("}N")) + Pickle.op("N") + many(Pickle.op("s")))
        try opens(many(Pickle.op("(")) + many(Pickle.op("t")))
        try opens(Pickle.global("os", "system") + many(Pickle.op(")R")))
    }

    /// Values that would grow exponentially if they were ever copied: tuples of two times the one before.
    @Test(.timeLimit(.minutes(2))) func doubling() throws {
        let step: [UInt8] = [0x68, 0, 0x68, 0, 0x86, 0x71, 0, 0x30]
        let steps = Pickle.many(step, 100_000)
        try opens(Pickle.op(")") + [0x71, 0, 0x30] + steps + [0x68, 0])
        // As the shape of a tensor.
        let shape = Pickle.op(")") + [0x71, 0, 0x30] + steps + [0x68, 0]
        let path = try folder.write("b.pth", TorchBuilder.one(Pickle.tensor(shape: shape)))
        expectFailure(PIXART_ERROR_FORMAT, "tensor \"w\"", "shape holds a tuple") { _ = try TorchFile(path: path) }
        // A list that holds itself a million times.
        let itself = Pickle.many([0x68, 0], 1_000_000)
        try opens(Pickle.op("]") + [0x71, 0] + Pickle.op("(") + itself + Pickle.op("e"))
    }

    /// Large things that are used often: a name, a key, a shape, a list of pairs.
    @Test(.timeLimit(.minutes(2))) func largeThingsUsedOften() throws {
        let text = Pickle.text(String(repeating: "n", count: 1 << 20))
        let often = 200_000
        func many(_ bytes: [UInt8]) -> [UInt8] { Pickle.many(bytes, often) }
        // Names of globals, which are looked up.
        try opens(Pickle.list([text + [0x71, 0] + many([0x68, 0, 0x68, 0, 0x93])]))
        // A key of the dictionary.
        let program = Pickle.program(
            Pickle.op("}("), text + [0x71, 0], Pickle.tensor() + [0x71, 1], many([0x68, 0, 0x68, 1]),
            Pickle.op("u"))
        let file = try TorchFile(path: try folder.write("a.pth", TorchBuilder.archive(program)))
        #expect(file.names.map(\.utf8.count) == [1 << 20])
        // Pairs of dictionaries, which are copied.
        let pairs = many(Pickle.op("NN") + [0x86])
        let call = Pickle.global("collections", "OrderedDict") + [0x68, 0, 0x85] + Pickle.op("R")
        let list = Pickle.op("]") + [0x71, 0] + Pickle.op("(") + pairs + Pickle.op("e")
        let bomb = list + many(call)
        let path = try folder.write("c.pth", TorchBuilder.archive(Pickle.program(bomb)))
        expectFailure(PIXART_ERROR_FORMAT, "more than 4194304 values") { _ = try TorchFile(path: path) }
        // A persistent id of many items.
        let id = Pickle.tuple([Pickle.text("storage"), many(Pickle.op("N"))]) + [0x71, 0]
        let legacy = Pickle.program(Pickle.list([id + many([0x68, 0] + Pickle.op("Q"))]))
        let other = try folder.write("d.pth", TorchBuilder.legacy(legacy))
        expectFailure(PIXART_ERROR_FORMAT, "5 or 6 items") { _ = try TorchFile(path: other) }
    }

    @Test func largeIntegers() throws {
        for count in [0, 1, 8, 9, 200, 255] {
            try opens([0x8A, UInt8(count)] + [UInt8](repeating: 0xFE, count: count))
        }
        try opens([0x8B] + Pickle.size(UInt32(1 << 20)) + [UInt8](repeating: 1, count: 1 << 20))
        // Those of 64 bits count in any width.
        let wide: [UInt8] = [0x8A, 12, 4] + [UInt8](repeating: 0, count: 11)
        let file = try TorchFile(
            path: try folder.write("a.pth", TorchBuilder.one(Pickle.tensor(shape: Pickle.tuple([wide])))))
        #expect(file.shape(of: "w") == [4])
        let narrow: [UInt8] = [0x8A, 1, 4]
        let other = try TorchFile(
            path: try folder.write("b.pth", TorchBuilder.one(Pickle.tensor(shape: Pickle.tuple([narrow])))))
        #expect(other.shape(of: "w") == [4])
    }
}
