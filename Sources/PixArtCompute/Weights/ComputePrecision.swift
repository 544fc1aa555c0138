/// What matrix multiplications are computed in. Sums are float32 in all of them, and exact before scaling in int8.
package enum ComputePrecision: String, CaseIterable, Sendable {
    case float32
    case bfloat16
    /// Rows are rounded to int8 when they are written, with a scale for each.
    case int8
}
