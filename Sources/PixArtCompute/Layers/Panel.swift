import CKernels
import PixArtStorage

/// Weights of up to 32 outputs, packed for a GEMM.
struct Panel {
    static let width = Int(NATIVE_PANEL)
    /// Elements of a panel that are not weights: a factor and a sum for each output.
    static let scales = 2 * width

    /// [units][32]
    let elements: UnsafeMutablePointer<Float>
    /// The factors of each output's sums, if it has some.
    let scales: UnsafeMutablePointer<Float>
    let hasScales: Bool
    /// What the zero point of int8 activations adds to each output's sums.
    let zeroPointSums: UnsafeMutablePointer<Int32>

    /// A panel with undefined contents, at its place among others that follow each other in `elements` and `scales`.
    init(
        elements: UnsafeMutablePointer<Float>, scales: UnsafeMutablePointer<Float>, hasScales: Bool, _ place: Int = 0,
        units: Int
    ) {
        self.elements = elements + place * units * Self.width
        self.scales = scales + place * Self.scales
        self.hasScales = hasScales
        zeroPointSums = UnsafeMutableRawPointer(self.scales + Self.width).assumingMemoryBound(to: Int32.self)
    }
}

/// All panels of GEMMs with the same activations, for tasks that share them.
struct PackedPanels {
    private let panels: [[Panel]]
    /// Where the panels lie.
    private let memory: AlignedBuffer

    /// Packs each panel once, in a parallel region. Fails with `.memory`.
    init(
        _ gemms: [Linear.GEMM], for encoding: ActivationRows.Encoding, units: Int, _ pool: ThreadPool
    ) throws(PixArtError) {
        let count = gemms.reduce(0) { $0 + $1.panels }
        memory = try AlignedBuffer(count: count * (units * Panel.width + Panel.scales), pool.buffers)
        let (elements, scales) = (memory.start, memory.start + count * units * Panel.width)
        var place = 0
        var panels: [[Panel]] = []
        var places: [(gemm: Linear.GEMM, index: Int, panel: Panel)] = []
        for gemm in gemms {
            let hasScales = gemm.linear.weight.scalesSums(for: encoding)
            panels.append(
                (place..<place + gemm.panels).map {
                    Panel(elements: elements, scales: scales, hasScales: hasScales, $0, units: units)
                })
            places += panels.last!.enumerated().map { (gemm, $0, $1) }
            place += gemm.panels
        }
        self.panels = panels
        try pool.run(tasks: count, as: .weights) { [places] place, scratch throws(PixArtError) in
            let (gemm, index, panel) = places[place]
            try gemm.linear.weight.pack(
                gemm.outputs(index), for: encoding, units: units, into: panel, pool.kernels, scratch)
        }
    }

    subscript(gemm: Int, range: Range<Int>) -> ArraySlice<Panel> { panels[gemm][range] }
}
