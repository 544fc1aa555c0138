// Made by `make docs` from the schemas of the library.

/// The values of the option `preset` of every verb that has it.
public enum Preset: String, CaseIterable, Hashable, Sendable, OptionChoice {
    case exact
    case balanced
    case fast
}
