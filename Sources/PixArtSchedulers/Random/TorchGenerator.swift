import Glibc

/// The random numbers of PyTorch's CPU generator, bit for bit.
///
/// This implementation matches `torch.Generator().manual_seed(seed)` followed by `torch.randn(..., dtype=float32)`
/// into a contiguous tensor, on processors with AVX2 (where PyTorch computes logarithm, sine and cosine with the
/// Cephes polynomials), and by `torch.randint` of large numbers. Limitations: other element types and other
/// distributions.
package struct TorchGenerator: Sendable {
    private var twister: MersenneTwister
    /// The second normal number of a pair, if numbers are drawn one by one.
    private var spare: Double?

    /// Uses only the low 32 bits of `seed`, as PyTorch does.
    package init(seed: UInt64) { twister = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed)) }

    /// `count` standard normal numbers: one `torch.randn` call with that many elements.
    package mutating func normal(_ count: Int) -> [Float] {
        guard count >= 16 else { return (0..<count).map { _ in Float(single()) } }
        var values = uniform(count)
        for block in stride(from: 0, through: count - 16, by: 16) { Self.transform(&values, block) }
        if count % 16 != 0 {
            // The last 16 are drawn again; they overlap the last whole block.
            values.replaceSubrange(count - 16..<count, with: uniform(16))
            Self.transform(&values, count - 16)
        }
        return values
    }

    /// One `torch.randint(0, bound, [])`, for a bound of 2^32 or more.
    package mutating func integer(below bound: UInt64) -> UInt64 {
        let high = UInt64(twister.next())
        return (high << 32 | UInt64(twister.next())) % bound
    }

    private mutating func uniform(_ count: Int) -> [Float] {
        (0..<count).map { _ in Float(twister.next() & 0xFF_FFFF) * 0x1p-24 }
    }

    /// The Box-Muller transform of 8 pairs of uniform numbers. The second number of a pair is 8 places after the
    /// first.
    private static func transform(_ values: inout [Float], _ start: Int) {
        for index in start..<start + 8 {
            let radius = (-2 * CephesMath.log(1 - values[index])).squareRoot()
            let (sine, cosine) = CephesMath.sineAndCosine(2 * Float.pi32 * values[index + 8])
            values[index] = radius * cosine
            values[index + 8] = radius * sine
        }
    }

    /// One number, as PyTorch draws them for tensors with fewer than 16 elements.
    private mutating func single() -> Double {
        if let number = spare {
            spare = nil
            return number
        }
        func uniform(_ twister: inout MersenneTwister) -> Double {
            let high = UInt64(twister.next())
            let bits = high << 32 | UInt64(twister.next())
            return Double(bits & (1 << 53 - 1)) * 0x1p-53
        }
        let angle = 2 * Double.pi * uniform(&twister)
        let radius = (-2 * log1p(-uniform(&twister))).squareRoot()
        spare = radius * sin(angle)
        return radius * cos(angle)
    }
}

extension Float {
    /// π rounded to the nearest float32. `Float.pi` is rounded down.
    fileprivate static var pi32: Float { Float(Double.pi) }
}

/// The Mersenne twister MT19937.
private struct MersenneTwister: Sendable {
    private var state: [UInt32]
    private var index: Int

    init(seed: UInt32) {
        state = [seed]
        state.reserveCapacity(624)
        for position in 1..<624 {
            let previous = state[position - 1]
            state.append(1_812_433_253 &* (previous ^ previous >> 30) &+ UInt32(position))
        }
        index = 624
    }

    mutating func next() -> UInt32 {
        if index == 624 { twist() }
        var bits = state[index]
        index += 1
        bits ^= bits >> 11
        bits ^= bits << 7 & 0x9D2C_5680
        bits ^= bits << 15 & 0xEFC6_0000
        return bits ^ bits >> 18
    }

    private mutating func twist() {
        for position in 0..<624 {
            let bits = state[position] & 0x8000_0000 | state[(position + 1) % 624] & 0x7FFF_FFFF
            state[position] = state[(position + 397) % 624] ^ bits >> 1 ^ (bits & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        index = 0
    }
}

/// Logarithm, sine and cosine by the polynomials of the Cephes library, with the fused multiply-adds of PyTorch's
/// builds. Results match to the bit, so every rounding is explicit.
private enum CephesMath {
    /// The natural logarithm of a positive normal number.
    static func log(_ x: Float) -> Float {
        var exponent = Float(Int32(x.bitPattern >> 23) - 126)
        // The fraction in [0.5, 1), then moved to [sqrt(0.5) - 1, sqrt(2) - 1).
        var m = Float(bitPattern: x.bitPattern & 0x807F_FFFF | 0x3F00_0000)
        if m < 0.707106781186547524 {
            exponent -= 1
            m = m - 1 + m
        } else {
            m -= 1
        }
        let square = m * m
        let coefficients: [Float] = [
            -1.1514610310E-1, 1.1676998740E-1, -1.2420140846E-1, 1.4249322787E-1, -1.6668057665E-1, 2.0000714765E-1,
            -2.4999993993E-1, 3.3333331174E-1,
        ]
        var y = coefficients.reduce(7.0376836292E-2 as Float) { $1.addingProduct($0, m) } * m
        y = (exponent * -2.12194440e-4).addingProduct(y, square)
        y.addProduct(-square, 0.5)
        return (m + y).addingProduct(exponent, 0.693359375)
    }

    /// Sine and cosine of an angle in [0, 8192].
    static func sineAndCosine(_ angle: Float) -> (Float, Float) {
        let octant = (Int32(angle * 1.27323954473516) + 1) & ~1
        let count = Float(octant)
        let x = angle.addingProduct(count, -0.78515625)
            .addingProduct(count, -2.4187564849853515625e-4)
            .addingProduct(count, -3.77489497744594108e-8)
        let z = x * x

        var even = (-1.388731625493765E-003 as Float).addingProduct(2.443315711809948E-005, z)
        even = (4.166664568298827E-002 as Float).addingProduct(even, z) * z
        even = (-(z * 0.5)).addingProduct(even, z) + 1

        var odd = (8.3321608736E-3 as Float).addingProduct(-1.9515295891E-4, z)
        odd = (-1.6666654611E-1 as Float).addingProduct(odd, z) * z
        odd = x.addingProduct(odd, x)

        let swapped = octant & 2 != 0
        let sine = swapped ? even : odd
        let cosine = swapped ? odd : even
        return (octant & 4 != 0 ? -sine : sine, (octant - 2) & 4 == 0 ? -cosine : cosine)
    }
}
