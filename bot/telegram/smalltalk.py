"""What people say to anybody, and nobody wants a picture of: greetings and thanks, and nothing besides."""

from __future__ import annotations

import re
import unicodedata

SAID = frozenset(
    """
    hi|hello|hey|hi there|hello there|hey there|yo|good morning|good afternoon|good evening|good night
    how are you|thanks|thank you|thank you so much|thank you very much|thanks a lot|many thanks|thx|ty|cheers
    ok|okay|yes|no|cool|nice|great|wow|lol|test|bye|goodbye|good bye|see you|help
    你好|您好|嗨|哈喽|早|早安|早上好|下午好|晚上好|晚安|在吗|谢谢|谢谢你|谢谢您|多谢|感谢
    好|好的|嗯|哈哈|不错|再见|拜拜|测试|帮助
    """.strip()
    .replace("\n    ", "|")
    .split("|")
)
_NOT_WORDS = re.compile(r"[^\w\s]|_")


def is_small_talk(text: str) -> bool:
    """Whether a message is a greeting or thanks alone, whatever signs and emoji are around it."""
    plain = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text).casefold().replace("'", ""))
    return " ".join(plain.split()) in SAID
