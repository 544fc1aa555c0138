import Glibc
import PixArtFormats
import PixArtStorage

/// Splits texts for tools/goldens/compare_tokenizer.py: `tokenize MODEL` reads one text in hexadecimal from each line, and writes
/// its ids, its pieces in hexadecimal, and in hexadecimal what the ids read as, with tabs between these three.
@main struct Tokenize {
    static func main() {
        do throws(PixArtError) {
            try split()
        } catch {
            print(error.message)
            exit(1)
        }
    }

    private static func split() throws(PixArtError) {
        guard CommandLine.arguments.count == 2 else { throw .argument("usage: tokenize MODEL <TEXTS") }
        let tokenizer = try Tokenizer(path: CommandLine.arguments[1])
        while let line = readLine() {
            let digits = Array(line.utf8)
            let text = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
            }
            let split = try tokenizer.encode(utf8: text)
            let (ids, pieces) = (split.ids, split.pieces)
            let columns = [
                ids.map(String.init).joined(separator: " "), pieces.map(hexadecimal).joined(separator: " "),
                hexadecimal(tokenizer.decode(ids)),
            ]
            print(columns.joined(separator: "\t"))
        }
    }

    private static func hexadecimal(_ text: String) -> String {
        text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
