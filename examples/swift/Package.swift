// swift-tools-version: 6.2
import PackageDescription

/// Where libpixart is. A package of your own names a repository and a version instead:
/// `.package(url: "https://example.org/libpixart.git", from: "1.0.0")`.
let libpixart = Context.environment["PIXART_ROOT"] ?? "../.."

let package = Package(
    name: "text_to_image",
    dependencies: [.package(name: "libpixart", path: libpixart)],
    targets: [
        .executableTarget(
            name: "text_to_image", dependencies: [.product(name: "PixArt", package: "libpixart")])
    ]
)
