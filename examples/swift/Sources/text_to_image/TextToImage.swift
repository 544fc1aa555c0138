import Dispatch
import Foundation
import PixArt

/// Makes one image, a stage at a time, and reports on one line of JSON. Ctrl-C cancels.
@main struct TextToImage {
    static func main() async {
        guard let arguments = Arguments(CommandLine.arguments.dropFirst()) else {
            printError("\(Arguments.usage)\n")
            exit(1)
        }
        let run = Run(arguments)
        let work = Task { try await run.makeImage() }

        signal(SIGINT, SIG_IGN)
        let interrupts = DispatchSource.makeSignalSource(signal: SIGINT)
        interrupts.setEventHandler { work.cancel() }
        interrupts.activate()

        let clock = ContinuousClock()
        let start = clock.now
        do {
            try await work.value
            printReport(clock.now - start)
        } catch let cancelled as Cancelled {
            printReport(clock.now - start, cancelled: cancelled)
            exit(2)
        } catch is CancellationError {
            printReport(clock.now - start, cancelled: Cancelled())
            exit(2)
        } catch {
            printError("\(error)\n")
            exit(1)
        }
    }

    private static func printReport(_ time: Duration, cancelled: Cancelled? = nil) {
        let wait = cancelled?.wait.map { seconds($0) } ?? "null"
        print(
            #"{"language": "Swift", "version": "\#(compilerVersion)", "seconds": \#(seconds(time)), "#
                + #""cancelled": \#(cancelled != nil), "cancel_seconds": \#(wait)}"#)
    }

    private static func seconds(_ time: Duration) -> String { String(format: "%.4f", time / .seconds(1)) }
}

/// The run was cancelled, and the denoiser took this long to end.
struct Cancelled: Error {
    var wait: Duration?
}

/// One image from one prompt.
struct Run {
    let arguments: Arguments

    init(_ arguments: Arguments) { self.arguments = arguments }

    /// Each stage is freed when its function returns, so one at a time is in memory.
    func makeImage() async throws {
        let (prompt, negative) = try await embeddings()
        let latents = try await latents(prompt, negative)
        let images = try await ImageDecoder(model: arguments.model).decode(latents)
        try images[0].write(to: arguments.output)
    }

    private func embeddings() async throws -> (prompt: Tensor, negative: Tensor) {
        let encoder = try await TextEncoder(model: arguments.model)
        return (try await encoder.encode(arguments.prompt), try await encoder.encode(""))
    }

    private func latents(_ prompt: Tensor, _ negative: Tensor) async throws -> Tensor {
        let denoiser = try await Denoiser(model: arguments.model)
        let (reports, report) = AsyncStream.makeStream(of: StepProgress.self)
        let denoising = Task {
            defer { report.finish() }
            return try await denoiser.denoise(prompt: prompt, negative: negative, options: arguments.options) {
                report.yield($0)
            }
        }
        // Ctrl-C cancels the task that this function runs in, and so its child.
        return try await withTaskCancellationHandler {
            let asked = await show(reports) { denoising.cancel() }
            do { return try await denoising.value } catch is CancellationError {
                throw Cancelled(wait: asked.map { ContinuousClock.now - $0 })
            }
        } onCancel: {
            denoising.cancel()
        }
    }

    /// Shows the progress until the run ends. Returns when it was cancelled, if it was.
    private func show(
        _ reports: AsyncStream<StepProgress>, cancel: () -> Void
    ) async -> ContinuousClock.Instant? {
        var asked: ContinuousClock.Instant?
        for await progress in reports {
            printError("\rstep \(progress.step) of \(progress.steps), \(Int(progress.fraction * 100))%")
            if asked == nil, let limit = arguments.cancelAfter, progress.fraction >= limit {
                asked = .now
                cancel()
            }
        }
        printError("\n")
        return asked
    }
}

private func printError(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

#if compiler(>=6.4)
    private let compilerVersion = "6.4"
#elseif compiler(>=6.3)
    private let compilerVersion = "6.3"
#else
    private let compilerVersion = "6.2"
#endif
