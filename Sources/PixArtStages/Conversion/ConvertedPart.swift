import PixArtCompute
import PixArtFormats
import PixArtStorage

/// A part of a checkpoint that is converted to another precision.
struct ConvertedPart {
    /// A tensor and its new encoding; nil if it keeps its encoding.
    struct Item {
        let tensor: StoredTensor
        /// Scales of the tensor that end with its encoding.
        let scales: StoredTensor?
        let encoding: WeightEncoding?
    }

    /// The adapters that are merged.
    private let adapters: PartAdapters?
    let part: Part
    /// By name.
    let tensors: [Item]
    /// The configuration's file, which is copied; nil if there is none.
    private let configuration: String?
    /// What the configuration says.
    private let fields: ConfigurationFile
    /// Files that are copied as they are: where they lie, and their places in the folder.
    private let copies: [(source: String, place: String)]
    /// What the configuration is to say of the weights; nil for floating point.
    private let quantization: WeightEncoding?
    /// Whether the caller has changed the configuration.
    private let isAmended: Bool
    /// A tokenizer that the file of weights carries.
    private let tokenizer: [UInt8]?

    /// Reads the headers, and checks that the tensors are those of the part's networks.
    init(
        _ part: Part, of checkpoint: Checkpoint, _ files: SourceFolder?, _ options: ConvertOptions, _ pool: ThreadPool
    ) throws(PixArtError) {
        let requested = options.weights
        self.part = part
        fields = try checkpoint.configuration(part)
        configuration = try Self.file(at: checkpoint.configurationPath(part), checkpoint, files)
        var copies: [(source: String, place: String)] = []
        // As in an encoder that is opened, a tokenizer in the file of weights comes first.
        tokenizer = part == .textEncoder ? try checkpoint.ownSentencePieceModel() : nil
        if let companion = part.companion, tokenizer == nil {
            for name in part.companionFiles {
                let found = checkpoint.companionFile(part, [name])
                if let file = try Self.file(at: found, checkpoint, files) {
                    copies.append((file, "\(companion)/\(name)"))
                }
            }
        }
        self.copies = copies
        let base = try checkpoint.weights(part)
        let encoding = try Self.encoding(of: part, base, requested)
        let adapters = try PartAdapters(options.adapters, part, base, as: encoding, bakes: true, pool)
        if let adapters, adapters.mismatches.contains(nil), let quantized = base.quantization {
            throw .model(
                "\(base.location): is stored as \(quantized.rawValue), which merging an adapter would round again: convert "
                    + "the original checkpoint with the adapter instead")
        }
        self.adapters = adapters
        let source: any WeightSource = adapters?.source.planned ?? base
        let reader = WeightReader(
            WeightLoading(source, as: encoding, unexpected: options.source.unexpectedTensors))
        for stage in Stage.allCases where stage.part == part {
            // Some publish one half of a VAE alone.
            let halves: [Stage: (own: String, other: String)] = [
                .imageEncode: ("encoder.", "decoder."), .decode: ("decoder.", "encoder."),
            ]
            if let (own, other) = halves[stage], !source.names.contains(where: { $0.hasPrefix(own) }),
                source.names.contains(where: { $0.hasPrefix(other) })
            {
                continue
            }
            try stage.validate(checkpoint, with: reader)
        }
        if part == .controlNet { try ControlNetDescription(checkpoint).validate(with: reader) }
        quantization = encoding?.isQuantized == true ? encoding : base.quantization
        isAmended = !options.source.configuration.isEmpty
        var tensors: [Item] = []
        // Tensors that the networks do not use are dropped.
        for name in reader.requestedNames.sorted().map(\.text) {
            guard var tensor = try source[name] else { continue }
            if let shape = reader.shapesOfFlat[name] { tensor = tensor.with(shape: shape) }
            // Scales of quantized weights have no encoding. Those of a weight that is converted are not needed afterwards.
            if let weight = name.dropping(last: "_scale"), reader.plannedEncodings[weight] != nil,
                let stored = try source[weight], !Self.isKept(stored, reader.plannedEncodings[weight])
            {
                continue
            }
            let planned = reader.plannedEncodings[name]
            guard let planned, !Self.isKept(tensor, planned) else {
                tensors.append(Item(tensor: tensor, scales: nil, encoding: nil))
                continue
            }
            // What no safetensors file has is widened.
            let target = WeightEncoding.targets.contains(planned) ? planned : .float32
            tensors.append(Item(tensor: tensor, scales: try source["\(name)_scale"], encoding: target))
        }
        self.tensors = tensors
    }

    /// Whether a tensor is written as it is stored.
    private static func isKept(_ tensor: StoredTensor, _ planned: WeightEncoding?) -> Bool {
        planned == WeightEncoding(tensor) && ElementType.safetensors.contains(tensor.type)
    }

    /// A file that is copied: within the folder that is converted, or beside a single file.
    private static func file(
        at path: String?, _ checkpoint: Checkpoint, _ files: SourceFolder?
    ) throws(PixArtError) -> String? {
        guard let path else { return nil }
        let folder = "\(checkpoint.location.path)/"
        guard let files, path.hasPrefix(folder) else { return path }
        return try files.file(String(path.dropFirst(folder.count)))
    }

    /// The encoding that is asked of a part's network; nil for a copy.
    private static func encoding(
        of part: Part, _ source: any WeightSource, _ requested: WeightEncoding
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

    /// What each adapter's failure is if it changes nothing of the part; empty if adapters change none of its kind.
    var mismatches: [PixArtError?] { adapters?.mismatches ?? [] }

    /// The tensor itself: adapters are merged when it is written.
    private func tensor(_ item: Item) throws(PixArtError) -> StoredTensor {
        guard let adapters, adapters.source.isMerged(item.tensor.name),
            let merged = try adapters.source[item.tensor.name]
        else { return item.tensor }
        return merged.with(shape: item.tensor.shape)
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
        guard let companion = part.companion, !copies.isEmpty || tokenizer != nil else { return }
        try folder.makeFolder(companion)
        for (source, place) in copies { try folder.copy(source, to: place) }
        if let tokenizer { try write(tokenizer, to: folder.file("\(companion)/spiece.model")) }
    }

    private func write(_ bytes: [UInt8], to file: AtomicFile) throws(PixArtError) {
        try bytes.withUnsafeBufferPointer { bytes throws(PixArtError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
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
        let file = try folder.file("\(part.rawValue)/\(part.stems.safetensors).safetensors")
        let writer = try SafetensorsWriter(file, entries, metadata: ["format": "pt"])
        for item in tensors {
            var rest = item.tensor.bytes.count
            try tensor(item).convert(to: item.encoding, scales: item.scales, pool) {
                elements, scales, read throws(PixArtError) in
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
        let isStated =
            quantization == nil
            ? fields.isAbsent("quantization_config")
            : fields["quantization_config"]?["quant_method"]?.string == "pixart"
        if let configuration, isStated, !isAmended { return try folder.copy(configuration, to: part.configuration) }
        var members = fields.members
        if let configuration, !isAmended {
            members = try JSONValue.load(path: configuration, dialect: .verbatim).object ?? [:]
        }
        members["quantization_config"] = quantization.map {
            .object(["quant_method": .string("pixart"), "weights": .string($0.rawValue)])
        }
        let text = Array((JSONValue.object(members).serialized(pretty: true) + "\n").utf8)
        try write(text, to: folder.file(part.configuration))
    }
}
