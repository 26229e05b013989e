"""Say what a scene shows, in English or Chinese, in very many ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from training import phrases
from training.things import THINGS
from training.words import COLOUR_NAMES, PLACES, SIZE_NAMES, STYLE_NAMES

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from training.scenes import Item, Scene

Language = Literal["en", "zh"]

_VERBS_EN = (
    "sitting",
    "standing",
    "resting",
    "placed",
    "seen",
    "floating",
    "painted",
    "lying",
    "all alone",
    "relaxing",
)
_VERBS_ZH = ("坐", "站", "趴", "躺", "待", "放", "停", "静静地坐", "独自")

# {s} the subject, {p} a place with its preposition, {n} a background's noun.
SENTENCES_EN = (
    "{s} {p}", "{s} {p}", "{s} {p}", "{s}, {p}", "{p}, {s}", "{p} there is {s}", "there is {s} {p}",
    "{s} {v} {p}",
    "{s}, {n} background", "{s}, {n}", "{n}, {s}", "{n} with {s}", "{s} and the background is {n}",
    "{n} behind {s}",
    "{s} with {n} in the background", "{s} in front of {n}", "{s} which is {p}", "{n} background with {s}",
    "{s} {p}, {n}",
    "{n} scene with {s}", "background: {n}, subject: {s}", "{s} | {n}", "{s} - {p}", "I see {s} {p}",
    "{s} is {v} {p}",
)  # fmt: skip
SENTENCES_ZH = (
    "{s}{p}", "{s}{p}", "{p}的{s}", "{p}的{s}", "{s},{p}", "{p},{s}", "{q}有{s}", "{s}{v}{p}", "{p}有{s}",
    "{s},{n}",
    "{s},背景是{n}", "{n}背景,{s}", "以{n}为背景的{s}", "{n},{s}", "{n}里的{s}", "{s},{n}背景",
    "{s},后面是{n}", "{n}前的{s}",
    "{q}{v}着{s}", "背景:{n},主体:{s}", "{p},有{s}", "{s}正{v}{p}", "{n}与{s}", "{s} {n}",
)  # fmt: skip

# {a} stands left of {b}, also where a caption names no side.
_PAIRS_EN = (
    "{a} left of {b}", "{a} to the left of {b}", "{b} right of {a}", "{b} to the right of {a}",
    "{a} next to {b}", "{a} and {b}", "{a} and {b}", "{a} on the left and {b} on the right", "{a} beside {b}",
    "{b} with {a} on its left", "{b} on the right, {a} on the left", "{a} with {b}", "left {a}, right {b}",
    "on the left {a}, on the right {b}", "{a} on the left of {b}",
)  # fmt: skip
_PAIRS_ZH = (
    "{a}在{b}的左边", "{a}在{b}左边", "{b}在{a}的右边", "{b}在{a}右边", "左边是{a},右边是{b}", "{a}和{b}",
    "{a}和{b}", "{a}旁边有{b}", "{a}在{b}左侧", "右边有{b},左边有{a}", "{a}与{b}", "{a}挨着{b}",
    "左边{a},右边{b}",
)  # fmt: skip


def caption(scene: Scene, rng: random.Random, language: Language | None = None, chatter: int = 0) -> str:
    """Return one caption; `chatter` counts the long sentences without meaning that surround it."""
    chosen: Sequence[Language] = ("en", "zh") if language is None else (language,)
    spoken = rng.choice(chosen)
    if rng.random() < 0.07:
        text = _keywords(scene, rng, spoken)
    else:
        text = sentence(scene, rng, spoken, SENTENCES_EN if spoken == "en" else SENTENCES_ZH)
        text = _frame(text, rng, spoken)
    text = _styled(text, scene.style, rng, spoken)
    return _case(_surround(text, rng, spoken, chatter), rng)


def sentence(
    scene: Scene, rng: random.Random, language: Language, templates: Sequence[str], complete: bool = False
) -> str:
    """Fill one of the templates; unless `complete`, leave colours and the background out now and then."""
    subject = _subject(scene, rng, language, complete)
    if not complete and rng.random() < 0.15:
        return subject
    place = PLACES[scene.background]
    en = language == "en"
    where = rng.choice(place.en if en else place.zh)
    return rng.choice(templates).format(
        s=subject,
        p=where,
        q=where.removeprefix("在"),
        n=rng.choice(place.nouns_en if en else place.nouns_zh),
        v=rng.choice(_VERBS_EN if en else _VERBS_ZH),
    )


def _subject(scene: Scene, rng: random.Random, language: Language, complete: bool = False) -> str:
    name = _name_en if language == "en" else _name_zh
    names = [name(item, rng, complete) for item in scene.items]
    if len(names) == 1:
        return names[0]
    return rng.choice(_PAIRS_EN if language == "en" else _PAIRS_ZH).format(a=names[0], b=names[1])


def _name_en(item: Item, rng: random.Random, complete: bool) -> str:
    noun = rng.choice(THINGS[item.kind].en)
    colour = _colour(item, rng, "en")
    size = rng.choice(SIZE_NAMES[item.size][0]) if rng.random() < 0.25 else ""
    fluff = rng.choice(phrases.FLUFF_EN) if rng.random() < 0.3 else ""
    if rng.random() < 0.03:
        fluff = phrases.unknown(rng)
    roll = rng.random()
    if colour and roll < 0.2:
        tail = rng.choice(
            (
                "that is {}",
                "in {}",
                "coloured {}",
                "of {} colour",
                "painted {}",
                "({})",
                "which is {}",
                "with {} colour",
            )
        ).format(colour)
        text = " ".join(word for word in (fluff, size, noun, tail) if word)
    elif colour and roll < 0.24:
        return f"{noun}, {colour}"
    else:
        order = [fluff, size, colour] if rng.random() < 0.8 else [size, fluff, colour]
        text = " ".join(word for word in (*order, noun) if word)
    return _article(text, rng)


def _article(text: str, rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.12:
        return text
    if roll < 0.24:
        return f"{rng.choice(('the', 'one', 'my', 'this', 'some'))} {text}"
    return f"{'an' if text[0].lower() in 'aeiou' else 'a'} {text}"


def _name_zh(item: Item, rng: random.Random, complete: bool) -> str:
    thing = THINGS[item.kind]
    noun = rng.choice(thing.zh)
    colour = _colour(item, rng, "zh")
    counter = rng.choice(thing.counters) if rng.random() < 0.75 else ""
    size = rng.choice(SIZE_NAMES[item.size][1]) if rng.random() < 0.22 else ""
    fluff = rng.choice(phrases.FLUFF_ZH) if rng.random() < 0.35 else ""
    if rng.random() < 0.03:
        fluff = phrases.unknown(rng)
    if colour and rng.random() < 0.1:
        tail = rng.choice((",{}的", ",颜色是{}", ",颜色{}", "({})", ",它是{}的")).format(colour)
        return f"{counter}{fluff}{size}{noun}{tail}"
    if colour and rng.random() < 0.6:
        colour += "的"
    parts = [fluff, size, colour]
    if rng.random() < 0.3:
        rng.shuffle(parts)
    return f"{counter}{''.join(parts)}{noun}"


def _colour(item: Item, rng: random.Random, language: Language) -> str:
    """Return a word for the item's colour; its own colour is named only now and then."""
    colour = item.colour
    if colour is None:
        natural = THINGS[item.kind].natural
        if not natural or rng.random() < 0.85:
            return ""
        colour = rng.choice(natural)
    return rng.choice(COLOUR_NAMES[colour][0 if language == "en" else 1])


