import Glibc
import PixArtFormats
import PixArtStorage

/// Errors for a path that is not the folder of a checkpoint.
enum CheckpointFolder {
    private static let expected = "expected a checkpoint's folder in the diffusers layout"

    /// The error if there is nothing at `path`, or if it cannot be read.
    static func missing(_ path: String, reason: String) -> PixArtError {
        if path.contains("://") {
            return .file("\(path): is an address, and nothing is downloaded here; \(expected)")
        }
        guard isHubID(path) else { return .file("\(path): cannot be opened: \(reason)") }
        return .file(
            "\(path): there is no such folder; it looks like the id of a repository of the Hub, and nothing is downloaded "
                + "here; \(expected), as \"hf download \(path) --local-dir FOLDER\" makes it")
    }

    /// The error if `path` is not a folder.
    static func file(_ path: String) -> PixArtError {
        let kind = (try? MappedFile(path: path)).flatMap { FileKind($0.bytes) }
        let found = kind.map { "\($0.found), and not a folder" } ?? "is a single file"
        let isPart = Part.allCases.contains { path.hasSuffix("/\($0.rawValue)/\($0.stem).safetensors") }
        return .file("\(path): \(found); \(expected)" + (isPart ? ", which is two levels above" : ""))
    }

    /// The error for a folder without an index that is known not to be a checkpoint; nil for other folders.
    static func misplaced(_ path: String) -> PixArtError? {
        func has(_ name: String) -> Bool {
            var status = stat()
            return stat("\(path)/\(name)", &status) == 0
        }
        guard !Part.allCases.contains(where: { has($0.rawValue) }) else { return nil }
        if has("snapshots"), has("blobs") || has("refs") {
            return .file(
                "\(path): is a repository in the Hub's cache; \(expected), which is one of those in \(path)/snapshots")
        }
        let isPart =
            Part.allCases.contains { has("\($0.stem).safetensors") || has("\($0.stem).safetensors.index.json") }
            || ["config.json", "spiece.model", "tokenizer.json", "scheduler_config.json"].contains(where: has)
        return isPart ? .file("\(path): is the folder of a single part; \(expected), which is the one above") : nil
    }

    /// Whether a path is ORG/NAME, in the characters that the Hub allows.
    private static func isHubID(_ path: String) -> Bool {
        let names = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return names.count == 2
            && names.allSatisfy { name in
                guard let first = name.first, first != UInt8(ascii: ".") else { return false }
                return name.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                        true
                    default: false
                    }
                }
            }
    }
}
