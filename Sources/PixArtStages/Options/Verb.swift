import PixArtCompute
import PixArtFormats
import PixArtSchedulers

/// The verbs of the library that take options.
package enum Verb: String, CaseIterable, Sendable {
    case encoderOpen = "encoder_open"
    case encode
    case encoderMemory = "encoder_memory"
    case denoiserOpen = "denoiser_open"
    case denoise
    case denoiserMemory = "denoiser_memory"
    case samplerPreview = "sampler_preview"
    case decoderOpen = "decoder_open"
    case decode
    case decoderMemory = "decoder_memory"
    case imageEncoderOpen = "image_encoder_open"
    case imageEncode = "image_encode"
    case imageEncoderMemory = "image_encoder_memory"
    case imageRead = "image_read"
    case imageWrite = "image_write"
    case imageResize = "image_resize"
    case convert
    case memoryEstimate = "memory_estimate"

    package var schema: OptionSchema {
        switch self {
        case .encoderOpen: OptionSchema(rawValue, Self.openOptions + [Self.weights, Self.compute, Self.residency])
        case .denoiserOpen: OptionSchema(rawValue, Self.openOptions + [Self.weights, Self.compute])
        case .decoderOpen, .imageEncoderOpen:
            OptionSchema(rawValue, Self.openOptions + [Self.autoencoderWeights, Self.autoencoderCompute])
        case .encode: OptionSchema(rawValue, Self.encodeOptions)
        case .denoise: OptionSchema(rawValue, Self.denoiseOptions)
        case .decode: OptionSchema(rawValue, Self.decodeOptions)
        case .imageEncode: OptionSchema(rawValue, Self.imageEncodeOptions)
        case .imageRead: OptionSchema(rawValue, ImageOptions.read)
        case .imageWrite: OptionSchema(rawValue, ImageOptions.write)
        case .imageResize: OptionSchema(rawValue, ImageOptions.resize)
        case .encoderMemory: OptionSchema(rawValue, [Self.tokens])
        case .denoiserMemory: OptionSchema(rawValue, Self.runSize + [Self.prompts, Self.tokens])
        case .samplerPreview: OptionSchema(rawValue, Self.previewOptions)
        case .decoderMemory, .imageEncoderMemory: OptionSchema(rawValue, Self.pictureSize)
        case .convert: OptionSchema(rawValue, Self.convertOptions)
        case .memoryEstimate: OptionSchema(rawValue, Self.estimateOptions)
        }
    }

    private static let threads = OptionSchema.Property(
        "threads", .integer(0...128), default: .integer(0),
        "Threads that work for this handle; 0 stands for one on each processor that the process may use, 128 at most.")

    private static let variant = OptionSchema.Property(
        "variant", .text, default: .null,
        "Which files of the checkpoint to use, as in from_pretrained(variant=...): \"fp16\" takes those with .fp16. in their "
            + "names.")

    private static let unexpectedTensors = OptionSchema.Property(
        "unexpected_tensors", .choice(UnexpectedTensors.allCases.map(\.rawValue)), default: .string("error"),
        "What becomes of tensors that the network does not use. Those that are known to be harmless, such as the learned null "
            + "caption of published transformers, are always ignored, and those that only another architecture has are always "
            + "refused. Of others, \"error\" refuses the checkpoint and names one; \"ignore\" passes them over.")

    private static let openOptions = [threads, instructions, variant, unexpectedTensors]

    private static let instructions = OptionSchema.Property(
        "instructions", .choice(["auto"] + Kernels.names), default: .string("auto"),
        "Instruction set that is computed with. \"auto\" is the best that this processor has; the others are there for tests "
            + "and comparisons, and an error that names those at hand where the processor lacks one.")

    private static let weights = OptionSchema.Property(
        "weights", .choice(["auto"] + WeightEncoding.targets.map(\.rawValue)), default: .string("auto"),
        "How weights are held. \"auto\": as they are stored, in the mapped file, which opens at once. Others are made from "
            + "floating-point weights when the part is opened, layer by layer: \"int8\" with a scale for each output, \"int4\" "
            + "with one for four outputs and sixteen inputs; layers that would suffer stay higher. What pixart_convert stored as "
            + "int8 or int4 is held as that. The default keeps results as exact as the files are.")

    private static let compute = OptionSchema.Property(
        "compute", .choice(["auto"] + ComputePrecision.allCases.map(\.rawValue)), default: .string("auto"),
        "What products are computed in, summed in float32. \"auto\": int8 for weights of int8 and int4, float32 for others. "
            + "\"bfloat16\" goes with all weights. \"int8\" rounds what goes into a product to one scale for each token; it "
            + "takes weights of int8 or int4, and if \"weights\" is \"auto\" it makes floating-point ones int8. Between "
            + "instruction sets, \"bfloat16\" and \"int8\" give numbers that differ by a part of what they lose anyway: "
            + "rounding amplifies differences in the last bits of its input.")

    private static let residency = OptionSchema.Property(
        "residency", .choice(["resident", "streamed"]), default: .string("resident"),
        "\"resident\": weights are held while the encoder is open. \"streamed\": one layer at a time, made ready again for "
            + "each prompt: little memory, for the time that reading and converting the file takes.")

    private static let autoencoderWeights = OptionSchema.Property(
        "weights", .choice(["auto", "float32", "bfloat16"]), default: .string("auto"),
        "How weights are held: \"auto\" as they are stored; the others are made when the part is opened. A VAE is small, and "
            + "takes nothing lower.")

    private static let autoencoderCompute = OptionSchema.Property(
        "compute", .choice(["auto", "float32"]), default: .string("auto"),
        "What products are computed in: float32, which convolutions by Winograd make faster than anything lower.")

    private static let tokens = OptionSchema.Property(
        "tokens", .integer(1...4096), default: .null,
        "Tokens of a prompt, the closing one included; null stands for the most that \"max_sequence_length\" allows by "
            + "itself.")

    private static let prompts = OptionSchema.Property(
        "prompts", .integer(1...256), default: .integer(1), "Prompts of pixart_sampler_create_batch.")

    private static let pictureSize: [OptionSchema.Property] = [
        .init(
            "height", .integer(1...16384), default: .null,
            "Height of the picture in pixels, before any resizing; null stands for the checkpoint's own, or 512 where that "
                + "is not known."),
        .init("width", .integer(1...16384), default: .null, "Width of the picture in pixels; as the height."),
        images,
    ]

    private static let images = OptionSchema.Property(
        "num_images_per_prompt", .integer(1...256), default: .integer(1), "Pictures made at once, of each prompt.")

    /// What decides how much memory a run takes.
    private static let runSize = denoiseOptions.filter { option in
        [
            "guidance_scale", "pag_scale", "strength", "height", "width", "use_resolution_binning",
            "num_images_per_prompt",
        ].contains(option.name)
    }

    private static let convertOptions: [OptionSchema.Property] = [
        .init(
            "weights", .choice(["float32", "bfloat16", "int8", "int4"]), default: .string("int8"),
            "Precision to store weights in. Layers that would suffer are stored higher; biases, norms and tables stay as "
                + "they are, except that \"float32\" widens them. What is written, opened with the defaults, computes the same "
                + "bits as the original opened with the same \"weights\". For int8 and int4 the VAE stays as it is: it is small, "
                + "and takes nothing lower than bfloat16."
        ),
        .init(
            "parts", .choices(Part.allCases.map(\.rawValue)), default: .null,
            "Parts to write, the tokenizer with the text encoder and the scheduler with the transformer; null stands for all "
                + "that the checkpoint has."),
        variant, unexpectedTensors, threads,
    ]

    private static let estimateOptions: [OptionSchema.Property] =
        [
            .init(
                "stage", .choice(Stage.allCases.map(\.rawValue)), default: .string("denoise"),
                "Which stage is asked about. Options that it does not have are checked, and make no difference.")
        ] + runSize + [prompts, tokens, weights, compute, residency, threads, instructions, variant, unexpectedTensors]

    private static let encodeOptions: [OptionSchema.Property] = [
        .init(
            "clean_caption", .boolean, default: .bool(true),
            "Clean the prompt as diffusers' pipeline does by default: HTML, URLs, mojibake and more are taken out. Otherwise "
                + "it is only lower-cased and stripped."),
        .init(
            "max_sequence_length", .integer(1...4096), default: .null,
            "Most tokens that are encoded, the closing one included; the rest of the prompt is dropped. null stands for 120, "
                + "and for 300 with a checkpoint of PixArtSigmaPipeline."),
    ]

    private static let schedulerOptions: [OptionSchema.Property] = [
        .init(
            "scheduler", .classNamed("scheduler", schemas: SchedulerRegistry.schemas), default: .null,
            "Scheduler of the run: the name of diffusers' class, with or without \"Scheduler\", or an object with "
                + "\"_class_name\" and fields of its configuration. Fields that are left out are those of the checkpoint's "
                + "file, else the class's defaults; null stands for the checkpoint's own scheduler. The whole `config` of a "
                + "diffusers scheduler is understood as from_config understands it: fields of diffusers' other schedulers "
                + "make no difference, fields in \"_use_default_values\" are the class's defaults, and a sister class's "
                + "\"solver_type\" or \"algorithm_type\" is replaced as in diffusers."),
        .init(
            "timesteps", .integers(0...99_999), default: .null,
            "Timesteps of the run, falling, instead of those that the scheduler takes; num_inference_steps is then how many "
                + "they are. For DPMSolverMultistep, DPMSolverSinglestep, DDPM, EulerDiscrete, HeunDiscrete, LCM and TCD."
        ),
        .init(
            "sigmas", .numbers(0...1e6), default: .null,
            "Noise levels of the run, falling, the last one (mostly 0) included; num_inference_steps is then one less than "
                + "they are. For EulerDiscrete."),
        .init(
            "eta", .number(0...1), default: .number(0),
            "Noise that each step adds, as a share of DDPM's. DDIM and TCD look at it."),
        .init(
            "result", .choice(["auto", "sample", "predicted_original"]), default: .string("auto"),
            "Latents after the last step: \"sample\" is what the scheduler goes on to, \"predicted_original\" its estimate of the "
                + "latents without noise. \"auto\" is the latter in runs of one step from noise, but for checkpoints of "
                + "PixArtSigmaPipeline, and else the former: as in diffusers."
        ),
    ]

    private static let guidanceOptions: [OptionSchema.Property] = [
        .init(
            "guidance_scale", .number(0...1000), default: .number(4.5),
            "Weight of classifier-free guidance. It is used, and doubles the work, where it is above 1."),
        .init(
            "guidance_interval", .vector(2, 0...1), default: .array([.number(0), .number(1)]),
            "Part of the run that has classifier-free guidance, as fractions [start, stop] of its N steps: those from "
                + "int(start * N) to before int(stop * N), as diffusers' guiders have it. In the others the negative prompt is "
                + "left out, and so is its time."),
        .init(
            "pag_scale", .number(0...1000), default: .number(0),
            "Weight of perturbed-attention guidance, as of PixArtSigmaPAGPipeline, with or without classifier-free guidance: "
                + "away from what the prompt makes without self-attention. It is used, and adds the work of one more prediction, "
                + "where it is above 0."),
        .init(
            "pag_adaptive_scale", .number(0...1000), default: .number(0),
            "What is taken from pag_scale for each timestep below 1000, until nothing is left and the prediction is left out."
        ),
        .init(
            "pag_applied_layers", .integers(0...1023), default: .null,
            "Blocks, counted from 0, in which perturbed-attention guidance leaves self-attention out. null stands for those that "
                + "diffusers' default \"blocks.1\" matches: all whose number begins with 1, such as 1 and 10 to 19."),
    ]

    private static let startOptions: [OptionSchema.Property] = [
        .init(
            "strength", .number(0...1), default: .null,
            "How far a run goes away from the picture that pixart_sampler_set_image_latents gives: of num_inference_steps, "
                + "int(num_inference_steps * strength) are done, the last ones. null for runs that start from noise.")
    ]

    private static let previewOptions: [OptionSchema.Property] = [
        .init(
            "rgb_factors", .vectors(3, -1e6...1e6), default: .null,
            "Red, green and blue, from -1 to 1, of each latent channel, [C][3]. null stands for what the checkpoint's "
                + "vae/config.json says under \"latent_rgb_factors\", else for those of the Stable Diffusion VAE where its "
                + "scaling_factor is 0.18215, and of the SDXL VAE where it is 0.13025; without such a file by the checkpoint's "
                + "pipeline."),
        .init(
            "rgb_bias", .vector(3, -1e6...1e6), default: .null,
            "Red, green and blue of latents that are 0. null stands for the bias that belongs to the factors: with those of "
                + "vae/config.json its \"latent_rgb_bias\", else 0; with those of the SDXL VAE [0.1084, -0.0175, -0.0011]; with "
                + "all others 0."),
    ]

    private static let denoiseOptions: [OptionSchema.Property] =
        schedulerOptions + guidanceOptions + startOptions + [
            .init(
                "num_inference_steps", .integer(1...100_000), default: .integer(20),
                "Denoising steps of the run, at most the scheduler's training timesteps (1000 in all published models). "
                    + "Solvers of higher order take one fewer, unless their timestep_spacing is \"trailing\"; LCM and TCD at "
                    + "most their original_inference_steps."),
            .init(
                "height", .integer(16...16384), default: .null,
                "Height of the picture in pixels; null stands for the checkpoint's own. Without binning it must be divisible by "
                    + "8 times the patch size (16)."),
            .init(
                "width", .integer(16...16384), default: .null,
                "Width of the picture in pixels; as the height."),
            .init(
                "use_resolution_binning", .boolean, default: .null,
                "Denoise at the nearest aspect ratio that the checkpoint was trained on; tell decode the height and width to get "
                    + "the size asked for. null stands for true where the checkpoint has such sizes (sample_size 32, 64, "
                    + "128 and 256)."),
            images,
            .init(
                "seed", .seeds, default: .integer(0),
                "Seed of the noise, drawn as torch.Generator().manual_seed(seed) does on the CPU: one for the whole batch, or an "
                    + "array with one for each picture, in the order of the prompts."),
        ]

    private static let decodeOptions: [OptionSchema.Property] = [
        .init(
            "height", .integer(1...16384), default: .null,
            "Height to resize (bilinear) and centre-crop to, given together with the width; null leaves the size alone."
        ),
        .init("width", .integer(1...16384), default: .null, "Width to resize and centre-crop to; as the height."),
        .init(
            "output_type", .choice(["uint8", "float32"]), default: .string("uint8"),
            "Elements of the images: bytes from 0 to 255, or float32 from 0 to 1 before rounding."),
    ]

    private static let imageEncodeOptions: [OptionSchema.Property] = [
        .init(
            "sample_mode", .choice(["sample", "argmax"]), default: .string("sample"),
            "Latents of the distribution that a VAE encodes an image into: \"sample\" draws them, \"argmax\" takes the mean. "
                + "A tiny autoencoder has nothing to draw."),
        .init(
            "seed", .seeds, default: .integer(0),
            "Seed of what is drawn, as torch.Generator().manual_seed(seed) does on the CPU: one for the whole batch, or an "
                + "array with one for each image."),
    ]
}