def _keywords(scene: Scene, rng: random.Random, language: Language) -> str:
    """Return a list of keywords in any order, as people type for other image models."""
    en = language == "en"
    if len(scene.items) == 1:
        item = scene.items[0]
        noun = rng.choice(THINGS[item.kind].en if en else THINGS[item.kind].zh)
        colour = _colour(item, rng, language)
        words = (
            [noun, colour]
            if rng.random() < 0.4
            else [f"{colour} {noun}".strip() if en else f"{colour}{noun}"]
        )
    else:
        words = [_subject(scene, rng, language)]
    place = PLACES[scene.background]
    if rng.random() < 0.85:
        words.append(rng.choice((place.nouns_en + place.en) if en else (place.nouns_zh + place.zh)))
    words += rng.sample(phrases.STYLES_EN if en else phrases.STYLES_ZH, rng.randint(0, 2))
    rng.shuffle(words)
    return rng.choice((", ", " ", ",") if en else (",", " ", "、")).join(word for word in words if word)


def _frame(text: str, rng: random.Random, language: Language) -> str:
    """Add an opening, styles, clauses and noise that say nothing about the scene."""
    en = language == "en"
    comma = ", " if en else rng.choice((",", ",", ",", "。", " "))
    if rng.random() < 0.3:
        text = (
            f"{rng.choice(phrases.OPENINGS_EN)} {text}" if en else f"{rng.choice(phrases.OPENINGS_ZH)}{text}"
        )
    styles, clauses = (
        (phrases.STYLES_EN, phrases.CLAUSES_EN) if en else (phrases.STYLES_ZH, phrases.CLAUSES_ZH)
    )
    for extra, chance, before in ((clauses, 0.28, 0.12), (styles, 0.2, 0.25), (styles, 0.08, 0.1)):
        if rng.random() < chance:
            words = rng.choice(extra)
            text = f"{words}{comma}{text}" if rng.random() < before else f"{text}{comma}{words}"
    if rng.random() < 0.07:
        noise = phrases.unknown(rng)
        text = f"{noise} {text}" if rng.random() < 0.4 else f"{text}{comma}{noise}"
    return text + rng.choice(
        ("", "", "", "", "", "", ".", "!", "?") if en else ("", "", "", "", "。", "!", "吧", "呢")
    )


def _styled(text: str, style: str, rng: random.Random, language: Language) -> str:
    """Name the style: the flat one always, the other, which is what one gets unasked, now and then."""
    if style == "3d" and rng.random() < 0.9:
        return text
    en = language == "en"
    word = rng.choice(STYLE_NAMES[style][0 if en else 1])
    comma = ", " if en else rng.choice((",", ",", " "))
    roll = rng.random()
    if roll < 0.3:
        return f"{word}{comma}{text}"
    if roll < 0.4:
        return f"{word} {text}" if en else f"{word}的{text}"
    return f"{text}{comma}{word}"


def _surround(text: str, rng: random.Random, language: Language, chatter: int) -> str:
    """Put long sentences without meaning before and after the caption."""
    en = language == "en"
    before: list[str] = []
    after: list[str] = []
    for line in rng.sample(phrases.CHATTER_EN if en else phrases.CHATTER_ZH, chatter):
        (before if rng.random() < 0.4 else after).append(line)
    return rng.choice((". ", ", ") if en else ("。", ",")).join([*before, text, *after])


def _case(text: str, rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.2:
        return text[:1].upper() + text[1:]
    if roll < 0.24:
        return text.upper()
    if roll < 0.28:
        return text.title()
    return text.lower() if roll < 0.4 else text
