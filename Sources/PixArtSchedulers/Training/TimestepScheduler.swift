/// A scheduler that goes from one training timestep to another: latents are picture and noise, weighted by the product
/// of alphas at the timestep. diffusers' DDIM, DDPM, PNDM and the schedulers of distilled models.
protocol TimestepScheduler: IndexedScheduler {
    var schedule: NoiseSchedule { get }
    /// The run's timesteps, falling.
    var times: [Int] { get }
}

extension TimestepScheduler {
    package var timesteps: [Float] { times.map { Float($0) } }

    package func noised(_ original: [Float], by noise: [Float], at index: Int) -> [Float] {
        schedule.level(times[index]).noised(original, by: noise)
    }
}
