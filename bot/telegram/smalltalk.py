"""Small talk, which is no prompt: a message of nothing but greetings, thanks and thumbs up."""

from __future__ import annotations

import re
import unicodedata

ENGLISH = """
    hi|hello|hey|hi there|hello there|hey there|yo|good morning|good afternoon|good evening|good night
    how are you|thanks|thank you|thank u|so much|very much|thanks a lot|many thanks|thx|ty|cheers
    ok|okay|yes|no|cool|nice|great|wow|lol|haha|test|bye|goodbye|good bye|see you|help|bot
"""
CHINESE = """
    你好|您好|嗨|哈喽|早|早安|早上好|下午好|晚上好|晚安|在吗|谢谢|谢谢你|谢谢您|多谢|感谢
    好|好的|嗯|哈哈|不错|再见|拜拜|测试|帮助
"""
REACTIONS = frozenset("👍👎👌👏🙌🙏🤝💪❤💔🔥🎉💯😀😁😂🤣😄😅😊😍🥰😘😎😢😭😮🤔")


def _any_of(phrases: str) -> str:
    """A pattern for each of them, the longest first."""
    return "|".join(sorted(re.split(r"[|\n]\s*", phrases.strip()), key=len, reverse=True))


_SAID = re.compile(rf"(?:(?:{_any_of(ENGLISH)})(?: |$)|(?:{_any_of(CHINESE)}) ?)++")
_NOT_WORDS = re.compile(r"[^\w\s]|_")


def is_small_talk(text: str) -> bool:
    """Whether a message is greetings or thanks alone, whatever signs and emoji are around them, or no more
    than reactions and punctuation.
    """
    signs = unicodedata.normalize("NFKC", text).casefold().replace("'", "")
    if words := _NOT_WORDS.sub(" ", signs).split():
        return _SAID.fullmatch(" ".join(words)) is not None
    return all(sign in REACTIONS or _goes_with_others(sign) for sign in signs)


def _goes_with_others(sign: str) -> bool:
    """Whether a sign shows nothing by itself: punctuation, blanks, what gives an emoji its tone."""
    category = unicodedata.category(sign)
    return category[0] in "PZM" or category in ("Sk", "Cf", "Cc")
