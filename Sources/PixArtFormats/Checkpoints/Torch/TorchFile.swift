import PixArtStorage

/// A PyTorch checkpoint that `torch.save` wrote, mapped: the ZIP archive of PyTorch 1.6 and later, or the legacy form.
///
/// Opening reads the pickle, which runs no Python, and the directory of the storages. A tensor's pages are read when
/// they are touched, and storages of which no tensor is asked for are never touched.
package final class TorchFile: WeightSource {
    /// Far more than any of the networks has. Each takes up to two kilobytes of memory.
    private static let mostTensors = 1 << 16

    private let file: MappedFile
    private let storages: TorchStorages
    private let entries: [Name: TorchTensor]
    /// What stands in the place of tensors that only Python could make.
    private let opaque: [Name: String]

    /// Maps the file at `path`, and takes the tensors of one dictionary.
    ///
    /// - Parameters:
    ///   - weights: which dictionary. nil for `state_dict`, else `model`, else `module`, else the file's outermost one;
    ///     "ema" for `state_dict_ema`, else `ema`; any other text for the dictionary of that name.
    ///
    /// Fails with `.file`; and with `.format`, naming the file and the tensor or the byte, if the file is damaged, is
    /// none of these, has no such dictionary, or a tensor of it does not lie within its storage. Objects of Python that
    /// are not tensors do not matter. Time and memory are linear in the pickle.
    package init(path: String, weights: String? = nil) throws(PixArtError) {
        let file = try MappedFile(path: path)
        let (program, storages) = try Self.read(file)
        let dictionary = try Self.dictionary(of: program, weights: weights, path: path)
        self.file = file
        self.storages = storages
        (entries, opaque) = try Self.tensors(of: program, dictionary, storages, path: path)
    }

    /// Whether a ZIP archive has a pickle as `torch.save` names it, wherever it lies.
    static func isArchive(_ path: String) -> Bool {
        guard let file = try? MappedFile(path: path), let archive = try? ZipArchive(file) else { return false }
        return archive.entries.keys.contains { $0.text.hasSuffix("/data.pkl") }
    }

    /// The file's path.
    package var location: String { file.path }

    package var names: [String] { entries.keys.map(\.text) }

    package func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// The type, as safetensors names it, and the shape of each tensor.
    package var list: JSONValue {
        .object(
            entries.mapValues { tensor in
                .object([
                    "dtype": .string(tensor.type.name), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
                ])
            })
    }

    /// The tensor called `name`, or nil if the file has none. One that is not contiguous is copied each time. Fails
    /// with `.model` if its type is not an `ElementType`; with `.format` if only Python could make it, or if the file
    /// is damaged there; and with `.memory`.
    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            func fault(_ reason: String) -> PixArtError { .format("\(location): tensor \"\(name)\": \(reason)") }
            guard let tensor = entries[name] else {
                guard let found = opaque[name] else { return nil }
                throw fault("is \(found), which is not read; expected a tensor")
            }
            guard let type = tensor.type.element else {
                let known = ElementType.safetensors.map(\.rawValue).joined(separator: ", ")
                throw .model(
                    "\(location): tensor \"\(name)\": type \(tensor.type.name) is not supported; expected one of "
                        + known)
            }
            guard let storage = try storages.bytes(of: tensor.storage) else {
                throw fault("its storage \"\(tensor.storage)\" is not in the file")
            }
            let reach = storage.lowerBound + tensor.reach.lowerBound..<storage.lowerBound + tensor.reach.upperBound
            let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[reach])
            guard !tensor.reach.isEmpty, !tensor.isContiguous else {
                return StoredTensor(name: name, type: type, shape: tensor.shape, bytes: bytes, file: file)
            }
            let (buffer, gathered) = try tensor.gathered(from: bytes, fault: fault)
            return StoredTensor(
                name: name, type: type, shape: tensor.shape, bytes: gathered, location: location, owner: buffer)
        }
    }

    // MARK: The pickle and the storages

    private static func read(_ file: MappedFile) throws(PixArtError) -> (PickleProgram, TorchStorages) {
        switch FileKind(file.bytes) {
        case .torchArchive, .zip, .numpy: return try readArchive(file)
        case .legacyTorch: return try readLegacy(file)
        case let kind?: throw .format("\(file.path): \(kind.found); expected a PyTorch checkpoint: \(kind.remedy)")
        case nil: throw .format("\(file.path): is not a PyTorch checkpoint; expected a file that torch.save wrote")
        }
    }

    /// The archive has one folder of any name, with `data.pkl` and a file for each storage.
    private static func readArchive(_ file: MappedFile) throws(PixArtError) -> (PickleProgram, TorchStorages) {
        guard file.bytes.has("PK\u{3}\u{4}", at: 0) else { throw .format("\(file.path): is not a ZIP archive") }
        let archive = try ZipArchive(file)
        let folder = archive.first.flatMap { $0.name.text.utf8.split(separator: UInt8(ascii: "/")).first }
            .map { String(Substring($0)) }
        guard let folder, let pickle = archive.entries["\(folder)/data.pkl"] else {
            throw .format("\(file.path): is a ZIP archive without data.pkl; expected a file that torch.save wrote")
        }
        let code = Name("\(folder)/code/")
        guard archive.entries["\(folder)/constants.pkl"] == nil,
            !archive.entries.keys.contains(where: { $0.text.utf8.starts(with: code.text.utf8) })
        else {
            throw .format(
                "\(file.path): is a TorchScript program (it holds constants.pkl or code); expected a checkpoint: "
                    + "save the module's state_dict()")
        }
        if let order = archive.entries["\(folder)/byteorder"] {
            let text = file.bytes[try archive.content(of: order)]
            guard text.elementsEqual("little".utf8) else {
                let found = String(decoding: text.prefix(20), as: UTF8.self)
                throw .format("\(file.path): byteorder is \"\(found)\"; expected \"little\"")
            }
        }
        let range = try archive.content(of: pickle)
        return (try PickleProgram(file, range), .archive(archive, folder: folder))
    }

    /// Five pickles, one after another: a magic number, the protocol, facts about the machine, the object, and the keys
    /// of the storages, which follow.
    private static func readLegacy(_ file: MappedFile) throws(PixArtError) -> (PickleProgram, TorchStorages) {
        func next(_ start: Int) throws(PixArtError) -> PickleProgram {
            try PickleProgram(file, start..<file.bytes.count)
        }
        let version = try next(next(0).end)
        guard case .integer(1001) = version.root else {
            throw .format("\(file.path): the legacy protocol is not 1001, the only one that PyTorch has written")
        }
        let machine = try next(version.end)
        guard case .dictionary(let facts) = machine.root else {
            throw .format("\(file.path): \(machine.root.kind) tells of the machine; expected a dictionary")
        }
        for (key, value) in machine.dictionary(facts) where machine.isText(key, "little_endian") {
            guard case .bool(true) = value else {
                throw .format("\(file.path): little_endian is not True; expected a little-endian file")
            }
        }
        let program = try next(machine.end)
        let keys = try next(program.end)
        guard case .list(let list) = keys.root else {
            throw .format("\(file.path): the storages are listed by \(keys.root.kind); expected a list")
        }
        let storages = try TorchStorages.following(
            file, from: keys.end, keys: keys.list(list), keyProgram: keys, of: program)
        return (program, storages)
    }

    // MARK: The dictionary

    /// The index of the dictionary that holds the tensors.
    private static func dictionary(
        of program: PickleProgram, weights: String?, path: String
    ) throws(PixArtError) -> Int {
        guard case .dictionary(let top) = program.root else {
            throw .format(
                "\(path): holds \(program.describe(program.root)); expected a dictionary of tensors: save the "
                    + "module's state_dict()")
        }
        let candidates = weights.map { $0 == "ema" ? ["state_dict_ema", "ema"] : [$0] }
        for candidate in candidates ?? ["state_dict", "model", "module"] {
            let value = program.dictionary(top).last { program.isText($0.key, candidate) }?.value
            if case .dictionary(let index) = value { return index }
        }
        guard let candidates else { return top }
        throw .format(
            "\(path): has no dictionary \(candidates.joined(separator: " or ")); its keys are "
                + keys(of: program, top))
    }

    /// The first keys of a dictionary, for messages.
    private static func keys(of program: PickleProgram, _ dictionary: Int) -> String {
        let most = 20
        let entries = program.dictionary(dictionary)
        let keys = entries.prefix(most).map { key, _ in
            if case .text(let text) = key, let name = program.string(text, most: 200) {
                "\"\(name)\""
            } else {
                key.kind
            }
        }
        return keys.joined(separator: ", ") + (entries.count > most ? " and \(entries.count - most) more" : "")
    }

    /// The tensors of a dictionary, and what stands in the place of others.
    private static func tensors(
        of program: PickleProgram, _ dictionary: Int, _ storages: TorchStorages, path: String
    ) throws(PixArtError) -> ([Name: TorchTensor], [Name: String]) {
        var tensors: [Name: TorchTensor] = [:]
        var opaque: [Name: String] = [:]
        // The last entry of a key counts. Keys that the pickle has once and uses often are looked at once.
        var seen: Set<Int> = []
        for (key, value) in program.dictionary(dictionary).reversed() {
            guard case .text(let text) = key, seen.insert(text).inserted else { continue }
            switch value {
            case .tensor, .opaque: break
            default: continue
            }
            guard let string = program.string(text), !string.utf8.contains(0) else {
                throw .format(
                    "\(path): byte \(program.place(of: text)): the name of a tensor is not UTF-8 or holds NUL")
            }
            let name = Name(string)
            guard tensors[name] == nil, opaque[name] == nil else { continue }
            guard tensors.count + opaque.count < Self.mostTensors else {
                throw .format("\(path): holds more than \(Self.mostTensors) tensors; expected fewer")
            }
            if case .tensor(let index) = value {
                tensors[name] = try TorchTensor(program, index, in: storages) { reason in
                    .format("\(path): tensor \"\(name)\": \(reason)")
                }
            } else {
                opaque[name] = program.describe(value)
            }
        }
        guard !tensors.isEmpty || !opaque.isEmpty else {
            let keys = keys(of: program, dictionary)
            throw .format(
                "\(path): holds no tensors; expected some in a dictionary whose keys are "
                    + (keys.isEmpty ? "their names, which is empty" : keys))
        }
        return (tensors, opaque)
    }
}
