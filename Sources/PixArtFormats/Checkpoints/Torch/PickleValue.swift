/// A value that a pickle builds. Containers are indices into the arenas of a `PickleProgram`, so that a value holds no
/// other value: copying, nesting and freeing take no recursion, whatever the file says.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    /// A string, by its index among the texts.
    case text(Int)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    /// A name in a Python module.
    case global(Int)
    /// What calling or building with a global would give that has no meaning here.
    case opaque(Int)
    /// A persistent id that begins with "storage": the index of its tuple among the storages.
    case storage(Int)
    case tensor(Int)
    case plain(Plain)

    /// Values that nothing looks into.
    enum Plain: String {
        case float = "a float"
        case bytes = "bytes"
        case largeInteger = "an integer of more than 64 bits"
        case set = "a set"
        case object = "an object"
    }

    /// What the value is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .text: "a string"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global: "a class or function"
        case .opaque: "an object"
        case .storage: "a storage"
        case .tensor: "a tensor"
        case .plain(let plain): plain.rawValue
        }
    }
}

/// A name in a Python module, and what it does to its arguments here. Nothing is ever imported or called.
struct PickleGlobal {
    enum Role {
        /// Takes (storage, offset, size, stride, ...), and where `hasType`, a type as the seventh argument.
        case tensor(hasType: Bool)
        /// Takes a tensor and gives it back.
        case parameter
        /// Takes nothing, or a list of pairs.
        case dictionary
        /// Takes a factory of values.
        case defaultDictionary
        /// Takes a tuple and gives it back.
        case size
        case foreign
    }

    /// Indices among the texts.
    let module: Int
    let name: Int
    let role: Role

    /// All that have a meaning. Others are foreign: classes of storages and types are looked at by name.
    static let roles: [String: Role] = [
        "torch._utils._rebuild_tensor": .tensor(hasType: false),
        "torch._utils._rebuild_tensor_v2": .tensor(hasType: false),
        "torch._utils._rebuild_tensor_v3": .tensor(hasType: true),
        "torch._utils._rebuild_parameter": .parameter,
        "torch._utils._rebuild_parameter_with_state": .parameter,
        "torch.Size": .size,
        "collections.OrderedDict": .dictionary,
        "collections.defaultdict": .defaultDictionary,
        "builtins.dict": .dictionary,
        "__builtin__.dict": .dictionary,
    ]

    /// Bytes of the longest module and of the longest name that are compared with anything.
    static let longest = 64
}
