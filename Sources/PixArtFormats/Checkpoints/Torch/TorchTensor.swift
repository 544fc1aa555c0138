import PixArtStorage

/// A tensor of a PyTorch checkpoint: a view of a storage.
struct TorchTensor: Sendable {
    let type: TorchType
    let shape: [Int]
    /// Elements from one index of a dimension to the next; 0 for a dimension of 1.
    let strides: [Int]
    /// The bytes of the storage that the view reaches, empty if it has no elements or if the type's size is not known.
    let reach: Range<Int>
    let storage: Name

    /// The most dimensions that a tensor may have, as in PyTorch.
    private static let mostDimensions = 64

    /// Reads (storage, offset, size, stride, ...) and, where there is one, the type; offset and stride count elements.
    ///
    /// The view must lie within its storage, and the storage must be in the file with the bytes that it should have.
    /// Fails with what `fault` makes of a reason.
    init(
        _ program: PickleProgram, _ index: Int, in storages: TorchStorages, fault: (String) -> PixArtError
    ) throws(PixArtError) {
        let (hasType, tuple) = program.tensors[index]
        let arguments = Array(program.tuple(tuple).prefix(7))
        guard arguments.count >= (hasType ? 7 : 4) else {
            throw fault("is made of \(arguments.count) arguments; expected a storage, offset, size, stride and type")
        }
        guard case .storage(let id) = arguments[0] else {
            throw fault("its storage is \(program.describe(arguments[0])); expected one in the file")
        }
        let storage = try TorchStorage(program, id, fault: fault)
        guard case .integer(let offset) = arguments[1], offset >= 0 else {
            throw fault("its offset is no count; expected an integer from 0 to \(Int.max)")
        }
        shape = try Self.counts(program, arguments[2], "shape", fault: fault)
        let strides = try Self.counts(program, arguments[3], "stride", fault: fault)
        guard shape.count == strides.count else {
            throw fault("shape \(shape) has \(shape.count) dimensions, and stride \(strides) has \(strides.count)")
        }
        self.strides = zip(shape, strides).map { $0 == 1 ? 0 : $1 }
        self.storage = storage.key
        type = try Self.type(program, hasType ? arguments[6] : nil, storage: storage, fault: fault)
        guard let size = type.size, let storageSize = storage.type.size else {
            reach = 0..<0
            return
        }
        let bytes = try Self.check(storage, size: storageSize, in: storages, fault: fault)
        guard let count = shape.elementCount, count.multipliedReportingOverflow(by: size).overflow == false else {
            throw fault("shape \(shape) of \(type.name) has more bytes than can be counted")
        }
        guard count > 0 else {
            reach = 0..<0
            return
        }
        guard let last = Self.last(shape, strides, from: offset),
            let end = Self.product(last, plus: 1, times: size), end <= bytes.count
        else {
            throw fault(
                "shape \(shape) of \(type.name) with stride \(strides) from element \(offset) leaves its storage "
                    + "\"\(storage.key)\" of \(bytes.count) bytes")
        }
        reach = bytes.lowerBound + offset * size..<bytes.lowerBound + end
    }

    /// Whether its elements lie one after another in the order of their indices.
    var isContiguous: Bool {
        var expected = 1
        for (dimension, stride) in zip(shape, strides).reversed() where dimension != 1 {
            guard stride == expected || dimension == 0 else { return false }
            expected *= dimension
        }
        return true
    }

    /// The type: the last argument if there is one and the storage's bytes can be counted, or else the storage's.
    private static func type(
        _ program: PickleProgram, _ argument: PickleValue?, storage: TorchStorage, fault: (String) -> PixArtError
    ) throws(PixArtError) -> TorchType {
        guard let argument, storage.type.size != nil else { return storage.type }
        guard case .global(let index) = argument, let (module, name) = program.name(ofGlobal: index) else {
            throw fault("its type is \(program.describe(argument)); expected one of PyTorch's")
        }
        return TorchType(dtype: module, name)
    }

