import CNative
import PixArtCompute

/// Room for the text of a failure in SentencePiece.
private let room = 512

/// A SentencePiece model (`tokenizer/spiece.model`) as T5 uses it: text to ids by SentencePiece's own rule, which is that of
/// the "slow" T5 tokenizer of transformers.
///
/// Nothing is prepended or appended: closing the ids with `endOfSequence`, and cutting them to length, is the caller's.
/// Where two splits of a text have one score, as "!!!!!!" has, SentencePiece's release decides: up to 0.2.0 they all agree.
/// What looks like a special piece in a text ("</s>", "<pad>", "<extra_id_0>") is text. Any number of threads may use one
/// tokenizer at once.
package final class Tokenizer: Sendable {
    /// Number of pieces; ids are 0 ..< `vocabularySize`.
    package let vocabularySize: Int
    /// `</s>`, 1 in T5.
    package let endOfSequence: Int32
    /// `<unk>`, 2 in T5.
    package let unknown: Int32
    /// `<pad>`, 0 in T5.
    package let pad: Int32

    private nonisolated(unsafe) let model: OpaquePointer

    /// Loads the model at `path`. Fails with `.file`; with `.format` where the file is no SentencePiece model; and with
    /// `.model` where the model has no `</s>`, `<unk>` or `<pad>`.
    package init(path: String) throws(PixArtError) {
        let file = try MappedFile(path: path)
        let bytes = try SentencePieceModel(file).checked()
        var message = [CChar](repeating: 0, count: room)
        guard let model = native_sentence_model_open(bytes, bytes.count, &message, room) else {
            throw .format("\(path): not a SentencePiece model: \(reason(message))")
        }
        self.model = model
        vocabularySize = Int(native_sentence_model_size(model))
        endOfSequence = native_sentence_model_end(model)
        unknown = native_sentence_model_unknown(model)
        pad = native_sentence_model_pad(model)
        for (name, id) in [("</s>", endOfSequence), ("<unk>", unknown), ("<pad>", pad)] where id < 0 {
            throw .model("\(path): a T5 tokenizer must have the piece \(name), and this model has none")
        }
    }

    deinit { native_sentence_model_release(model) }

    /// Splits `text` into pieces: their ids, and what each says with "▁" for a space. A piece that the model does not know
    /// has the id `unknown` and says what the text says. The time is about linear in the text.
    ///
    /// Fails with `.internal` only, where SentencePiece does.
    package func encode(_ text: String) throws(PixArtError) -> (ids: [Int32], pieces: [String]) {
        var text = text
        var message = [CChar](repeating: 0, count: room)
        let split = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                native_sentence_encode(model, $0.baseAddress, $0.count, &message, room)
            }
        }
        guard let split else { throw .internal("SentencePiece cannot split a text: \(reason(message))") }
        defer { native_sentence_pieces_release(split) }
        var ids: [Int32] = []
        var pieces: [String] = []
        for index in 0..<native_sentence_count(split) {
            var size = 0
            let start = native_sentence_piece(split, index, &size)
            ids.append(native_sentence_id(split, index))
            pieces.append(String(decoding: UnsafeRawBufferPointer(start: start, count: size), as: UTF8.self))
        }
        return (ids, pieces)
    }

    /// The text that `ids` stand for, as normalized by `encode(_:)`; `<unk>` reads " ⁇ ", and control pieces such as `</s>`
    /// and ids beyond the vocabulary are left out.
    package func decode(_ ids: [Int32]) throws(PixArtError) -> String {
        let known = ids.filter { 0 <= $0 && Int($0) < vocabularySize }
        var message = [CChar](repeating: 0, count: room)
        guard let joined = native_sentence_decode(model, known, known.count, &message, room) else {
            throw .internal("SentencePiece cannot join pieces: \(reason(message))")
        }
        defer { native_sentence_pieces_release(joined) }
        var size = 0
        let start = native_sentence_text(joined, &size)
        return String(decoding: UnsafeRawBufferPointer(start: start, count: size), as: UTF8.self)
    }
}

private func reason(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}
