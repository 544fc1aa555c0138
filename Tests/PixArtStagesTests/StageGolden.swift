import Foundation

/// Results of the reference for the same inputs, written by tools/goldens/make_stage_goldens.py.
enum StageGolden {
    static var stages: [String: Any] {
        get throws {
            let path = Bundle.module.bundlePath + "/Resources/stages.json"
            return try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
                as! [String: Any]
        }
    }

    /// float32 numbers from their bit patterns.
    static func floats(_ bits: Any?) -> [Float] {
        (bits as! [Int]).map { Float(bitPattern: UInt32(bitPattern: Int32($0))) }
    }
}
