import CPixArt
import PixArtFormats
import PixArtStorage

/// What a `pixart_tensor *` points to: a tensor, and its shape as C reads it.
final class TensorHandle {
    let tensor: Tensor
    let shape: UnsafeMutablePointer<Int64>

    init(_ tensor: Tensor) {
        self.tensor = tensor
        shape = .allocate(capacity: max(tensor.shape.count, 1))
        shape.initialize(repeating: 0, count: max(tensor.shape.count, 1))
        for (index, dimension) in tensor.shape.enumerated() { shape[index] = Int64(dimension) }
    }

    deinit { shape.deallocate() }
}

private func handle(_ tensor: OpaquePointer?) -> TensorHandle? {
    tensor.map { reference($0, TensorHandle.self).takeUnretainedValue() }
}

/// The tensor behind a handle.
func tensor(_ tensor: OpaquePointer?, _ name: String) throws(PixArtError) -> Tensor {
    reference(try required(tensor, name), TensorHandle.self).takeUnretainedValue().tensor
}

@_cdecl("pixart_tensor_create") @implementation
public func pixart_tensor_create(
    _ type: Int32, _ rank: Int, _ shape: UnsafePointer<Int64>?, _ data: UnsafeRawPointer?, _ size: Int,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        let element: Tensor.Element
        switch type {
        case PIXART_FLOAT32: element = .float32
        case PIXART_UINT8: element = .uint8
        default: throw .argument("type is \(type); expected PIXART_FLOAT32 or PIXART_UINT8")
        }
        guard (0...Int(PIXART_MAX_RANK)).contains(rank) else {
            throw .argument("rank is \(UInt(bitPattern: rank)); expected 0 to \(PIXART_MAX_RANK)")
        }
        let dimensions =
            rank == 0 ? [] : UnsafeBufferPointer(start: try required(shape, "shape"), count: rank).map { Int($0) }
        guard dimensions.allSatisfy({ $0 >= 0 }) else {
            throw .argument("shape is \(dimensions); expected no negative dimension")
        }
        guard let bytes = Tensor.bytes(element, dimensions), bytes == size else {
            throw .argument("size is \(UInt(bitPattern: size)) bytes; expected the size of \(element) \(dimensions)")
        }
        let source = UnsafeRawBufferPointer(start: bytes == 0 ? nil : try required(data, "data"), count: bytes)
        return TensorHandle(try Tensor(element, shape: dimensions) { $0.copyMemory(from: source) })
    }
}

@_cdecl("pixart_tensor_type") @implementation
public func pixart_tensor_type(_ tensor: OpaquePointer?) -> Int32 {
    switch handle(tensor)?.tensor.element {
    case .float32: PIXART_FLOAT32
    case .uint8: PIXART_UINT8
    case nil: 0
    }
}

@_cdecl("pixart_tensor_rank") @implementation
public func pixart_tensor_rank(_ tensor: OpaquePointer?) -> Int { handle(tensor)?.tensor.shape.count ?? 0 }

@_cdecl("pixart_tensor_shape") @implementation
public func pixart_tensor_shape(_ tensor: OpaquePointer?) -> UnsafePointer<Int64>? {
    (handle(tensor)?.shape).map { UnsafePointer($0) }
}

@_cdecl("pixart_tensor_data") @implementation
public func pixart_tensor_data(_ tensor: OpaquePointer?) -> UnsafeRawPointer? {
    handle(tensor)?.tensor.bytes.baseAddress
}

@_cdecl("pixart_tensor_size") @implementation
public func pixart_tensor_size(_ tensor: OpaquePointer?) -> Int { handle(tensor)?.tensor.bytes.count ?? 0 }

@_cdecl("pixart_tensor_release") @implementation
public func pixart_tensor_release(_ tensor: OpaquePointer?) {
    tensor.map { reference($0, TensorHandle.self).release() }
}

@_cdecl("pixart_tensors_save") @implementation
public func pixart_tensors_save(
    _ path: UnsafePointer<CChar>?, _ count: Int, _ names: UnsafePointer<UnsafePointer<CChar>?>?,
    _ tensors: UnsafePointer<OpaquePointer?>?
) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        let path = try text(path, "path")
        let (names, handles) = (try array(names, count, "names"), try array(tensors, count, "tensors"))
        var entries: [SafetensorsWriter.Tensor] = []
        for index in 0..<count {
            let name = try text(names[index], "names[\(index)]")
            let tensor = try tensor(handles[index], "tensors[\(index)]")
            entries.append((name, tensor.element == .float32 ? .float32 : .uint8, tensor.shape, tensor.bytes))
        }
        try SafetensorsWriter.write(path: path, tensors: entries)
    }
}

@_cdecl("pixart_tensors_load") @implementation
public func pixart_tensors_load(
    _ path: UnsafePointer<CChar>?, _ count: Int, _ names: UnsafePointer<UnsafePointer<CChar>?>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    if let out, (1...maximumCount).contains(count) { out.update(repeating: nil, count: count) }
    return returnStatus { () throws(PixArtError) in
        let path = try text(path, "path")
        let pointers = try array(names, count, "names")
        let out = count == 0 ? out : try required(out, "out")
        var names: [String] = []
        for index in 0..<count { names.append(try text(pointers[index], "names[\(index)]")) }
        let file = try SafetensorsFile(path: path)
        var loaded: [TensorHandle] = []
        for name in names {
            guard let stored = try file[name] else {
                throw .model("\(file.location): tensor \"\(name)\" is missing; expected one of that name")
            }
            guard stored.shape.count <= Int(PIXART_MAX_RANK) else {
                throw .model(
                    "\(file.location): tensor \"\(name)\" has \(stored.shape.count) dimensions; expected at most "
                        + "\(PIXART_MAX_RANK)")
            }
            loaded.append(TensorHandle(try Tensor(stored)))
        }
        try AllocationFailure.check()
        for (index, handle) in loaded.enumerated() {
            out?[index] = OpaquePointer(Unmanaged.passRetained(handle).toOpaque())
        }
    }
}

@_cdecl("pixart_tensors_list") @implementation
public func pixart_tensors_list(
    _ path: UnsafePointer<CChar>?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try SafetensorsFile(path: text(path, "path")).list }
}

/// Most tensors that one call may read.
private let maximumCount = 1 << 24

/// An array of `count` elements from C. May be NULL if `count` is 0.
private func array<Element>(
    _ start: UnsafePointer<Element>?, _ count: Int, _ name: String
) throws(PixArtError) -> UnsafeBufferPointer<Element> {
    guard (0...maximumCount).contains(count) else {
        throw .argument("count is \(UInt(bitPattern: count)); expected 0 to \(maximumCount)")
    }
    return UnsafeBufferPointer(start: count == 0 ? nil : try required(start, name), count: count)
}
