"""The held-back captions: templates and hand-written paraphrases that the training grammar never produces."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.captions import Language, sentence
from training.scenes import Item, random_scene

# Filled like the training templates, but never trained on.
TEMPLATES_EN = (
    "somewhere {p}: {s}", "{s}, which we found {p}", "have you ever seen {s} {p}?",
    "postcard showing {s} {p}",
    "once upon a time there was {s} {p}", "{n}. {s}. nothing more.", "let {s} appear {p}",
    "{p} you can find {s}",
    "the hero is {s}; the setting: {n}", "try {s}, only {s}, {p}",
)  # fmt: skip
TEMPLATES_ZH = (
    "{q}出现了{s}", "从前,{p}有过{s}", "你见过{s}{p}吗", "{s}就{p}", "明信片上:{s},{n}", "{n}之中,看见{s}",
    "主角是{s},地点是{n}", "突然看到{s}{p}", "要{s},还要{n}", "{p}忽然冒出{s}",
)  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """A caption and what its picture must show; sizes are not judged."""

    text: str
    items: tuple[Item, ...]
    background: str


def _one(text: str, colour: str, kind: str, background: str) -> Prompt:
    return Prompt(text, (Item(kind, colour),), background)


PARAPHRASES: tuple[Prompt, ...] = (
    _one("Could there be an orange cat somewhere on a lush green meadow?", "orange", "cat", "meadow"),
    _one("my ginger kitten naps by the window while the sun shines through", "orange", "cat", "window"),
    _one("The kitty has ginger fur and it is strolling across the grass.", "orange", "cat", "meadow"),
    _one("It is midnight and a white house stands all by itself", "white", "house", "night"),
    _one("snowflakes fall around a little red house", "red", "house", "snow"),
    _one("Someone left a yellow boat at the seaside", "yellow", "boat", "beach"),
    _one("What would a purple fish look like if it swam through the sky?", "purple", "fish", "sky"),
    _one("a heart, red as can be, on nothing but white paper", "red", "heart", "plain"),
    _one("look up: a pink star shines in the night sky", "pink", "star", "night"),
    _one("Just before sunset you can make out a black tree", "black", "tree", "sunset"),
    _one("blue flower growing in the middle of the lawn", "blue", "flower", "meadow"),
    _one("The evening sky glows, and in front of it there's a green boat", "green", "boat", "sunset"),
    _one("brown cat goes to the beach", "brown", "cat", "beach"),
    _one("grey moon, nothing else, blank page", "grey", "moon", "plain"),
    _one("an enormous yellow circle hovering among the clouds", "yellow", "circle", "sky"),
    _one("I dreamt of a white cat lost in the snow", "white", "cat", "snow"),
    _one("a purple square has been put on the windowsill", "purple", "square", "window"),
    _one("winter came and the tree turned blue", "blue", "tree", "snow"),
    _one("Show my son a green triangle that fell onto the sandy beach", "green", "triangle", "beach"),
    _one("a black cat, of course at midnight", "black", "cat", "night"),
    _one("house: pink. place: garden.", "pink", "house", "meadow"),
    _one("orange fish out of water, stranded on the sand", "orange", "fish", "beach"),
    _one("whoever lives in that blue house can see the sunset", "blue", "house", "sunset"),
    _one("a red flower brightens up the cosy room", "red", "flower", "window"),
    Prompt("a yellow star to the left of a blue heart, all on a white background",
           (Item("star", "yellow"), Item("heart", "blue")), "plain"),
    _one("一只可爱的橘色猫咪,坐在窗台上,阳光洒进来", "orange", "cat", "window"),
    _one("我家的橘猫最喜欢在草地上打滚", "orange", "cat", "meadow"),
    _one("夜深了,一只黑猫抬头看星空", "black", "cat", "night"),
    _one("冬天到了,雪地里有一座红房子", "red", "house", "snow"),
    _one("海边停着一艘蓝色的小船", "blue", "boat", "beach"),
    _one("夕阳西下,一棵绿色的树", "green", "tree", "sunset"),
    _one("天空中飞着一条粉色的鱼", "pink", "fish", "sky"),
    _one("草坪上开了一朵紫色的花", "purple", "flower", "meadow"),
    _one("白纸上有一个红色的三角形", "red", "triangle", "plain"),
    _one("窗台上摆着一朵黄色的小花", "yellow", "flower", "window"),
    _one("星空下,白色的帆船显得特别安静", "white", "boat", "night"),
    _one("下雪了,灰色的猫咪躲在雪地里", "grey", "cat", "snow"),
    _one("沙滩上的绿色星星是谁丢的", "green", "star", "beach"),
    _one("一个蓝色的圆形飘在白云之间", "blue", "circle", "sky"),
    _one("房间里有一颗粉红色的爱心", "pink", "heart", "window"),
    _one("黄昏的时候,紫色的房子真好看", "purple", "house", "sunset"),
    _one("白色背景,只要一个棕色的正方形", "brown", "square", "plain"),
    _one("金色的月亮挂在夜空里", "yellow", "moon", "night"),
    _one("请在草原上给我放一只白色的小猫", "white", "cat", "meadow"),
    _one("晚霞里有一颗红色的五角星", "red", "star", "sunset"),
    _one("大海旁边长着一棵粉色的树", "pink", "tree", "beach"),
    _one("橙色的鱼儿在蓝天里游来游去", "orange", "fish", "sky"),
    _one("天上有一座黄色的小屋,你相信吗", "yellow", "house", "sky"),
    _one("冬日的雪景里,一艘橙色的船", "orange", "boat", "snow"),
    _one("窗前有一只棕色的猫,它在晒太阳", "brown", "cat", "window"),
)  # fmt: skip


def templated(count: int = 150, seed: int = 20) -> list[Prompt]:
    """Return captions of random scenes in the held-back templates, every other one in Chinese."""
    rng = random.Random(seed)
    prompts = []
    for number in range(count):
        scene = random_scene(rng, pair_share=0.2)
        language: Language = "zh" if number % 2 else "en"
        templates = TEMPLATES_ZH if number % 2 else TEMPLATES_EN
        text = sentence(scene, rng, language, templates, complete=True)
        prompts.append(Prompt(text, scene.items, scene.background))
    return prompts


def all_prompts() -> list[Prompt]:
    """Return the 200 held-back prompts."""
    return [*PARAPHRASES, *templated()]
