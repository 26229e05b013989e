"""engine/embedded/words.txt: the words of the captions that the embedded model was trained on.

    python -m training.vocabulary

The bot tells members which words of a prompt the small model does not know. What a thing was merely likened
to ("dog" for the nearest animal) does not count as known.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from training import captions, phrases, words

FILE = Path(__file__).parents[1] / "engine" / "embedded" / "words.txt"
LIKENED = ("kin_en", "kin_zh")
NO_WORDS = ("_SYLLABLES",)
"""Parts of which the captions make words that mean nothing."""
_GAPS = re.compile(r"\{[^}]*\}")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[\u4e00-\u9fff]+")


def texts(value: object) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from texts(inner)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if field.name not in LIKENED:
                yield from texts(getattr(value, field.name))


def vocabulary() -> list[str]:
    """The words, in order: English ones in lower case, Chinese ones as they stand between gaps and marks."""
    found: set[str] = set()
    for module in (captions, phrases, words):
        for name, value in vars(module).items():
            if not name.startswith("__") and name not in NO_WORDS:
                for text in texts(value):
                    found.update(_WORD.findall(_GAPS.sub(" ", text.lower())))
    return sorted(found)


if __name__ == "__main__":
    FILE.write_text("\n".join(vocabulary()) + "\n", "utf-8")
