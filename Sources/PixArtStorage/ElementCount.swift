extension [Int] {
    /// Elements of an array of this shape. nil if a dimension is negative, or if the product overflows at any
    /// dimension, even if a later one is 0: the reference reader of safetensors refuses such a shape too.
    package var elementCount: Int? {
        var count = 1
        for dimension in self {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow || dimension < 0 { return nil }
            count = product
        }
        return count
    }
}
