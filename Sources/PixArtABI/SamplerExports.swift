import CPixArt
import PixArtStages
import PixArtStorage

// One denoising run, advanced by the host.

@_cdecl("pixart_sampler_create") @implementation
public func pixart_sampler_create(
    _ denoiser: OpaquePointer?, _ prompt: OpaquePointer?, _ negative: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        let denoiser = try object(denoiser, Denoiser.self, "denoiser")
        let batch = PromptBatch(
            prompt: try tensor(prompt, "prompt"), negative: negative == nil ? nil : try tensor(negative, "negative"))
        return try Sampler(denoiser, batch, options(json))
    }
}

@_cdecl("pixart_sampler_create_batch") @implementation
public func pixart_sampler_create_batch(
    _ denoiser: OpaquePointer?, _ count: Int, _ prompts: UnsafePointer<OpaquePointer?>?,
    _ negatives: UnsafePointer<OpaquePointer?>?, _ json: UnsafePointer<CChar>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        let denoiser = try object(denoiser, Denoiser.self, "denoiser")
        let batch = PromptBatch(
            prompts: try tensors(prompts, count, "prompts"),
            negatives: negatives == nil ? nil : try tensors(negatives, count, "negatives"))
        return try Sampler(denoiser, batch, options(json))
    }
}

/// The embeddings behind an array of handles.
private func tensors(
    _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ name: String
) throws(PixArtError) -> [Tensor] {
    guard (1...256).contains(count) else {
        throw .argument("count is \(UInt(bitPattern: count)); expected 1 to 256")
    }
    let handles = UnsafeBufferPointer(start: try required(handles, name), count: count)
    var tensors: [Tensor] = []
    for (index, handle) in handles.enumerated() { tensors.append(try tensor(handle, "\(name)[\(index)]")) }
    return tensors
}

@_cdecl("pixart_sampler_set_noise") @implementation
public func pixart_sampler_set_noise(_ sampler: OpaquePointer?, _ latents: OpaquePointer?) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        try object(sampler, Sampler.self, "sampler").setLatents(tensor(latents, "latents"))
    }
}

@_cdecl("pixart_sampler_set_image_latents") @implementation
public func pixart_sampler_set_image_latents(_ sampler: OpaquePointer?, _ latents: OpaquePointer?) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        try object(sampler, Sampler.self, "sampler").setImage(tensor(latents, "latents"))
    }
}

@_cdecl("pixart_sampler_set_mask") @implementation
public func pixart_sampler_set_mask(_ sampler: OpaquePointer?, _ mask: OpaquePointer?) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        try object(sampler, Sampler.self, "sampler").setMask(tensor(mask, "mask"))
    }
}

@_cdecl("pixart_sampler_set_control") @implementation
public func pixart_sampler_set_control(_ sampler: OpaquePointer?, _ latents: OpaquePointer?) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        try object(sampler, Sampler.self, "sampler").setControl(tensor(latents, "latents"))
    }
}

@_cdecl("pixart_sampler_steps") @implementation
public func pixart_sampler_steps(_ sampler: OpaquePointer?) -> Int64 {
    (try? object(sampler, Sampler.self, "sampler")).map { Int64($0.steps) } ?? 0
}

@_cdecl("pixart_sampler_step_index") @implementation
public func pixart_sampler_step_index(_ sampler: OpaquePointer?) -> Int64 {
    (try? object(sampler, Sampler.self, "sampler")).map { Int64($0.stepIndex) } ?? 0
}

@_cdecl("pixart_sampler_timestep") @implementation
public func pixart_sampler_timestep(
    _ sampler: OpaquePointer?, _ index: Int64, _ out: UnsafeMutablePointer<Double>?
) -> pixart_status {
    out?.pointee = 0
    return returnStatus { () throws(PixArtError) in
        let sampler = try object(sampler, Sampler.self, "sampler")
        guard (0..<Int64(sampler.steps)).contains(index) else {
            throw .argument("index is \(index); expected 0 to \(sampler.steps - 1)")
        }
        try required(out, "out").pointee = Double(sampler.timesteps[Int(index)])
    }
}

@_cdecl("pixart_sampler_step") @implementation
public func pixart_sampler_step(
    _ sampler: OpaquePointer?, _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?
) -> pixart_status {
    returnStatus(progress(callback, context)) { () throws(PixArtError) in
        try object(sampler, Sampler.self, "sampler").step()
    }
}

@_cdecl("pixart_sampler_latents") @implementation
public func pixart_sampler_latents(
    _ sampler: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        TensorHandle(try object(sampler, Sampler.self, "sampler").latents())
    }
}

@_cdecl("pixart_sampler_predicted_original") @implementation
public func pixart_sampler_predicted_original(
    _ sampler: OpaquePointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        TensorHandle(try object(sampler, Sampler.self, "sampler").predictedOriginal())
    }
}

@_cdecl("pixart_sampler_preview") @implementation
public func pixart_sampler_preview(
    _ sampler: OpaquePointer?, _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        let sampler = try object(sampler, Sampler.self, "sampler")
        return TensorHandle(try sampler.preview(options(json)))
    }
}

@_cdecl("pixart_sampler_release") @implementation
public func pixart_sampler_release(_ sampler: OpaquePointer?) { release(sampler, Sampler.self) }
