/// The Euclidean norm of the difference divided by that of the expected values. Infinite if the counts differ, if an
/// actual value is not finite, or if all expected values are 0 and an actual one is not.
package func relativeError(_ actual: [Float], _ expected: [Double]) -> Double {
    guard actual.count == expected.count, actual.allSatisfy(\.isFinite) else { return .infinity }
    let difference = zip(actual, expected).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
    return difference == 0 ? 0 : (difference / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
}

package func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    relativeError(actual, expected.map { Double($0) })
}
