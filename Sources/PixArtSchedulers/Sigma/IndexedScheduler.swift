/// A scheduler that counts its steps.
protocol IndexedScheduler: Scheduler {
    /// The next step.
    var index: Int { get set }
}

extension IndexedScheduler {
    package mutating func begin(at index: Int) { self.index = index / order }
}
