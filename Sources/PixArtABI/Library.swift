import CPixArt
import PixArtStages

/// Text with the lifetime of the process, as C hosts get it from calls that return `const char *`.
private func immortal(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@_cdecl("pixart_version") @implementation
public func pixart_version() -> UnsafePointer<CChar>? { immortal("1.0.0") }
