import PixArtStorage

/// The type of a tensor's elements, as PyTorch names it.
struct TorchType: Equatable, Sendable {
    /// The name that safetensors has for it; or else PyTorch's.
    let name: String
    /// Bytes of an element; nil if the type is not known.
    let size: Int?

    /// nil if it is none of the types that weights may have.
    var element: ElementType? { ElementType.safetensors.first { $0.rawValue == name } }

    /// Of storages without a type.
    static let byte = TorchType(name: "U8", size: 1)

    /// The type of elements in storages of a class such as `torch.FloatStorage`. Untyped storages count bytes.
    init(storageClass module: String, _ name: String) {
        if module == "torch" || module == "torch.cuda", let type = Self.storages[name] {
            self = type
        } else if module == "torch.storage", name == "UntypedStorage" {
            self = Self.byte
        } else {
            self.init(name: "\(module).\(name)", size: nil)
        }
    }

    /// The type called `torch.<name>`.
    init(dtype module: String, _ name: String) {
        if module == "torch", let type = Self.dtypes[name] {
            self = type
        } else {
            self.init(name: "\(module).\(name)", size: nil)
        }
    }

    private init(name: String, size: Int?) {
        self.name = name
        self.size = size
    }

    private static let storages: [String: TorchType] = [
        "FloatStorage": TorchType(name: "F32", size: 4),
        "HalfStorage": TorchType(name: "F16", size: 2),
        "BFloat16Storage": TorchType(name: "BF16", size: 2),
        "DoubleStorage": TorchType(name: "F64", size: 8),
        "LongStorage": TorchType(name: "I64", size: 8),
        "IntStorage": TorchType(name: "I32", size: 4),
        "ShortStorage": TorchType(name: "I16", size: 2),
        "CharStorage": TorchType(name: "I8", size: 1),
        "ByteStorage": byte,
        "UntypedStorage": byte,
        "BoolStorage": TorchType(name: "BOOL", size: 1),
        "ComplexFloatStorage": TorchType(name: "C64", size: 8),
        "ComplexDoubleStorage": TorchType(name: "C128", size: 16),
        "QInt8Storage": TorchType(name: "torch.qint8", size: 1),
        "QUInt8Storage": TorchType(name: "torch.quint8", size: 1),
        "QInt32Storage": TorchType(name: "torch.qint32", size: 4),
    ]

    private static let dtypes: [String: TorchType] = [
        "float32": TorchType(name: "F32", size: 4),
        "float16": TorchType(name: "F16", size: 2),
        "bfloat16": TorchType(name: "BF16", size: 2),
        "float8_e4m3fn": TorchType(name: "F8_E4M3", size: 1),
        "float8_e5m2": TorchType(name: "F8_E5M2", size: 1),
        "float8_e4m3fnuz": TorchType(name: "F8_E4M3FNUZ", size: 1),
        "float8_e5m2fnuz": TorchType(name: "F8_E5M2FNUZ", size: 1),
        "float8_e8m0fnu": TorchType(name: "F8_E8M0", size: 1),
        "float64": TorchType(name: "F64", size: 8),
        "int64": TorchType(name: "I64", size: 8),
        "int32": TorchType(name: "I32", size: 4),
        "int16": TorchType(name: "I16", size: 2),
        "int8": TorchType(name: "I8", size: 1),
        "uint8": byte,
        "uint16": TorchType(name: "U16", size: 2),
        "uint32": TorchType(name: "U32", size: 4),
        "uint64": TorchType(name: "U64", size: 8),
        "bool": TorchType(name: "BOOL", size: 1),
        "complex64": TorchType(name: "C64", size: 8),
        "complex128": TorchType(name: "C128", size: 16),
    ]
}
