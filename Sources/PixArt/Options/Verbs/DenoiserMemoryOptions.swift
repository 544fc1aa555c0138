// Made by `make docs` from the schemas of the library.

/// The options of `pixart_denoiser_memory`.
public struct DenoiserMemoryOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        cache: JSON? = nil,
        guidanceScale: Double? = nil,
        height: Int? = nil,
        numImagesPerPrompt: Int? = nil,
        pagScale: Double? = nil,
        preset: Preset? = nil,
        prompts: Int? = nil,
        strength: Double? = nil,
        tokens: Int? = nil,
        useResolutionBinning: Bool? = nil,
        width: Int? = nil
    ) {
        self.cache = cache
        self.guidanceScale = guidanceScale
        self.height = height
        self.numImagesPerPrompt = numImagesPerPrompt
        self.pagScale = pagScale
        self.preset = preset
        self.prompts = prompts
        self.strength = strength
        self.tokens = tokens
        self.useResolutionBinning = useResolutionBinning
        self.width = width
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

    /// Number of prompts, as in pixart_sampler_create_batch. Default: `1`.
    public var prompts: Int? {
        get { read("prompts") }
        set { write("prompts", newValue) }
    }

    /// How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    /// int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise.
    /// Default: `null`.
    public var strength: Double? {
        get { read("strength") }
        set { write("strength", newValue) }
    }

    /// Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    /// "max_sequence_length". Default: `null`.
    public var tokens: Int? {
        get { read("tokens") }
        set { write("tokens", newValue) }
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
}
