import PixArtFormats
import PixArtSchedulers
import PixArtStorage

/// The options of a run: of `pixart_denoise`, `pixart_sampler_create` and `pixart_sampler_create_batch`.
package struct DenoiseOptions: VerbOptions {
    package static let verb = "denoise"

    /// The name of a class, or an object with its fields; null for the scheduler of the checkpoint.
    let scheduler: JSONValue
    package let schedule: RunSchedule
    let result: RunResult
    package let guidance: GuidanceOptions
    /// How much of an image's latents is replaced by noise; nil for a run from noise alone.
    let strength: Double?
    let control: ControlOptions
    /// nil for a run that computes all of every step.
    let cache: CacheRequest?
    package let size: RunSizeOptions
    package let seed: Seed
    /// By the names of adapters.
    let adapterScales: [Name: Double]

    package init(_ reader: inout OptionReader) {
        scheduler = reader.read(
            .className(
                "scheduler", of: "scheduler", schemas: SchedulerRegistry.schemas,
                "Scheduler of the run: the name of a diffusers class, with or without \"Scheduler\", or an object with "
                    + "\"_class_name\" and fields of its configuration. Missing fields are those of the checkpoint's "
                    + "scheduler_config.json, or else the defaults of the class. null means the scheduler of the checkpoint. "
                    + "The whole `config` of a diffusers scheduler is accepted, and read as from_config reads it: fields of "
                    + "other diffusers schedulers are ignored, fields in \"_use_default_values\" have the default of the "
                    + "class, and a \"solver_type\" or \"algorithm_type\" of a related class is replaced as in diffusers."
            ))
        let timesteps = reader.read(
            .optionalIntegers(
                "timesteps", 0...99_999,
                "Timesteps of the run in falling order, in place of those of the scheduler. num_inference_steps is then "
                    + "their number. Supported by DPMSolverMultistep, DPMSolverSinglestep, DDPM, EulerDiscrete, "
                    + "HeunDiscrete, LCM and TCD."))
        let sigmas = reader.read(
            .optionalNumbers(
                "sigmas", 0...1e6,
                "Noise levels of the run in falling order, including the last one, which is usually 0. "
                    + "num_inference_steps is then one less than their number. Supported by EulerDiscrete."))
        let eta = reader.read(
            .number(
                "eta", 0...1, default: 0,
                "Noise that each step adds, as a fraction of the noise of DDPM. DDIM and TCD use it."))
        result = reader.read(
            .choice(
                "result", default: .automatic,
                "Latents after the last step. \"sample\": the sample that the scheduler computes. \"predicted_original\": "
                    + "the latents without noise that it predicts. \"auto\": \"predicted_original\" for a run of one step "
                    + "from noise unless the checkpoint is of PixArtSigmaPipeline, \"sample\" otherwise, as in diffusers."
            ))
        guidance = GuidanceOptions(&reader)
        strength = reader.read(.strength)
        control = ControlOptions(&reader)
        cache = reader.read(.cache)
        let steps = reader.read(
            .integer(
                "num_inference_steps", 1...100_000, default: 20,
                "Number of denoising steps, at most the training timesteps of the scheduler (1000 in all published "
                    + "models). Solvers of higher order take at most one fewer, unless their timestep_spacing is "
                    + "\"trailing\". LCM and TCD take at most their original_inference_steps."))
        schedule = RunSchedule(steps: steps, timesteps: timesteps, sigmas: sigmas, eta: eta)
        size = RunSizeOptions(&reader)
        seed = reader.read(
            .seed(
                "seed", default: 0,
                "Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the "
                    + "whole batch, or an array with one seed for each image, in the order of the prompts."))
        adapterScales = reader.read(
            .numbersByName(
                "adapter_scales", AdapterRequest.scales,
                "Scales of adapters in this run, by their names, such as {\"style\": 0.5}. The others keep the scale that "
                    + "the denoiser was opened with. Only adapters that are not merged into the weights have a scale that "
                    + "can change: open the denoiser with \"fuse_adapters\": false."))
    }
}

/// Latents that a run ends with.
enum RunResult: String, CaseIterable {
    case automatic = "auto"
    case sample
    case predictedOriginal = "predicted_original"
}

extension Option where Value == Double? {
    static var strength: Self {
        .optionalNumber(
            "strength", 0...1,
            "How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last "
                + "int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise."
        )
    }
}

/// How large a run is.
package struct RunSizeOptions: Sendable {
    /// nil for the checkpoint's.
    package let height, width: Int?
    /// nil for whether the checkpoint has bins.
    let usesResolutionBins: Bool?
    let imagesPerPrompt: Int

    init(_ reader: inout OptionReader) {
        height = reader.read(
            .optionalInteger(
                "height", 16...16384,
                "Height of the images in pixels. null means the size of the checkpoint. Without resolution binning it must "
                    + "be a multiple of 8 times the patch size (16)."))
        width = reader.read(
            .optionalInteger(
                "width", 16...16384,
                "Width of the images in pixels. null and multiples are as for the height."))
        usesResolutionBins = reader.read(
            .optionalBoolean(
                "use_resolution_binning",
                "Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested "
                    + "size, pass height and width to pixart_decode as well. null means true if the checkpoint has such "
                    + "sizes (sample_size 32, 64, 128 and 256)."))
        imagesPerPrompt = reader.read(.imagesPerPrompt)
    }
}

extension Option where Value == Int {
    static var imagesPerPrompt: Self {
        .integer(
            "num_images_per_prompt", 1...256, default: 1, "Number of images for each prompt, computed in one batch.")
    }
}
