// swift-tools-version: 6.2
import PackageDescription

// Floors, lowest first. A target may depend only on floors below it, and each edge that a file uses is stated here:
// tools/check_edges.py compares them. docs/design.md says what each target holds.
//
//     CPixArt   CProcess   CKernels   CLibraries
//     PixArtStorage
//     PixArtFormats   PixArtCompute
//     PixArtSchedulers   PixArtNetworks
//     PixArtStages
//     PixArtABI   PixArt

/// No prefix map: the package manager finds tests by the paths in the compiler's index.
let testSettings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// Neither the folder of the build nor the cache of C modules in it is stored, so a build is the same in every folder.
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .unsafeFlags([
        "-file-prefix-map", "\(Context.packageDirectory)=.", "-Xfrontend", "-no-clang-module-breadcrumbs",
    ]),
]
/// For C and C++: an access out of bounds that is detected ends the process, and no path of the build is stored.
let hardening = [
    "-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2",
    "-ffile-prefix-map=\(Context.packageDirectory)=.",
]

/// Libraries are linked statically and hidden. A host that exports the same symbols changes nothing.
let cSettings: [CSetting] = [
    .unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror", "-fno-math-errno"] + hardening)
]

/// Symbols of the C library that are replaced for all statically linked code; see `environment.c`, `allocation.c`,
/// `fork_gate.c` and `old_glibc.c`. `stderr` is one of them because libpng's archive can only be linked if this library
/// defines that variable.
let wrapped = [
    "getenv", "environ", "getrandom", "swift_stdlib_random", "_swift_installCrashHandler", "stderr", "malloc",
    "calloc", "realloc", "free", "posix_memalign", "aligned_alloc", "malloc_usable_size", "strdup",
    "pthread_mutex_lock", "pthread_mutex_unlock", "__cxa_guard_acquire", "__cxa_guard_release",
    "newlocale", "duplocale", "freelocale", "strerror", "hypotf",
    "_ZN5swift14threading_impl9once_slowERNS0_6once_tEPFvPvES3_",
]

/// A shared library is self-contained, with the Swift runtime inside. Only the symbols in `exports` are visible, and the
/// SONAME is stable.
func shared(_ soname: String, exports: String) -> [LinkerSetting] {
    [
        .unsafeFlags(
            [
                "-static-stdlib", "-use-ld=lld", "-L\(Context.packageDirectory)/Sources/PixArtABI/linking",
                "-Xlinker", "--version-script=\(Context.packageDirectory)/\(exports)",
                "-Xlinker", "--script=\(Context.packageDirectory)/Sources/PixArtABI/linking/discarded.ld",
                "-Xlinker", "-soname=\(soname)",
                "-Xlinker", "--no-undefined", "-Xlinker", "-znodelete", "-Xlinker", "-znow", "-Xlinker", "-zrelro",
            ]
                + wrapped.flatMap { ["-Xlinker", "--wrap=\($0)"] })
    ]
}

let package = Package(
    name: "libpixart",
    products: [
        // For Swift: linked into the program that depends on it.
        .library(name: "PixArt", targets: ["PixArt"]),
        // For every other language: the C ABI, in one shared library.
        .library(name: "pixart", type: .dynamic, targets: ["PixArtABI"]),
        // For Tests/fuzz only.
        .library(name: "fuzzed-readers", type: .dynamic, targets: ["FuzzedReaders"]),
    ],
    targets: [
        .systemLibrary(name: "CPixArt", path: "include"),
        .target(name: "CProcess", cSettings: cSettings),
        .target(
            name: "CKernels", dependencies: ["CProcess"], cSettings: cSettings),
        .target(
            name: "CLibraries", cSettings: cSettings,
            linkerSettings: [
                .linkedLibrary(":libjson-c.a"), .linkedLibrary(":libpng16.a"), .linkedLibrary(":libz.a"),
                .linkedLibrary(":libpcre2-8.a"), .linkedLibrary(":libutf8proc.a"),
            ]),
        .target(name: "PixArtStorage", dependencies: ["CPixArt", "CProcess"], swiftSettings: settings),
        .target(name: "PixArtFormats", dependencies: ["PixArtStorage", "CLibraries"], swiftSettings: settings),
        .target(
            name: "PixArtCompute", dependencies: ["PixArtStorage", "CKernels", "CProcess"], swiftSettings: settings),
        .target(name: "PixArtNetworks", dependencies: ["PixArtStorage", "PixArtCompute"], swiftSettings: settings),
        .target(name: "PixArtSchedulers", dependencies: ["PixArtStorage", "PixArtFormats"], swiftSettings: settings),
        .target(
            name: "PixArtStages",
            dependencies: ["PixArtStorage", "PixArtFormats", "PixArtCompute", "PixArtNetworks", "PixArtSchedulers"],
            swiftSettings: settings),
        .target(
            name: "PixArtABI",
            dependencies: ["CPixArt", "CProcess", "PixArtStorage", "PixArtFormats", "PixArtCompute", "PixArtStages"],
            exclude: ["exports.map", "linking"], swiftSettings: settings,
            linkerSettings: shared("libpixart.so.1", exports: "Sources/PixArtABI/exports.map")),
        .target(
            name: "PixArt",
            dependencies: ["CPixArt", "CProcess", "PixArtStorage", "PixArtFormats", "PixArtCompute", "PixArtStages"],
            swiftSettings: settings),
        .executableTarget(
            name: "tokenize", dependencies: ["PixArtStorage", "PixArtFormats"], path: "tools/tokenize",
            swiftSettings: settings),
        .executableTarget(
            name: "regions", dependencies: ["PixArtStorage", "PixArtCompute"], path: "tools/regions",
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["CPixArt", "PixArtStorage", "PixArtFormats"], path: "Tests/Support",
            swiftSettings: testSettings),
        .testTarget(
            name: "PixArtComputeTests", dependencies: ["TestSupport", "CPixArt", "PixArtStorage", "PixArtCompute"],
            swiftSettings: testSettings),
        .testTarget(
            name: "PixArtFormatsTests",
            dependencies: ["TestSupport", "CPixArt", "PixArtStorage", "PixArtFormats", "PixArtCompute"],
            resources: [.copy("Resources")], swiftSettings: testSettings),
        .testTarget(
            name: "PixArtNetworksTests",
            dependencies: ["TestSupport", "PixArtStorage", "PixArtFormats", "PixArtCompute", "PixArtNetworks"],
            resources: [.copy("Resources")], swiftSettings: testSettings),
        .testTarget(
            name: "PixArtSchedulersTests",
            dependencies: ["TestSupport", "PixArtStorage", "PixArtFormats", "PixArtSchedulers"],
            resources: [.copy("Resources")], swiftSettings: testSettings),
        .testTarget(
            name: "PixArtStagesTests",
            dependencies: [
                "TestSupport", "CPixArt", "PixArtStorage", "PixArtFormats", "PixArtCompute", "PixArtNetworks",
                "PixArtSchedulers", "PixArtStages",
            ],
            resources: [.copy("Resources")], swiftSettings: testSettings),
        .testTarget(
            name: "PixArtTests", dependencies: ["TestSupport", "PixArt"], resources: [.copy("Resources")],
            swiftSettings: testSettings),
        .target(
            name: "FuzzedReaders", dependencies: ["CPixArt", "PixArtStorage", "PixArtFormats", "PixArtStages"],
            path: "Tests/fuzz/readers", exclude: ["exports.map"], swiftSettings: settings,
            linkerSettings: shared("libfuzzed-readers.so", exports: "Tests/fuzz/readers/exports.map")),
    ],
    cLanguageStandard: .c11
)
