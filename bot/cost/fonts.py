"""Which fonts a chart is set in, so that no reader ever sees a box where a character should be.

Latin text needs nothing. For Chinese a font of the system is taken, else the one of `pylopdf-fonts-zh-cn`
(Noto Sans SC under the Open Font License). Where there is neither, charts speak English.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path

LATIN = "DejaVu Sans"
"""The font for Latin letters; it comes with matplotlib."""
CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
)
PACKAGE, PACKAGED = "pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf"


@lru_cache
def chinese_font() -> str | None:
    """The name of a font with Chinese characters, made known to matplotlib; None where there is none."""
    from matplotlib import font_manager

    installed = {font.name for font in font_manager.fontManager.ttflist}
    for name in CHINESE:
        if name in installed:
            return name
    file = _packaged()
    if file is None:
        return None
    font_manager.fontManager.addfont(file)
    return str(font_manager.FontProperties(fname=file).get_name())


def families(chinese: str | None) -> list[str]:
    """Font families for matplotlib; a character missing in the first is looked for in the next."""
    return [LATIN] if chinese is None else [LATIN, chinese]


def drawable(text: str, chinese: str | None) -> str:
    """`text` with a question mark for each character that no font of ours has."""
    known = frozenset().union(*map(_characters, families(chinese)))
    return "".join(c if ord(c) in known or c == "\n" else "?" for c in text)


@lru_cache
def _characters(family: str) -> frozenset[int]:
    from matplotlib import font_manager

    font = font_manager.get_font(font_manager.findfont(family, fallback_to_default=False))
    return frozenset(font.get_charmap())


def _packaged() -> Path | None:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    file = Path(found.submodule_search_locations[0]) / PACKAGED
    return file if file.exists() else None
