internal import CPixArt
internal import PixArtStorage

/// A failure of the library: what kind it is, and a message for a person.
///
/// The message names the file, tensor, option or argument, what was found and what was expected. A call whose task is
/// cancelled throws `CancellationError` instead.
public struct PixArtError: Error, Hashable, Sendable {
    /// The kinds of failures. Their values are those of `pixart_status` in C, and are never reused.
    public enum Status: Int32, CaseIterable, Sendable {
        /// The call: a value does not fit, such as a tensor of another shape.
        case argument = 101
        /// The call: an option is unknown, of the wrong type or out of range.
        case option = 102
        /// The call: the object cannot do this now. For example, a finished run has no next step.
        case state = 103
        /// Files: a file is missing, or cannot be read or written.
        case file = 201
        /// Files: a file is not what its name says: truncated, malformed, inconsistent.
        case format = 202
        /// Files: a well-formed checkpoint that does not fit.
        case model = 203
        /// Resources: out of memory.
        case memory = 301
        /// The library: a defect. Please report it with the message.
        case `internal` = 901

        /// The name of the status in C, such as "PIXART_ERROR_OPTION".
        public var name: String { "PIXART_ERROR_\("\(self)".uppercased())" }
    }

    public let status: Status
    public let message: String

    /// An error of the host's own, for example in a test that replaces the library.
    public init(_ status: Status, _ message: String) {
        self.status = status
        self.message = message
    }

    init(_ error: PixArtStorage.PixArtError) {
        self.init(Status(rawValue: error.status) ?? .internal, error.message)
    }
}

extension PixArtError: CustomStringConvertible {
    /// The name of the status and the message.
    public var description: String { "\(status.name): \(message)" }
}

/// Calls the library, and throws its errors as those that hosts see.
func translatingErrors<Result>(
    _ body: () throws(PixArtStorage.PixArtError) -> Result
) throws(PixArtError) -> Result {
    do { return try body() } catch { throw PixArtError(error) }
}

/// Text that the system reads up to its first NUL, such as a path. Fails with `.argument` if it contains one.
func withoutNUL(_ text: String, _ name: String) throws(PixArtStorage.PixArtError) -> String {
    guard !text.utf8.contains(0) else { throw .argument("\(name) contains a NUL character; expected a path without") }
    return text
}
