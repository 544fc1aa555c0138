import PixArtStorage

/// The kind of a file, from its first bytes, if it is a file that is often found instead of weights, JSON or a
/// tokenizer.
///
/// Ignores extensions: a `.bin` may contain anything.
package enum FileKind: CaseIterable, Sendable {
    case lfsPointer, webPage, hubError, xml, zeros
    case torchArchive, legacyTorch, pickle, tar, numpy, zip, gzip, gguf, onnx, openVINO, hdf5

    /// Looks at the first bytes of a file; nil if they may be what is looked for.
    package init?(_ file: MappedFile) {
        defer { withExtendedLifetime(file) {} }
        self.init(file.bytes)
    }

    /// Looks at first bytes; nil if they may be what is looked for.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        let start = bytes.prefix(1024)
        guard !Self.isSafetensors(start) else { return nil }
        func has(_ prefix: [UInt8], at offset: Int = 0) -> Bool { start.dropFirst(offset).starts(with: prefix) }
        if has(Array("GGUF".utf8)) {
            self = .gguf
        } else if has(Array("PK\u{3}\u{4}".utf8)) {
            self = Self.zip(start)
        } else if start.count > 2, start[0] == 0x80, (2...5).contains(start[1]) {
            // The magic number, in a frame where the protocol has frames.
            let magic: [UInt8] = [0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
            self = has(magic, at: start[2] == 0x95 ? 11 : 2) ? .legacyTorch : .pickle
        } else if has(Array("ustar".utf8), at: 257) {
            self = .tar
        } else if has([0x1F, 0x8B, 0x08]) {
            self = .gzip
        } else if has([0x93] + Array("NUMPY".utf8)) {
            self = .numpy
        } else if has([0x89] + Array("HDF\r\n".utf8)) {
            self = .hdf5
        } else if Self.isONNX(start) {
            self = .onnx
        } else if start.count >= 16, start.allSatisfy({ $0 == 0 }) {
            self = .zeros
        } else if let kind = Self.text(start) {
            self = kind
        } else {
            return nil
        }
    }

    /// Fails with `.format` if a file is of one of these kinds. The message ends with `expected`.
    package static func refuse(_ file: MappedFile, expected: String) throws(PixArtError) {
        guard let kind = FileKind(file.bytes) else { return }
        throw .format("\(file.path): \(kind.found); expected \(expected): \(kind.remedy)")
    }

    /// What the file is, for messages.
    package var found: String {
        switch self {
        case .lfsPointer: "is a Git LFS pointer, and its content was never downloaded"
        case .webPage: "is a web page (HTML)"
        case .hubError: "holds the error message of a download"
        case .xml: "is an XML file, as servers answer with if a download fails"
        case .zeros: "begins with zeros only, as an interrupted download leaves it"
        case .torchArchive: "is a PyTorch checkpoint (a Python pickle in a ZIP archive)"
        case .legacyTorch: "is a PyTorch checkpoint of before 1.6 (a Python pickle)"
        case .pickle: "is a Python pickle"
        case .tar: "is a tar archive"
        case .numpy: "holds NumPy arrays"
        case .zip: "is a ZIP archive"
        case .gzip: "is a gzip archive"
        case .gguf: "is a GGUF file"
        case .onnx: "is an ONNX model"
        case .openVINO: "is an OpenVINO model (IR)"
        case .hdf5: "is an HDF5 file"
        }
    }

    /// What to do about the file.
    package var remedy: String {
        switch self {
        case .lfsPointer: "run \"git lfs pull\" in the repository, or download the file again"
        case .webPage, .hubError, .xml:
            "download it again, signed in and with the license accepted if the repository asks for that"
        case .zeros: "download it again"
        case .torchArchive, .legacyTorch, .pickle:
            "save the model with save_pretrained(safe_serialization=True), or take a repository that has safetensors"
        case .tar, .zip, .gzip: "unpack it"
        case .numpy, .hdf5: "take the files that diffusers or transformers wrote"
        case .gguf, .onnx, .openVINO: "take the repository that it was made from, in the diffusers layout"
        }
    }

    /// Eight bytes with a plausible size, and the opening brace of the header.
    private static func isSafetensors(_ start: Slice<UnsafeRawBufferPointer>) -> Bool {
        guard start.count > 8, start[8] == UInt8(ascii: "{") else { return false }
        return start[5] == 0 && start[6] == 0 && start[7] == 0 && start.prefix(5).contains { $0 != 0 }
    }

    /// Distinguishes archives by the name of their first entry.
    private static func zip(_ start: Slice<UnsafeRawBufferPointer>) -> FileKind {
        guard start.count > 30 else { return .zip }
        let name = start.dropFirst(30).prefix(Int(start[26]) | Int(start[27]) << 8)
        func ends(_ suffix: String) -> Bool { name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }
        return ends("data.pkl") ? .torchArchive : ends(".npy") ? .numpy : .zip
    }

    /// A protocol buffer whose first field is the version of the format, and whose second field is one of those
    /// that follow it.
    private static func isONNX(_ start: Slice<UnsafeRawBufferPointer>) -> Bool {
        start.count > 4 && start[0] == 0x08 && (1...32).contains(start[1])
            && [0x12, 0x1A, 0x3A, 0x42].contains(start[2])
    }

    private static func text(_ start: Slice<UnsafeRawBufferPointer>) -> FileKind? {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = (start.starts(with: mark) ? start.dropFirst(3) : start).drop { [9, 10, 13, 32].contains($0) }
        func begins(_ prefix: String) -> Bool {
            text.prefix(prefix.utf8.count).map { (65...90).contains($0) ? $0 + 32 : $0 }.elementsEqual(prefix.utf8)
        }
        if begins("version https://git-lfs") || begins("version https://hawser") { return .lfsPointer }
        if ["<!doctype", "<html", "<head", "<body", "<!--"].contains(where: begins) { return .webPage }
        if begins("<?xml") || begins("<net ") || begins("<error") {
            return String(decoding: text, as: UTF8.self).contains("<net ") ? .openVINO : .xml
        }
        let answers = [
            "{\"error\"", "entry not found", "invalid username", "invalid credentials", "repository not found",
            "revision not found", "access to model", "not found", "unauthorized", "forbidden", "404", "403 forbidden",
            "401 ", "bad gateway", "internal server error", "too many requests", "rate limit",
        ]
        return answers.contains(where: begins) ? .hubError : nil
    }
}
