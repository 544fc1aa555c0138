/// A PyTorch checkpoint that is wrong in one thing.
struct HostileTorch {
    let name: String
    let bytes: [UInt8]
    /// What the message must hold.
    let parts: [String]

    private init(_ name: String, _ bytes: [UInt8], _ parts: String...) {
        self.name = name
        self.bytes = bytes
        self.parts = parts
    }

    /// All of them are `PIXART_ERROR_FORMAT`.
    static let all = containers + programs + tensors + legacy

    private typealias Entry = TorchBuilder.Entry

    private static let right = Pickle.program(Pickle.dictionary([("w", Pickle.tensor())]))

    /// An archive, its storage changed.
    private static func archive(_ change: (inout Entry) -> Void) -> [UInt8] {
        var entry = Entry(name: "archive/data/0", content: TorchBuilder.elements)
        change(&entry)
        return TorchBuilder.zip([Entry(name: "archive/data.pkl", content: right), entry])
    }

    /// An archive of four bytes at its end changed.
    private static func end(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
        var file = TorchBuilder.archive(right)
        file.replaceSubrange(file.count - 22 + offset..<file.count - 22 + offset + bytes.count, with: bytes)
        return file
    }

    private static let containers: [HostileTorch] = [
        HostileTorch("empty", [], "not a PyTorch checkpoint"),
        HostileTorch("text", Array("hello".utf8), "not a PyTorch checkpoint"),
        HostileTorch("bare pickle", right, "is a Python pickle"),
        HostileTorch("NumPy", [0x93] + Array("NUMPY".utf8), "not a ZIP archive"),
        HostileTorch("signature alone", Array("PK\u{3}\u{4}".utf8), "truncated"),
        HostileTorch("no end record", Array(TorchBuilder.archive(right).dropLast(22)), "truncated", "interrupted"),
        HostileTorch("one byte less", Array(TorchBuilder.archive(right).dropLast()), "truncated"),
        HostileTorch("one byte more", TorchBuilder.archive(right) + [0], "truncated"),
        HostileTorch("comment of zeros", end(20, [1, 0]), "truncated"),
        HostileTorch("directory at the end of the world", end(16, [255, 255, 255, 255]), "directory", "4294967295"),
        HostileTorch("directory of 4 GiB", end(12, [255, 255, 255, 255]), "directory", "4294967295"),
        HostileTorch("more entries than fit", end(10, [255, 255]), "65535 entries"),
        HostileTorch("fewer entries", end(10, [1, 0]), "directory ends at byte"),
        HostileTorch("directory elsewhere", end(16, [1, 0, 0, 0]), "no entry 0"),
        HostileTorch("no data.pkl", TorchBuilder.zip([Entry(name: "a.npy", content: [])]), "without data.pkl"),
        HostileTorch("no entries", TorchBuilder.zip([Entry(name: "data.pkl", content: [])]), "without data.pkl"),
        HostileTorch("compressed", archive { $0.method = 8 }, "\"archive/data/0\"", "compressed (method 8)"),
        HostileTorch("encrypted", archive { $0.flags = 1 }, "\"archive/data/0\"", "encrypted"),
        HostileTorch("two sizes", archive { $0.stored = 5 }, "16 bytes long, stored in 5"),
        HostileTorch("entry beyond the directory", archive { ($0.size, $0.stored) = (500, 500) }, "500 bytes"),
        HostileTorch("entry at 4 GiB", archive { $0.offset = 0xFFFF_FFFE }, "4294967294"),
        HostileTorch("entry over another", archive { $0.offset = 0 }, "overlap", "archive/data.pkl"),
        HostileTorch("no ZIP64 field", archive { $0.offset = .max }, "ZIP64"),
        HostileTorch(
            "short ZIP64 field",
            archive {
                $0.offset = .max
                $0.centralExtra = [1, 0, 4, 0, 1, 2, 3, 4]
            }, "ZIP64"),
        HostileTorch(
            "ZIP64 offset of 2^63",
            archive {
                $0.offset = .max
                $0.centralExtra = [1, 0, 8, 0] + Pickle.size(UInt64(1) << 63)
            }, "9223372036854775808"),
        HostileTorch(
            "ZIP64 size of 2^64 - 1",
            archive {
                ($0.size, $0.stored) = (.max, .max)
                $0.centralExtra = [1, 0, 16, 0] + [UInt8](repeating: 255, count: 16)
            }, "18446744073709551615"),
        HostileTorch("extra field beyond its entry", archive { $0.centralExtra = [9, 0, 9, 0] }.changed, "ZIP64"),
        HostileTorch("entry twice", archive { $0.name = "archive/data.pkl" }, "twice"),
        HostileTorch("local name of another", archive { $0.localName = "archive/data/1" }, "another entry"),
        HostileTorch(
            "local name too long", archive { $0.localName = String(repeating: "a", count: 900) },
            "archive/data/0"),
        HostileTorch(
            "big-endian",
            TorchBuilder.archive(right, more: [Entry(name: "archive/byteorder", content: Array("big".utf8))]),
            "byteorder is \"big\""),
        HostileTorch(
            "TorchScript",
            TorchBuilder.zip([
                Entry(name: "a/data/0", content: TorchBuilder.elements), Entry(name: "a/data.pkl", content: right),
                Entry(name: "a/code/__torch__.py", content: []), Entry(name: "a/constants.pkl", content: []),
            ]), "TorchScript"),
        HostileTorch(
            "TorchScript without constants",
            TorchBuilder.archive(right, more: [Entry(name: "archive/code/x.py", content: [])]), "TorchScript"),
        HostileTorch("ZIP64 locator to nowhere", locator(at: 1 << 40), "1099511627776", "ZIP64 end record"),
        HostileTorch("ZIP64 locator of -1", locator(at: -1), "18446744073709551615"),
        HostileTorch("ZIP64 locator to zero", locator(at: 0), "byte 0", "ZIP64 end record"),
    ]

