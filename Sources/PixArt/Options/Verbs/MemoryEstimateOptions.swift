// Made by `make docs` from the schemas of the library.

/// The options of `pixart_memory_estimate`.
public struct MemoryEstimateOptions: CallOptions {
    public var members: [String: JSON] = [:]

    public init() {}

    /// The options that are given. Parameters are in alphabetical order.
    public init(
        adapters: [JSON]? = nil,
        attention: Attention? = nil,
        cache: JSON? = nil,
        compute: Compute? = nil,
        config: [String: JSON]? = nil,
        controlnet: String? = nil,
        fuseAdapters: Bool? = nil,
        guidanceScale: Double? = nil,
        height: Int? = nil,
        instructions: Instructions? = nil,
        lowMemory: Bool? = nil,
        numImagesPerPrompt: Int? = nil,
        pagScale: Double? = nil,
        preset: Preset? = nil,
        prompts: Int? = nil,
        reproducible: Bool? = nil,
        residency: Residency? = nil,
        stage: Stage? = nil,
        stateDict: StateDict? = nil,
        strength: Double? = nil,
        threads: Int? = nil,
        tokens: Int? = nil,
        unexpectedTensors: UnexpectedTensors? = nil,
        useResolutionBinning: Bool? = nil,
        variant: String? = nil,
        weights: Weights? = nil,
        width: Int? = nil
    ) {
        self.adapters = adapters
        self.attention = attention
        self.cache = cache
        self.compute = compute
        self.config = config
        self.controlnet = controlnet
        self.fuseAdapters = fuseAdapters
        self.guidanceScale = guidanceScale
        self.height = height
        self.instructions = instructions
        self.lowMemory = lowMemory
        self.numImagesPerPrompt = numImagesPerPrompt
        self.pagScale = pagScale
        self.preset = preset
        self.prompts = prompts
        self.reproducible = reproducible
        self.residency = residency
        self.stage = stage
        self.stateDict = stateDict
        self.strength = strength
        self.threads = threads
        self.tokens = tokens
        self.unexpectedTensors = unexpectedTensors
        self.useResolutionBinning = useResolutionBinning
        self.variant = variant
        self.weights = weights
        self.width = width
    }

    /// Adapters (LoRA, DoRA, LoHa, LoKr) of the part, as an array of paths or objects: {"path": "style.safetensors",
    /// "scale": 0.8, "name": "style"}. "path" is a file, a folder as PEFT or diffusers saves it, or an id in the Hub's
    /// cache. "scale" (default 1) multiplies the change that the file itself scales by its alpha. "name" (default: the
    /// name of the file or folder without its extension) must be unique. Names and scales of PEFT, diffusers,
    /// OneTrainer, kohya, LyCORIS and ComfyUI are recognized. The report of a handle lists tensors that change nothing;
    /// if no tensor changes the part, the call fails. Default: `[]`.
    public var adapters: [JSON]? {
        get { read("adapters") }
        set { write("adapters", newValue) }
    }

