// swift-tools-version: 6.2
import PackageDescription

/// Floors, lowest first. A target may depend only on floors below it; docs/design.md says what each holds.
///
///     CPixArt  <  CNative  <  PixArtCompute  <  PixArtFormats, PixArtNetworks  <  PixArtStages  <  PixArtABI
let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// How the shared library is linked: self-contained, the Swift runtime inside, only `pixart_*` visible, a stable SONAME.
let shared: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib", "-use-ld=lld",
        "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/PixArtABI/exports.map",
        "-Xlinker", "-soname=libpixart.so.1",
        "-Xlinker", "--no-undefined", "-Xlinker", "-znodelete", "-Xlinker", "--wrap=getenv",
    ])
]

let package = Package(
    name: "libpixart",
    products: [
        .library(name: "pixart", type: .dynamic, targets: ["PixArtABI"])
    ],
    targets: [
        .systemLibrary(name: "CPixArt", path: "include"),
        .target(
            name: "CNative",
            cSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror", "-fno-math-errno"])],
            cxxSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])],
            linkerSettings: [
                // OpenBLAS is linked statically: the library needs a copy of its own to leave the host's threads alone.
                .linkedLibrary(":libopenblas.a"),
                .linkedLibrary("json-c"), .linkedLibrary("png"), .linkedLibrary("sentencepiece"),
                .linkedLibrary("pcre2-8"), .linkedLibrary("utf8proc"),
            ]),
        .target(name: "PixArtCompute", dependencies: ["CPixArt", "CNative"], swiftSettings: settings),
        .target(name: "PixArtFormats", dependencies: ["PixArtCompute", "CNative"], swiftSettings: settings),
        .target(name: "PixArtNetworks", dependencies: ["PixArtCompute"], swiftSettings: settings),
        .target(name: "PixArtStages", dependencies: ["PixArtNetworks", "PixArtFormats"], swiftSettings: settings),
        .target(
            name: "PixArtABI", dependencies: ["CPixArt", "PixArtStages"], exclude: ["exports.map"],
            swiftSettings: settings, linkerSettings: shared),
        .testTarget(name: "PixArtComputeTests", dependencies: ["PixArtCompute"], swiftSettings: settings),
        .testTarget(
            name: "PixArtFormatsTests", dependencies: ["PixArtFormats"], resources: [.copy("Resources")],
            swiftSettings: settings),
        .testTarget(
            name: "PixArtNetworksTests", dependencies: ["PixArtNetworks", "PixArtFormats"],
            resources: [.copy("Resources")], swiftSettings: settings),
        .testTarget(
            name: "PixArtStagesTests", dependencies: ["PixArtStages"], resources: [.copy("Resources")],
            swiftSettings: settings),
    ],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