    /// An archive with a ZIP64 locator to `position` where there is no end record.
    private static func locator(at position: Int) -> [UInt8] {
        let file = TorchBuilder.archive(right)
        let record = Array("PK\u{6}\u{7}".utf8) + [0, 0, 0, 0] + Pickle.size(Int64(position)) + [1, 0, 0, 0]
        return Array(file.dropLast(22)) + record + Array(file.suffix(22))
    }

    /// A program in an archive, without what the builder puts around it.
    private static func program(_ name: String, _ parts: [UInt8]..., says: String...) -> HostileTorch {
        var hostile = HostileTorch(name, TorchBuilder.archive([0x80, 2] + parts.flatMap { $0 }), "byte ")
        hostile = HostileTorch(copy: hostile, parts: hostile.parts + says)
        return hostile
    }

    private init(copy: HostileTorch, parts: [String]) {
        name = copy.name
        bytes = copy.bytes
        self.parts = parts
    }

    private static let ones8 = [UInt8](repeating: 255, count: 8)

    private static let programs: [HostileTorch] = [
        HostileTorch("no program", TorchBuilder.archive([]), "ends after 0 bytes"),
        HostileTorch("no PROTO", TorchBuilder.archive(Pickle.op("N") + Pickle.op(".")), "begins with opcode 0x4E"),
        HostileTorch("protocol 1", TorchBuilder.archive([0x80, 1, 0x4E, 0x2E]), "protocol 1 "),
        HostileTorch("protocol 6", TorchBuilder.archive([0x80, 6, 0x4E, 0x2E]), "protocol 6 "),
        program("no end", says: "ends after 0 bytes"),
        program("nothing at the end", Pickle.op("."), says: "0 values"),
        program("two values at the end", Pickle.op("NN."), says: "2 values"),
        program("mark at the end", Pickle.op("(N."), says: "ends with 1 values"),
        program("unknown opcode", [0xFF], says: "0xFF is unknown"),
        program("text opcode of protocol 0", Array("I1\n.".utf8), says: "0x49"),
        program("out-of-band buffer", [0x97], says: "0x97"),
        program("extension", [0x82, 1], says: "0x82"),
        program("string beyond the file", Pickle.op("X"), [255, 255, 255, 255], says: "expected 4294967295"),
        program("string of 2^64 - 1", [0x8D], ones8, says: "expected 18446744073709551615"),
        program("bytes of 2^63", [0x8E], Pickle.size(UInt64(1) << 63), says: "expected 9223372036854775808"),
        program("LONG1 beyond the file", [0x8A, 255], says: "expected 255"),
        program("LONG4 of 2^31", [0x8B, 0, 0, 0, 0x80], says: "expected 2147483648"),
        program("half a float", Pickle.op("G"), [1, 2], says: "expected 8"),
        program("frame without its size", [0x95, 1], says: "expected 8"),
        program("name without a newline", Array("ctorch".utf8), says: "newline"),
        program("pop of nothing", Pickle.op("0"), says: "takes 1 values"),
        program("top of nothing", Pickle.op("2"), says: "takes 1 values"),
        program("no mark", Pickle.op("t"), says: "takes a mark"),
        program("tuple of one too many", Pickle.op("N"), [0x86], says: "takes 2 values"),
        program("tuple across a mark", Pickle.op("N(N"), [0x86], says: "takes 2 values"),
        program("memo without a value", Pickle.op("h"), [3], says: "no value 3"),
        program("put of nothing", Pickle.op("q"), [3], says: "takes 1 values"),
        program("append to a dictionary", Pickle.op("}Na"), says: "to a dictionary"),
        program("append to nothing", Pickle.op("Na"), says: "takes 2 values"),
        program("keys of a list", Pickle.op("]NNs"), says: "of a list"),
        program("odd items", Pickle.op("}(Nu"), says: "sets 1 keys"),
        program("call of None", Pickle.op("N)R"), says: "calls None"),
        program("call of text", Pickle.text("os"), Pickle.op(")R"), says: "calls a string"),
        program("object of a list", Pickle.op("])"), [0x81], says: "an object of a list"),
        program("global of numbers", Pickle.op("NN"), [0x93], says: "called None"),
        program("state of nothing", Pickle.op("Nb"), says: "takes 1 values"),
        HostileTorch("list", TorchBuilder.archive(Pickle.program(Pickle.list([]))), "holds a list"),
        HostileTorch("None", TorchBuilder.archive(Pickle.program(Pickle.op("N"))), "holds None"),
        HostileTorch("empty dictionary", TorchBuilder.archive(Pickle.program(Pickle.op("}"))), "holds no tensors"),
        HostileTorch(
            "name that is not UTF-8",
            TorchBuilder.archive(
                Pickle.program(Pickle.op("}X"), [1, 0, 0, 0, 0xFF], Pickle.tensor(), Pickle.op("s"))),
            "byte ", "not UTF-8"),
        HostileTorch(
            "name with NUL",
            TorchBuilder.archive(Pickle.program(Pickle.dictionary([("a\0", Pickle.tensor())]))), "NUL"),
        HostileTorch(
            "more values than a checkpoint has",
            TorchBuilder.archive([0x80, 2] + [UInt8](repeating: 0x4E, count: (1 << 22) + 1)), "more than 4194304"),
    ]

