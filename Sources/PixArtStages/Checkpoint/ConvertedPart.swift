import PixArtCompute
import PixArtFormats
import PixArtStorage

/// A part of a checkpoint that is converted to another precision.
struct ConvertedPart {
    /// A tensor and its new encoding; nil if it keeps its encoding.
    struct Item {
        let tensor: StoredTensor
        let encoding: WeightEncoding?
    }

    let part: Part
    /// By name.
    let tensors: [Item]
    private let configuration: String
    /// Files that are copied: their paths, and their places in the new folder.
    private let copies: [(source: String, place: String)]
    /// The quantization that the new configuration states; nil if the configuration is copied.
    private let quantization: WeightEncoding?

    /// Reads the headers, and checks that the tensors are those of the part's networks.
    init(
        _ part: Part, of checkpoint: Checkpoint, _ files: SourceFolder, as requested: WeightEncoding,
        _ options: SourceOptions
    ) throws(PixArtError) {
        self.part = part
        configuration = try files.file(part.configuration) ?? checkpoint.path(part.configuration)
        var copies: [(source: String, place: String)] = []
        if let companion = part.companion {
            for name in part.companionFiles {
                let place = "\(companion)/\(name)"
                if let file = try files.file(place) { copies.append((file, place)) }
            }
        }
        self.copies = copies
        let source = try checkpoint.weights(part, variant: options.variant)
        let encoding = try Self.encoding(of: part, source, requested)
        let reader = WeightReader(WeightLoading(source, as: encoding, unexpected: options.unexpectedTensors))
        for stage in Stage.allCases where stage.part == part {
            // Some repositories publish only the decoder of a VAE.
            if stage == .imageEncode, !source.names.contains(where: { $0.hasPrefix("encoder.") }) { continue }
            try stage.validate(checkpoint, with: reader)
        }
        quantization = encoding?.isQuantized == true ? encoding : nil
        var tensors: [Item] = []
        // Tensors that the networks do not use are dropped.
        for name in reader.requestedNames.sorted().map(\.text) {
            guard let tensor = try source[name] else { continue }
            // Scales of quantized weights have no encoding.
            let planned = reader.plannedEncodings[name]
            tensors.append(Item(tensor: tensor, encoding: planned == WeightEncoding(tensor) ? nil : planned))
        }
        self.tensors = tensors
    }

    /// The requested encoding of a part's network; nil for a copy.
    private static func encoding(
        of part: Part, _ source: WeightFolder, _ requested: WeightEncoding
    ) throws(PixArtError) -> WeightEncoding? {
        guard let quantized = source.quantization else {
            return part == .vae && requested.isQuantized ? nil : requested
        }
        guard quantized == requested else {
            throw .model(
                "\(source.location): is stored as \(quantized.rawValue) already, and would lose by \(requested.rawValue): "
                    + "convert the original checkpoint instead")
        }
        return nil
    }

    /// Bytes to read.
    var bytes: Int { tensors.reduce(0) { $0 + $1.tensor.bytes.count } }

    /// Writes the folder of the part and the folder of its companion.
    func write(
        into folder: AtomicFolder, _ pool: ThreadPool, _ meter: inout Conversion.Meter
    ) throws(PixArtError) {
        try folder.makeFolder(part.rawValue)
        try writeWeights(into: folder, pool, &meter)
        try writeConfiguration(into: folder)
        guard let companion = part.companion, !copies.isEmpty else { return }
        try folder.makeFolder(companion)
        for (source, place) in copies { try folder.copy(source, to: place) }
    }

    private func writeWeights(
        into folder: AtomicFolder, _ pool: ThreadPool, _ meter: inout Conversion.Meter
    ) throws(PixArtError) {
        var entries: [SafetensorsWriter.Entry] = []
        for item in tensors {
            let layout = item.tensor.layout(in: item.encoding)
            entries.append(.init(name: item.tensor.name, type: layout.type, shape: layout.shape))
            if let scales = layout.scales {
                entries.append(.init(name: "\(item.tensor.name)_scale", type: .float32, shape: scales))
            }
        }
        let file = try folder.file("\(part.rawValue)/\(part.stem).safetensors")
        let writer = try SafetensorsWriter(file, entries, metadata: ["format": "pt"])
        for item in tensors {
            var rest = item.tensor.bytes.count
            try item.tensor.convert(to: item.encoding, pool) { elements, scales, read throws(PixArtError) in
                try writer.write(elements, to: item.tensor.name)
                if !scales.isEmpty { try writer.write(scales, to: "\(item.tensor.name)_scale") }
                rest -= read
                try meter.advance(bytes: read, tensors: rest == 0 ? 1 : 0)
            }
            if item.tensor.bytes.isEmpty { try meter.advance(tensors: 1) }
        }
        try writer.finish()
    }

    /// Copies the configuration, and adds the quantization of the weights.
    private func writeConfiguration(into folder: AtomicFolder) throws(PixArtError) {
        guard let quantization else { return try folder.copy(configuration, to: part.configuration) }
        var members = try JSONValue.load(path: configuration, dialect: .verbatim).object ?? [:]
        members["quantization_config"] = .object([
            "quant_method": .string("pixart"), "weights": .string(quantization.rawValue),
        ])
        let text = Array((JSONValue.object(members).serialized(pretty: true) + "\n").utf8)
        let file = try folder.file(part.configuration)
        try text.withUnsafeBufferPointer { bytes throws(PixArtError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
    }
}
