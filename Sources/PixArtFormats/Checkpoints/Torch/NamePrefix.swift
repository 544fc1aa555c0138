import PixArtStorage

/// What wrappers of a network put in front of the names of its tensors.
package enum NamePrefix {
    /// Longest first.
    private static let known = ["model.diffusion_model.", "diffusion_model.", "_orig_mod.", "module."]

    /// What all of the names begin with: known prefixes, one after another; empty if there is none. Something is left
    /// of each name without it.
    package static func common(of names: [String]) -> String {
        var prefix = ""
        while let next = known.first(where: { known in
            let longer = (prefix + known).utf8
            return !names.isEmpty && names.allSatisfy { $0.utf8.count > longer.count && $0.utf8.starts(with: longer) }
        }) { prefix += next }
        return prefix
    }
}
