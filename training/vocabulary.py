"""The words of the captions that a model is trained on, for the list that lies beside its weights.

The bot tells members which words of a prompt the small model does not know (engine/embedded/words.txt, which
`python -m training.assemble` writes together with the weights).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from training import captions, phrases, words

NO_WORDS = ("_SYLLABLES",)
"""Parts of which the captions make words that mean nothing."""
_GAPS = re.compile(r"\{[^}]*\}")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[\u4e00-\u9fff]+")


def vocabulary() -> list[str]:
    """The words, in order: English ones in lower case, Chinese ones as they stand between gaps and marks."""
    found: set[str] = set()
    for module in (captions, phrases, words):
        for name, value in vars(module).items():
            if not name.startswith("__") and name not in NO_WORDS:
                for text in _texts(value):
                    found.update(_WORD.findall(_GAPS.sub(" ", text.lower())))
    return sorted(found)


def _texts(value: object) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(key)
            yield from _texts(inner)
    elif isinstance(value, tuple | list):
        for inner in value:
            yield from _texts(inner)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
