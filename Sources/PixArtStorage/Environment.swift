import CProcess

/// The environment of the host process.
package enum Environment {
    /// The value of a variable; nil if it is not set, or empty.
    package static func variable(_ name: String) -> String? {
        guard let value = process_environment(name), value[0] != 0 else { return nil }
        return String(cString: value)
    }

    /// A path in which a leading "~" and variables, such as `$HOME` or `${HOME}`, are replaced as Python's
    /// `os.path.expanduser` and `expandvars` replace them.
    package static func expanded(_ path: String) -> String {
        var rest = Substring(path)
        var result = ""
        if rest == "~" || rest.hasPrefix("~/"), let home = variable("HOME") {
            result = home
            rest = rest.dropFirst()
        }
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            let isBraced = rest.dropFirst().first == "{"
            let start = rest.dropFirst(isBraced ? 2 : 1)
            let name = start.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let after = start.dropFirst(name.count)
            if !name.isEmpty, !isBraced || after.first == "}", let value = variable(String(name)) {
                result += value
                rest = isBraced ? after.dropFirst() : after
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }
}
