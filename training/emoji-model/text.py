"""The tokenizer and the batches of token ids."""

import random
from pathlib import Path

import sentencepiece
import torch
from captions import all_pairs, caption
from things import THINGS

VOCABULARY = 700
PAD, EOS, UNKNOWN = 0, 1, 2


def train_tokenizer(prefix: Path, count: int = 60_000) -> None:
    """Write `prefix`.model: a unigram model over captions, with T5's special ids and normaliser."""
    rng = random.Random(0)
    pairs = all_pairs()
    lines = [caption(THINGS[symbol], colour, rng) for symbol, colour in rng.choices(pairs, k=count)]
    lines += [letter for letter in "abcdefghijklmnopqrstuvwxyz0123456789.,!?-'" for _ in range(20)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_prefix=str(prefix),
        model_type="unigram",
        vocab_size=VOCABULARY,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        pad_id=PAD,
        eos_id=EOS,
        unk_id=UNKNOWN,
        bos_id=-1,
        pad_piece="<pad>",
        eos_piece="</s>",
        unk_piece="<unk>",
        num_threads=1,
        minloglevel=2,
    )


class Tokenizer:
    """SentencePiece followed by </s>, as the slow T5 tokenizer does it."""

    def __init__(self, file: Path):
        self.model = sentencepiece.SentencePieceProcessor(model_file=str(file))

    def __len__(self) -> int:
        return self.model.get_piece_size()

    def batch(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids padded to the longest text, and their mask."""
        rows = [self.model.encode(text) + [EOS] for text in texts]
        length = max(map(len, rows))
        ids = torch.tensor([row + [PAD] * (length - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
        return ids, mask
