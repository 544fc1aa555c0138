/// The Euclidean norm of the difference over that of the expected values; infinite if the counts differ, if an actual value
/// is not finite, or if nothing but 0 was expected and something else came.
package func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
    guard actual.count == expected.count, actual.allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(actual, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return difference == 0 ? 0 : (difference / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

package func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    relativeError(actual, expected.map { Double($0) })
}