    private static func one(_ name: String, _ tensor: [UInt8], _ parts: String...) -> HostileTorch {
        let hostile = HostileTorch(name, TorchBuilder.one(tensor))
        return HostileTorch(copy: hostile, parts: ["tensor \"w\""] + parts)
    }

    private static let tensors: [HostileTorch] = [
        one(
            "no arguments", Pickle.global("torch._utils", "_rebuild_tensor_v2") + Pickle.op(")R"),
            "0 arguments"),
        one("storage is None", Pickle.tensor(Pickle.op("N")), "None"),
        one(
            "storage from Python", Pickle.tensor(Pickle.global("os", "system") + Pickle.op(")R")),
            "os.system"),
        one("missing storage", Pickle.tensor(Pickle.storage(key: "7")), "storage \"7\" is not in the file"),
        one("storage elsewhere", Pickle.tensor(Pickle.storage(key: "../data.pkl")), "\"../data.pkl\" is not in"),
        one(
            "key of a megabyte", Pickle.tensor(Pickle.storage(key: String(repeating: "k", count: 1 << 20))),
            "64 bytes"),
        one("fewer elements", Pickle.tensor(Pickle.storage(count: Pickle.integer(3))), "16 bytes", "3 elements"),
        one("more elements", Pickle.tensor(Pickle.storage(count: Pickle.integer(5))), "16 bytes", "5 elements"),
        one("2^63 - 1 elements", Pickle.tensor(Pickle.storage(count: Pickle.integer(.max))), "9223372036854775807"),
        one("2^62 elements", Pickle.tensor(Pickle.storage(count: Pickle.integer(1 << 62))), "4611686018427387904"),
        one("-1 elements", Pickle.tensor(Pickle.storage(count: Pickle.integer(-1))), "no count"),
        one("2^64 elements", Pickle.tensor(Pickle.storage(count: [0x8A, 9] + Pickle.size(0) + [1])), "no count"),
        one("elements of another type", Pickle.tensor(Pickle.storage("HalfStorage")), "16 bytes", "F16"),
        one("four items", Pickle.tensor(Pickle.tuple([Pickle.text("storage")]) + Pickle.op("Q")), "5 or 6 items"),
        one(
            "storage of no class",
            Pickle.tensor(
                Pickle.tuple([
                    Pickle.text("storage"), Pickle.op("N"), Pickle.text("0"), Pickle.op("N"), Pickle.integer(4),
                ])
                    + Pickle.op("Q")), "class", "None"),
        one(
            "key is a number",
            Pickle.tensor(
                Pickle.tuple([
                    Pickle.text("storage"), Pickle.global("torch", "FloatStorage"), Pickle.integer(0), Pickle.op("N"),
                    Pickle.integer(4),
                ]) + Pickle.op("Q")), "an integer"),
        one("offset of -1", Pickle.tensor(offset: Pickle.integer(-1)), "offset"),
        one("offset of 2^63 - 1", Pickle.tensor(offset: Pickle.integer(.max)), "leaves its storage"),
        one("offset one too large", Pickle.tensor(offset: Pickle.integer(1)), "leaves its storage", "16 bytes"),
        one("offset is text", Pickle.tensor(offset: Pickle.text("0")), "offset"),
        one("shape is a list", Pickle.tensor(shape: Pickle.list([])), "shape is a list"),
        one("shape of text", Pickle.tensor(shape: Pickle.tuple([Pickle.text("4")])), "a string"),
        one("dimension of -4", Pickle.tensor(shape: Pickle.counts(-4)), "-4"),
        one("dimension of 5", Pickle.tensor(shape: Pickle.counts(5)), "[5]", "leaves its storage"),
        one("two more dimensions", Pickle.tensor(shape: Pickle.counts(2, 2)), "2 dimensions", "1"),
        one(
            "65 dimensions", Pickle.tensor(shape: Pickle.tuple((0..<65).map { _ in Pickle.integer(1) })),
            "65 dimensions"),
        one(
            "shape overflows", Pickle.tensor(shape: Pickle.counts(1 << 40, 1 << 40), stride: Pickle.counts(0, 0)),
            "counted"),
        one(
            "bytes overflow", Pickle.tensor(shape: Pickle.counts(1 << 61), stride: Pickle.counts(0)), "counted"),
        one(
            "shape overflows before its 0",
            Pickle.tensor(shape: Pickle.counts(1 << 40, 1 << 40, 0), stride: Pickle.counts(0, 0, 0)), "counted"),
        one("stride of -1", Pickle.tensor(stride: Pickle.counts(-1)), "stride", "-1"),
        one("stride of 2", Pickle.tensor(stride: Pickle.counts(2)), "leaves its storage"),
        one("stride overflows", Pickle.tensor(stride: Pickle.counts(.max)), "leaves its storage"),
        one(
            "strides overflow together",
            Pickle.tensor(shape: Pickle.counts(2, 2), stride: Pickle.counts(.max, .max)), "leaves its storage"),
        one("stride at the edge", Pickle.tensor(shape: Pickle.counts(2), stride: Pickle.counts(.max - 1)), "leaves"),
        one(
            "v3 without a type",
            Pickle.global("torch._utils", "_rebuild_tensor_v3")
                + Pickle.tuple([
                    Pickle.storage(), Pickle.integer(0), Pickle.counts(4), Pickle.counts(1), Pickle.op("N"),
                    Pickle.op("N"),
                ]) + Pickle.op("R"), "6 arguments"),
        one(
            "v3 of a type that is text",
            Pickle.global("torch._utils", "_rebuild_tensor_v3")
                + Pickle.tuple([
                    Pickle.storage(), Pickle.integer(0), Pickle.counts(4), Pickle.counts(1), Pickle.op("N"),
                    Pickle.op("N"), Pickle.text("float32"),
                ]) + Pickle.op("R"), "its type is a string"),
    ]

