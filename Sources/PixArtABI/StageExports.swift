import CPixArt
import PixArtStages
import PixArtStorage

// Encode

@_cdecl("pixart_encoder_open") @implementation
public func pixart_encoder_open(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ callback: pixart_progress?,
    _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        try Encoder(model: text(model, "model"), options(json))
    }
}

@_cdecl("pixart_encode") @implementation
public func pixart_encode(
    _ encoder: OpaquePointer?, _ prompt: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        let encoder = try object(encoder, Encoder.self, "encoder")
        return TensorHandle(try encoder.encode(text(prompt, "prompt"), options(json)))
    }
}

@_cdecl("pixart_encoder_tokenize") @implementation
public func pixart_encoder_tokenize(
    _ encoder: OpaquePointer?, _ prompt: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        let encoder = try object(encoder, Encoder.self, "encoder")
        return try encoder.tokenize(text(prompt, "prompt"), options(json)).json
    }
}

@_cdecl("pixart_encoder_memory") @implementation
public func pixart_encoder_memory(
    _ encoder: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try object(encoder, Encoder.self, "encoder").memory(options(json)).json
    }
}

@_cdecl("pixart_encoder_profile") @implementation
public func pixart_encoder_profile(
    _ encoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(encoder, Encoder.self, "encoder").profile.json }
}

@_cdecl("pixart_encoder_report") @implementation
public func pixart_encoder_report(
    _ encoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(encoder, Encoder.self, "encoder").report.json }
}

@_cdecl("pixart_encoder_release") @implementation
public func pixart_encoder_release(_ encoder: OpaquePointer?) { release(encoder, Encoder.self) }

// Denoise

@_cdecl("pixart_denoiser_open") @implementation
public func pixart_denoiser_open(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ callback: pixart_progress?,
    _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        try Denoiser(model: text(model, "model"), options(json))
    }
}

@_cdecl("pixart_denoise") @implementation
public func pixart_denoise(
    _ denoiser: OpaquePointer?, _ prompt: OpaquePointer?, _ negative: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        let denoiser = try object(denoiser, Denoiser.self, "denoiser")
        return TensorHandle(
            try denoiser.denoise(
                prompt: tensor(prompt, "prompt"), negative: negative == nil ? nil : tensor(negative, "negative"),
                options(json)))
    }
}

@_cdecl("pixart_denoiser_memory") @implementation
public func pixart_denoiser_memory(
    _ denoiser: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try object(denoiser, Denoiser.self, "denoiser").memory(options(json)).json
    }
}

@_cdecl("pixart_denoiser_profile") @implementation
public func pixart_denoiser_profile(
    _ denoiser: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(denoiser, Denoiser.self, "denoiser").profile.json }
}

@_cdecl("pixart_denoiser_report") @implementation
public func pixart_denoiser_report(
    _ denoiser: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(denoiser, Denoiser.self, "denoiser").report.json }
}

@_cdecl("pixart_denoiser_release") @implementation
public func pixart_denoiser_release(_ denoiser: OpaquePointer?) { release(denoiser, Denoiser.self) }

// Decode

@_cdecl("pixart_decoder_open") @implementation
public func pixart_decoder_open(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ callback: pixart_progress?,
    _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        try Decoder(model: text(model, "model"), options(json))
    }
}

@_cdecl("pixart_decode") @implementation
public func pixart_decode(
    _ decoder: OpaquePointer?, _ latents: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        let decoder = try object(decoder, Decoder.self, "decoder")
        return TensorHandle(try decoder.decode(tensor(latents, "latents"), options(json)))
    }
}

@_cdecl("pixart_decoder_memory") @implementation
public func pixart_decoder_memory(
    _ decoder: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try object(decoder, Decoder.self, "decoder").memory(options(json)).json
    }
}

@_cdecl("pixart_decoder_profile") @implementation
public func pixart_decoder_profile(
    _ decoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(decoder, Decoder.self, "decoder").profile.json }
}

@_cdecl("pixart_decoder_report") @implementation
public func pixart_decoder_report(
    _ decoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(decoder, Decoder.self, "decoder").report.json }
}

@_cdecl("pixart_decoder_release") @implementation
public func pixart_decoder_release(_ decoder: OpaquePointer?) { release(decoder, Decoder.self) }
