/// The last steps' predictions, the newest first.
struct PredictionHistory: Sendable {
    private let limit: Int
    private var predictions: [[Float]] = []

    /// Keeps `limit` of them.
    init(_ limit: Int) { self.limit = limit }

    var count: Int { predictions.count }

    subscript(back: Int) -> [Float] { predictions[back] }

    mutating func add(_ prediction: [Float]) {
        predictions.insert(prediction, at: 0)
        if predictions.count > limit { predictions.removeLast() }
    }

    /// The difference of two neighbouring predictions, over the distance between them.
    func slope(_ back: Int, over distance: Float) -> [Float] {
        let factor = 1 / distance
        return zip(predictions[back], predictions[back + 1]).map { factor * ($0 - $1) }
    }
}
