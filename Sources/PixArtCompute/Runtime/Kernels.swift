import CKernels
import Glibc
import PixArtStorage

/// The kernels of an instruction set.
package struct Kernels: @unchecked Sendable {
    /// Never released.
    let table: UnsafePointer<native_kernels>

    /// The best reproducible kernels of this processor.
    package static let best = Kernels(table: native_kernels_named(nil, 1)!)

    /// Names of all instruction sets, the best first.
    package static let names = [
        "amx", "avx512_bf16", "avx512_vnni", "avx512", "avx_vnni", "avx2", "neon_bf16", "neon_i8mm", "neon_dotprod",
        "neon", "portable",
    ]

    /// Names of the instruction sets that this processor has.
    package static var available: [String] { names.filter { native_kernels_named($0, 0) != nil } }

    private init(table: UnsafePointer<native_kernels>) { self.table = table }

    /// The kernels called `name`; nil means the best. Fails with `.option` if the processor lacks the instruction
    /// set, or if it has to be reproducible and is not.
    package init(named name: String?, reproducible: Bool = false) throws(PixArtError) {
        guard let table = native_kernels_named(name, reproducible ? 1 : 0) else {
            let known = Self.available.filter { !reproducible || native_kernels_named($0, 1) != nil }
            let list = known.map { "\"\($0)\"" }.joined(separator: ", ")
            let kind = reproducible ? "a reproducible one" : "one"
            throw .option(
                "option \"instructions\" is \"\(name ?? "")\"; expected \(kind) that this processor has: \(list)")
        }
        self.table = table
    }

    package var name: String { String(cString: table.pointee.name) }

    /// Whether OpenBLAS multiplies in float32.
    package var usesBLAS: Bool { table.pointee.uses_blas != 0 }

    /// Whether int8 rows are prepared before they are multiplied by panels.
    var preparesInt8: Bool { table.pointee.prepare_int8 != nil }

    /// The kernels with OpenBLAS's GEMM if they prefer it and it is there. Fails with `.memory` and `.file` if it
    /// cannot be loaded.
    func withBLAS() throws(PixArtError) -> Kernels {
        guard table.pointee.prefers_blas != 0 else { return self }
        var failure: UnsafePointer<CChar>?
        if let table = native_kernels_with_blas(&failure) { return Kernels(table: table) }
        guard let failure else { return self }
        let code = errno
        let message = "cannot load OpenBLAS for the portable kernels: \(String(cString: failure))"
        throw code == ENOMEM ? .memory(message) : .file(message)
    }
}
