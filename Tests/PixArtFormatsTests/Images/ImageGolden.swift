import Foundation
import PixArtStorage

/// Results of Pillow and diffusers, written by tools/goldens/make_image_goldens.py.
enum ImageGolden {
    static func rows(_ name: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: Resource.path("images.json")))
        return (try JSONSerialization.jsonObject(with: data) as! [String: Any])[name] as! [[String: Any]]
    }

    static func data(_ base64: Any?) -> Data { Data(base64Encoded: base64 as! String)! }
}

/// The bytes of a tensor.
func content(_ tensor: Tensor) -> [UInt8] { withExtendedLifetime(tensor) { Array(tensor.bytes) } }
