import CPixArt
import Foundation
import PixArtCompute
import Testing

/// A folder for a test's files, removed with this object.
final class ScratchFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "pixart-formats-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path. One that is there is removed first: to cut it short could wait for the disk.
    @discardableResult func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let file = "\(path)/\(name)"
        unlink(file)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    var content: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
}

/// Expects `work` to fail with `status` and a message that holds all of `parts`.
func expectFailure(
    _ status: pixart_status, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ work: () throws -> Void
) {
    do {
        try work()
        Issue.record("no failure; expected one about \(parts)", sourceLocation: sourceLocation)
    } catch let error as PixArtError {
        #expect(error.status == status, "\(error.message)", sourceLocation: sourceLocation)
        for part in parts {
            #expect(error.message.contains(part), "\(error.message)", sourceLocation: sourceLocation)
        }
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
