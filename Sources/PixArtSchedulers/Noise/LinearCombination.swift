import Glibc

// Functions of the C library, correctly rounded from double, and weighted sums of arrays.

extension Float {
    static func log(_ x: Float) -> Float { Float(Glibc.log(Double(x))) }
    static func exp(_ x: Float) -> Float { Float(Glibc.exp(Double(x))) }
    static func expMinusOne(_ x: Float) -> Float { Float(Glibc.expm1(Double(x))) }
}

/// The weighted sum of arrays of one size, added in order.
func linearCombination(_ terms: (Float, [Float])...) -> [Float] { linearCombination(terms) }

func linearCombination(_ terms: [(Float, [Float])]) -> [Float] {
    guard let (weight, values) = terms.first else { return [] }
    var sum = values.map { weight * $0 }
    for (weight, values) in terms.dropFirst() {
        for index in sum.indices { sum[index] += weight * values[index] }
    }
    return sum
}
