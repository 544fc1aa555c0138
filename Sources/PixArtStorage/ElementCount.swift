extension [Int] {
    /// Elements of an array of this shape; nil if a dimension is negative, or if they cannot be counted one dimension
    /// after the other: the reader of safetensors' authors refuses such a shape, even if a 0 comes last.
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
