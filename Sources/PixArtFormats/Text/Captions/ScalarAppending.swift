extension String.UnicodeScalarView {
    /// Appends scalars one by one, in time that depends on them only: `append(contentsOf:)` copies the whole view.
    mutating func add(_ scalars: some Sequence<Unicode.Scalar>) {
        for scalar in scalars { append(scalar) }
    }
}
