import PixArtFormats

/// The verbs of the library that take options.
package enum Verbs {
    /// In the order that hosts see.
    package static let all: [any VerbOptions.Type] = [
        EncoderOpenOptions.self,
        EncodeOptions.self,
        EncoderMemoryOptions.self,
        DenoiserOpenOptions.self,
        DenoiseOptions.self,
        DenoiserMemoryOptions.self,
        SamplerPreviewOptions.self,
        DecoderOpenOptions.self,
        DecodeOptions.self,
        DecoderMemoryOptions.self,
        ImageEncoderOpenOptions.self,
        ImageEncodeOptions.self,
        ImageEncoderMemoryOptions.self,
        ImageReadOptions.self,
        ImageWriteOptions.self,
        ImageResizeOptions.self,
        ImageEdgesOptions.self,
        ConvertOptions.self,
        MemoryEstimateOptions.self,
        InspectOptions.self,
    ]
}
