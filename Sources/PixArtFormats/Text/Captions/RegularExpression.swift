import CLibraries
import PixArtStorage
import Synchronization

/// A PCRE2 pattern over UTF-8 text or bytes. Thread-safe.
///
/// The first search compiles the pattern. If it runs out of memory, this search fails and the next one tries again.
///
/// PCRE2's shorthands (`\w`, `\d`, `\s`, `\b`) know only ASCII and differ between releases, so patterns here use
/// `RegularExpression.word` and similar constants with Python's meaning. A pattern must take linear time: there is no
/// limit on steps, and only lack of memory makes a search throw.
final class RegularExpression: Sendable {
    enum Unit { case characters, bytes }

    /// Python's `\w`, `\d` and `\s` for `str` patterns, for use inside a character class.
    static let word = #"\p{L}\p{N}_"#
    static let digit = #"\p{Nd}"#
    static let space =
        #"\x09-\x0d\x1c-\x20\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"#
    /// Python's `\b`, and the half of it that suffices next to a character that is known to belong to a word.
    static let boundary = "(?:(?<=[\(word)])(?![\(word)])|(?<![\(word)])(?=[\(word)]))"
    static let beginning = "(?<![\(word)])"
    static let ending = "(?![\(word)])"

    private let pattern: String
    private let unit: Unit
    private nonisolated(unsafe) let code = Atomic<OpaquePointer?>(nil)

    init(_ pattern: String, over unit: Unit = .characters) {
        self.pattern = pattern
        self.unit = unit
    }

    deinit { native_regex_release(code.load(ordering: .acquiring)) }

    /// Whether the pattern occurs in `text`.
    func matches(_ text: String) throws(PixArtError) -> Bool { try matches(Array(text.utf8)) }

    func matches(_ bytes: [UInt8]) throws(PixArtError) -> Bool {
        var found = false
        try search(bytes) { _ in
            found = true
            return false
        }
        return found
    }

    /// Number of matches in `text`, without overlaps.
    func count(in text: String) throws(PixArtError) -> Int {
        var count = 0
        try search(Array(text.utf8)) { _ in
            count += 1
            return true
        }
        return count
    }

    /// `text` with every match replaced by the same text.
    func replacing(_ text: String, with replacement: String) throws(PixArtError) -> String {
        try replacing(text) { _ in replacement }
    }

    /// `text` with every match replaced by the result of `body`.
    func replacing(
        _ text: String, with body: (ArraySlice<UInt8>) throws(PixArtError) -> String
    ) throws(PixArtError) -> String {
        let bytes = Array(text.utf8)
        let out = try substituted(bytes) { match throws(PixArtError) in Array(try body(match).utf8) }
        return out.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    func replacing(
        _ bytes: [UInt8], with body: (ArraySlice<UInt8>) throws(PixArtError) -> [UInt8]
    ) throws(PixArtError) -> [UInt8] {
        try substituted(bytes, body) ?? bytes
    }

    /// The bytes after replacement; nil if there is no match.
    private func substituted(
        _ bytes: [UInt8], _ body: (ArraySlice<UInt8>) throws(PixArtError) -> [UInt8]
    ) throws(PixArtError) -> [UInt8]? {
        var out: [UInt8] = []
        var kept = 0
        var found = false
        try search(bytes) { match throws(PixArtError) in
            found = true
            out += bytes[kept..<match.lowerBound]
            out += try body(bytes[match])
            kept = match.upperBound
            return true
        }
        return found ? out + bytes[kept...] : nil
    }

    private func compiled() throws(PixArtError) -> OpaquePointer {
        if let code = code.load(ordering: .acquiring) { return code }
        var copy = pattern
        var new: OpaquePointer?
        let status = copy.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                native_regex_compile($0.baseAddress, $0.count, unit == .characters ? 1 : 0, &new)
            }
        }
        guard status == 0, let new else { throw failure(status, "compiling it") }
        let (_, other) = code.compareExchange(expected: nil, desired: new, ordering: .acquiringAndReleasing)
        guard let other else { return new }
        native_regex_release(new)
        return other
    }

    private func failure(_ status: Int32, _ action: String) -> PixArtError {
        status == NATIVE_REGEX_NO_MEMORY
            ? .memory("regular expression \(pattern): no memory for \(action)")
            : .internal("regular expression \(pattern): \(action) failed")
    }

    /// Calls `body` with each match in turn, until it returns false. No pattern may match the empty string.
    private func search(
        _ bytes: [UInt8], _ body: (Range<Int>) throws(PixArtError) -> Bool
    ) throws(PixArtError) {
        let code = try compiled()
        guard let matcher = native_matcher_create(code) else { throw .memory("no memory to search text") }
        defer { native_matcher_release(matcher) }
        var start = 0
        while start <= bytes.count {
            var lower = 0
            var upper = 0
            let status = bytes.withUnsafeBufferPointer {
                native_regex_search(code, matcher, $0.baseAddress, $0.count, start, &lower, &upper)
            }
            guard status >= 0 else { throw failure(status, "searching \(bytes.count) bytes") }
            guard status > 0, upper > lower, try body(lower..<upper) else { return }
            start = upper
        }
    }
}
