import PixArt
import Testing

/// Expects `work` to throw a `PixArtError` with this status, whose message contains all of `parts`.
func expectError(
    _ status: PixArtError.Status, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ work: () async throws -> Void
) async {
    do {
        try await work()
        Issue.record("no error; expected one about \(parts)", sourceLocation: sourceLocation)
    } catch let error as PixArtError {
        #expect(error.status == status, "\(error)", sourceLocation: sourceLocation)
        for part in parts {
            #expect(error.message.contains(part), "no \"\(part)\" in: \(error)", sourceLocation: sourceLocation)
        }
    } catch {
        Issue.record("another error: \(error)", sourceLocation: sourceLocation)
    }
}
