/// The precision of GEMMs. Sums are float32 in all of them; int8 sums are exact before scaling.
package enum ComputePrecision: String, CaseIterable, Sendable {
    case float32
    case bfloat16
    /// Activations are rounded to int8 when they are written, with a scale for each row.
    case int8
}

/// The precision of self-attention if it is not that of GEMMs.
package enum AttentionPrecision: String, CaseIterable, Sendable {
    case bfloat16
    case int8
}
