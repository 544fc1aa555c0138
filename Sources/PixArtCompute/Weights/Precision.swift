/// How weights are held.
package enum WeightPrecision: String, CaseIterable, Sendable {
    /// As they are stored.
    case auto
    case float32
    case bfloat16
    /// One scale for each output.
    case int8
    /// One scale for four outputs and sixteen inputs.
    case int4
}

/// What products are computed in. Sums are float32 in all of them, and exact before scaling in int8.
package enum Compute: String, CaseIterable, Sendable {
    case float32
    case bfloat16
    /// Rows are rounded to int8 on the fly, with a scale for each.
    case int8
}

/// The lowest precision that a weight may be held in, whatever is asked for.
package enum WeightPolicy: Sendable {
    case int4, int8, bfloat16, float32

    /// The precision in which a weight that is stored in `form` is held if `requested` is asked for; `auto` for as it is
    /// stored. Opening, estimating and converting all ask here.
    package func precision(of form: WeightMatrix.Form, as requested: WeightPrecision) -> WeightPrecision {
        let limit = limit(requested)
        let isHalf = form == .float16 || form == .bfloat16
        // Products widen halves exactly: a wider copy would cost memory and change no number.
        return limit == .float32 && requested != .float32 && isHalf ? .auto : limit
    }

    private func limit(_ requested: WeightPrecision) -> WeightPrecision {
        switch (self, requested) {
        case (_, .auto), (_, .float32), (.int4, _), (.int8, .int8), (.int8, .bfloat16), (.bfloat16, .bfloat16):
            requested
        case (.int8, .int4): .int8
        case (.bfloat16, _): .bfloat16
        case (.float32, _): .float32
        }
    }
}
