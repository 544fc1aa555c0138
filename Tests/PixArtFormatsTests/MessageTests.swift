import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

/// Messages are printable and of limited length, whatever files contain.
@Suite struct MessageTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    /// Characters that control a terminal or are invisible, and their escaped forms.
    private let characters: [(Unicode.Scalar, String)] = [
        ("\u{1B}", "\\u001b"), ("\u{0}", "\\u0000"), ("\n", "\\u000a"), ("\r", "\\u000d"), ("\u{7F}", "\\u007f"),
        ("\u{9B}", "\\u009b"), ("\u{202E}", "\\u202e"), ("\u{2066}", "\\u2066"), ("\u{200B}", "\\u200b"),
        ("\u{FEFF}", "\\ufeff"), ("\u{2028}", "\\u2028"), ("\u{AD}", "\\u00ad"), ("\u{E0041}", "\\udb40\\udc41"),
    ]

    private func message(_ work: () throws -> Void) -> String {
        do {
            try work()
            return "no failure"
        } catch let error as PixArtError { return error.message } catch { return "another error: \(error)" }
    }

    @Test func charactersAreEscaped() {
        for (character, escaped) in characters {
            #expect(PixArtError.file("a\(character)[2Jb").message == "a\(escaped)[2Jb")
        }
        for text in ["plain ASCII", "é猫😀", "e\u{301}", "\"quoted\" \\ and \\u001b", "\u{A0}", "العربية"] {
            #expect(PixArtError.model(text).message == text)
        }
    }

    @Test func longTextsAreCut() {
        let long = PixArtError.format(String(repeating: "x", count: 1_000_000) + "y").message
        #expect(long.hasPrefix("xxx") && long.hasSuffix("xxy") && long.contains("x[... 995001 characters ...]x"))
        #expect(long.count < 5100)
        let escapes = PixArtError.format(String(repeating: "\u{1B}", count: 1_000_000)).message
        #expect(escapes.utf8.count < 5100 && !escapes.contains("\u{1B}"))
        let path = String(repeating: "/é", count: 2040)
        #expect(PixArtError.file("\(path): is a folder").message == "\(path): is a folder")
        let marks = PixArtError.format("e" + String(repeating: "\u{301}", count: 1_000_000)).message
        #expect(marks.unicodeScalars.count < 5100)
    }

    /// Names that appear in messages: tensors, metadata, members, shards and files.
    @Test func namesOutOfFiles() throws {
        for (character, escaped) in characters {
            let name = "a\(character)b"
            let json = JSONValue.string(name).serialized()
            var messages = [
                message {
                    _ = try SafetensorsFile(
                        path: folder.write("t.safetensors", HostileFile.bytes("{\(json): {\"dtype\": 1}}")))
                },
                message {
                    let text = "{\"__metadata__\": {\(json): 1}}"
                    _ = try SafetensorsFile(path: folder.write("m.safetensors", HostileFile.bytes(text)))
                },
                message { _ = try JSONValue(parsing: "{\(json): 1, \(json): 2}", source: "x") },
                message {
                    try folder.write("model.safetensors.index.json", "{\"weight_map\": {\"x\": \(json)}}".utf8)
                    _ = try WeightFolder(
                        folder: folder.path, .init(safetensors: "model", pickle: "model"), variant: nil)
                },
                message {
                    _ = try WeightFolder(
                        folder: folder.path, .init(safetensors: "model", pickle: "model"), variant: name + "/")
                },
            ]
            if character.value != 0 {
                messages.append(message { _ = try JSONValue.load(path: "\(folder.path)/\(name)") })
                messages.append(message { _ = try AtomicFile(path: "\(folder.path)/\(name)/\(name)") })
            } else {
                messages.removeSubrange(0..<3)  // refused for the NUL, and not named
            }
            for message in messages {
                #expect(message.unicodeScalars.allSatisfy { !characters.map(\.0).contains($0) }, "\(escaped)")
                #expect(message.contains("a\(escaped)b"), "no \(escaped) in: \(message)")
            }
        }
    }
}
