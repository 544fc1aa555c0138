import PixArtStorage

/// A source's tensors under the names that diffusers and transformers give them.
///
/// Some are parts of a tensor of the source, such as the thirds of a fused projection, or have another shape of as many
/// elements. Tensors without another name keep theirs.
package struct RenamedSource: WeightSource {
    /// Where a tensor is in the source.
    package struct View: Equatable, Sendable {
        package let name: String
        /// Rows `index * rows / count ..< (index + 1) * rows / count` of the tensor; nil for all.
        package var part: (index: Int, count: Int)?
        /// Whether trailing dimensions of 1 are dropped.
        package var isSqueezed = false

        package init(_ name: String, part: (index: Int, count: Int)? = nil, squeezed: Bool = false) {
            self.name = name
            self.part = part
            isSqueezed = squeezed
        }

        package static func == (left: View, right: View) -> Bool {
            left.name == right.name && left.part?.index == right.part?.index && left.part?.count == right.part?.count
                && left.isSqueezed == right.isSqueezed
        }
    }

    private let source: any WeightSource
    private let views: [Name: View]

    /// Gives each tensor of `source` the names that `rename` returns for it; none hides it, nil keeps its own. Fails with
    /// `.format` if two tensors get one name.
    package init(
        _ source: any WeightSource, _ rename: (String) -> [(name: String, view: View)]?
    ) throws(PixArtError) {
        var views: [Name: View] = [:]
        for own in source.names.sorted() {
            for (name, view) in rename(own) ?? [(own, View(own))] {
                if let other = views.updateValue(view, forKey: Name(name)), other.name != view.name {
                    throw .format(
                        "\(source.location): tensors \"\(other.name)\" and \"\(own)\" are both \"\(name)\"; expected one"
                    )
                }
            }
        }
        self.source = source
        self.views = views
    }

    package var location: String { source.location }
    package var paths: [String] { source.paths }
    package var metadata: [Name: String] { source.metadata }
    package var names: [String] { views.keys.map(\.text) }

    package func shape(of name: String) -> [Int]? {
        guard let view = views[name], let whole = source.shape(of: view.name) else { return nil }
        return Self.shape(whole, view)
    }

    private static func shape(_ whole: [Int], _ view: View) -> [Int] {
        var shape = whole
        if let part = view.part, !shape.isEmpty { shape[0] /= part.count }
        if view.isSqueezed { while shape.count > 2, shape.last == 1 { shape.removeLast() } }
        return shape
    }

    package subscript(name: String) -> StoredTensor? {
        get throws(PixArtError) {
            guard let view = views[name], var stored = try source[view.name] else { return nil }
            if let part = view.part {
                guard let rows = stored.shape.first, rows % part.count == 0 else {
                    throw .model(
                        "\(location): tensor \"\(view.name)\" has shape \(stored.shape); expected \(part.count) equal parts"
                    )
                }
                let size = rows / part.count
                stored = stored.rows(part.index * size..<(part.index + 1) * size)
            }
            return stored.with(
                name: name, shape: Self.shape(stored.shape, RenamedSource.View(view.name, squeezed: view.isSqueezed)))
        }
    }
}
