import CPixArt
import Foundation
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct AtomicFolderTests {
    private let scratch: ScratchFolder
    private let path: String

    init() throws {
        scratch = try ScratchFolder()
        path = "\(scratch.path)/out"
    }

    private func write(_ text: String, _ file: AtomicFile) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0) }
    }

    private func text(_ relative: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(relative)", encoding: .utf8)
    }

    @Test func filesAppearTogether() throws {
        let folder = try AtomicFolder(path: path)
        try folder.makeFolder("part")
        try write("one", try folder.file("a"))
        try write("two", try folder.file("part/b"))
        #expect(!FileManager.default.fileExists(atPath: "\(path)/a"))
        try folder.commit()
        #expect(try text("a") == "one" && text("part/b") == "two")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["a", "part"])
    }

    @Test func nothingRemainsWithoutCommit() throws {
        do {
            let folder = try AtomicFolder(path: path)
            try folder.makeFolder("part")
            try write("two", try folder.file("part/b"))
            withExtendedLifetime(folder) {}
        }
        #expect(try scratch.content == [])
    }

    /// Even if another object still has a file open.
    @Test func nothingRemainsOfFilesThatAreHeld() throws {
        let folder = try AtomicFolder(path: path)
        let file = try folder.file("a")
        try write("one", file)
        _ = consume folder
        #expect(try scratch.content == [])
        #expect(throws: PixArtError.self) { try write("two", file) }
    }

    /// Earlier files stay, except those that are replaced.
    @Test func othersStay() throws {
        do {
            let folder = try AtomicFolder(path: path)
            try write("old", try folder.file("a"))
            try write("other", try folder.file("c"))
            try folder.commit()
        }
        do {
            let folder = try AtomicFolder(path: path)
            try write("new", try folder.file("a"))
            withExtendedLifetime(folder) {}
        }
        #expect(try text("a") == "old")
        let folder = try AtomicFolder(path: path)
        try write("new", try folder.file("a"))
        try folder.commit()
        #expect(try text("a") == "new" && text("c") == "other")
    }

    @Test func copies() throws {
        try scratch.write("plain", Array("text".utf8))
        let folder = try AtomicFolder(path: path)
        try folder.copy("\(scratch.path)/plain", to: "x")
        try folder.commit()
        #expect(try text("x") == "text")
    }

    @Test func faults() throws {
        expectFailure(PIXART_ERROR_FILE, "none/out", "No such file") {
            _ = try AtomicFolder(path: "\(scratch.path)/none/out")
        }
        let file = try scratch.write("file", [1])
        expectFailure(PIXART_ERROR_FILE, file, "File exists") { _ = try AtomicFolder(path: file) }
        let folder = try AtomicFolder(path: path)
        expectFailure(PIXART_ERROR_FILE, "missing") { try folder.copy("\(scratch.path)/missing", to: "x") }
        #expect(AtomicFolder.isSame(path, "\(scratch.path)/./out/"))
        #expect(!AtomicFolder.isSame(path, scratch.path) && !AtomicFolder.isSame("\(path)/no", "\(path)/no"))
    }
}
