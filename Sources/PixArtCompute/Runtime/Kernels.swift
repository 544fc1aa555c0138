import CKernels
import PixArtStorage

/// The kernels of an instruction set.
package struct Kernels: @unchecked Sendable {
    /// Never released.
    let table: UnsafePointer<native_kernels>

    /// The kernels of the best instruction set of this processor.
    package static let best = Kernels(table: native_kernels_named(nil)!)

    /// Names of all instruction sets, the best first.
    package static let names = [
        "avx512_bf16", "avx512_vnni", "avx512", "avx_vnni", "avx2", "neon_i8mm", "neon_dotprod", "neon", "portable",
    ]

    /// Names of the instruction sets that this processor has.
    package static var available: [String] { names.filter { native_kernels_named($0) != nil } }

    private init(table: UnsafePointer<native_kernels>) { self.table = table }

    /// The kernels called `name`; nil means the best. Fails with `.option` if the processor lacks the instruction
    /// set.
    package init(named name: String?) throws(PixArtError) {
        guard let table = native_kernels_named(name) else {
            let known = Self.available.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .option(
                "option \"instructions\" is \"\(name ?? "")\"; expected one that this processor has: \(known)")
        }
        self.table = table
    }

    package var name: String { String(cString: table.pointee.name) }
}
