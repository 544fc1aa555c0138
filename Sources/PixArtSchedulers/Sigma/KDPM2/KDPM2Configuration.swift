import PixArtFormats
import PixArtStorage

/// What a DPM2 scheduler is set to; they differ in the steps that they make of noise levels.
protocol KDPM2Configuration: SchedulerConfiguration {
    var settings: KDPM2Settings { get }
    init(settings: KDPM2Settings)
}

extension KDPM2Configuration {
    package static var fields: [OptionSchema.Property] { KDPM2Settings.fields }

    package init(_ settings: SchedulerSettings) throws(PixArtError) {
        self.init(settings: try KDPM2Settings(settings))
    }

    package var trainingTimesteps: Int { settings.noise.count }
}
