import PixArtStorage

/// Limits how much text the repair of a prompt reads, since each pass over the text may uncover work for another one.
///
/// Every level of nested character references, and every character that was misread because of its neighbor, takes a
/// pass. The limit keeps time linear in the prompt's length and is beyond any nesting in a prompt of up to 4 kB.
package struct RepairBudget {
    private static let base = 8 << 20
    private static let passes = 8

    private let limit: Int
    private(set) var used = 0

    package init(for text: String) { limit = Self.base + Self.passes * text.utf8.count }

    /// Pays for one pass over `text`. Fails with `.argument` if the passes exceed the limit.
    mutating func pay(for text: String) throws(PixArtError) {
        used += text.utf8.count
        guard used > limit else { return }
        throw .argument(
            "prompt: character references or misread encodings are nested so deeply that cleaning reads over "
                + "\(limit) bytes; expected fewer levels, or the option clean_caption false")
    }
}
