import PixArtStorage

/// The index of sharded weights (`<stem>.safetensors.index.json`). Its `weight_map` names the shard of each tensor.
struct ShardIndex {
    private let path: String
    /// File name of the shard of each tensor.
    private let shards: [Name: Name]

    /// Reads the index at `path`. Fails with `.file` and `.format`, naming the tensor.
    init(path: String) throws(PixArtError) {
        self.path = path
        let index = try JSONValue.load(path: path, maximumBytes: 16 << 20)
        guard let map = index["weight_map"]?.object else {
            throw .format("\(path): weight_map is \(index["weight_map"]?.kind ?? "missing"); expected an object")
        }
        var shards: [Name: Name] = [:]
        for (name, value) in map.sorted(by: { $0.key < $1.key }) {
            guard let shard = value.string else {
                throw .format("\(path): tensor \"\(name)\": its shard is \(value.kind); expected a string")
            }
            guard !shard.isEmpty,
                !shard.utf8.contains(UInt8(ascii: "/")), !shard.utf8.contains(0), shard != ".", shard != ".."
            else {
                throw .format(
                    "\(path): tensor \"\(name)\": shard \"\(shard)\" is no name of a file in the folder of the index")
            }
            shards[name] = Name(shard)
        }
        self.shards = shards
    }

    /// Opens all shards, and returns the shard of each tensor. Fails with `.file` if a shard is missing, and with
    /// `.format` naming the tensor if shards and index contradict each other.
    func open(folder: String, content: DirectoryListing) throws(PixArtError) -> ([any WeightSource], [Name: Int]) {
        var files: [any WeightSource] = []
        var fileIndices: [Name: Int] = [:]
        for shard in Set(shards.values).sorted() {
            guard content.names.contains(shard) else {
                throw .file("\(path): names the shard \"\(shard)\", which is not in the folder; expected every shard")
            }
            let file = try WeightFile.open("\(folder)/\(shard)")
            for name in file.names.map({ Name($0) }).sorted() {
                guard let place = shards[name] else {
                    throw .format(
                        "\(file.location): tensor \"\(name)\" is one that \(path) does not list; expected a list of all tensors"
                    )
                }
                guard place == shard else {
                    throw .format(
                        "\(file.location): contains tensor \"\(name)\"; expected it in \"\(place)\", as \(path) says")
                }
                fileIndices[name] = files.count
            }
            files.append(file)
        }
        for (name, shard) in shards.sorted(by: { $0.key < $1.key }) where fileIndices[name] == nil {
            throw .format("\(path): tensor \"\(name)\" is not in \"\(shard)\"; expected it there, as the index says")
        }
        return (files, fileIndices)
    }
}
