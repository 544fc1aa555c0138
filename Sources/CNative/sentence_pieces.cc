#include "sentence_pieces.h"
#include <cstdio>
#include <exception>
#include <memory>
#include <sentencepiece_processor.h>
#include <stdexcept>
#include <string>
#include <vector>

struct native_sentence_model {
    sentencepiece::SentencePieceProcessor processor;
};

struct native_sentence_pieces {
    std::vector<int32_t> ids;
    std::vector<std::string> pieces;
    std::string text;
};

namespace {

/* Runs `work`, which returns a pointer, and turns whatever it throws into NULL and a text. */
template <typename Work> auto guarded(char *message, size_t room, Work work) noexcept -> decltype(work()) {
    try {
        return work();
    } catch (const std::exception &error) {
        std::snprintf(message, room, "%s", error.what());
    } catch (...) {
        std::snprintf(message, room, "unknown exception");
    }
    return nullptr;
}

void require(const sentencepiece::util::Status &status) {
    if (!status.ok())
        throw std::runtime_error(status.ToString());
}

} // namespace

native_sentence_model *native_sentence_model_open(const void *bytes, size_t size, char *message, size_t room) {
    return guarded(message, room, [&] {
        auto model = std::make_unique<native_sentence_model>();
        require(model->processor.LoadFromSerializedProto({static_cast<const char *>(bytes), size}));
        return model.release();
    });
}

void native_sentence_model_release(native_sentence_model *model) { delete model; }

int32_t native_sentence_model_size(const native_sentence_model *model) { return model->processor.GetPieceSize(); }
int32_t native_sentence_model_unknown(const native_sentence_model *model) { return model->processor.unk_id(); }
int32_t native_sentence_model_end(const native_sentence_model *model) { return model->processor.eos_id(); }
int32_t native_sentence_model_pad(const native_sentence_model *model) { return model->processor.pad_id(); }

native_sentence_pieces *native_sentence_encode(const native_sentence_model *model, const char *text, size_t size,
                                               char *message, size_t room) {
    return guarded(message, room, [&] {
        auto result = std::make_unique<native_sentence_pieces>();
        sentencepiece::ImmutableSentencePieceText split;
        require(model->processor.Encode({text, size}, split.mutable_proto()));
        for (const auto &piece : split.pieces()) {
            result->ids.push_back(static_cast<int32_t>(piece.id()));
            result->pieces.push_back(piece.piece());
        }
        return result.release();
    });
}

native_sentence_pieces *native_sentence_decode(const native_sentence_model *model, const int32_t *ids, size_t count,
                                               char *message, size_t room) {
    return guarded(message, room, [&] {
        auto result = std::make_unique<native_sentence_pieces>();
        require(model->processor.Decode(std::vector<int>(ids, ids + count), &result->text));
        return result.release();
    });
}

void native_sentence_pieces_release(native_sentence_pieces *pieces) { delete pieces; }

size_t native_sentence_count(const native_sentence_pieces *pieces) { return pieces->ids.size(); }

int32_t native_sentence_id(const native_sentence_pieces *pieces, size_t index) { return pieces->ids[index]; }

const char *native_sentence_piece(const native_sentence_pieces *pieces, size_t index, size_t *size) {
    *size = pieces->pieces[index].size();
    return pieces->pieces[index].data();
}

const char *native_sentence_text(const native_sentence_pieces *pieces, size_t *size) {
    *size = pieces->text.size();
    return pieces->text.data();
}
