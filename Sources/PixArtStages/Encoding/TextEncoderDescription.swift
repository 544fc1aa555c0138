import PixArtCompute
import PixArtFormats
import PixArtNetworks
import PixArtStorage

/// The text encoder of the part `text_encoder`.
package struct TextEncoderDescription: NetworkDescription {
    let configuration: T5Encoder.Configuration
    private let pipeline: Pipeline

    package init(_ checkpoint: Checkpoint) throws(PixArtError) {
        configuration = try T5Encoder.Configuration(checkpoint.configuration(.textEncoder))
        pipeline = checkpoint.pipeline
    }

    package func network(_ reader: WeightReader, compute: ComputePrecision, streamed: Bool) throws(PixArtError)
        -> T5Encoder
    {
        try T5Encoder(configuration, compute: compute, streamed: streamed, reader)
    }

    package var architecture: [Name: JSONValue] {
        [
            "vocab_size": .integer(Int64(configuration.vocabulary)), "d_model": .integer(Int64(configuration.width)),
            "d_ff": .integer(Int64(configuration.feedForwardWidth)), "d_kv": .integer(Int64(configuration.headWidth)),
            "num_layers": .integer(Int64(configuration.layers)), "num_heads": .integer(Int64(configuration.heads)),
        ]
    }

    package func gemmRows(_ options: EncoderMemoryOptions) -> Int { options.tokens ?? pipeline.maximumTokens }

    package func footprint(_ reader: WeightReader, streamed: Bool) -> WeightFootprint {
        streamed ? reader.footprint.streamed(layers: configuration.layers) : reader.footprint
    }

    package func activationBytes(
        _ options: EncoderMemoryOptions, compute: ComputePrecision, ownSide: Int, _ pool: ThreadPool
    ) -> Int {
        T5Encoder.activationBytes(
            configuration, tokens: options.tokens ?? pipeline.maximumTokens, compute: compute, pool)
    }
}
