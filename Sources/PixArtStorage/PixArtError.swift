import CPixArt
import Glibc

/// Any failure of the library: a status of the C header and a message for a person.
///
/// The message names the file, tensor, key or argument, what was found and what was expected. Names and values in it
/// are printable, whatever the file or host contains.
package struct PixArtError: Error, Equatable {
    package let status: pixart_status
    package let message: String

    private init(_ status: pixart_status, _ message: String) {
        self.status = status
        self.message = message.printable
    }

    package static func argument(_ message: String) -> PixArtError { .init(PIXART_ERROR_ARGUMENT, message) }
    package static func option(_ message: String) -> PixArtError { .init(PIXART_ERROR_OPTION, message) }
    package static func state(_ message: String) -> PixArtError { .init(PIXART_ERROR_STATE, message) }
    package static func file(_ message: String) -> PixArtError { .init(PIXART_ERROR_FILE, message) }
    package static func format(_ message: String) -> PixArtError { .init(PIXART_ERROR_FORMAT, message) }
    package static func model(_ message: String) -> PixArtError { .init(PIXART_ERROR_MODEL, message) }
    package static func memory(_ message: String) -> PixArtError { .init(PIXART_ERROR_MEMORY, message) }
    package static var outOfMemory: PixArtError { .memory("an allocation failed; expected enough memory for the call") }
    package static func `internal`(_ message: String) -> PixArtError { .init(PIXART_ERROR_INTERNAL, message) }
    package static var cancelled: PixArtError { .init(PIXART_CANCELLED, "cancelled by the progress callback") }

    /// A failed system call on `path`, with the error `code`. `.memory` for ENOMEM, else `.file`.
    package static func system(_ path: String, _ what: String, _ code: Int32 = errno) -> PixArtError {
        let message = "\(path): \(what): \(String(cString: strerror(code)))"
        return code == ENOMEM ? .memory(message) : .file(message)
    }
}
