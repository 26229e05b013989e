"""Prompts as text: cleaned for the model, folded for comparison with blocked words."""

from __future__ import annotations

import unicodedata

_CONTROLS = {"Cc", "Cs"}
_NEVER_SHOWN = {"Cc", "Cf", "Cs", "Cn", "Me"}
"""Controls, formats, half surrogates, characters that nobody has assigned, enclosing marks."""
_IGNORABLE = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5),
    (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
    (0x2800, 0x2800), (0xFFFC, 0xFFFC), (0x1D159, 0x1D159),
)  # fmt: skip
"""Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt), and in the last line three that are
drawn as nothing: the empty braille cell, the object replacement character and a notehead without a head."""
_OVERLAY = 1
"""The combining class of marks that are drawn over a letter, such as U+0336."""


def clean_prompt(text: str) -> str:
    """One line without control characters; what people typed is otherwise left as it is.

    Characters that this Python does not know yet stay: they are most often new emojis.
    """
    spaced = "".join(" " if character.isspace() else character for character in text)
    return " ".join("".join(character for character in spaced if _is_text(character)).split())


def is_blank(text: str) -> bool:
    """Whether the text is invisible to a reader."""
    return all(character.isspace() or _is_ignorable(character) for character in text)


def fold(text: str) -> str:
    """Text as it is compared: NFKC, without what a reader cannot see, case folded."""
    plain = unicodedata.normalize("NFKC", text)
    seen = "".join(character for character in plain if character.isspace() or _is_seen(character))
    return unicodedata.normalize(
        "NFKC", seen
    ).casefold()  # again: a mark that was taken out may have parted two


def _is_seen(character: str) -> bool:
    return not (
        _is_ignorable(character)
        or unicodedata.category(character) in _NEVER_SHOWN
        or unicodedata.combining(character) == _OVERLAY
    )


def _is_ignorable(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _IGNORABLE)


def _is_text(character: str) -> bool:
    """No control, no half of a surrogate pair, none of the 66 code points that stay unassigned for ever."""
    code = ord(character)
    never = 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
    return not never and unicodedata.category(character) not in _CONTROLS
