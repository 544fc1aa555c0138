import Foundation

/// Files of the tests.
enum Resource {
    static func path(_ name: String) -> String { Bundle.module.bundlePath + "/Resources/" + name }
}
