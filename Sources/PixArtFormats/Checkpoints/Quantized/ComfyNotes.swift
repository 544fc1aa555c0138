import PixArtStorage

/// Notes of ComfyUI on how weights are quantized: a tensor `<module>.comfy_quant` of JSON, or `_quantization_metadata` of
/// the file. Formats other than eight-bit floats use the names of their scales for something else.
enum ComfyNotes {
    private static let known = ["float8_e4m3fn", "float8_e5m2"]

    /// Fails with `.model` naming the weight and its format if that is not read.
    static func check(_ source: any WeightSource, _ names: Set<Name>) throws(PixArtError) {
        for name in names.sorted() {
            if let module = name.text.dropping(last: ".comfy_quant"), let note = try source[name.text] {
                defer { withExtendedLifetime(note) {} }
                let text = try JSONValue(parsing: note.bytes, source: "\(source.location): tensor \"\(name)\"")
                try check(text["format"]?.string, module, source)
            } else if let module = name.text.dropping(last: ".weight_scale_2") {
                try check("nvfp4", module, source)
            }
        }
        guard let text = source.metadata["_quantization_metadata"] else { return }
        let notes = try JSONValue(parsing: text, source: "\(source.location): _quantization_metadata")
        for (module, note) in (notes["layers"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            try check(note["format"]?.string, module.text, source)
        }
    }

    private static func check(_ format: String?, _ module: String, _ source: any WeightSource) throws(PixArtError) {
        guard let format, known.contains(format) else {
            throw .model(
                "\(source.location): tensor \"\(module).weight\" is quantized as \(format ?? "an unnamed format"); expected "
                    + known.joined(separator: " or "))
        }
    }
}
