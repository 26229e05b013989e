"""Prompt notations of other tools, which this model reads as plain words."""

from __future__ import annotations

import re

_NOTATIONS = re.compile(
    r"""
      <\s*(?:lora|lyco|hypernet|ti)\s*:[^<>]*>        # <lora:style:0.8>
    | \([^()]*:\s*\d+(?:\.\d+)?\s*\)                  # (cat:1.4)
    | \[[^\[\]]*:\s*\d+(?:\.\d+)?\s*\]                # [cat:dog:0.5]
    | \({2,}[^()]+\){2,} | \[{2,}[^\[\]]+\]{2,}       # ((cat)), [[cat]]
    | \{{2,}[^{}]+\}{2,}                              # {{cat}}
    | [\[{][^\[\]{}|]+\|[^\[\]{}]+[\]}]              # [cat|dog], {cat|dog}
    | \bembedding\s*:\s*[\w.-]+                       # embedding:name
    | (?<=\w)\s*::\s*-?\d+(?:\.\d+)?                  # cat::2
    | (?<!\S)(?:BREAK|AND)(?!\S)                      # BREAK
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SHOUTED = re.compile(r"BREAK|AND", re.IGNORECASE)
_WORDS = re.compile(r"[^\W\d_]+")


def foreign_notation(prompt: str) -> str | None:
    """The first piece of a prompt that is written for another tool, or None.

    BREAK and AND count in capitals only, and where not the whole prompt is in capitals.
    """
    shouting = prompt.upper() == prompt and len(_WORDS.findall(prompt)) > 1
    for match in _NOTATIONS.finditer(prompt):
        found = match.group().strip()
        if _SHOUTED.fullmatch(found) and (found != found.upper() or shouting):
            continue
        return found
    return None
