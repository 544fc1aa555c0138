import Foundation
import PixArtFormats

/// A configuration file with these members.
package func configuration(_ members: [String: Any]) throws -> ConfigurationFile {
    let folder = try ScratchFolder()
    let bytes = try JSONSerialization.data(withJSONObject: members)
    return try ConfigurationFile(path: folder.write("config.json", bytes))
}
