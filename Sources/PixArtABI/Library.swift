import CPixArt
import CProcess
import Glibc
import PixArtFormats
import PixArtStages

// Status, errors, version and schemas: functions without a handle.

@_cdecl("pixart_version") @implementation
public func pixart_version() -> UnsafePointer<CChar>? { version }

@_cdecl("pixart_status_name") @implementation
public func pixart_status_name(_ status: pixart_status) -> UnsafePointer<CChar>? {
    switch status {
    case PIXART_OK: constant("PIXART_OK")
    case PIXART_ERROR_ARGUMENT: constant("PIXART_ERROR_ARGUMENT")
    case PIXART_ERROR_OPTION: constant("PIXART_ERROR_OPTION")
    case PIXART_ERROR_STATE: constant("PIXART_ERROR_STATE")
    case PIXART_ERROR_FILE: constant("PIXART_ERROR_FILE")
    case PIXART_ERROR_FORMAT: constant("PIXART_ERROR_FORMAT")
    case PIXART_ERROR_MODEL: constant("PIXART_ERROR_MODEL")
    case PIXART_ERROR_MEMORY: constant("PIXART_ERROR_MEMORY")
    case PIXART_CANCELLED: constant("PIXART_CANCELLED")
    case PIXART_ERROR_INTERNAL: constant("PIXART_ERROR_INTERNAL")
    default: constant("unknown status")
    }
}

@_cdecl("pixart_error_message") @implementation
public func pixart_error_message() -> UnsafePointer<CChar>? { LastError.message }

@_cdecl("pixart_options_schema") @implementation
public func pixart_options_schema(_ verb: UnsafePointer<CChar>?) -> UnsafePointer<CChar>? {
    var host = fenv_t()
    native_floating_point_begin(&host)
    defer { native_floating_point_end(&host) }
    guard let verb else { return verbs }
    return schemas[String(cString: verb)]
}

@_cdecl("pixart_string_release") @implementation
public func pixart_string_release(_ string: UnsafeMutablePointer<CChar>?) { string?.deallocate() }

/// A literal as C text. Never released.
private func constant(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// The version of the header as C text. Made on first use and never released.
private nonisolated(unsafe) let version = UnsafePointer(
    copyCString("\(PIXART_VERSION_MAJOR).\(PIXART_VERSION_MINOR).\(PIXART_VERSION_PATCH)"))

/// The names of the verbs as C text. Made on first use and never released.
private nonisolated(unsafe) let verbs = UnsafePointer(
    copyCString(JSONValue.array(Verbs.all.map { .string($0.verb) }).serialized()))

/// The schemas as C text. Made on first use and never released.
private nonisolated(unsafe) let schemas: [String: UnsafePointer<CChar>] = Dictionary(
    uniqueKeysWithValues: Verbs.all.map {
        ($0.verb, UnsafePointer(copyCString($0.schema.json.serialized(pretty: true))))
    })
