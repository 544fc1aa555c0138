import CPixArt
import CProcess
import Glibc
import PixArtCompute
import PixArtFormats
import PixArtStages
import PixArtStorage

// What every export does: check the arguments from C, convert them, call, and store the result.

/// Runs `body` in the default floating-point environment. Turns an error into a status and the thread's message. If an
/// allocation failed, the call fails with `.memory`, whatever `body` returned. A call within a progress callback does
/// not change the failures of the outer call.
func returnStatus(_ progress: CallProgress.Callback? = nil, _ body: () throws(PixArtError) -> Void) -> pixart_status {
    var host = fenv_t()
    native_floating_point_begin(&host)
    defer { native_floating_point_end(&host) }
    let outerHasFailed = AllocationFailure.take()
    defer { if outerHasFailed { AllocationFailure.note() } }
    var failure: PixArtError?
    do { try CallProgress.run(progress, body) } catch { failure = error }
    if AllocationFailure.take() { failure = .outOfMemory }
    guard let failure else { return PIXART_OK }
    LastError.set(failure.message)
    _ = AllocationFailure.take()
    return failure.status
}

/// Runs `body` and returns its result through `out`. On failure `out` holds NULL.
func returnHandle<Object: AnyObject>(
    _ out: UnsafeMutablePointer<OpaquePointer?>?, _ progress: CallProgress.Callback? = nil,
    _ body: () throws(PixArtError) -> Object
) -> pixart_status {
    out?.pointee = nil
    return returnStatus(progress) { () throws(PixArtError) in
        let out = try required(out, "out")
        let object = try body()
        try AllocationFailure.check()
        out.pointee = OpaquePointer(Unmanaged.passRetained(object).toOpaque())
    }
}

/// Runs `body` and returns its result as JSON through `report`. On failure `report` holds NULL.
func returnJSON(
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ body: () throws(PixArtError) -> JSONValue
) -> pixart_status {
    report?.pointee = nil
    return returnStatus { () throws(PixArtError) in
        let report = try required(report, "report")
        let text = copyCString(try body().serialized())
        guard !AllocationFailure.take() else {
            text.deallocate()
            throw .outOfMemory
        }
        report.pointee = text
    }
}

/// The object behind a handle, kept alive for the call. Fails with `.state` if another process opened it.
func object<Object: ProcessBound>(
    _ handle: OpaquePointer?, _ type: Object.Type, _ name: String
) throws(PixArtError) -> Object {
    let object = reference(try required(handle, name), type).takeUnretainedValue()
    guard object.process == .current else {
        throw .state(
            "\(name): was opened in process \(object.process.id), before fork(); expected a handle that this process opened"
        )
    }
    return object
}

/// Releases the caller's reference to an object. An object that a forked child inherited is not released: its threads
/// do not exist in the child, and one of them may have been changing it.
func release<Object: ProcessBound>(_ handle: OpaquePointer?, _ type: Object.Type) {
    guard let reference = handle.map({ reference($0, type) }), reference.takeUnretainedValue().process == .current
    else { return }
    reference.release()
}

/// The Swift object of a handle.
func reference<Object: AnyObject>(_ handle: OpaquePointer, _ type: Object.Type) -> Unmanaged<Object> {
    .fromOpaque(UnsafeRawPointer(handle))
}

/// A pointer that must not be NULL.
func required<Pointer>(_ pointer: Pointer?, _ name: String) throws(PixArtError) -> Pointer {
    guard let pointer else { throw .argument("\(name) is NULL") }
    return pointer
}

/// Text that must not be NULL and must be UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(PixArtError) -> String {
    guard let text = String(validatingCString: try required(pointer, name)) else {
        throw .argument("\(name) is not well-formed UTF-8")
    }
    return text
}

/// The options of a call. NULL means the defaults.
func options<Options: VerbOptions>(_ pointer: UnsafePointer<CChar>?) throws(PixArtError) -> Options {
    try Options(json: pointer == nil ? nil : text(pointer, "options"))
}

/// A copy of text for C, released with `pixart_string_release`.
func copyCString(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    bytes.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: bytes.count) }
    return copy
}

/// The host's progress callback, as stages call it. It runs in the floating-point environment that holds now. nil for
/// NULL.
func progress(
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?
) -> CallProgress.Callback? {
    guard let callback else { return nil }
    var host = fenv_t()
    fegetenv(&host)
    return { step, steps, fraction in
        native_floating_point_end(&host)
        defer { native_floating_point_begin(&host) }
        return callback(context, Int64(step), Int64(steps), fraction) == 0
    }
}

/// The message of each thread's last failed call.
enum LastError {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { $0?.assumingMemoryBound(to: CChar.self).deallocate() }
        return key
    }()

    private nonisolated(unsafe) static let none = UnsafePointer(copyCString(""))

    static var message: UnsafePointer<CChar> {
        pthread_getspecific(key).map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) } ?? none
    }

    static func set(_ message: String) {
        pthread_getspecific(key)?.assumingMemoryBound(to: CChar.self).deallocate()
        pthread_setspecific(key, copyCString(message))
    }
}
