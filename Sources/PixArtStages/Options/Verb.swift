import PixArtFormats

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

    package var options: any VerbOptions.Type {
        switch self {
        case .encoderOpen: EncoderOpenOptions.self
        case .encode: EncodeOptions.self
        case .encoderMemory: EncoderMemoryOptions.self
        case .denoiserOpen: DenoiserOpenOptions.self
        case .denoise: DenoiseOptions.self
        case .denoiserMemory: DenoiserMemoryOptions.self
        case .samplerPreview: SamplerPreviewOptions.self
        case .decoderOpen: DecoderOpenOptions.self
        case .decode: DecodeOptions.self
        case .decoderMemory: DecoderMemoryOptions.self
        case .imageEncoderOpen: ImageEncoderOpenOptions.self
        case .imageEncode: ImageEncodeOptions.self
        case .imageEncoderMemory: ImageEncoderMemoryOptions.self
        case .imageRead: ImageReadOptions.self
        case .imageWrite: ImageWriteOptions.self
        case .imageResize: ImageResizeOptions.self
        case .convert: ConvertOptions.self
        case .memoryEstimate: MemoryEstimateOptions.self
        }
    }

    package var schema: OptionSchema { options.schema }
}
