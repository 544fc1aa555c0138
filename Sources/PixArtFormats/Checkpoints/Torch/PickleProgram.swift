import PixArtStorage

/// A pickle, run to its end without Python: the values that it builds.
///
/// Nothing is imported, called or allocated by what a file names. A global without a meaning, and all that is made from
/// it, is opaque. Time and memory are linear in the bytes of the pickle: each opcode makes one value at most, of which
/// there are at most `mostValues`, and texts stay in the file.
struct PickleProgram {
    /// A checkpoint has about 25 values for each tensor.
    static let mostValues = 1 << 22

    /// What the pickle leaves.
    private(set) var root = PickleValue.none
    /// Where in the file it ends.
    private(set) var end: Int
    /// Persistent ids of storages, as indices of tuples.
    private(set) var storages: [Int] = []
    private(set) var tensors: [(hasType: Bool, arguments: Int)] = []

    private let file: MappedFile
    private let limit: Int
    private var left = PickleProgram.mostValues
    private var stack: [PickleValue] = []
    /// How many values were on the stack at each mark; opcodes do not reach below the last one.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    /// Where the texts lie in the file.
    private var texts: [Range<Int>] = []
    private var tuples: [Range<Int>] = []
    /// Elements of all tuples.
    private var items: [PickleValue] = []
    private var lists: [[PickleValue]] = []
    private var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
    private var globals: [PickleGlobal] = []

    /// Runs the pickle that begins at `range.lowerBound` of the file and ends in `range`. Fails with `.format` naming
    /// the file and the byte.
    init(_ file: MappedFile, _ range: Range<Int>) throws(PixArtError) {
        self.file = file
        end = range.lowerBound
        limit = range.upperBound
        try run()
        // What only running needs.
        stack = []
        memo = [:]
    }

    // MARK: Looking at values

    /// Elements of a tuple.
    func tuple(_ index: Int) -> ArraySlice<PickleValue> { items[tuples[index]] }

    /// Elements of a list.
    func list(_ index: Int) -> [PickleValue] { lists[index] }

    /// Entries of a dictionary in the order in which they were set: of two with one key, the last counts.
    func dictionary(_ index: Int) -> [(key: PickleValue, value: PickleValue)] { dictionaries[index] }

    /// A text of at most `most` bytes; nil if it is longer or not UTF-8.
    func string(_ text: Int, most: Int = .max) -> String? {
        guard texts[text].count <= most else { return nil }
        return String(validating: file.bytes[texts[text]], as: UTF8.self)
    }

    /// Where a text is in the file.
    func place(of text: Int) -> Int { texts[text].lowerBound }

    func isText(_ value: PickleValue, _ expected: String) -> Bool {
        guard case .text(let text) = value, texts[text].count == expected.utf8.count else { return false }
        return file.bytes[texts[text]].elementsEqual(expected.utf8)
    }

    /// Module and name of a global; nil if one of them is longer than those that have a meaning.
    func name(ofGlobal index: Int) -> (module: String, name: String)? {
        let global = globals[index]
        guard let module = string(global.module, most: PickleGlobal.longest),
            let name = string(global.name, most: PickleGlobal.longest)
        else { return nil }
        return (module, name)
    }

    /// What a value is, for messages; the beginning of its name if it comes from a global.
    func describe(_ value: PickleValue) -> String {
        switch value {
        case .global(let index), .opaque(let index):
            let global = globals[index]
            let parts = [global.module, global.name].map { part in
                String(decoding: file.bytes[texts[part]].prefix(200), as: UTF8.self)
            }
            return "\(value.kind) of Python (\(parts[0]).\(parts[1]))"
        default: return value.kind
        }
    }

    // MARK: Running

    private mutating func run() throws(PixArtError) {
        try step(at: end, first: true)
        while true {
            let place = end
            if end < limit, file.bytes[end] == PickleOpcode.stop.rawValue {
                end += 1
                guard stack.count == 1, marks.isEmpty else {
                    throw fault(place, "the pickle ends with \(stack.count) values; expected one")
                }
                root = stack[0]
                return
            }
            try step(at: place)
        }
    }

