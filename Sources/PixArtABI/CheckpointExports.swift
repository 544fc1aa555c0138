import CPixArt
import PixArtStages
import PixArtStorage

// Functions on a checkpoint, without an opened handle: inspection, conversion and estimates.

@_cdecl("pixart_inspect") @implementation
public func pixart_inspect(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try Inspection.report(model: text(model, "model"), options(json))
    }
}

@_cdecl("pixart_convert") @implementation
public func pixart_convert(
    _ model: UnsafePointer<CChar>?, _ out: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ callback: pixart_progress?, _ context: UnsafeMutableRawPointer?
) -> pixart_status {
    returnStatus(progress(callback, context)) { () throws(PixArtError) in
        try Conversion.convert(model: text(model, "model"), to: text(out, "out"), options(json))
    }
}

@_cdecl("pixart_memory_estimate") @implementation
public func pixart_memory_estimate(
    _ model: UnsafePointer<CChar>?, _ json: UnsafePointer<CChar>?,
    _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> pixart_status {
    returnJSON(report) { () throws(PixArtError) in
        try Estimate.report(model: text(model, "model"), options(json)).json
    }
}
