import Glibc

// The functions of the C library under names that generic code reads well with.

extension Float {
    static func log(_ x: Float) -> Float { logf(x) }
    static func exp(_ x: Float) -> Float { expf(x) }
    static func expMinusOne(_ x: Float) -> Float { expm1f(x) }
}
