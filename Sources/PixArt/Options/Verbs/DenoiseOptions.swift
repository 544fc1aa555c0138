// Made by `make docs` from the schemas of the library.

/// The options of `pixart_denoise`.
public struct DenoiseOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        adapterScales: [String: Double]? = nil,
        cache: JSON? = nil,
        controlGuidanceEnd: Double? = nil,
        controlGuidanceStart: Double? = nil,
        controlnetConditioningScale: Double? = nil,
        eta: Double? = nil,
        guidanceInterval: [Double]? = nil,
        guidanceScale: Double? = nil,
        height: Int? = nil,
        numImagesPerPrompt: Int? = nil,
        numInferenceSteps: Int? = nil,
        pagAdaptiveScale: Double? = nil,
        pagAppliedLayers: [Int]? = nil,
        pagScale: Double? = nil,
        preset: Preset? = nil,
        result: Result? = nil,
        scheduler: JSON? = nil,
        seed: Seed? = nil,
        sigmas: [Double]? = nil,
        strength: Double? = nil,
        timesteps: [Int]? = nil,
        useResolutionBinning: Bool? = nil,
        width: Int? = nil
    ) {
        self.adapterScales = adapterScales
        self.cache = cache
        self.controlGuidanceEnd = controlGuidanceEnd
        self.controlGuidanceStart = controlGuidanceStart
        self.controlnetConditioningScale = controlnetConditioningScale
        self.eta = eta
        self.guidanceInterval = guidanceInterval
        self.guidanceScale = guidanceScale
        self.height = height
        self.numImagesPerPrompt = numImagesPerPrompt
        self.numInferenceSteps = numInferenceSteps
        self.pagAdaptiveScale = pagAdaptiveScale
        self.pagAppliedLayers = pagAppliedLayers
        self.pagScale = pagScale
        self.preset = preset
        self.result = result
        self.scheduler = scheduler
        self.seed = seed
        self.sigmas = sigmas
        self.strength = strength
        self.timesteps = timesteps
        self.useResolutionBinning = useResolutionBinning
        self.width = width
    }

    /// Scales of adapters in this run, by their names, such as {"style": 0.5}. The others keep the scale that the
    /// denoiser was opened with. Only adapters that are not merged into the weights have a scale that can change: open
    /// the denoiser with "fuse_adapters": false. Default: `{}`.
    public var adapterScales: [String: Double]? {
        get { read("adapter_scales") }
        set { write("adapter_scales", newValue) }
    }

    /// Results of earlier steps that later ones add again instead of computing them. "half" computes about every second
    /// step and "third" about every fourth, in about 60% and 37% of the time; in runs of 20 steps from noise, they
    /// leave guidance out of the first 3 or 4. {"preset": "half"} is the same. An object with "steps" lists the steps
    /// that are computed, from 0 on, and one with "interval": n computes each n-th; the first and the last are always
    /// computed. The others add again what the blocks from the first to the second number of "blocks" added in all
    /// (default: all blocks but the first and the last of the checkpoint). With "steps", "prompt_steps" lists steps
    /// that compute the prompt's prediction only, which the negative prompt's follows, and "guidance_start" is the
    /// first step with classifier-free guidance. With "minimum_steps", runs of fewer steps compute all of every step.
    /// An object with "schedule" is a table of step, block and module, such as {"000": {"0": {"attn1": true, "attn2":
    /// true, "ff": true}}}, for all steps of the scheduler: with false, the module's last output is added again. null
    /// computes all of every step. docs/caching.md has the definitions, and the quality of the presets. Default:
    /// `null`.
    public var cache: JSON? {
        get { read("cache") }
        set { write("cache", newValue) }
    }

    /// Fraction of the run at which the ControlNet ends. Default: `1.0`.
    public var controlGuidanceEnd: Double? {
        get { read("control_guidance_end") }
        set { write("control_guidance_end", newValue) }
    }

    /// Fraction of the run at which the ControlNet starts. Of N steps, counted from 0, it guides those for which i / N
    /// is not below the start, and (i + 1) / N not above control_guidance_end. The other steps do not run it. Default:
    /// `0.0`.
    public var controlGuidanceStart: Double? {
        get { read("control_guidance_start") }
        set { write("control_guidance_start", newValue) }
    }

    /// Weight of the ControlNet: what it adds is multiplied by this. With 0 it is not run, and the run needs no control
    /// image. Used if the denoiser was opened with a "controlnet". Default: `1.0`.
    public var controlnetConditioningScale: Double? {
        get { read("controlnet_conditioning_scale") }
        set { write("controlnet_conditioning_scale", newValue) }
    }

    /// Noise that each step adds, as a fraction of the noise of DDPM. DDIM and TCD use it. Default: `0.0`.
    public var eta: Double? {
        get { read("eta") }
        set { write("eta", newValue) }
    }

    /// Part of the run that uses classifier-free guidance, as fractions [start, stop] of its N steps: from step
    /// int(start * N) to the one before int(stop * N), as in the guiders of diffusers. The other steps do not compute
    /// the prediction for the negative prompt, which saves its time. Default: `[0.0, 1.0]`.
    public var guidanceInterval: [Double]? {
        get { read("guidance_interval") }
        set { write("guidance_interval", newValue) }
    }

    /// Weight of classifier-free guidance. Guidance is used if this is above 1, and doubles the computation. Default:
    /// `4.5`.
    public var guidanceScale: Double? {
        get { read("guidance_scale") }
        set { write("guidance_scale", newValue) }
    }

    /// Height of the images in pixels. null means the size of the checkpoint. Without resolution binning it must be a
    /// multiple of 8 times the patch size (16). Default: `null`.
    public var height: Int? {
        get { read("height") }
        set { write("height", newValue) }
    }

    /// Number of images for each prompt, computed in one batch. Default: `1`.
    public var numImagesPerPrompt: Int? {
        get { read("num_images_per_prompt") }
        set { write("num_images_per_prompt", newValue) }
    }

    /// Number of denoising steps, at most the training timesteps of the scheduler (1000 in all published models).
    /// Solvers of higher order take at most one fewer, unless their timestep_spacing is "trailing". LCM and TCD take at
    /// most their original_inference_steps. Default: `20`.
    public var numInferenceSteps: Int? {
        get { read("num_inference_steps") }
        set { write("num_inference_steps", newValue) }
    }

    /// Subtracted from pag_scale for each timestep below 1000. Once nothing is left, the perturbed prediction is no
    /// longer computed. Default: `0.0`.
    public var pagAdaptiveScale: Double? {
        get { read("pag_adaptive_scale") }
        set { write("pag_adaptive_scale", newValue) }
    }

    /// Blocks, counted from 0, in which the perturbed prediction skips self-attention. null means those that the
    /// default of diffusers, "blocks.1", matches: all whose number begins with 1, such as 1 and 10 to 19. Default:
    /// `null`.
    public var pagAppliedLayers: [Int]? {
        get { read("pag_applied_layers") }
        set { write("pag_applied_layers", newValue) }
    }

    /// Weight of perturbed-attention guidance, as in PixArtSigmaPAGPipeline, with or without classifier-free guidance:
    /// the prediction moves away from one that is computed without self-attention. It is used if this is above 0, and
    /// adds the computation of one prediction. Default: `0.0`.
    public var pagScale: Double? {
        get { read("pag_scale") }
        set { write("pag_scale", newValue) }
    }

    /// Values for options that are not given: "exact" sets {"cache": null}, "balanced" sets {"cache":
    /// {"minimum_steps":15,"preset":"half"}}, "fast" sets {"cache": {"minimum_steps":10,"preset":"third"}}. null sets
    /// nothing. An option that is given keeps its value, and presets do not set "compute" to "int8" if "weights" is
    /// given. docs/presets.md compares the presets. Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }

    /// Latents after the last step. "sample": the sample that the scheduler computes. "predicted_original": the latents
    /// without noise that it predicts. "auto": "predicted_original" for a run of one step from noise unless the
    /// checkpoint is of PixArtSigmaPipeline, "sample" otherwise, as in diffusers. Default: `"auto"`.
    public var result: Result? {
        get { read("result") }
        set { write("result", newValue) }
    }

    /// Scheduler of the run: the name of a diffusers class, with or without "Scheduler", or an object with
    /// "_class_name" and fields of its configuration. Missing fields are those of the checkpoint's
    /// scheduler_config.json, or else the defaults of the class. null means the scheduler of the checkpoint. The whole
    /// `config` of a diffusers scheduler is accepted, and read as from_config reads it: fields of other diffusers
    /// schedulers are ignored, fields in "_use_default_values" have the default of the class, and a "solver_type" or
    /// "algorithm_type" of a related class is replaced as in diffusers. Default: `null`.
    public var scheduler: JSON? {
        get { read("scheduler") }
        set { write("scheduler", newValue) }
    }

    /// Seed of the noise, drawn as torch.Generator().manual_seed(seed) draws it on the CPU: one seed for the whole
    /// batch, or an array with one seed for each image, in the order of the prompts. Default: `0`.
    public var seed: Seed? {
        get { read("seed") }
        set { write("seed", newValue) }
    }

    /// Noise levels of the run in falling order, including the last one, which is usually 0. num_inference_steps is
    /// then one less than their number. Supported by EulerDiscrete. Default: `null`.
    public var sigmas: [Double]? {
        get { read("sigmas") }
        set { write("sigmas", newValue) }
    }

    /// How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    /// int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise.
    /// Default: `null`.
    public var strength: Double? {
        get { read("strength") }
        set { write("strength", newValue) }
    }

    /// Timesteps of the run in falling order, in place of those of the scheduler. num_inference_steps is then their
    /// number. Supported by DPMSolverMultistep, DPMSolverSinglestep, DDPM, EulerDiscrete, HeunDiscrete, LCM and TCD.
    /// Default: `null`.
    public var timesteps: [Int]? {
        get { read("timesteps") }
        set { write("timesteps", newValue) }
    }

    /// Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested size,
    /// pass height and width to pixart_decode as well. null means true if the checkpoint has such sizes (sample_size
    /// 32, 64, 128 and 256). Default: `null`.
    public var useResolutionBinning: Bool? {
        get { read("use_resolution_binning") }
        set { write("use_resolution_binning", newValue) }
    }

    /// Width of the images in pixels. null and multiples are as for the height. Default: `null`.
    public var width: Int? {
        get { read("width") }
        set { write("width", newValue) }
    }

    /// The values of `result`.
    public enum Result: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case sample
        case predictedOriginal = "predicted_original"
    }
}
