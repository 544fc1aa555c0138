/// The predictions of the last steps, newest first.
struct PredictionHistory: Sendable {
    private let limit: Int
    private var predictions: [[Float]] = []

    /// Keeps at most `limit` predictions.
    init(_ limit: Int) { self.limit = limit }

    var count: Int { predictions.count }

    subscript(back: Int) -> [Float] { predictions[back] }

    mutating func add(_ prediction: [Float]) {
        predictions.insert(prediction, at: 0)
        if predictions.count > limit { predictions.removeLast() }
    }

    /// The difference of two consecutive predictions, divided by their distance.
    func slope(_ back: Int, over distance: Float) -> [Float] {
        let factor = 1 / distance
        return zip(predictions[back], predictions[back + 1]).map { factor * ($0 - $1) }
    }
}
