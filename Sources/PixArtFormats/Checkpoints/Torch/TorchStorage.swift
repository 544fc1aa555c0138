import PixArtStorage

/// Elements that tensors share, as a persistent id of the pickle describes them.
struct TorchStorage: Sendable {
    let key: Name
    let type: TorchType
    /// Elements of the whole storage.
    let count: Int
    /// The elements that tensors count from and may reach: all, or a window of the storage in old files.
    let window: Range<Int>

    /// Bytes of the longest key. PyTorch's are numbers.
    private static let longestKey = 64

    /// Reads ("storage", class, key, device, count) and, in the legacy form, a sixth item: None or (key, offset,
    /// count).
    init(_ program: PickleProgram, _ index: Int, fault: (String) -> PixArtError) throws(PixArtError) {
        let id = Array(program.tuple(program.storages[index]).prefix(7))
        guard id.count == 5 || id.count == 6 else { throw fault("its storage does not have 5 or 6 items") }
        guard case .global(let kind) = id[1] else { throw fault("the class of a storage is \(id[1].kind)") }
        guard case .text(let text) = id[2], let key = program.string(text, most: Self.longestKey) else {
            throw fault("the key of a storage is \(id[2].kind); expected a string of \(Self.longestKey) bytes at most")
        }
        guard case .integer(let count) = id[4], count >= 0 else {
            throw fault("the size of storage \"\(key)\" is no count; expected an integer from 0 to \(Int.max)")
        }
        self.key = Name(key)
        self.count = count
        type = program.name(ofGlobal: kind).map { TorchType(storageClass: $0.module, $0.name) } ?? .unnamed
        window = try id.count == 6 ? Self.window(program, id[5], key: key, count: count, fault: fault) : 0..<count
    }

    private static func window(
        _ program: PickleProgram, _ value: PickleValue, key: String, count: Int, fault: (String) -> PixArtError
    ) throws(PixArtError) -> Range<Int> {
        switch value {
        case .none: return 0..<count
        case .tuple(let index):
            let view = Array(program.tuple(index).prefix(4))
            guard view.count == 3, case .integer(let start) = view[1], case .integer(let length) = view[2] else {
                break
            }
            guard start >= 0, length >= 0, start <= count, length <= count - start else {
                throw fault("\(length) elements from \(start) of storage \"\(key)\", which has \(count)")
            }
            return start..<start + length
        default: break
        }
        throw fault("a view of storage \"\(key)\" is \(value.kind); expected None or (key, offset, size)")
    }
}

/// Where the storages of a file are. Each is looked at when it is asked for, and not before.
enum TorchStorages: Sendable {
    /// A ZIP entry for each, in this folder of the archive.
    case archive(ZipArchive, folder: String)
    /// One after another, each with the count of its elements in front: the position of the count.
    case sequence(MappedFile, [Name: Place])

    struct Place {
        let start: Int
        let count: Int
        let bytes: Int
    }

    /// Bytes of a storage, by what the file says without looking at it; nil if it is not there.
    func size(of key: Name) -> Int? {
        switch self {
        case .archive(let archive, let folder): archive.entries["\(folder)/data/\(key)"]?.size
        case .sequence(_, let places): places[key]?.bytes
        }
    }

    /// Where the bytes of a storage are in the file; nil if it is not there.
    func bytes(of key: Name) throws(PixArtError) -> Range<Int>? {
        switch self {
        case .archive(let archive, let folder):
            guard let entry = archive.entries["\(folder)/data/\(key)"] else { return nil }
            return try archive.content(of: entry)
        case .sequence(let file, let places):
            guard let place = places[key] else { return nil }
            let count = file.bytes.little(Int64.self, at: place.start)
            guard count == Int64(place.count) else {
                throw .format(
                    "\(file.path): byte \(place.start): storage \"\(key)\" has \(count) elements; expected "
                        + "\(place.count), as the pickle says")
            }
            return place.start + 8..<place.start + 8 + place.bytes
        }
    }

    /// Finds storages that lie one after another from `start` on, in the order of `keys`.
    static func following(
        _ file: MappedFile, from start: Int, keys: [PickleValue], keyProgram: PickleProgram, of program: PickleProgram
    ) throws(PixArtError) -> TorchStorages {
        func fault(_ reason: String) -> PixArtError { .format("\(file.path): \(reason)") }
        var storages: [Name: TorchStorage] = [:]
        for index in program.storages.indices {
            let storage = try TorchStorage(program, index, fault: fault)
            if let other = storages.updateValue(storage, forKey: storage.key) {
                guard other.type == storage.type, other.count == storage.count else {
                    throw fault(
                        "storage \"\(storage.key)\" has \(other.count) elements of \(other.type.name), and "
                            + "\(storage.count) of \(storage.type.name)")
                }
            }
        }
        var places: [Name: Place] = [:]
        var position = start
        for key in keys {
            guard case .text(let text) = key, let name = keyProgram.string(text, most: 64) else {
                throw fault("a storage is called \(key.kind); expected a string of 64 bytes at most")
            }
            guard let storage = storages[name] else {
                throw fault("storage \"\(name)\" belongs to no tensor, so that its size is not known")
            }
            guard let size = storage.type.size else {
                throw fault("storage \"\(name)\" is of \(storage.type.name), whose size is not known")
            }
            let (bytes, overflow) = storage.count.multipliedReportingOverflow(by: size)
            let left = file.bytes.count - position
            guard !overflow, left >= 8, bytes <= left - 8 else {
                throw fault(
                    "truncated: storage \"\(name)\" of \(storage.count) elements from byte \(position), where "
                        + "\(left) bytes are left; an interrupted download ends so")
            }
            let place = Place(start: position, count: storage.count, bytes: bytes)
            guard places.updateValue(place, forKey: storage.key) == nil else {
                throw fault("storage \"\(name)\" is there twice")
            }
            position += 8 + bytes
        }
        return .sequence(file, places)
    }
}

extension TorchType {
    /// Of a class whose name is too long to be one of PyTorch's.
    fileprivate static let unnamed = TorchType(storageClass: "a module", "of a long name")
}