    /// Runs one opcode. One line for each of them.
    private mutating func step(at place: Int, first: Bool = false) throws(PixArtError) {
        let byte = file.bytes[try take(1).lowerBound]
        guard let opcode = PickleOpcode(rawValue: byte) else {
            throw fault(place, "opcode \(hex(byte)) is unknown; expected one of pickle protocols 2 to 5")
        }
        guard opcode == .proto || !first else {
            throw fault(place, "no pickle of protocol 2 to 5 begins with opcode \(hex(byte))")
        }
        switch opcode {
        case .proto: try checkProtocol(place)
        case .frame: _ = try take(8)
        case .stop: break
        case .mark: try mark(place)
        case .pop: try popAny(place)
        case .popMark: stack.removeSubrange(try popMark(place))
        case .dup: try push(try top(place), place)
        case .none: try push(.none, place)
        case .newTrue: try push(.bool(true), place)
        case .newFalse: try push(.bool(false), place)
        case .binInt: try push(.integer(Int(try number(Int32.self))), place)
        case .binInt1: try push(.integer(Int(try number(UInt8.self))), place)
        case .binInt2: try push(.integer(Int(try number(UInt16.self))), place)
        case .long1: try push(try integer(UInt64(try number(UInt8.self))), place)
        case .long4: try push(try integer(UInt64(try number(UInt32.self))), place)
        case .binFloat:
            _ = try take(8)
            try push(.plain(.float), place)
        case .shortBinString, .shortBinUnicode: try pushText(UInt64(try number(UInt8.self)), place)
        case .binString, .binUnicode: try pushText(UInt64(try number(UInt32.self)), place)
        case .binUnicode8: try pushText(try number(UInt64.self), place)
        case .shortBinBytes: try pushBytes(UInt64(try number(UInt8.self)), place)
        case .binBytes: try pushBytes(UInt64(try number(UInt32.self)), place)
        case .binBytes8, .byteArray8: try pushBytes(try number(UInt64.self), place)
        case .emptyTuple: try pushTuple(0, place)
        case .tuple: try pushTuple(try popMark(place).count, place)
        case .tuple1: try pushTuple(1, place)
        case .tuple2: try pushTuple(2, place)
        case .tuple3: try pushTuple(3, place)
        case .emptyList: try push(newList(), place)
        case .append: try append(1, place)
        case .appends: try append(try popMark(place).count, place)
        case .emptyDictionary: try push(newDictionary(), place)
        case .setItem: try setItems(2, place)
        case .setItems: try setItems(try popMark(place).count, place)
        case .emptySet: try push(.plain(.set), place)
        case .addItems: stack.removeSubrange(try popMark(place))
        case .frozenSet:
            stack.removeSubrange(try popMark(place))
            try push(.plain(.set), place)
        case .binPut: memo[Int(try number(UInt8.self))] = try top(place)
        case .longBinPut: memo[Int(try number(UInt32.self))] = try top(place)
        case .memoize: memo[memo.count] = try top(place)
        case .binGet: try recall(Int(try number(UInt8.self)), place)
        case .longBinGet: try recall(Int(try number(UInt32.self)), place)
        case .global: try pushGlobal(try line(), try line(), place)
        case .stackGlobal: try stackGlobal(place)
        case .reduce: try reduce(place)
        case .build: try build(place)
        case .newObject: try newObject(keywords: false, place)
        case .newObjectEx: try newObject(keywords: true, place)
        case .binPersistentID: try persistentID(place)
        }
    }

    private func fault(_ place: Int, _ reason: String) -> PixArtError {
        .format("\(file.path): byte \(place): \(reason)")
    }

    private func hex(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }

    // MARK: Bytes

    /// The next bytes of the pickle.
    private mutating func take(_ count: UInt64) throws(PixArtError) -> Range<Int> {
        guard count <= UInt64(limit - end) else {
            throw fault(end, "the pickle ends after \(limit - end) bytes; expected \(count)")
        }
        let start = end
        end += Int(count)
        return start..<end
    }

    private mutating func number<Value: FixedWidthInteger>(_ type: Value.Type) throws(PixArtError) -> Value {
        file.bytes.little(type, at: try take(UInt64(MemoryLayout<Value>.size)).lowerBound)
    }

    /// A little-endian integer of two's complement, of any size.
    private mutating func integer(_ count: UInt64) throws(PixArtError) -> PickleValue {
        let bytes = file.bytes[try take(count)]
        guard let last = bytes.last else { return .integer(0) }
        let fill: UInt8 = last & 0x80 == 0 ? 0 : 0xFF
        var value = fill == 0 ? 0 : -1
        for byte in bytes.prefix(8).reversed() { value = value << 8 | Int(byte) }
        let isWhole = bytes.dropFirst(8).allSatisfy { $0 == fill } && (bytes.count < 8 || (value < 0) == (fill != 0))
        return isWhole ? .integer(value) : .plain(.largeInteger)
    }

