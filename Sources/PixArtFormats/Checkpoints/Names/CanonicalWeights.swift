import PixArtStorage

/// The networks that files hold.
package enum NetworkKind: String, CaseIterable, Sendable {
    case transformer
    case textEncoder = "text_encoder"
    case autoencoder = "vae"
    case tinyAutoencoder = "tiny_vae"
    case controlNet = "controlnet"
}

/// A network in a file or folder: which one, how its tensors are called there, and the tensors under the names of
/// diffusers and transformers.
package struct CanonicalWeights: Sendable {
    package let kind: NetworkKind
    package let names: TensorNames
    /// What the names of the network's tensors begin with, in a bundle of several models.
    package let prefix: String
    package let source: any WeightSource

    /// Prefixes under which programs store a network, by the network.
    private static let prefixes: [NetworkKind: [String]] = [
        .transformer: [
            "", "model.diffusion_model.", "diffusion_model.", "module.", "_orig_mod.", "base_model.", "transformer.",
        ],
        .textEncoder: ["", "text_encoders.t5xxl.transformer.", "t5xxl.transformer.", "text_encoder.", "module."],
        .autoencoder: ["", "first_stage_model.", "vae.", "module."],
        .tinyAutoencoder: ["", "taesd_decoder.", "taesd_encoder.", "decoder.", "encoder."],
        // Beside "transformer." in diffusers' file of both.
        .controlNet: ["", "controlnet.", "module.", "_orig_mod."],
    ]

    /// Tensors that only this network has, by how its tensors are called: all of `also`, and `name`, which says more.
    private struct Mark {
        let name: String
        let names: TensorNames
        let also: [String]

        init(_ name: String, _ names: TensorNames, also: [String] = []) {
            self.name = name
            self.names = names
            self.also = also
        }
    }

    private static let marks: [NetworkKind: [Mark]] = [
        // Stable Diffusion 3 and DiT embed patches under the same name.
        .transformer: [
            .init("pos_embed.proj.weight", .diffusers, also: ["caption_projection.linear_1.weight"]),
            .init("x_embedder.proj.weight", .original, also: ["y_embedder.y_proj.fc1.weight"]),
        ],
        .textEncoder: [
            .init("encoder.block.0.layer.0.SelfAttention.q.weight", .diffusers),
            .init("enc.blk.0.attn_q.weight", .llama),
        ],
        .autoencoder: [
            .init("decoder.mid_block.attentions.0.query.weight", .oldDiffusers),
            .init("encoder.mid_block.attentions.0.query.weight", .oldDiffusers),
            .init("decoder.mid_block.resnets.0.norm1.weight", .diffusers),
            .init("encoder.mid_block.resnets.0.norm1.weight", .diffusers),
            .init("decoder.mid.block_1.norm1.weight", .ldm), .init("encoder.mid.block_1.norm1.weight", .ldm),
        ],
        .tinyAutoencoder: [
            .init("decoder.layers.2.conv.0.weight", .diffusers), .init("encoder.layers.1.conv.0.weight", .diffusers),
            // The encoder has layers of both names.
            .init("1.conv.0.weight", .taesd), .init("3.conv.0.weight", .taesd),
        ],
        .controlNet: [
            .init("controlnet_blocks.0.before_proj.weight", .diffusers),
            .init("controlnet.0.before_proj.weight", .original),
        ],
    ]

    /// The network of one of `kinds` in `raw`; nil if there is none. Fails as quantized weights do that are not read.
    package init?(_ raw: any WeightSource, kinds: [NetworkKind] = NetworkKind.allCases) throws(PixArtError) {
        let unpacked: UnpackedSource
        if let raw = raw as? UnpackedSource { unpacked = raw } else { unpacked = try UnpackedSource(raw) }
        for kind in kinds {
            for prefix in Self.prefixes[kind] ?? [] {
                let found = Self.marks[kind]?.first { mark in
                    ([mark.name] + mark.also).allSatisfy { unpacked.shape(of: prefix + $0) != nil }
                }
                guard let mark = found else { continue }
                // "decoder." and "encoder." are prefixes of TAESD only, and part of the names of diffusers.
                if kind == .tinyAutoencoder, mark.names == .diffusers, !prefix.isEmpty { continue }
                self.kind = kind
                self.names = mark.names
                self.prefix = prefix
                source = try Self.renamed(unpacked, kind, mark, prefix)
                return
            }
        }
        return nil
    }

    private static func renamed(
        _ source: UnpackedSource, _ kind: NetworkKind, _ mark: Mark, _ prefix: String
    ) throws(PixArtError) -> any WeightSource {
        if mark.names == .taesd { return try RenamedSource(source) { tiny($0, mark.name, prefix) } }
        guard !prefix.isEmpty || mark.names != .diffusers else { return source }
        return try RenamedSource(source) { name in
            guard let inner = name.dropping(prefix) else { return [] }
            let found = mark.names.canonical(inner, of: kind) ?? [(inner, .init(inner))]
            return found.map { name, view in
                (name, .init(prefix + view.name, part: view.part, squeezed: view.isSqueezed))
            }
        }
    }

    /// Names of TAESD: of the half that the file holds, or of both if prefixes say which.
    private static func tiny(
        _ name: String, _ mark: String, _ prefix: String
    ) -> [(name: String, view: RenamedSource.View)]? {
        for (half, prefixes) in [
            ("decoder", ["taesd_decoder.", "decoder."]), ("encoder", ["taesd_encoder.", "encoder."]),
        ] {
            for candidate in prefixes where !prefix.isEmpty {
                guard let inner = name.dropping(candidate) else { continue }
                return TinyNames.canonical(inner, half: half)?.map { ($0.name, .init(candidate + $0.view.name)) } ?? []
            }
        }
        guard prefix.isEmpty else { return [] }
        return TinyNames.canonical(name, half: mark == "3.conv.0.weight" ? "decoder" : "encoder")
    }
}
