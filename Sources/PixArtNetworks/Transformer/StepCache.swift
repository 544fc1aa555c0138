import PixArtCompute
import PixArtStorage

/// Modules of a transformer block, each of which adds its output to the residual stream.
package struct BlockModules: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    package static let selfAttention = BlockModules(rawValue: 1)
    package static let crossAttention = BlockModules(rawValue: 2)
    package static let feedForward = BlockModules(rawValue: 4)
    package static let all: BlockModules = [.selfAttention, .crossAttention, .feedForward]

    /// The single modules of the set.
    package var each: [BlockModules] { [.selfAttention, .crossAttention, .feedForward].filter { contains($0) } }
}

/// Results of blocks that later steps of a run add again instead of computing them.
///
/// Of each result, a step either writes all rows of its items, or reads them. So a cancelled step can be repeated.
package struct StepCache: Sendable {
    /// The results that a run keeps.
    package enum Contents: Sendable, Equatable {
        /// What consecutive blocks add to the residual stream in all.
        case residual(of: ClosedRange<Int>)
        /// The outputs of these modules of each block, before the gate.
        case outputs([BlockModules])
    }

    /// How a step uses the results.
    package struct Step: Sendable {
        fileprivate let cache: StepCache
        /// The modules of each block that are not computed.
        fileprivate let reused: [BlockModules]
        /// The rows of the step's items.
        fileprivate let rows: Range<Int>
        /// The rows of the items that others follow; nil if none does.
        fileprivate let leader: Range<Int>?
    }

    fileprivate let residual: Residual?
    /// By module, for each block.
    fileprivate let outputs: [[Int: ActivationRows]]
    /// Rows of an item.
    private let tokens: Int

    fileprivate init(
        _ contents: Contents, _ configuration: PixArtTransformer.Configuration, tokens: Int, items: Int, copies: Int,
        outputs encoding: ActivationRows.Encoding
    ) throws(PixArtError) {
        let (rows, width) = (items * tokens, configuration.width)
        self.tokens = tokens
        switch contents {
        case .residual(let blocks):
            residual = Residual(
                blocks: blocks, stream: try Matrix(rows: rows, columns: width),
                copyStream: contents.keepsCopyStream(copies) ? try Matrix(rows: rows, columns: width) : nil)
            outputs = []
        case .outputs(let kept):
            residual = nil
            var outputs: [[Int: ActivationRows]] = []
            for modules in kept {
                var block: [Int: ActivationRows] = [:]
                for module in modules.each {
                    block[module.rawValue] = try ActivationRows(rows: rows, columns: width, encoding: encoding)
                }
                outputs.append(block)
            }
            self.outputs = outputs
        }
    }

    /// The use of a step for consecutive items of the largest batch. `reused` are the modules of each block that are not
    /// computed: all or none of each block of a residual, or any that are kept.
    ///
    /// With a `leader`, the items come in groups of its size, and the residuals of the other groups are kept as
    /// differences from its own. So they follow it when it is computed alone.
    package func step(reusing reused: [BlockModules], items: Range<Int>, leader: Range<Int>? = nil) -> Step {
        func rows(_ items: Range<Int>) -> Range<Int> { items.lowerBound * tokens..<items.upperBound * tokens }
        return Step(cache: self, reused: reused, rows: rows(items), leader: leader.map(rows))
    }
}

extension StepCache.Contents {
    /// Whether the block is one of those of the residual.
    package func spans(_ block: Int) -> Bool {
        if case .residual(let blocks) = self { blocks.contains(block) } else { false }
    }

    /// Whether copies of a ControlNet follow the blocks of the residual. Then it has one for their stream too.
    fileprivate func keepsCopyStream(_ copies: Int) -> Bool {
        guard case .residual(let blocks) = self else { return false }
        return blocks.upperBound > 0 && blocks.upperBound < copies
    }

    /// Memory for `rows` rows of the stream.
    func bytes(rows: Int, width: Int, copies: Int, outputs encoding: ActivationRows.Encoding) -> Int {
        switch self {
        case .residual: 4 * rows * width * (keepsCopyStream(copies) ? 2 : 1)
        case .outputs(let kept): rows * width * encoding.size * kept.reduce(0) { $0 + $1.each.count }
        }
    }
}

