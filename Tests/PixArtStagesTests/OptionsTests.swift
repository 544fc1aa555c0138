import PixArtFormats
import PixArtSchedulers
import PixArtStages
import PixArtStorage
import TestSupport
import Testing

@Suite struct OptionsTests {
    private static let verbs = Verbs.all.map { $0.verb }

    /// The options of the verb of this name.
    private static func options(_ verb: String) throws -> any VerbOptions.Type {
        try #require(Verbs.all.first { $0.verb == verb })
    }

    private func message(_ text: String, _ options: any VerbOptions.Type) -> String {
        do {
            _ = try options.init(json: text)
            return ""
        } catch { return error.message }
    }

    @Test func defaultsAndValues() throws {
        let defaults = try DenoiseOptions(json: nil)
        #expect(defaults.schedule.steps == 20 && defaults.schedule.timesteps == nil)
        #expect(defaults.guidance.scales.classifierFree == 4.5)
        #expect(defaults.size.height == nil)
        #expect(defaults.seed == .batch(0))
        let given = try DenoiseOptions(
            json: #"{"num_inference_steps": 5, "guidance_scale": 1, "height": 64, "seed": [1, 18446744073709551615]}"#)
        #expect(given.schedule.steps == 5)
        #expect(given.guidance.scales.classifierFree == 1)
        #expect(given.size.height == 64)
        #expect(given.seed == .images([1, .max]))
    }

    /// The defaults that Swift reads are those that the schema states.
    @Test(arguments: OptionsTests.verbs)
    func defaultsAreThoseOfTheSchema(_ verb: String) throws {
        func check<Options: VerbOptions>(_ type: Options.Type) throws {
            let stated = JSONValue.object(
                Dictionary(uniqueKeysWithValues: type.schema.properties.map { (Name($0.name), $0.fallback) }))
            let given = try Options(json: stated.serialized())
            #expect(String(describing: given) == String(describing: try Options(json: nil)))
            #expect(type.verb == verb)
        }
        try check(Self.options(verb))
    }

    // MARK: Presets

    private static let presetVerbs = Verbs.all.filter { $0.schema.presets != nil }.map { $0.verb }

    /// A preset reads as the options that the schema says it sets.
    @Test(arguments: OptionsTests.presetVerbs, Preset.allCases)
    func presetsAreTheirOptions(_ verb: String, _ preset: Preset) throws {
        func check<Options: VerbOptions>(_ type: Options.Type) throws {
            let settings = try #require(type.schema.presets?.object?[Name(preset.rawValue)]?.object)
            let spelled = try Options(json: JSONValue.object(settings).serialized())
            let named = try Options(json: "{\"preset\": \"\(preset.rawValue)\"}")
            #expect(String(describing: named) == String(describing: spelled))
            // An option that is given wins, here over each that the preset sets.
            for (name, _) in settings {
                let own = try #require(type.schema.properties.first { $0.name == name.text }?.fallback)
                let given = JSONValue.object([name: own, "preset": .string(preset.rawValue)]).serialized()
                let others = JSONValue.object(settings.merging([name: own]) { $1 }).serialized()
                #expect(String(describing: try Options(json: given)) == String(describing: try Options(json: others)))
            }
        }
        try check(Self.options(verb))
    }

    /// What two texts are read as, with all fields.
    private func expectSame<Options: VerbOptions>(_ first: String, _ second: String, _: Options.Type) throws {
        let (one, other) = (try Options(json: first), try Options(json: second))
        #expect(String(describing: one) == String(describing: other), "\(first) \(second)")
    }

    @Test func presetsOfRuns() throws {
        for (given, spelled) in [
            (#"{"preset": "exact"}"#, "{}"),
            (#"{"preset": "balanced"}"#, #"{"cache": {"preset": "half", "minimum_steps": 15}}"#),
            (#"{"preset": "fast"}"#, #"{"cache": {"preset": "third", "minimum_steps": 10}}"#),
            (#"{"preset": "fast", "cache": "half"}"#, #"{"cache": "half"}"#),
            (#"{"preset": "fast", "cache": null, "seed": 1}"#, #"{"seed": 1}"#),
        ] {
            try expectSame(given, spelled, DenoiseOptions.self)
        }
        #expect(DenoiseOptions.schema.presets != nil && Self.presetVerbs.count == 10)
    }

    @Test func presetsOfOpenings() throws {
        for (given, spelled) in [
            (#"{"preset": "exact"}"#, #"{"compute": "float32"}"#),
            (#"{"preset": "balanced"}"#, #"{"compute": "int8"}"#),
            (#"{"preset": "fast"}"#, #"{"compute": "int8"}"#),
            (#"{"preset": "fast", "compute": "bfloat16"}"#, #"{"compute": "bfloat16"}"#),
            (#"{"preset": "fast", "weights": "auto"}"#, #"{"compute": "int8"}"#),
            // Weights that are given decide, so that no option contradicts them.
            (#"{"preset": "balanced", "weights": "float32"}"#, #"{"weights": "float32"}"#),
            (#"{"preset": "balanced", "weights": "int4"}"#, #"{"weights": "int4"}"#),
            (#"{"preset": "exact", "weights": "int8"}"#, #"{"weights": "int8", "compute": "float32"}"#),
        ] {
            try expectSame(given, spelled, DenoiserOpenOptions.self)
            try expectSame(given, spelled, EncoderOpenOptions.self)
        }
    }

    @Test func presetsOfEstimates() throws {
        for (stage, compute) in [("encode", "int8"), ("denoise", "int8"), ("decode", "auto"), ("image_encode", "auto")]
        {
            try expectSame(
                "{\"preset\": \"fast\", \"stage\": \"\(stage)\"}",
                "{\"stage\": \"\(stage)\", \"compute\": \"\(compute)\", \"cache\": {\"preset\": \"third\", \"minimum_steps\": 10}}",
                MemoryEstimateOptions.self)
        }
    }

    @Test func presetsThatAreRefused() {
        #expect(
            message(#"{"preset": "quick"}"#, DenoiseOptions.self)
                == "option \"preset\" is \"quick\", expected \"exact\" or \"balanced\" or \"fast\" or null")
        #expect(message(#"{"preset": "fast"}"#, ConvertOptions.self).contains("no option \"preset\""))
        #expect(message(#"{"preset": "fast", "stepz": 1}"#, DenoiseOptions.self).contains("no option \"stepz\""))
        #expect(message(#"{"preset": "fast", "cache": "x"}"#, DenoiseOptions.self).contains("option \"cache\""))
        for value in ["0", "-1", "2.5", "100001", "\"10\""] {
            #expect(
                message("{\"cache\": {\"interval\": 2, \"minimum_steps\": \(value)}}", DenoiseOptions.self)
                    .contains("\"minimum_steps\" \(value), expected an integer from 1 to 100000"))
        }
    }

    /// Each message names the key, what was found and what is allowed.
    @Test func errors() {
        #expect(message(#"{"stepz": 1}"#, DenoiseOptions.self).contains("no option \"stepz\""))
        #expect(message(#"{"stepz": 1}"#, DenoiseOptions.self).contains("\"num_inference_steps\""))
        #expect(
            message(#"{"num_inference_steps": 0}"#, DenoiseOptions.self)
                == "option \"num_inference_steps\" is 0, expected an integer from 1 to 100000")
        #expect(
            message(#"{"num_inference_steps": "20"}"#, DenoiseOptions.self).contains("is \"20\", expected an integer"))
        #expect(message(#"{"num_inference_steps": 2.5}"#, DenoiseOptions.self).contains("is 2.5, expected an integer"))
        #expect(
            message(#"{"num_inference_steps": null}"#, DenoiseOptions.self).contains("is null, expected an integer"))
        #expect(message(#"{"guidance_scale": NaN}"#, DenoiseOptions.self).contains("\"guidance_scale\" is NaN"))
        #expect(message(#"{"height": 15}"#, DenoiseOptions.self).contains("from 16 to 16384 or null"))
        #expect(message(#"{"seed": []}"#, DenoiseOptions.self).contains("\"seed\" is []"))
        #expect(message(#"{"seed": -1}"#, DenoiseOptions.self).contains("\"seed\" is -1"))
        #expect(
            message(#"{"guidance_interval": [0]}"#, DenoiseOptions.self).contains(
                "an array of 2 numbers from 0.0 to 1.0"))
        #expect(
            message(#"{"rgb_factors": [[1, 2]]}"#, SamplerPreviewOptions.self).contains(
                "an array of arrays of 3 numbers"))
        #expect(message(#"{"output_type": "pil"}"#, DecodeOptions.self).contains("expected \"uint8\" or \"float32\""))
        #expect(message("[]", EncodeOptions.self).contains("are an array, expected a JSON object"))
        #expect(message("{", EncodeOptions.self).contains("not JSON"))
    }

    /// Options are read strictly: 1.0 is not an integer, and no key occurs twice.
    @Test func optionsStayStrict() {
        for text in ["20.0", "2e1", "-0.0", "1.5", "1e300", "20e0"] {
            #expect(
                message("{\"num_inference_steps\": \(text)}", DenoiseOptions.self).contains("expected an integer"),
                "\(text)")
            #expect(message("{\"seed\": \(text)}", DenoiseOptions.self).contains("expected an integer"), "\(text)")
        }
        #expect(message(#"{"guidance_scale": 2e0}"#, DenoiseOptions.self) == "")
        #expect(message(#"{"seed": 1, "seed": 1}"#, DenoiseOptions.self).contains("\"seed\" is there twice"))
        #expect(message(#"{"scheduler": {"name": "DDIM", "name": "DDIM"}}"#, DenoiseOptions.self).contains("twice"))
    }

    /// Names are compared byte by byte: canonically equivalent keywords are two, and a symbol is not a letter.
    @Test func namesOfEqualLetters() throws {
        let options = try ImageWriteOptions(json: "{\"text\": {\"\u{E9}\": \"1\", \"e\u{301}\": \"2\"}}")
        #expect(options.text.map { Array($0.keyword.utf8) } == [[0x65, 0xCC, 0x81], [0xC3, 0xA9]])
        #expect(options.text.map(\.text) == ["2", "1"])
        #expect(message(#"{"seed": 1, "\u0073eed": 2}"#, DenoiseOptions.self).contains("twice"))
        #expect(throws: Never.self) {
            try SchedulerRegistry.configuration(nil, option: .string("KDPM2DiscreteScheduler"))
        }
        for ending in ["DiscreteScheduler", "Discrete", "AncestralDiscreteScheduler"] {
            let name = "\u{212A}DPM2\(ending)"
            #expect(throws: PixArtError.self) { try SchedulerRegistry.configuration(nil, option: .string(name)) }
            #expect(throws: PixArtError.self) {
                try SchedulerRegistry.configuration(nil, option: .object(["_class_name": .string(name)]))
            }
        }
    }

    /// Each default in a schema is a valid value.
    @Test(arguments: OptionsTests.verbs)
    func defaultsAreAccepted(_ verb: String) throws {
        let options = try Self.options(verb)
        let properties = try #require(options.schema.json["properties"]?.object)
        #expect(properties.count == options.schema.properties.count)
        for (name, property) in properties {
            let value = try #require(property["default"])
            let text = JSONValue.object([name: value]).serialized()
            #expect(message(text, options) == "", "\(name)")
            #expect(property["description"]?.string?.isEmpty == false)
        }
    }
}
