/// How JSON is read.
package enum JSONDialect: Sendable {
    /// Two members of one name in an object are an error, and 1.0 is not an integer: for what hosts pass.
    case strict
    /// As Python's programs read the files that others wrote: of members of one name the last counts, and a number
    /// without a fraction is an integer, however it is written.
    case python
    /// As `python`, with numbers kept as they are written: for files that are written again.
    case verbatim
}
