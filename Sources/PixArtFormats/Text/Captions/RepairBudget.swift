import PixArtStorage

/// Limits how much text the repair of a prompt reads. Each pass over the text can uncover work for another one.
///
/// Every level of nested character references needs a pass, and so does every character that was misread because of
/// its neighbor. The limit keeps time linear in the length of the prompt and is beyond any nesting in a prompt of up
/// to 4 kB.
package struct RepairBudget {
    private static let base = 8 << 20
    private static let passes = 8

    private let limit: Int
    private(set) var used = 0

    package init(for text: String) { limit = Self.base + Self.passes * text.utf8.count }

    /// Counts one pass over `text`. Fails with `.argument` if the passes exceed the limit.
    mutating func pay(for text: String) throws(PixArtError) {
        used += text.utf8.count
        guard used > limit else { return }
        throw .argument(
            "prompt: character references or misread encodings are nested so deeply that cleaning reads more than "
                + "\(limit) bytes; expected fewer levels, or the option clean_caption false")
    }
}
