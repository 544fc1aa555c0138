import PixArtStorage

/// A pass over text that json-c has accepted, for what json-c ignores silently: duplicate names in an object, names
/// that contain a NUL, and integers beyond 64 bits.
struct JSONScan {
    private let text: UnsafeBufferPointer<UInt8>
    private let source: String
    private let allowsRepeatedNames: Bool
    private var offset = 0
    /// Names seen so far in each open object. Arrays have an empty set.
    private var open: [Set<Name>] = []
    private var extremes: [JSONValue] = []

    init(_ text: UnsafeBufferPointer<UInt8>, source: String, allowsRepeatedNames: Bool) {
        self.text = text
        self.source = source
        self.allowsRepeatedNames = allowsRepeatedNames
    }

    /// Scans the text. Returns, in order, every integer at or beyond the limits of 64 bits, because json-c reads
    /// all of them as the limit. Those beyond 64 bits are `.number`. Time is linear in the text.
    ///
    /// Fails with `.format` naming the member.
    mutating func run() throws(PixArtError) -> [JSONValue] {
        while offset < text.count {
            switch text[offset] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                open.append([])
                offset += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = open.popLast()
                offset += 1
            case UInt8(ascii: "\""): try string()
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): number()
            default: offset += 1
            }
        }
        return extremes
    }

    /// Skips a string, and records it if it is the name of a member.
    private mutating func string() throws(PixArtError) {
        let start = offset
        var escaped = false
        offset += 1
        while offset < text.count, text[offset] != UInt8(ascii: "\"") {
            if text[offset] == UInt8(ascii: "\\") {
                escaped = true
                offset += 1
            }
            offset += 1
        }
        offset = min(offset + 1, text.count)
        guard isFollowedByColon, !open.isEmpty else { return }
        let literal = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[start..<offset])
        let name: String
        if escaped {
            name = try JSONValue(parsing: literal, source: source).string ?? ""
        } else {
            name = String(decoding: literal.dropFirst().dropLast(), as: UTF8.self)
        }
        guard !name.utf8.contains(0) else {
            throw .format("\(source): byte \(start): the name of a member contains a NUL; expected none")
        }
        guard allowsRepeatedNames || open[open.count - 1].insert(Name(name)).inserted else {
            throw .format("\(source): byte \(start): \"\(name)\" is there twice in one object; expected once")
        }
    }

    private var isFollowedByColon: Bool {
        let next = text[offset...].first { $0 > UInt8(ascii: " ") }
        return next == UInt8(ascii: ":")
    }

    /// Skips a number, and records it if json-c clamps it.
    private mutating func number() {
        let start = offset
        while offset < text.count, isPartOfNumber(text[offset]) { offset += 1 }
        guard offset - start >= 19 else { return }
        let digits = String(decoding: text[start..<offset], as: UTF8.self)
        guard digits.utf8.dropFirst().allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return }
        if let value = Int64(digits) {
            if value == .min { extremes.append(.integer(value)) }
        } else if let value = UInt64(digits) {
            if value == .max { extremes.append(.unsigned(value)) }
        } else if let value = Double(digits) {
            extremes.append(.number(value))
        }
    }

    private func isPartOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}
