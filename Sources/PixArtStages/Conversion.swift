import PixArtCompute
import PixArtFormats

/// Writes a checkpoint in another precision, as an ordinary diffusers folder.
///
/// One piece of one tensor is in memory at a time, whatever the sizes.
package enum Conversion {
    /// Called after each piece; returns whether to go on. A step is a tensor.
    package typealias Progress = Denoiser.Progress

    /// Writes the parts of the checkpoint `model` that the options name into the folder `out`, which is made where it is
    /// missing; the one that it lies in must be there. What is there already is replaced file by file when all files are
    /// whole. Nothing remains of a call that fails or is cancelled.
    ///
    /// Fails with `.argument` where both are the same folder; with `.model` where the parts' tensors do not fit, or are
    /// quantized otherwise already; with `.file`, `.format`, `.option`, and with `.cancelled`.
    package static func convert(
        model: String, to out: String, _ options: Options, progress: Progress?
    ) throws(PixArtError) {
        let checkpoint = try Checkpoint(folder: model)
        let requested = options.string("weights").flatMap { WeightPrecision(rawValue: $0) } ?? .int8
        var parts: [ConvertedPart] = []
        for part in try self.parts(of: checkpoint, options) {
            parts.append(try ConvertedPart(part, of: checkpoint, as: requested, variant: options.string("variant")))
        }
        for folder in [""] + parts.map(\.part.rawValue) + parts.flatMap(\.part.companions)
        where ReplacementFolder.isSame(checkpoint.path(folder), "\(out)/\(folder)") {
            throw .argument("out is \(out), expected another folder than the model's: \(checkpoint.path(folder))")
        }
        let pool = try ThreadPool(threads: options.integer("threads") ?? 0)
        let folder = try ReplacementFolder(path: out)
        var meter = Meter(
            steps: parts.reduce(0) { $0 + $1.tensors.count }, bytes: parts.reduce(0) { $0 + $1.bytes },
            progress: progress)
        for part in parts { try part.write(into: folder, pool, &meter) }
        if checkpoint.contains("model_index.json") {
            try folder.copy(checkpoint.path("model_index.json"), to: "model_index.json")
        }
        try folder.commit()
    }

    /// The parts that the options name; all that are there where they name none.
    private static func parts(of checkpoint: Checkpoint, _ options: Options) throws(PixArtError) -> [Part] {
        if let names = options.choices("parts") { return Part.allCases.filter { names.contains($0.rawValue) } }
        let present = Part.allCases.filter { checkpoint.contains($0.configuration) }
        guard !present.isEmpty else {
            let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw .file("\(checkpoint.folder): has none of the parts \(known)")
        }
        return present
    }

    /// Counts what is done, and tells the host.
    struct Meter {
        private let steps: Int
        private let bytes: Int
        private let progress: Progress?
        private var step = 0
        private var done = 0

        init(steps: Int, bytes: Int, progress: Progress?) {
            self.steps = steps
            self.bytes = bytes
            self.progress = progress
        }

        /// Tells of one more tensor, or of `count` bytes more of one. Fails with `.cancelled` where the host does not go on.
        mutating func advance(bytes count: Int = 0, tensors: Int = 0) throws(PixArtError) {
            step += tensors
            done += count
            let fraction = bytes == 0 ? 1 : Double(done) / Double(bytes)
            guard progress?(step, steps, fraction) ?? true else { throw .cancelled }
        }
    }
}

/// A part of a checkpoint on its way into another precision.
struct ConvertedPart {
    /// A tensor, and the precision that it is to have; `auto` for the one that it has.
    struct Conversion {
        let tensor: StoredTensor
        let precision: WeightPrecision
    }

    let part: Part
    /// By name.
    let tensors: [Conversion]
    private let checkpoint: Checkpoint
    /// What the configuration is to say of the weights; nil for what it says.
    private let quantization: WeightPrecision?

