import CPixArt
import PixArtFormats
import PixArtStages
import PixArtStorage

// Encode images

@_cdecl("pixart_image_encoder_open") @implementation
public func pixart_image_encoder_open(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ callback: pixart_progress?,
    _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        try ImageEncoder(model: text(model, "model"), options(json))
    }
}

@_cdecl("pixart_image_encode") @implementation
public func pixart_image_encode(
    _ encoder: OpaquePointer?, _ images: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        let encoder = try object(encoder, ImageEncoder.self, "encoder")
        return TensorHandle(try encoder.encode(tensor(images, "images"), options(json)))
    }
}

@_cdecl("pixart_image_encoder_memory") @implementation
public func pixart_image_encoder_memory(
    _ encoder: OpaquePointer?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try object(encoder, ImageEncoder.self, "encoder").memory(options(json)).json
    }
}

@_cdecl("pixart_image_encoder_profile") @implementation
public func pixart_image_encoder_profile(
    _ encoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(encoder, ImageEncoder.self, "encoder").profile.json }
}

@_cdecl("pixart_image_encoder_report") @implementation
public func pixart_image_encoder_report(
    _ encoder: OpaquePointer?, _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in try object(encoder, ImageEncoder.self, "encoder").report.json }
}

@_cdecl("pixart_image_encoder_release") @implementation
public func pixart_image_encoder_release(_ encoder: OpaquePointer?) { release(encoder, ImageEncoder.self) }

// Images without a network

@_cdecl("pixart_image_read") @implementation
public func pixart_image_read(
    _ path: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        TensorHandle(try ImageFiles.read(path: text(path, "path"), options(json)))
    }
}

@_cdecl("pixart_image_read_memory") @implementation
public func pixart_image_read_memory(
    _ data: UnsafeRawPointer?, _ size: Int, _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        guard size >= 0 else { throw .argument("size is \(UInt(bitPattern: size)); expected at most \(Int.max)") }
        let bytes = UnsafeRawBufferPointer(start: try required(data, "data"), count: size)
        return TensorHandle(try ImageFiles.read(data: bytes, options(json)))
    }
}

@_cdecl("pixart_image_write") @implementation
public func pixart_image_write(
    _ images: OpaquePointer?, _ index: Int, _ path: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?
) -> pixart_status {
    returnStatus { () throws(PixArtError) in
        try ImageFiles.write(
            tensor(images, "images"), index: index, path: text(path, "path"), options(json))
    }
}

@_cdecl("pixart_image_write_memory") @implementation
public func pixart_image_write_memory(
    _ images: OpaquePointer?, _ index: Int, _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        TensorHandle(try ImageFiles.encode(tensor(images, "images"), index: index, options(json)))
    }
}

@_cdecl("pixart_image_resize") @implementation
public func pixart_image_resize(
    _ images: OpaquePointer?, _ json: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        TensorHandle(try ImageFiles.resized(tensor(images, "images"), options(json)))
    }
}

@_cdecl("pixart_image_blend") @implementation
public func pixart_image_blend(
    _ images: OpaquePointer?, _ originals: OpaquePointer?, _ mask: OpaquePointer?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out) { () throws(PixArtError) in
        let (images, originals) = (try tensor(images, "images"), try tensor(originals, "originals"))
        return TensorHandle(try ImageBlend.blended(images, over: originals, mask: tensor(mask, "mask")))
    }
}

@_cdecl("pixart_image_edges") @implementation
public func pixart_image_edges(
    _ images: OpaquePointer?, _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> pixart_status {
    returnHandle(out, progress(callback, context)) { () throws(PixArtError) in
        TensorHandle(try EdgeMaps.edges(of: tensor(images, "images"), model: text(model, "model"), options(json)))
    }
}
