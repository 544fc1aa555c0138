/// Which training timesteps a run uses. The families of schedulers differ in details, some due to numpy's arithmetic.
package enum TimestepSpacing: String, CaseIterable, Sendable {
    case linspace, leading, trailing

    /// For solvers that end below the last timestep: falling, with `last` of `training` timesteps in use.
    func solverTimesteps(steps: Int, training: Int, last: Int, offset: Int) -> [Int] {
        switch self {
        case .linspace:
            return Self.linspace(0, Double(last - 1), steps + 1).reversed().dropLast().map {
                Int($0.rounded(.toNearestOrEven))
            }
        case .leading:
            let ratio = last / (steps + 1)
            return (1...steps).reversed().map { $0 * ratio + offset }
        case .trailing: return Self.trailing(steps, training, last)
        }
    }

    /// For schedulers with integer timesteps from end to end.
    func timesteps(steps: Int, training: Int, offset: Int) -> [Int] {
        fractionalTimesteps(steps: steps, training: training, offset: offset).map {
            Int($0.rounded(.toNearestOrEven))
        }
    }

    /// The same without rounding, for Euler and similar schedulers.
    func fractionalTimesteps(steps: Int, training: Int, offset: Int) -> [Double] {
        switch self {
        case .linspace: Self.linspace(0, Double(training - 1), steps).reversed()
        case .leading: (0..<steps).reversed().map { Double($0 * (training / steps) + offset) }
        case .trailing: Self.trailing(steps, training, training).map { Double($0) }
        }
    }

    /// `numpy.arange(last, 0, -training / steps)`, rounded, less 1: the number of elements and the distance of the
    /// first two are those of numpy.
    private static func trailing(_ steps: Int, _ training: Int, _ last: Int) -> [Int] {
        let (ratio, start) = (Double(training) / Double(steps), Double(last))
        let distance = (start - ratio) - start
        return (0..<Int((start / ratio).rounded(.up))).map {
            Int((start + Double($0) * distance).rounded(.toNearestOrEven)) - 1
        }
    }

    /// `numpy.linspace`. A single number is the start.
    static func linspace(_ start: Double, _ end: Double, _ count: Int) -> [Double] {
        guard count > 1 else { return [start] }
        let step = (end - start) / Double(count - 1)
        return (0..<count).map { $0 == count - 1 ? end : Double($0) * step + start }
    }
}
