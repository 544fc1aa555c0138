/// Seeds hashed from a number and a position in a tree.
///
/// This implementation matches `numpy.random.SeedSequence(entropy, spawn_key=..., pool_size=...).generate_state(...)`.
struct NumPySeedSequence: Sendable {
    private var pool: [UInt32]

    init(entropy: UInt64, spawnKey: [UInt64] = [], poolSize: Int) {
        var words = Self.words(entropy)
        if !spawnKey.isEmpty {
            words += [UInt32](repeating: 0, count: max(poolSize - words.count, 0)) + spawnKey.flatMap(Self.words)
        }
        var hash = Hash(factor: 0x931E_8875, constant: 0x43B0_D7E5)
        pool = (0..<poolSize).map { hash($0 < words.count ? words[$0] : 0) }
        for source in pool.indices {
            for target in pool.indices where target != source {
                pool[target] = Self.mixed(pool[target], hash(pool[source]))
            }
        }
        for word in words.dropFirst(poolSize) {
            for target in pool.indices { pool[target] = Self.mixed(pool[target], hash(word)) }
        }
    }

    /// `count` words of state.
    func state(_ count: Int) -> [UInt32] {
        var hash = Hash(factor: 0x58F3_8DED, constant: 0x8B51_F9DD)
        return (0..<count).map { hash(pool[$0 % pool.count]) }
    }

    /// A number as words, the lowest first. 0 is one word.
    private static func words(_ number: UInt64) -> [UInt32] {
        let (low, high) = (UInt32(truncatingIfNeeded: number), UInt32(number >> 32))
        return high == 0 ? [low] : [low, high]
    }

    private static func mixed(_ first: UInt32, _ second: UInt32) -> UInt32 {
        let product = 0xCA01_F9DD &* first &- 0x4973_F715 &* second
        return product ^ product >> 16
    }

    /// A hash whose constant changes with each word.
    private struct Hash {
        let factor: UInt32
        var constant: UInt32

        mutating func callAsFunction(_ word: UInt32) -> UInt32 {
            let mixed = word ^ constant
            constant = constant &* factor
            let product = mixed &* constant
            return product ^ product >> 16
        }
    }
}
