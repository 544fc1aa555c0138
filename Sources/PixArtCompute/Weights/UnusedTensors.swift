import PixArtStorage

/// What an open does about a tensor that the network does not use and no rule knows: the option `unexpected_tensors`.
package enum UnexpectedTensors: String, CaseIterable, Sendable {
    case error, ignore
}

/// Names of tensors that files hold and a network does not use, and what they mean.
package struct UnusedTensors: Sendable {
    package struct Rule: Sendable {
        let pattern: TensorPattern
        let exception: TensorPattern?
        let reason: String

        /// Names that match `pattern` and not `exception`.
        package init(_ pattern: TensorPattern, except exception: TensorPattern? = nil, _ reason: String) {
            self.pattern = pattern
            self.exception = exception
            self.reason = reason
        }

        func matches(_ name: String) -> Bool {
            pattern.matches(name) && !(exception?.matches(name) ?? false)
        }
    }

    /// A tensor that was passed over, and why that does no harm.
    package struct Ignored: Equatable, Sendable {
        package let name: String
        package let reason: String
    }

    /// What the network is called in messages.
    package let network: String
    /// Tensors whose absence changes no result.
    package let harmless: [Rule]
    /// Tensors that only another architecture or another form of weights has; the first rule that matches counts.
    package let foreign: [Rule]

    package init(_ network: String, harmless: [Rule] = [], foreign: [Rule] = []) {
        self.network = network
        self.harmless = harmless
        self.foreign = foreign
    }

    /// The first of `names` that says that the weights are of something else, and what it says.
    func foreign(among names: Set<Name>) -> (name: Name, reason: String)? {
        for rule in foreign {
            if let name = names.filter({ rule.matches($0.text) }).min() { return (name, rule.reason) }
        }
        return nil
    }

    /// Why a tensor that is passed over does no harm; nil if no rule knows it.
    func reason(ignoring name: String) -> String? { harmless.first { $0.matches(name) }?.reason }
}

/// Names of tensors: text in which each `*` stands for any text, dots and nothing included.
package struct TensorPattern: ExpressibleByStringLiteral, Sendable {
    private let text: [UInt8]

    package init(stringLiteral text: String) { self.text = Array(text.utf8) }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        var (position, index) = (0, 0)
        // Where to go on if what follows the last star does not fit: behind the star, one byte of the name later.
        var retry: (position: Int, index: Int)?
        while index < name.count {
            if position < text.count, text[position] == UInt8(ascii: "*") {
                position += 1
                retry = (position, index)
            } else if position < text.count, text[position] == name[index] {
                position += 1
                index += 1
            } else if let last = retry {
                retry = (last.position, last.index + 1)
                (position, index) = (last.position, last.index + 1)
            } else {
                return false
            }
        }
        return text[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