    /// Precision of self-attention. "auto": that of "compute". "int8" quantizes queries, keys, values and the weights
    /// of the softmax, and gives the same bits on all instruction sets. "bfloat16" is for compute "bfloat16" and
    /// "int8". Cross-attention takes little time and is not quantized. Default: `"auto"`.
    public var attention: Attention? {
        get { read("attention") }
        set { write("attention", newValue) }
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

    /// Precision of matrix multiplications. Sums are float32. "auto": int8 if the weights are int8 or int4, float32
    /// otherwise. "bfloat16" works with all weights. "int8" quantizes activations with one scale for each token. It
    /// needs int8 or int4 weights; if "weights" is "auto", floating-point weights of 16 or 32 bits are converted to
    /// int8, and those of 8 bits or fewer (fp8, blocks of GGUF) stay in the file and are rounded to int8 on their way
    /// into a multiplication. With "bfloat16" and "int8", results on processors with AVX-512 BF16 or arm64's BF16
    /// differ from those of others by about the rounding error, unless "reproducible" is true. Default: `"auto"`.
    public var compute: Compute? {
        get { read("compute") }
        set { write("compute", newValue) }
    }

    /// Fields of the part's config.json. They replace those of the file. A single file of weights has no config.json:
    /// its fields are derived from names and shapes of the tensors, and the report of the handle lists those that are
    /// assumed. Give them here if an assumption is wrong, such as {"scaling_factor": 0.13025} for the VAE of
    /// PixArt-Sigma. Default: `{}`.
    public var config: [String: JSON]? {
        get { read("config") }
        set { write("config", newValue) }
    }

    /// ControlNet of PixArt-delta to open with the transformer: a folder, a file of weights, or the id of a repository
    /// in the Hub's cache. It may be the adapter of diffusers (PixArtControlNetAdapterModel), or a .pth file with the
    /// names of the original repository, with or without the transformer in it. A run then needs a control image, by
    /// pixart_sampler_set_control. weights, compute and unexpected_tensors are as for the transformer; variant, config
    /// and state_dict are for the transformer alone. null means no ControlNet. Default: `null`.
    public var controlnet: String? {
        get { read("controlnet") }
        set { write("controlnet", newValue) }
    }

    /// true: merge adapters into floating-point weights before they are converted, which costs no time in a call. LoRA
    /// on weights that are stored in fewer bits (int8, int4, fp8, blocks of GGUF) is multiplied separately, so that
    /// nothing is rounded twice. false: multiply all LoRA separately. The option "adapter_scales" of a run can then
    /// change scales. DoRA, LoHa and LoKr are always merged. Default: `true`.
    public var fuseAdapters: Bool? {
        get { read("fuse_adapters") }
        set { write("fuse_adapters", newValue) }
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

    /// Instruction set of the kernels. "auto" selects the best one that the processor supports. The others are for
    /// tests and comparisons. If the processor does not support the one that is named, the call fails and lists those
    /// that it supports. Default: `"auto"`.
    public var instructions: Instructions? {
        get { read("instructions") }
        set { write("instructions", newValue) }
    }

    /// true: compute the largest feature maps of a VAE strip by strip, again for every use. The images are the same. At
    /// 1024 pixels, decoding takes 0.7 GiB instead of 1.1, and a third more time. Smaller images save less. A tiny
    /// autoencoder ignores it. false: hold these maps. Default: `false`.
    public var lowMemory: Bool? {
        get { read("low_memory") }
        set { write("low_memory", newValue) }
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

    /// Values for options that are not given: "exact" sets {"cache": null, "compute": "float32"}, "balanced" sets
    /// {"cache": {"minimum_steps":15,"preset":"half"}, "compute": "int8"}, "fast" sets {"cache":
    /// {"minimum_steps":10,"preset":"third"}, "compute": "int8"}. null sets nothing. An option that is given keeps its
    /// value, and presets do not set "compute" to "int8" if "weights" is given. docs/presets.md compares the presets.
    /// Default: `null`.
    public var preset: Preset? {
        get { read("preset") }
        set { write("preset", newValue) }
    }

    /// Number of prompts, as in pixart_sampler_create_batch. Default: `1`.
    public var prompts: Int? {
        get { read("prompts") }
        set { write("prompts", newValue) }
    }

    /// Whether the results have to be equal to the bit on all processors. On processors with AVX2, AVX-512 or NEON they
    /// are, unless the processor has AVX-512 BF16 or arm64's BF16 and some layer is computed in bfloat16, as with
    /// "compute": "bfloat16" or "int8". true does without those instructions. On processors without fused multiply-adds
    /// it is much slower. Default: `false`.
    public var reproducible: Bool? {
        get { read("reproducible") }
        set { write("reproducible", newValue) }
    }

    /// Residency of the weights, as pixart_encoder_open and pixart_denoiser_open have it. Default: `"resident"`.
    public var residency: Residency? {
        get { read("residency") }
        set { write("residency", newValue) }
    }

    /// Stage to estimate. Options that the stage does not have are checked and otherwise ignored. Default: `"denoise"`.
    public var stage: Stage? {
        get { read("stage") }
        set { write("stage", newValue) }
    }

    /// Weights to take from a PyTorch training checkpoint. "auto": its "state_dict". "ema": the moving average,
    /// "state_dict_ema". Default: `"auto"`.
    public var stateDict: StateDict? {
        get { read("state_dict") }
        set { write("state_dict", newValue) }
    }

    /// How far a run departs from the image of pixart_sampler_set_image_latents. The run does the last
    /// int(num_inference_steps * strength) of num_inference_steps steps. null means a run that starts from noise.
    /// Default: `null`.
    public var strength: Double? {
        get { read("strength") }
        set { write("strength", newValue) }
    }

    /// Number of threads that compute for the call or handle. 0 means one for each processor that the process may use.
    /// OpenBLAS, which the portable instruction set uses, takes at most 128. Default: `0`.
    public var threads: Int? {
        get { read("threads") }
        set { write("threads", newValue) }
    }

    /// Number of tokens of each prompt, including the end-of-sequence token. null means the default of
    /// "max_sequence_length". Default: `null`.
    public var tokens: Int? {
        get { read("tokens") }
        set { write("tokens", newValue) }
    }

    /// What to do if the weight files contain a tensor that the network does not use. "error": the call fails and names
    /// the tensor. "ignore": the tensor is skipped. Tensors that are known to be harmless, such as the learned null
    /// caption of published transformers, are always skipped. Tensors that only another architecture has are always an
    /// error. Default: `"error"`.
    public var unexpectedTensors: UnexpectedTensors? {
        get { read("unexpected_tensors") }
        set { write("unexpected_tensors", newValue) }
    }

    /// Denoise at the nearest aspect ratio that the checkpoint was trained on. To get images of the requested size,
    /// pass height and width to pixart_decode as well. null means true if the checkpoint has such sizes (sample_size
    /// 32, 64, 128 and 256). Default: `null`.
    public var useResolutionBinning: Bool? {
        get { read("use_resolution_binning") }
        set { write("use_resolution_binning", newValue) }
    }

    /// Variant of the weight files, as in from_pretrained(variant=...). "fp16" selects the files with ".fp16." in their
    /// names. null selects the files without a variant. Default: `null`.
    public var variant: String? {
        get { read("variant") }
        set { write("variant", newValue) }
    }

    /// Precision in which weights are held in memory. "auto": as they are stored. They stay in the memory-mapped file,
    /// and opening converts nothing. The other values convert floating-point weights layer by layer while the part is
    /// opened: "int8" with one scale for each output, "int4" with one scale for each block of 4 outputs and 16 inputs.
    /// Layers that would lose too much accuracy keep a higher precision. Weights that pixart_convert stored as int8 or
    /// int4 are held as stored. Default: `"auto"`.
    public var weights: Weights? {
        get { read("weights") }
        set { write("weights", newValue) }
    }

    /// Width of the images in pixels. null and multiples are as for the height. Default: `null`.
    public var width: Int? {
        get { read("width") }
        set { write("width", newValue) }
    }

    /// The values of `attention`.
    public enum Attention: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case bfloat16
        case int8
    }

    /// The values of `compute`.
    public enum Compute: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case float32
        case bfloat16
        case int8
    }

    /// The values of `instructions`.
    public enum Instructions: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case amx
        case avx512Bf16 = "avx512_bf16"
        case avx512Vnni = "avx512_vnni"
        case avx512
        case avxVnni = "avx_vnni"
        case avx2
        case neonBf16 = "neon_bf16"
        case neonI8mm = "neon_i8mm"
        case neonDotprod = "neon_dotprod"
        case neon
        case portable
    }

    /// The values of `residency`.
    public enum Residency: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case resident
        case streamed
    }

    /// The values of `stage`.
    public enum Stage: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case encode
        case denoise
        case decode
        case imageEncode = "image_encode"
    }

    /// The values of `stateDict`.
    public enum StateDict: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case ema
    }

    /// The values of `unexpectedTensors`.
    public enum UnexpectedTensors: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case error
        case ignore
    }

    /// The values of `weights`.
    public enum Weights: String, CaseIterable, Hashable, Sendable, OptionChoice {
        case auto
        case float32
        case bfloat16
        case int8
        case int4
    }
}