    /// Reads the headers, and checks that the tensors are those of the part's network.
    init(
        _ part: Part, of checkpoint: Checkpoint, as requested: WeightPrecision, variant: String?
    ) throws(PixArtError) {
        self.part = part
        self.checkpoint = checkpoint
        let source = try checkpoint.weights(part, variant: variant)
        let precision = try Self.precision(of: part, source, requested)
        let reader = WeightReader(WeightSupply(source, precision: precision))
        try checkpoint.survey(part, reader)
        quantization = [.int8, .int4].contains(precision) ? precision : nil
        // The VAE's encoder belongs to what others read here; what else a network passes over is of no use to anybody.
        let names = part == .vae ? Set(source.names) : reader.taken
        var tensors: [Conversion] = []
        for name in names.sorted() {
            guard let tensor = try source[name] else { continue }
            let isMatrix = part == .vae && !reader.taken.contains(name) && tensor.shape.count > 1
            let planned = reader.plan[name] ?? (isMatrix ? precision : .float32)
            tensors.append(Conversion(tensor: tensor, precision: precision == .auto ? .auto : planned))
        }
        self.tensors = tensors
    }

    /// The precision that is asked of a part's network; `auto` for a copy.
    private static func precision(
        of part: Part, _ source: WeightFolder, _ requested: WeightPrecision
    ) throws(PixArtError) -> WeightPrecision {
        guard let quantized = StoredPrecision(source).quantized else {
            return part == .vae && [.int8, .int4].contains(requested) ? .auto : requested
        }
        guard quantized == requested else {
            throw .model(
                "\(source.location): is stored as \(quantized.rawValue) already, and would lose by \(requested.rawValue): "
                    + "convert the original checkpoint instead")
        }
        return .auto
    }

    /// Bytes to read.
    var bytes: Int { tensors.reduce(0) { $0 + $1.tensor.bytes.count } }

    /// Writes the part's folder and those of its companions.
    func write(into folder: ReplacementFolder, _ pool: ThreadPool, _ meter: inout PixArtStages.Conversion.Meter)
        throws(PixArtError)
    {
        try folder.makeFolder(part.rawValue)
        try writeWeights(into: folder, pool, &meter)
        try writeConfiguration(into: folder)
        for companion in part.companions where checkpoint.contains(companion) {
            try folder.copyFiles(in: checkpoint.path(companion), to: companion)
        }
    }

    private func writeWeights(
        into folder: ReplacementFolder, _ pool: ThreadPool, _ meter: inout PixArtStages.Conversion.Meter
    ) throws(PixArtError) {
        var entries: [SafetensorsWriter.Entry] = []
        for item in tensors {
            let layout = item.tensor.layout(in: item.precision)
            entries.append(.init(name: item.tensor.name, type: layout.type, shape: layout.shape))
            if let scales = layout.scales {
                entries.append(.init(name: "\(item.tensor.name)_scale", type: .float32, shape: scales))
            }
        }
        let file = try folder.file("\(part.rawValue)/\(part.stem).safetensors")
        let writer = try SafetensorsWriter(file, entries, metadata: ["format": "pt"])
        for item in tensors {
            var rest = item.tensor.bytes.count
            try item.tensor.convert(to: item.precision, pool) { elements, scales, read throws(PixArtError) in
                try writer.write(elements, to: item.tensor.name)
                if !scales.isEmpty { try writer.write(scales, to: "\(item.tensor.name)_scale") }
                rest -= read
                try meter.advance(bytes: read, tensors: rest == 0 ? 1 : 0)
            }
            if item.tensor.bytes.isEmpty { try meter.advance(tensors: 1) }
        }
        try writer.finish()
    }

    /// Copies the configuration, and says in it how the weights are quantized.
    private func writeConfiguration(into folder: ReplacementFolder) throws(PixArtError) {
        let path = checkpoint.path(part.configuration)
        guard let quantization else { return try folder.copy(path, to: part.configuration) }
        var members = try JSONValue.load(path: path).object ?? [:]
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