extension PixArtTransformer {
    /// Memory for the results of a run's steps. Fails with `.memory`.
    package func cache(
        _ contents: StepCache.Contents, _ workspace: Workspace, _ pool: ThreadPool
    ) throws(PixArtError) -> StepCache {
        try StepCache(
            contents, configuration, tokens: workspace.tokens, items: workspace.items, copies: controlNet?.count ?? 0,
            outputs: Activations.attentionEncoding(configuration, compute, pool))
    }
}

// MARK: Residuals

/// What blocks added to the residual stream when they were last computed.
private struct Residual: Sendable {
    let blocks: ClosedRange<Int>
    /// [B*T, D].
    let stream: Matrix
    /// The same for the stream of a ControlNet whose copies go on after the blocks. If its stream begins within them,
    /// this counts from the transformer's.
    let copyStream: Matrix?

    var copiesBeginWithin: Bool { blocks.lowerBound <= 1 }
}

extension StepCache.Step {
    /// Whether the residual replaces the block, and the copy of a ControlNet that belongs to it.
    func skips(_ block: Int) -> Bool {
        cache.residual.map { $0.blocks.contains(block) && reused[block] == .all } ?? false
    }

    /// Before a block: remembers the streams before the first block of a residual, or adds the residual.
    func enter(_ block: Int, _ stream: Matrix, copies: Matrix?, _ pool: ThreadPool) throws(PixArtError) {
        guard let residual = cache.residual, block == residual.blocks.lowerBound else { return }
        let kept = copies.flatMap { own in residual.copyStream.map { (own: own, all: $0, rows: $0.rows(rows)) } }
        if skips(block) {
            if let kept {
                if residual.copiesBeginWithin { kept.own.copy(from: stream) }
                try add(kept.all, to: kept.own, pool)
            }
            try add(residual.stream, to: stream, pool)
        } else {
            residual.stream.rows(rows).copy(from: stream)
            if let kept { kept.rows.copy(from: residual.copiesBeginWithin ? stream : kept.own) }
        }
    }

    /// After a block that was computed: takes the residual if it was the last of it.
    func leave(_ block: Int, _ stream: Matrix, copies: Matrix?, _ pool: ThreadPool) throws(PixArtError) {
        guard let residual = cache.residual, block == residual.blocks.upperBound else { return }
        try take(residual.stream, from: stream, pool)
        if let copies, let kept = residual.copyStream { try take(kept, from: copies, pool) }
    }

    /// Adds the step's rows of a residual to a stream.
    private func add(_ kept: Matrix, to stream: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        try ActivationRows(kept.rows(rows)).add(to: stream, pool)
        for (group, leader) in followers {
            try ActivationRows(kept.rows(leader)).add(to: stream.rows(group), pool)
        }
    }

    /// Makes the step's rows of a residual, which are those of the stream before its blocks, what was added to them.
    private func take(_ kept: Matrix, from stream: Matrix, _ pool: ThreadPool) throws(PixArtError) {
        try kept.rows(rows).subtract(from: stream, pool)
        for (group, leader) in followers {
            try kept.rows(rows).rows(group).subtract(kept.rows(leader), pool)
        }
    }

    /// The groups of the step's items that follow others: their rows of its stream, and those of the leader's residual.
    private var followers: [(group: Range<Int>, leader: Range<Int>)] {
        guard let leader else { return [] }
        return stride(from: rows.lowerBound, to: rows.upperBound, by: leader.count)
            .filter { $0 != leader.lowerBound }
            .map { ($0 - rows.lowerBound..<$0 - rows.lowerBound + leader.count, leader) }
    }
}

// MARK: Outputs of modules

extension StepCache {
    /// The output of a module, [B*T, D], that later steps add again.
    struct Output: Sendable {
        let rows: ActivationRows
        let isReused: Bool

        /// Some of the rows.
        func rows(_ range: Range<Int>) -> Output { Output(rows: rows.rows(range), isReused: isReused) }
    }

    /// The outputs of a block that are kept.
    struct Outputs: Sendable {
        fileprivate let step: Step
        fileprivate let block: Int

        /// nil for a module whose output is not kept.
        subscript(module: BlockModules) -> Output? {
            guard block < step.cache.outputs.count, let kept = step.cache.outputs[block][module.rawValue] else {
                return nil
            }
            return Output(rows: kept.rows(step.rows), isReused: step.reused[block].contains(module))
        }
    }
}

extension StepCache.Step {
    func outputs(of block: Int) -> StepCache.Outputs { StepCache.Outputs(step: self, block: block) }
}