    /// The bytes of the storage that the tensor may reach, of a storage that is in the file.
    private static func check(
        _ storage: TorchStorage, size: Int, in storages: TorchStorages, fault: (String) -> PixArtError
    ) throws(PixArtError) -> Range<Int> {
        guard let there = storages.size(of: storage.key) else {
            throw fault("its storage \"\(storage.key)\" is not in the file")
        }
        let (expected, overflow) = storage.count.multipliedReportingOverflow(by: size)
        guard !overflow, there == expected else {
            throw fault(
                "its storage \"\(storage.key)\" has \(there) bytes; expected \(storage.count) elements of "
                    + "\(storage.type.name)")
        }
        return storage.window.lowerBound * size..<storage.window.upperBound * size
    }

    /// A tuple of integers of at least 0.
    private static func counts(
        _ program: PickleProgram, _ value: PickleValue, _ what: String, fault: (String) -> PixArtError
    ) throws(PixArtError) -> [Int] {
        guard case .tuple(let index) = value else {
            throw fault("its \(what) is \(program.describe(value)); expected a tuple")
        }
        let items = program.tuple(index)
        guard items.count <= mostDimensions else {
            throw fault("its \(what) has \(items.count) dimensions; expected \(mostDimensions) at most")
        }
        var counts: [Int] = []
        for item in items {
            guard case .integer(let count) = item, count >= 0 else {
                var found = program.describe(item)
                if case .integer(let count) = item { found = "\(count)" }
                throw fault("its \(what) holds \(found); expected integers from 0 to \(Int.max)")
            }
            counts.append(count)
        }
        return counts
    }

    /// The last element of the storage that a view with elements reaches; nil if it cannot be counted.
    private static func last(_ shape: [Int], _ strides: [Int], from offset: Int) -> Int? {
        var last = offset
        for (dimension, stride) in zip(shape, strides) {
            let (step, overflow) = (dimension - 1).multipliedReportingOverflow(by: stride)
            let (sum, tooLarge) = last.addingReportingOverflow(step)
            if overflow || tooLarge { return nil }
            last = sum
        }
        return last
    }

    private static func product(_ value: Int, plus one: Int, times size: Int) -> Int? {
        let (sum, tooLarge) = value.addingReportingOverflow(one)
        let (product, overflow) = sum.multipliedReportingOverflow(by: size)
        return tooLarge || overflow ? nil : product
    }
}

extension TorchTensor {
    /// The most bytes of a tensor that repeats the elements of its storage.
    private static let mostRepeated = 1 << 28

    /// Elements of a view that is not contiguous, one after another in memory of their own. `bytes` are those that the
    /// view reaches. Fails with `.memory`, and with what `fault` makes of a reason if the tensor repeats elements so
    /// often that no weight can be meant.
    func gathered(
        from bytes: UnsafeRawBufferPointer, fault: (String) -> PixArtError
    ) throws(PixArtError) -> (AlignedBuffer, UnsafeRawBufferPointer) {
        let size = type.size ?? 1
        let count = shape.reduce(size, *)
        guard count <= max(bytes.count, Self.mostRepeated) else {
            throw fault(
                "shape \(shape) repeats the elements of a storage in \(count) bytes; expected \(Self.mostRepeated) "
                    + "at most")
        }
        let buffer = try AlignedBuffer(count: (count + 3) / 4)
        let target = UnsafeMutableRawBufferPointer(start: buffer.start, count: count)
        switch size {
        case 1: gather(UInt8.self, bytes, target)
        case 2: gather(UInt16.self, bytes, target)
        default: gather(UInt32.self, bytes, target)
        }
        return (buffer, UnsafeRawBufferPointer(target))
    }

    private func gather<Element: FixedWidthInteger>(
        _ type: Element.Type, _ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Element>.size
        let inner = shape.last ?? 1
        let step = (strides.last ?? 0) * size
        var index = [Int](repeating: 0, count: max(0, shape.count - 1))
        var start = 0
        var written = 0
        while written < target.count {
            var place = start
            for _ in 0..<inner {
                target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: place, as: type), toByteOffset: written, as: type)
                place += step
                written += size
            }
            var dimension = index.count - 1
            while dimension >= 0 {
                index[dimension] += 1
                start += strides[dimension] * size
                if index[dimension] < shape[dimension] { break }
                start -= shape[dimension] * strides[dimension] * size
                index[dimension] = 0
                dimension -= 1
            }
        }
    }
}
