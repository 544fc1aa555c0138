import Foundation
import PixArt
import Synchronization
import Testing

/// Steps, progress and cancelling.
@Suite struct StepTests {
    @Test func stepsComeWhenAskedFor() async throws {
        let (prompt, negative) = try await Emoji.embeddings()
        let denoiser = try await Emoji.denoiser()
        let latents = try await denoiser.denoise(prompt: prompt, negative: negative, options: Emoji.run)
        let furthest = Atomic(0)
        let steps = denoiser.steps(prompt: prompt, negative: negative, options: Emoji.run) { progress in
            furthest.store(progress.step, ordering: .relaxed)
        }
        // Each loop is a new run.
        for _ in 0..<2 {
            var last: Step?
            var number = 0
            for try await step in steps {
                number += 1
                #expect(step.number == number && step.steps == 4)
                // The next step has not begun.
                #expect(furthest.load(ordering: .relaxed) == number)
                let preview = try step.preview
                #expect(preview.count == 1 && preview[0].width * 8 == 128)
                last = step
            }
            #expect(number == 4)
            #expect(last?.latents == latents)
        }
    }

    @Test func aLoopCanLeaveAndGoOn() async throws {
        let (prompt, negative) = try await Emoji.embeddings()
        let denoiser = try await Emoji.denoiser()
        let sampler = try await denoiser.sampler(prompt: prompt, negative: negative, options: Emoji.run)
        for try await step in sampler.remainingSteps() where step.number == 2 { break }
        #expect(sampler.stepIndex == 2)
        for try await step in sampler.remainingSteps() { #expect(step.number > 2) }
        #expect(sampler.stepIndex == 4)
        #expect(
            try await sampler.latents()
                == denoiser.denoise(prompt: prompt, negative: negative, options: Emoji.run))
    }

    /// A task that is cancelled in the middle of a run throws `CancellationError`, and the denoiser stays usable.
    @Test func cancelledRun() async throws {
        let (prompt, negative) = try await Emoji.embeddings()
        let denoiser = try await Emoji.denoiser()
        let pause = Pause(after: 0.4)
        let run = Task {
            try await denoiser.denoise(
                prompt: prompt, negative: negative, options: Emoji.run, progress: pause.handler)
        }
        await pause.reached()
        run.cancel()
        pause.end()
        await #expect(throws: CancellationError.self) { try await run.value }
        let latents = try await denoiser.denoise(prompt: prompt, negative: negative, options: Emoji.run)
        #expect(try await Emoji.images(latents) == [try Emoji.golden()])
    }

    /// A step that is cancelled changes nothing, and can be run again.
    @Test func cancelledStep() async throws {
        let (prompt, negative) = try await Emoji.embeddings()
        let denoiser = try await Emoji.denoiser()
        let sampler = try await denoiser.sampler(prompt: prompt, negative: negative, options: Emoji.run)
        try await sampler.step()
        let before = try await sampler.latents()
        let pause = Pause(after: 0.3)
        let step = Task { try await sampler.step(progress: pause.handler) }
        await pause.reached()
        step.cancel()
        pause.end()
        await #expect(throws: CancellationError.self) { try await step.value }
        #expect(sampler.stepIndex == 1)
        #expect(try await sampler.latents() == before)
        #expect(
            try await sampler.finish()
                == denoiser.denoise(prompt: prompt, negative: negative, options: Emoji.run))
    }

    /// A call that waits for its turn on a pipeline can be cancelled, while the one that works goes on.
    @Test func cancelledWhileWaiting() async throws {
        let pipeline = Emoji.pipeline()
        let pause = Pause(after: 0.1)
        let first = Task {
            try await pipeline.generate(prompt: Emoji.prompt, options: Emoji.run) { phase, progress in
                if phase == .denoising { pause.handler(progress) }
            }
        }
        await pause.reached()
        let second = Task { try await pipeline.generate(prompt: Emoji.prompt, options: Emoji.run) }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        pause.end()
        #expect(try await first.value == Emoji.golden())
    }

    /// Phases come in order, and each one's fraction rises to 1.
    @Test func phases() async throws {
        let seen = Mutex<[(Pipeline.Phase, Double)]>([])
        _ = try await Emoji.pipeline().generate(prompt: Emoji.prompt, options: Emoji.run) { phase, progress in
            seen.withLock { $0.append((phase, progress.fraction)) }
        }
        let reports = seen.withLock { $0 }
        var order: [Pipeline.Phase] = []
        for (phase, _) in reports where order.last != phase { order.append(phase) }
        #expect(
            order == [
                .openingTextEncoder, .encoding, .openingDenoiser, .denoising, .openingImageDecoder, .decoding,
            ])
        #expect(reports.last { $0.0 == .denoising }?.1 == 1)
        #expect(reports.last?.1 == 1)
    }

    /// Calls do not take the threads of Swift concurrency: while more calls than processors stand still, a task runs.
    @Test func callsLeaveThePoolFree() async throws {
        let (prompt, negative) = try await Emoji.embeddings()
        let denoisers = [try await Emoji.denoiser(), try await Emoji.denoiser()]
        let pauses = (0..<2 * max(8, ProcessInfo.processInfo.activeProcessorCount)).map { _ in Pause(after: 0) }
        let runs = pauses.enumerated().map { index, pause in
            Task {
                try await denoisers[index % 2].denoise(
                    prompt: prompt, negative: negative, options: Emoji.run, progress: pause.handler)
            }
        }
        for pause in pauses { await pause.reached() }
        #expect(await Task.detached { 6 * 7 }.value == 42)
        for run in runs { run.cancel() }
        for pause in pauses { pause.end() }
        for run in runs { await #expect(throws: CancellationError.self) { try await run.value } }
    }
}