    /// The text up to the next newline.
    private mutating func line() throws(PixArtError) -> Range<Int> {
        let start = end
        guard let newline = file.bytes[end..<limit].firstIndex(of: 0x0A) else {
            throw fault(start, "the pickle ends within a name; expected a newline")
        }
        end = newline + 1
        return start..<newline
    }

    private mutating func checkProtocol(_ place: Int) throws(PixArtError) {
        let version = try number(UInt8.self)
        guard (2...5).contains(version) else {
            throw fault(place, "pickle protocol \(version) is not supported; expected 2 to 5")
        }
    }

    // MARK: Stack and memo

    /// Counts values against what a pickle may have.
    private mutating func spend(_ count: Int, _ place: Int) throws(PixArtError) {
        guard count <= left else {
            throw fault(place, "the pickle has more than \(Self.mostValues) values; expected fewer")
        }
        left -= count
    }

    private mutating func push(_ value: PickleValue, _ place: Int) throws(PixArtError) {
        try spend(1, place)
        stack.append(value)
    }

    private mutating func mark(_ place: Int) throws(PixArtError) {
        try spend(1, place)
        marks.append(stack.count)
    }

    /// How many values above the last mark there are; at least `count`.
    private func require(_ count: Int, _ place: Int) throws(PixArtError) {
        let there = stack.count - (marks.last ?? 0)
        guard there >= count else {
            throw fault(place, "the opcode takes \(count) values, of which \(there) are on the stack")
        }
    }

    private func top(_ place: Int) throws(PixArtError) -> PickleValue {
        try require(1, place)
        return stack[stack.count - 1]
    }

    private mutating func pop(_ place: Int) throws(PixArtError) -> PickleValue {
        try require(1, place)
        return stack.removeLast()
    }

    /// Takes a value, or else a mark.
    private mutating func popAny(_ place: Int) throws(PixArtError) {
        if let mark = marks.last, mark == stack.count {
            marks.removeLast()
        } else {
            _ = try pop(place)
        }
    }

    /// Takes the last mark, and tells which values lie above it.
    private mutating func popMark(_ place: Int) throws(PixArtError) -> Range<Int> {
        guard let mark = marks.popLast() else { throw fault(place, "the opcode takes a mark; none is on the stack") }
        return mark..<stack.count
    }

    private mutating func recall(_ key: Int, _ place: Int) throws(PixArtError) {
        guard let value = memo[key] else { throw fault(place, "the memo has no value \(key)") }
        try push(value, place)
    }

    // MARK: Values

    private mutating func pushText(_ count: UInt64, _ place: Int) throws(PixArtError) {
        texts.append(try take(count))
        try push(.text(texts.count - 1), place)
    }

    private mutating func pushBytes(_ count: UInt64, _ place: Int) throws(PixArtError) {
        _ = try take(count)
        try push(.plain(.bytes), place)
    }

    /// Makes a tuple of the last values.
    private mutating func pushTuple(_ count: Int, _ place: Int) throws(PixArtError) {
        try require(count, place)
        let start = items.count
        items.append(contentsOf: stack.suffix(count))
        stack.removeLast(count)
        tuples.append(start..<items.count)
        try push(.tuple(tuples.count - 1), place)
    }

    private mutating func newList() -> PickleValue {
        lists.append([])
        return .list(lists.count - 1)
    }

    private mutating func newDictionary() -> PickleValue {
        dictionaries.append([])
        return .dictionary(dictionaries.count - 1)
    }

    private mutating func append(_ count: Int, _ place: Int) throws(PixArtError) {
        try require(count + 1, place)
        let target = stack[stack.count - count - 1]
        switch target {
        case .list(let index): lists[index].append(contentsOf: stack.suffix(count))
        case .opaque, .plain: break
        default: throw fault(place, "appends to \(describe(target)); expected a list")
        }
        stack.removeLast(count)
    }

    private mutating func setItems(_ count: Int, _ place: Int) throws(PixArtError) {
        try require(count + 1, place)
        guard count % 2 == 0 else { throw fault(place, "sets \(count) keys and values; expected an even number") }
        let target = stack[stack.count - count - 1]
        switch target {
        case .dictionary(let index):
            for item in stride(from: stack.count - count, to: stack.count, by: 2) {
                dictionaries[index].append((stack[item], stack[item + 1]))
            }
        case .opaque, .plain: break
        default: throw fault(place, "sets keys of \(describe(target)); expected a dictionary")
        }
        stack.removeLast(count)
    }

