extension String.UnicodeScalarView {
    /// Appends scalars one by one. `append(contentsOf:)` copies the whole view; this takes time only for the new
    /// scalars.
    mutating func add(_ scalars: some Sequence<Unicode.Scalar>) {
        for scalar in scalars { append(scalar) }
    }
}
