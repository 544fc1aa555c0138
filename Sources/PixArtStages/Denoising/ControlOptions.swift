import PixArtFormats
import PixArtStorage

/// How a control image guides a run, if the denoiser has a ControlNet.
package struct ControlOptions: Sendable {
    let scale: Double
    /// Fractions of the run.
    let start, end: Double

    init(_ reader: inout OptionReader) {
        scale = reader.read(
            .number(
                "controlnet_conditioning_scale", 0...1000, default: 1,
                "Weight of the ControlNet: what it adds is multiplied by this. With 0 it is not run, and the run needs no "
                    + "control image. Used if the denoiser was opened with a \"controlnet\"."))
        start = reader.read(
            .number(
                "control_guidance_start", 0...1, default: 0,
                "Fraction of the run at which the ControlNet starts. Of N steps, counted from 0, it guides those for which "
                    + "i / N is not below the start, and (i + 1) / N not above control_guidance_end. The other steps do not "
                    + "run it."))
        end = reader.read(
            .number(
                "control_guidance_end", 0...1, default: 1, "Fraction of the run at which the ControlNet ends."))
    }

    /// Fails with `.option` if nothing lies between start and end.
    func check() throws(PixArtError) {
        guard start < end else {
            throw .option(
                "option \"control_guidance_start\" is \(start), expected less than control_guidance_end \(end)")
        }
    }

    /// The weight of the ControlNet in a step of `steps`; nil if it is not run. Matches diffusers' `controlnet_keep`.
    func scale(step: Int, of steps: Int) -> Float? {
        let runs = Double(step) / Double(steps) >= start && Double(step + 1) / Double(steps) <= end
        return runs && scale != 0 ? Float(scale) : nil
    }
}