    private static func window(_ start: Int, _ count: Int) -> [UInt8] {
        Pickle.tensor(
            Pickle.storage(more: [Pickle.tuple([Pickle.text("9"), Pickle.integer(start), Pickle.integer(count)])]),
            shape: Pickle.counts(2))
    }

    private static func keys(_ keys: [UInt8]) -> [UInt8] { TorchBuilder.legacy(right, keys: keys) }

    private static let storage = Pickle.size(Int64(4)) + TorchBuilder.elements

    private static let legacy: [HostileTorch] = [
        HostileTorch("magic alone", TorchBuilder.magic, "ends after 0 bytes"),
        HostileTorch("another protocol", TorchBuilder.legacy(right, version: 1000), "1001"),
        HostileTorch("big-endian, legacy", TorchBuilder.legacy(right, little: 0x89), "little_endian"),
        HostileTorch("keys in a tuple", keys(Pickle.counts(0)), "a tuple"),
        HostileTorch("keys of numbers", keys(Pickle.list([Pickle.integer(0)])), "called an integer"),
        HostileTorch("key of no tensor", keys(Pickle.list([Pickle.text("1")])), "\"1\"", "no tensor"),
        HostileTorch(
            "key twice",
            TorchBuilder.legacy(
                right, keys: Pickle.list([Pickle.text("0"), Pickle.text("0")]), storages: storage + storage),
            "twice"),
        HostileTorch("no keys", keys(Pickle.list([])), "tensor \"w\"", "not in the file"),
        HostileTorch("truncated, legacy", Array(TorchBuilder.legacy(right).dropLast()), "truncated", "\"0\""),
        HostileTorch("no storages", TorchBuilder.legacy(right, storages: []), "truncated", "0 bytes are left"),
        HostileTorch(
            "2^63 - 1 elements, legacy",
            TorchBuilder.legacyOne(Pickle.tensor(Pickle.storage(count: Pickle.integer(.max)))), "truncated"),
        HostileTorch("window of -1", TorchBuilder.legacyOne(window(-1, 2)), "storage \"0\"", "-1"),
        HostileTorch("window beyond its storage", TorchBuilder.legacyOne(window(3, 2)), "2 elements from 3"),
        HostileTorch("window of 2^63 - 1", TorchBuilder.legacyOne(window(1, .max)), "9223372036854775807"),
        HostileTorch("tensor beyond its window", TorchBuilder.legacyOne(window(3, 1)), "leaves its storage"),
        HostileTorch(
            "window of text",
            TorchBuilder.legacyOne(Pickle.tensor(Pickle.storage(more: [Pickle.text("0")]))), "a string", "None"),
        HostileTorch(
            "one storage of two sizes",
            TorchBuilder.legacy(
                Pickle.program(
                    Pickle.dictionary([
                        ("w", Pickle.tensor()), ("v", Pickle.tensor(Pickle.storage(count: Pickle.integer(3)))),
                    ]))), "4 elements of F32, and 3 of F32"),
        HostileTorch(
            "storage of a class that nobody knows",
            TorchBuilder.legacyOne(Pickle.tensor(Pickle.storage("NewStorage"))), "torch.NewStorage"),
    ]
}

extension [UInt8] {
    /// The last entry's offset all ones, so that its extra field is looked at.
    fileprivate var changed: [UInt8] {
        var bytes = self
        let end = count - 22
        let start = (0..<end).last { self[$0..<Swift.min($0 + 4, end)].elementsEqual("PK\u{1}\u{2}".utf8) } ?? 0
        bytes.replaceSubrange(start + 42..<start + 46, with: [255, 255, 255, 255])
        return bytes
    }
}
