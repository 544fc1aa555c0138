import CPixArt
import PixArtStorage
import Testing

/// Expects `work` to fail with `status` and a message that contains all of `parts`.
package func expectFailure(
    _ status: pixart_status, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ work: () throws -> Void
) {
    expectFailure(status, parts, sourceLocation: sourceLocation, work)
}

/// Expects `work` to fail with `status` and a message that contains all of `parts`.
package func expectFailure(
    _ status: pixart_status, _ parts: [String], sourceLocation: SourceLocation = #_sourceLocation,
    _ work: () throws -> Void
) {
    do {
        try work()
        Issue.record("no failure; expected one about \(parts)", sourceLocation: sourceLocation)
    } catch let error as PixArtError {
        #expect(error.status == status, "\(error.message)", sourceLocation: sourceLocation)
        for part in parts {
            #expect(error.message.contains(part), "no \"\(part)\" in: \(error.message)", sourceLocation: sourceLocation)
        }
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
