"""Train the byte-level BPE tokenizer on captions: `python -m training.tokenizer`."""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.captions import caption
from training.scenes import random_scene

if TYPE_CHECKING:
    from collections.abc import Iterator

PAD, USER, DRAW = "<|pad|>", "<|user|>", "<|draw|>"
VOCABULARY = 3072
# Two tokens frame the prompt, so that nearly every caption fits the transformer's first 32 positions.
CHAT_TEMPLATE = (
    "{% for message in messages %}" + USER + " {{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}" + DRAW + "{% endif %}"
)
# One token a Chinese character: pieces that span words would make unseen wordings look unknown.
_PIECES = r"[\u2e80-\u9fff]|[0-9]| ?[^\s\u2e80-\u9fff0-9\p{P}\p{S}]+| ?[\p{P}\p{S}]|\s+"


def captions(count: int, seed: int) -> Iterator[str]:
    """Yield `count` captions of random scenes."""
    rng = random.Random(seed)
    for _ in range(count):
        yield caption(random_scene(rng), rng, chatter=int(rng.random() < 0.1))


def train(count: int, seed: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer with its chat template; it ignores letter case and full-width forms."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=5,
        special_tokens=[AddedToken(token, normalized=False, special=True) for token in (PAD, USER, DRAW)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(captions(count, seed), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=DRAW,
        additional_special_tokens=[USER],
        padding_side="right",
        model_max_length=512,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def main() -> None:
    """Train and write the tokenizer's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("training/runs/tokenizer"))
    args = parser.parse_args()
    train(args.captions, args.seed).save_pretrained(args.out)


if __name__ == "__main__":
    main()