    // MARK: Objects

    private mutating func pushGlobal(_ module: Range<Int>, _ name: Range<Int>, _ place: Int) throws(PixArtError) {
        texts.append(module)
        texts.append(name)
        try pushGlobal(module: texts.count - 2, name: texts.count - 1, place)
    }

    private mutating func stackGlobal(_ place: Int) throws(PixArtError) {
        let (name, module) = (try pop(place), try pop(place))
        guard case .text(let nameText) = name, case .text(let moduleText) = module else {
            throw fault(place, "a global called \(name.kind) in \(module.kind); expected strings")
        }
        try pushGlobal(module: moduleText, name: nameText, place)
    }

    private mutating func pushGlobal(module: Int, name: Int, _ place: Int) throws(PixArtError) {
        var role = PickleGlobal.Role.foreign
        if let module = string(module, most: PickleGlobal.longest), let name = string(name, most: PickleGlobal.longest)
        {
            role = PickleGlobal.roles["\(module).\(name)"] ?? .foreign
        }
        globals.append(PickleGlobal(module: module, name: name, role: role))
        try push(.global(globals.count - 1), place)
    }

    /// What calling a global would give.
    private mutating func reduce(_ place: Int) throws(PixArtError) {
        let arguments = try pop(place)
        let callable = try pop(place)
        switch callable {
        case .global(let index): try push(try result(of: index, arguments, place), place)
        case .opaque, .plain(.object): try push(callable, place)
        default: throw fault(place, "calls \(describe(callable)); expected a class or function")
        }
    }

    private mutating func result(
        of global: Int, _ arguments: PickleValue, _ place: Int
    ) throws(PixArtError) -> PickleValue {
        guard case .tuple(let tuple) = arguments else { return .opaque(global) }
        let first = self.tuple(tuple).first
        switch globals[global].role {
        case .tensor(let hasType):
            tensors.append((hasType, tuple))
            return .tensor(tensors.count - 1)
        case .parameter:
            if case .tensor = first { return first ?? .none }
        case .size:
            if case .tuple = first { return first ?? .none }
        case .defaultDictionary:
            return newDictionary()
        case .dictionary:
            guard let first else { return newDictionary() }
            if case .list(let index) = first { return try dictionary(ofPairs: index, place) ?? .opaque(global) }
        case .foreign: break
        }
        return .opaque(global)
    }

    /// A dictionary of a list of pairs, as Python 2 writes it; nil if something else is in the list.
    private mutating func dictionary(ofPairs list: Int, _ place: Int) throws(PixArtError) -> PickleValue? {
        try spend(lists[list].count, place)
        var entries: [(key: PickleValue, value: PickleValue)] = []
        for pair in lists[list] {
            switch pair {
            case .list(let index) where lists[index].count == 2:
                entries.append((lists[index][0], lists[index][1]))
            case .tuple(let index) where tuples[index].count == 2:
                let start = tuples[index].lowerBound
                entries.append((items[start], items[start + 1]))
            default: return nil
            }
        }
        dictionaries.append(entries)
        return .dictionary(dictionaries.count - 1)
    }

    /// Sets the state of an object, which stays as it is: what is known has none, or none that matters.
    private mutating func build(_ place: Int) throws(PixArtError) {
        _ = try pop(place)
        _ = try top(place)
    }

    private mutating func newObject(keywords: Bool, _ place: Int) throws(PixArtError) {
        if keywords { _ = try pop(place) }
        _ = try pop(place)
        let type = try pop(place)
        switch type {
        case .global(let index):
            switch globals[index].role {
            case .dictionary, .defaultDictionary: try push(newDictionary(), place)
            default: try push(.opaque(index), place)
            }
        case .opaque, .plain(.object): try push(type, place)
        default: throw fault(place, "makes an object of \(describe(type)); expected a class")
        }
    }

    private mutating func persistentID(_ place: Int) throws(PixArtError) {
        let id = try pop(place)
        if case .tuple(let tuple) = id, let first = self.tuple(tuple).first, isText(first, "storage") {
            storages.append(tuple)
            try push(.storage(storages.count - 1), place)
        } else {
            try push(.plain(.object), place)
        }
    }
}
