import PixArtFormats
import PixArtStorage

/// The options of a verb as a Swift value.
///
/// `init` reads each option once, with its name, its kind, its default and its documentation. The schema consists of what
/// `init` reads, so a key that the schema lacks cannot be read.
package protocol VerbOptions: Sendable {
    /// The name of the verb, without "pixart_".
    static var verb: String { get }

    init(_ reader: inout OptionReader)
}

extension VerbOptions {
    package static var schema: OptionSchema {
        var reader = OptionReader()
        _ = Self(&reader)
        return OptionSchema(verb, reader.properties)
    }

    /// Reads a JSON object; nil and "" stand for one without members. Fails with `.option` naming the key and what is
    /// allowed.
    package init(json text: String?) throws(PixArtError) {
        var reader = OptionReader(try Self.members(text))
        self.init(&reader)
        try reader.check(Self.verb)
    }

    private static func members(_ text: String?) throws(PixArtError) -> [Name: JSONValue] {
        guard let text, !text.isEmpty else { return [:] }
        let root: JSONValue
        do { root = try JSONValue(parsing: text, source: "options of pixart_\(verb)") } catch {
            throw .option(error.message)
        }
        guard let members = root.object else {
            throw .option("options of pixart_\(verb) are \(root.kind), expected a JSON object")
        }
        return members
    }
}
