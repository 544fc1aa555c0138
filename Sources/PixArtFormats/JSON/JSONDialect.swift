/// How JSON is read.
package enum JSONDialect: Sendable {
    /// For options from hosts: duplicate members are an error, and 1.0 is not an integer.
    case strict
    /// For files from others, read as Python does: the last of duplicate members counts, and a number without a
    /// fraction is an integer, however it is written.
    case python
    /// As `python`, but numbers keep their spelling. For files that are written again.
    case verbatim
}
