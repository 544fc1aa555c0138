import PixArtCompute
import PixArtFormats
import PixArtStorage

/// The adapters of a part, and its weights with them.
struct PartAdapters {
    let source: AdaptedSource
    private let requests: [AdapterRequest]
    private let names: [String]
    private let loaded: [Adapter]

    /// nil if there are none, or if the part has no modules that adapters change. Weights are merged by the workers of
    /// `pool`; without one only their shapes are known. With `bakes` nothing stays beside the weights. Fails with `.file`,
    /// `.format`, `.model`, and with `.option` if two adapters have one name.
    init?(
        _ options: AdapterOptions, _ part: Part, _ base: any WeightSource, as requested: WeightEncoding?,
        bakes: Bool = false, _ pool: ThreadPool?
    ) throws(PixArtError) {
        guard !options.adapters.isEmpty, let network = part.adaptedNetwork else { return nil }
        let modules = AdapterModules(base.names, of: network)
        requests = options.adapters
        names = try Self.names(requests)
        var loaded: [Adapter] = []
        for request in requests { loaded.append(try Adapter(path: request.path, for: modules)) }
        self.loaded = loaded
        let applied = zip(requests, loaded).map { request, adapter in
            AppliedAdapter(path: request.path, strength: Float(request.scale), updates: adapter.updates)
        }
        let isWidened = requested == .float32 || requested == .bfloat16
        let fusing: AdaptedSource.Fusing = bakes ? .all : !options.fuses ? .none : isWidened ? .all : .floatingPoint
        source = try AdaptedSource(base, applied, fusing: fusing, pool)
    }

    private static func names(_ requests: [AdapterRequest]) throws(PixArtError) -> [String] {
        var names: [String] = []
        for request in requests {
            let name = request.name ?? stem(request.path)
            guard !names.contains(where: { Name($0) == Name(name) }) else {
                throw .option("option \"adapters\" has two adapters called \"\(name)\"; expected a \"name\" for each")
            }
            names.append(name)
        }
        return names
    }

    /// The last part of a path, without its extension.
    private static func stem(_ path: String) -> String {
        let last = path.split(separator: "/").last.map { String($0) } ?? path
        guard let dot = last.lastIndex(of: "."), dot > last.startIndex else { return last }
        return String(last[..<dot])
    }

    /// Fails with `.model` if an adapter changes nothing of the part.
    func requireMatches() throws(PixArtError) {
        if let adapter = loaded.first(where: { $0.updates.isEmpty }) { throw adapter.mismatch }
    }

    /// What each adapter's failure is if it changes nothing; nil if it does.
    var mismatches: [PixArtError?] { loaded.map { $0.updates.isEmpty ? $0.mismatch : nil } }

    /// The report of each.
    var reports: [AdapterReport] {
        loaded.indices.map { index in
            AdapterReport(
                name: names[index], scale: requests[index].scale, adapter: loaded[index],
                isFused: source.fusedAdapters.contains(index))
        }
    }
}

extension Part {
    /// The network that adapters change.
    fileprivate var adaptedNetwork: NetworkKind? {
        switch self {
        case .textEncoder: .textEncoder
        case .transformer: .transformer
        case .vae, .controlNet: nil
        }
    }
}
