import Glibc
import PixArtStorage

/// The id of a repository of the Hub: `ORG/NAME` or `NAME`, and a revision after an `@`: a branch, a tag or a commit.
package struct HubID: Equatable, Sendable, CustomStringConvertible {
    package let repository: String
    package let revision: String

    /// nil if the text is no id.
    package init?(_ text: String) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard 1...2 ~= names.count, names.allSatisfy(Self.isName) else { return nil }
        let revision = parts.count == 2 ? String(parts[1]) : "main"
        guard !revision.isEmpty, !revision.hasPrefix("/"), revision.utf8.allSatisfy({ $0 > 32 && $0 != 127 }),
            !revision.split(separator: "/", omittingEmptySubsequences: false).contains(where: {
                ["", ".", ".."].contains($0)
            })
        else { return nil }
        repository = String(parts[0])
        self.revision = revision
    }

    package var description: String { revision == "main" ? repository : "\(repository)@\(revision)" }

    /// Letters, digits, "-", "_" and ".", of which "--" and ".." are not allowed, and the first and the last are letters or
    /// digits or "_".
    private static func isName(_ name: Substring) -> Bool {
        func isWord(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber || character == "_")
        }
        guard let first = name.first, let last = name.last, isWord(first), isWord(last), name.utf8.count <= 96 else {
            return false
        }
        return name.allSatisfy { isWord($0) || $0 == "-" || $0 == "." } && !name.contains("--") && !name.contains("..")
    }

    /// Whether a path that leads nowhere may be meant as an id: it has an organization.
    package var hasOrganization: Bool { repository.contains("/") }
}

/// The folder in which the tools of the Hub keep what they downloaded. It is read only, and nothing is downloaded.
package struct HubCache: Sendable {
    package let folder: String

    /// The cache of this process's environment: `HF_HUB_CACHE`, or `HUGGINGFACE_HUB_CACHE`, or the folder `hub` in
    /// `HF_HOME`, in `$XDG_CACHE_HOME/huggingface` or in `~/.cache/huggingface`. An empty variable counts as not set.
    package init() {
        if let folder = Environment.variable("HF_HUB_CACHE") ?? Environment.variable("HUGGINGFACE_HUB_CACHE") {
            self.folder = Environment.expanded(folder)
            return
        }
        let home =
            Environment.variable("HF_HOME")
            ?? (Environment.variable("XDG_CACHE_HOME") ?? "~/.cache") + "/huggingface"
        folder = Environment.expanded(home) + "/hub"
    }

    package init(folder: String) { self.folder = folder }

    /// The folder that has the files of a repository at its revision. Fails with `.file`, saying what was looked for and
    /// what is there instead.
    package func snapshot(_ id: HubID) throws(PixArtError) -> String {
        let root = "\(folder)/models--\(id.repository.split(separator: "/").joined(separator: "--"))"
        let download =
            "\"hf download \(id.repository)\(id.revision == "main" ? "" : " --revision \(id.revision)")\" fetches it"
        guard isFolder(root) else {
            throw .file(
                "\(id): there is no such folder, and no such repository in the Hub's cache \(folder)\(otherCaches); expected one "
                    + "of them; \(download)")
        }
        let commit = try revision(id, root) ?? id.revision
        let snapshot = "\(root)/snapshots/\(commit)"
        guard isCommit(commit), isFolder(snapshot) else {
            let others =
                (try? DirectoryListing(path: "\(root)/snapshots").names.map(\.text).filter { $0.utf8.count == 40 }
                    .sorted()) ?? []
            let found = others.isEmpty ? "it has none" : "it has \(others.joined(separator: ", "))"
            throw .file("\(root): has no revision \"\(id.revision)\"; \(found); \(download)")
        }
        return snapshot
    }

    /// The commit that a branch or a tag stands for; nil if there is no such name.
    private func revision(_ id: HubID, _ root: String) throws(PixArtError) -> String? {
        if isCommit(id.revision), isFolder("\(root)/snapshots/\(id.revision)") { return id.revision }
        let path = "\(root)/refs/\(id.revision)"
        guard access(path, F_OK) == 0, !isFolder(path) else { return nil }
        let file = try MappedFile(path: path)
        let text = String(decoding: file.bytes.prefix(64), as: UTF8.self).split(whereSeparator: \.isWhitespace).first
        guard let text, isCommit(String(text)) else {
            throw .format("\(path): is no reference to a commit; expected 40 hexadecimal digits")
        }
        return String(text)
    }

    private func isCommit(_ text: String) -> Bool {
        text.utf8.count == 40 && text.allSatisfy { $0.isHexDigit && $0.isASCII }
    }

    private func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Variables that move only the caches of other versions of the tools.
    private var otherCaches: String {
        let set = ["DIFFUSERS_CACHE", "TRANSFORMERS_CACHE"].filter { Environment.variable($0) != nil }
        return set.isEmpty ? "" : " (\(set.joined(separator: " and ")) is not looked at)"
    }
}
