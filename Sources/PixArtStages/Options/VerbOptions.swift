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
        OptionSchema(verb, read([:]).reader.properties, presets: Preset.table(of: verb))
    }

    /// The options of a host that gives these members. A preset changes what the others are if they are not given.
    private static func read(_ members: [Name: JSONValue]) -> (options: Self, reader: OptionReader) {
        var reader = OptionReader(members)
        if Preset.table(of: verb) != nil, let preset = reader.read(.preset(verb)) {
            reader.defaults = preset.defaults(of: verb, given: members)
        }
        return (Self(&reader), reader)
    }

    /// Reads a JSON object; nil and "" stand for one without members. Fails with `.option` naming the key and what is
    /// allowed.
    package init(json text: String?) throws(PixArtError) {
        let (options, reader) = Self.read(try Self.members(text))
        try reader.check(Self.verb)
        self = options
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
