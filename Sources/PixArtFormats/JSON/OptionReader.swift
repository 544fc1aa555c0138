import PixArtStorage

/// Reads the options of a call one after the other. Those that are read are those that the verb has.
package struct OptionReader {
    private let members: [Name: JSONValue]
    /// What options have that the host did not give, in place of their own defaults.
    package var defaults: [Name: JSONValue] = [:]
    /// The options that were read, in this order.
    package private(set) var properties: [OptionSchema.Property] = []
    private var failure: PixArtError?

    /// For the members of the object that a host gave.
    package init(_ members: [Name: JSONValue] = [:]) { self.members = members }

    /// The value that the host gave, else that of `defaults`, else the option's own default.
    package mutating func read<Value>(_ option: Option<Value>) -> Value {
        properties.append(option.property)
        let name = Name(option.property.name)
        guard let json = members[name] ?? defaults[name] else { return option.fallback }
        do { return try option.value(json) } catch {
            failure = failure ?? error
            return option.fallback
        }
    }

    /// Fails with `.option` if the host gave a key that was not read, or a value that was not accepted.
    package func check(_ verb: String) throws(PixArtError) {
        let names = Set(properties.map { Name($0.name) })
        if let key = members.keys.sorted().first(where: { !names.contains($0) }) {
            let known = properties.map { "\"\($0.name)\"" }.joined(separator: ", ")
            throw .option("pixart_\(verb) has no option \"\(key)\"; its options: \(known)")
        }
        if let failure { throw failure }
    }
}
