import PixArtCompute
import PixArtFormats
import PixArtStorage

/// Writes a checkpoint in another precision, as an ordinary diffusers folder.
///
/// One piece of one tensor is in memory at a time.
package enum Conversion {
    /// Writes the parts of the checkpoint `model` that the options name to the folder `out`. The folder is made if it is
    /// missing; its parent must exist. Existing files are replaced when all new files are complete. A call that fails or
    /// is cancelled leaves nothing behind.
    ///
    /// Fails with `.argument` if both are the same folder; with `.model` if the parts' tensors do not fit, or have another
    /// quantization already; with `.file`, also if a file to copy is a link to a place outside `model`; with `.format`,
    /// `.option` and `.cancelled`.
    package static func convert(model: String, to out: String, _ options: ConvertOptions) throws(PixArtError) {
        let checkpoint = try Checkpoint(model: model, options.source)
        let files: SourceFolder? =
            if case .file = checkpoint.location { nil } else {
                try SourceFolder(path: checkpoint.location.path)
            }
        let index: String? =
            if case .pipeline = checkpoint.location { try files?.file("model_index.json") } else { nil }
        let pool = try ThreadPool(threads: options.threads)
        var parts: [ConvertedPart] = []
        for part in try self.parts(of: checkpoint, options.parts) {
            parts.append(try ConvertedPart(part, of: checkpoint, files, options, pool))
        }
        try requireMatches(parts, options.adapters)
        for folder in [""] + parts.map(\.part.rawValue) + parts.compactMap(\.part.companion)
        where AtomicFolder.isSame("\(checkpoint.location.path)/\(folder)", "\(out)/\(folder)") {
            throw .argument(
                "out is \(out); expected another folder than the model's: \(checkpoint.location.path)/\(folder)")
        }
        let folder = try AtomicFolder(path: out)
        var meter = Meter(
            steps: parts.reduce(0) { $0 + $1.tensors.count }, bytes: parts.reduce(0) { $0 + $1.bytes })
        for part in parts { try part.write(into: folder, pool, &meter) }
        if let index {
            try folder.copy(index, to: "model_index.json")
        } else if checkpoint.pipeline != .alpha {
            // A transformer alone says which pipeline it is for by tensors that are dropped.
            try write(checkpoint.pipeline, to: folder.file("model_index.json"))
        }
        try folder.commit()
    }

    /// Fails with `.model` if an adapter changes none of the parts.
    private static func requireMatches(
        _ parts: [ConvertedPart], _ options: AdapterOptions
    ) throws(PixArtError) {
        let adapted = parts.map(\.mismatches).filter { !$0.isEmpty }
        for (index, request) in options.adapters.enumerated() {
            guard let first = adapted.first else {
                throw .model("\(request.path): changes none of the parts that are converted")
            }
            if adapted.allSatisfy({ $0[index] != nil }), let failure = first[index] { throw failure }
        }
    }

    /// Writes an index that names a pipeline.
    private static func write(_ pipeline: Pipeline, to file: AtomicFile) throws(PixArtError) {
        let index = JSONValue.object(["_class_name": .string(pipeline.rawValue)])
        let text = Array((index.serialized(pretty: true) + "\n").utf8)
        try text.withUnsafeBufferPointer { bytes throws(PixArtError) in
            try file.write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// The parts that the options name, or all parts of the checkpoint if they name none.
    private static func parts(of checkpoint: Checkpoint, _ named: [Part]?) throws(PixArtError) -> [Part] {
        if let named { return Part.allCases.filter { named.contains($0) } }
        let present = Part.allCases.filter { checkpoint.contains($0) }
        guard !present.isEmpty else {
            let known = Part.allCases.map(\.rawValue).joined(separator: ", ")
            throw .file("\(checkpoint.location.path): has none of the parts \(known)")
        }
        return present
    }

    /// Counts the tensors and bytes that are converted, and reports the progress. A step is a tensor.
    struct Meter {
        private let steps: Int
        private let bytes: Int
        private var step = 0
        private var done = 0

        init(steps: Int, bytes: Int) {
            self.steps = steps
            self.bytes = bytes
        }

        /// Adds `tensors` tensors and `count` bytes. Fails with `.cancelled`.
        mutating func advance(bytes count: Int = 0, tensors: Int = 0) throws(PixArtError) {
            step += tensors
            done += count
            try CallProgress.report(step: step, of: steps, fraction: bytes == 0 ? 1 : Double(done) / Double(bytes))
        }
    }
}
