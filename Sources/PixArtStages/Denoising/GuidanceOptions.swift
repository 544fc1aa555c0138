import PixArtFormats

/// How a run is guided.
package struct GuidanceOptions: Sendable {
    package let scales: GuidanceScales
    /// Fractions of the run that classifier-free guidance is used in.
    let interval: (start: Double, stop: Double)
    let perturbedAdaptiveScale: Double
    /// nil for those of diffusers.
    let perturbedLayers: [Int]?

    init(_ reader: inout OptionReader) {
        let classifierFree = reader.read(.guidanceScale)
        interval = reader.read(
            .interval(
                "guidance_interval", 0...1, default: (0, 1),
                "Part of the run that uses classifier-free guidance, as fractions [start, stop] of its N steps: from step "
                    + "int(start * N) to the one before int(stop * N), as in the guiders of diffusers. The other steps do "
                    + "not compute the prediction for the negative prompt, which saves its time."))
        scales = GuidanceScales(classifierFree: classifierFree, perturbed: reader.read(.perturbedScale))
        perturbedAdaptiveScale = reader.read(
            .number(
                "pag_adaptive_scale", 0...1000, default: 0,
                "Subtracted from pag_scale for each timestep below 1000. Once nothing is left, the perturbed prediction is "
                    + "no longer computed."))
        perturbedLayers = reader.read(
            .optionalIntegers(
                "pag_applied_layers", 0...1023,
                "Blocks, counted from 0, in which the perturbed prediction skips self-attention. null means those that the "
                    + "default of diffusers, \"blocks.1\", matches: all whose number begins with 1, such as 1 and 10 to 19."
            ))
    }
}

/// The weights of guidance, which decide how many predictions a step takes.
package struct GuidanceScales: Sendable {
    /// Of the prompt over the negative.
    package let classifierFree: Double
    let perturbed: Double

    init(classifierFree: Double, perturbed: Double) {
        self.classifierFree = classifierFree
        self.perturbed = perturbed
    }

    init(_ reader: inout OptionReader) {
        self.init(classifierFree: reader.read(.guidanceScale), perturbed: reader.read(.perturbedScale))
    }

    var usesClassifierFree: Bool { classifierFree > 1 }
    var usesPerturbed: Bool { perturbed > 0 }
}

extension Option where Value == Double {
    static var guidanceScale: Self {
        .number(
            "guidance_scale", 0...1000, default: 4.5,
            "Weight of classifier-free guidance. Guidance is used if this is above 1, and doubles the computation.")
    }

    static var perturbedScale: Self {
        .number(
            "pag_scale", 0...1000, default: 0,
            "Weight of perturbed-attention guidance, as in PixArtSigmaPAGPipeline, with or without classifier-free "
                + "guidance: the prediction moves away from one that is computed without self-attention. It is used if this "
                + "is above 0, and adds the computation of one prediction.")
    }
}
