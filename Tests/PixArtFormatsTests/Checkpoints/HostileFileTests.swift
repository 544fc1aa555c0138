import CPixArt
import PixArtFormats
import PixArtStorage
import TestSupport
import Testing

@Suite struct HostileFileTests {
    private let folder: ScratchFolder

    init() throws { folder = try ScratchFolder() }

    @Test func everyFaultIsNamed() throws {
        #expect(HostileFile.all.count >= 60)
        #expect(Set(HostileFile.all.map(\.name)).count == HostileFile.all.count)
        for hostile in HostileFile.all {
            let path = try folder.write("\(hostile.name).safetensors", hostile.bytes)
            do throws(PixArtError) {
                _ = try SafetensorsFile(path: path)
                Issue.record("\(hostile.name): opened")
            } catch {
                #expect(error.status == PIXART_ERROR_FORMAT, "\(hostile.name): \(error.message)")
                for part in [path] + hostile.parts {
                    #expect(error.message.contains(part), "\(hostile.name): no \"\(part)\" in: \(error.message)")
                }
            }
        }
    }

    /// Each file of the corpus has one fault: the base file opens.
    @Test func theSameWithoutFaultsOpens() throws {
        let right = [
            "{}", "{}      ", "{\"w\":\(HostileFile.entry())}", "{\"__metadata__\":{}, \"w\":\(HostileFile.entry())}",
            "{\"w\":\(HostileFile.entry("F32", "[]"))}", "{\"w\":\(HostileFile.entry("F32", "[1,1,1,1,1,1,1,1,1,1]"))}",
            "{\"w\":\(HostileFile.entry("F4", "[7]"))}",
            "{\"b\":\(HostileFile.entry()),\"a\":\(HostileFile.entry("F32", "[0]", "[0,0]"))}",
            "{\"b\":\(HostileFile.entry("U8", "[2]", "[2,4]")),\"a\":\(HostileFile.entry("U8", "[2]", "[0,2]"))}",
        ]
        for (index, header) in right.enumerated() {
            let bytes = HostileFile.bytes(header, data: header.contains("dtype") ? 4 : 0)
            let path = try folder.write("\(index).safetensors", bytes)
            let file = try SafetensorsFile(path: path)
            #expect(file.names.isEmpty == !header.contains("dtype"))
        }
    }

    @Test func typesThatAreNotComputedWith() throws {
        for (type, size) in [("I64", 8), ("F64", 8), ("BOOL", 1), ("F8_E8M0", 1), ("F4", 1), ("NEW_TYPE", 3), ("", 3)] {
            let header = "{\"w\":\(HostileFile.entry(type, "[1]", "[0,\(size)]"))}"
            let path = try folder.write("a.safetensors", HostileFile.bytes(header, data: size))
            let file = try SafetensorsFile(path: path)
            #expect(file.names == ["w"])
            expectFailure(
                PIXART_ERROR_MODEL, path, "tensor \"w\"", "type \(type) ", "F32, F16, BF16, F8_E4M3, F8_E5M2, I8, U8"
            ) {
                _ = try file["w"]
            }
            #expect(try file["v"] == nil)
        }
    }

    @Test func filesThatCannotBeRead() {
        expectFailure(PIXART_ERROR_FILE, "/none.safetensors", "No such file") {
            _ = try SafetensorsFile(path: folder.path + "/none.safetensors")
        }
        expectFailure(PIXART_ERROR_FILE, folder.path) { _ = try SafetensorsFile(path: folder.path) }
        expectFailure(PIXART_ERROR_FILE, "/dev/null", "regular") { _ = try SafetensorsFile(path: "/dev/null") }
    }

    /// Opening returns for all bytes: random edits neither trap nor hang, and a file that opens can be read
    /// completely.
    @Test func damagedFiles() throws {
        let header = """
            {"__metadata__":{"format":"pt"},"a":\(HostileFile.entry("F16", "[2,3]", "[0,12]")),\
            "b":\(HostileFile.entry("U8", "[4]", "[12,16]")),"c":\(HostileFile.entry("F32", "[]", "[16,20]"))}
            """
        let whole = HostileFile.bytes(header, data: 20)
        var random = SplitMix(seed: 5)
        var (opened, faults, sum) = (0, 0, 0)
        for _ in 0..<4000 {
            var bytes = whole
            for _ in 0...random.next() % 2 {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                case 2: bytes[place] = Array("0123456789-[]{},:\"e.".utf8).randomElement(using: &random) ?? 0
                default: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            let path = try folder.write("a.safetensors", bytes)
            do throws(PixArtError) {
                let file = try SafetensorsFile(path: path)
                opened += 1
                for name in file.names {
                    guard let tensor = try? file[name] else { continue }
                    #expect(tensor.bytes.count == tensor.shape.reduce(tensor.type.size, *))
                    sum += tensor.bytes.reduce(0) { $0 + Int($1) }
                }
            } catch {
                faults += 1
                #expect(error.status == PIXART_ERROR_FORMAT)
                #expect(error.message.contains(path))
            }
        }
        #expect(faults > 1000)
        #expect(opened > 100)
        #expect(sum > 0, "some damage was to the tensors")
    }

    @Test func everyTruncation() throws {
        let whole = HostileFile.bytes("{\"w\":\(HostileFile.entry())}", data: 4)
        for count in 0..<whole.count {
            let path = try folder.write("a.safetensors", whole.prefix(count))
            expectFailure(PIXART_ERROR_FORMAT, path) { _ = try SafetensorsFile(path: path) }
        }
    }
}
