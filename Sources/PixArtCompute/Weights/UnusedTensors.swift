import PixArtStorage

/// How an open handles a tensor that the network does not use and that no rule knows: the option `unexpected_tensors`.
package enum UnexpectedTensors: String, CaseIterable, Sendable {
    case error, ignore
}

/// Names of tensors that files contain and a network does not use, and what they mean.
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

    /// A tensor that was ignored, and why that is harmless.
    package struct Ignored: Equatable, Sendable {
        package let name: String
        package let reason: String
    }

    /// The name of the network in messages.
    package let network: String
    /// Tensors whose absence changes no result.
    package let harmless: [Rule]
    /// Tensors of other architectures or other forms of weights. The first rule that matches counts.
    package let foreign: [Rule]

    package init(_ network: String, harmless: [Rule] = [], foreign: [Rule] = []) {
        self.network = network
        self.harmless = harmless
        self.foreign = foreign
    }

    /// The first of `names` that shows that the weights belong to another architecture, and which one.
    func foreign(among names: Set<Name>) -> (name: Name, reason: String)? {
        for rule in foreign {
            if let name = names.filter({ rule.matches($0.text) }).min() { return (name, rule.reason) }
        }
        return nil
    }

    /// Why ignoring a tensor is harmless; nil if no rule knows it.
    func reason(ignoring name: String) -> String? { harmless.first { $0.matches(name) }?.reason }
}
