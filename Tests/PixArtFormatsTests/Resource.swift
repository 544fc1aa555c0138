import Foundation

/// Files that belong to the tests.
enum Resource {
    static func path(_ name: String) -> String { Bundle.module.bundlePath + "/Resources/" + name }
}
