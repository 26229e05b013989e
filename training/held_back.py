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
    """A caption and what its picture must show; the sizes of things are not judged."""

    text: str
    items: tuple[Item, ...]
    background: str
    style: str = "3d"


def _one(text: str, colour: str | None, kind: str, background: str, style: str = "3d") -> Prompt:
    return Prompt(text, (Item(kind, colour),), background, style)


def _two(text: str, first: Item, second: Item, background: str) -> Prompt:
    return Prompt(text, (first, second), background)


PARAPHRASES: tuple[Prompt, ...] = (
    _one("Could there be an orange cat somewhere on a lush green meadow?", "orange", "cat", "meadow"),
    _one("my ginger kitten naps by the window while the sun shines through", "orange", "cat", "window"),
    _one("The kitty has ginger fur and it is strolling across the grass.", "orange", "cat", "meadow"),
    _one("It is midnight and a white house stands all by itself", "white", "house", "night"),
    _one("snowflakes fall around a little red house", "red", "house", "snow"),
    _one("Someone left a yellow boat at the seaside", "yellow", "boat", "beach"),
    _one("What would a purple fish look like if it swam through the sky?", "purple", "fish", "sky"),
    _one("a heart, red as can be, on nothing but white paper", "red", "heart", "plain"),
    _one("Just before sunset you can make out a black tree", "black", "tree", "sunset"),
    _one("blue flower growing in the middle of the lawn", "blue", "flower", "meadow"),
    _one("The evening sky glows, and in front of it there's a green boat", "green", "boat", "sunset"),
    _one("brown cat goes to the beach", "brown", "cat", "beach"),
    _one("an enormous yellow circle hovering among the clouds", "yellow", "circle", "sky"),
    _one("I dreamt of a white cat lost in the snow", "white", "cat", "snow"),
    _one("a black cat, of course at midnight", "black", "cat", "night"),
    _one("orange fish out of water, stranded on the sand", "orange", "fish", "beach"),
    _one("a red flower brightens up the cosy room", "red", "flower", "window"),
    _one("A panda, would you believe it, on the beach", None, "panda", "beach"),
    _one("nobody expected a robot out there in the snow", None, "robot", "snow"),
    _one("the penguin had never been to a meadow before", None, "penguin", "meadow"),
    _one("one strawberry, white background, that's all", None, "strawberry", "plain"),
    _one("A purple umbrella was forgotten at the seaside", "purple", "umbrella", "beach"),
    _one("when the sun goes down, a castle", None, "castle", "sunset"),
    _one("my bunny stares out from the window ledge", None, "rabbit", "window"),
    _one("a green car parked on the grass, drawn flat", "green", "car", "meadow", "flat"),
    _one("flat icon of a rocket between the stars at night", None, "rocket", "night", "flat"),
    _one("What a huge blue butterfly over the lawn!", "blue", "butterfly", "meadow"),
    _one("an owl is awake at midnight", None, "owl", "night"),
    _two("a yellow star to the left of a blue heart, all on a white background",
         Item("star", "yellow"), Item("heart", "blue"), "plain"),
    _two("on the grass: a dog on the left, a cat on the right", Item("dog"), Item("cat"), "meadow"),
    _two("There's a panda, and to its right a red balloon, high in the sky",
         Item("panda"), Item("balloon", "red"), "sky"),
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
    _one("白色背景,只要一个棕色的正方形", "brown", "square", "plain"),
    _one("金色的月亮挂在夜空里", "yellow", "moon", "night"),
    _one("窗前有一只棕色的猫,它在晒太阳", "brown", "cat", "window"),
    _one("熊猫也想看大海,于是来到了沙滩", None, "panda", "beach"),
    _one("草地上蹲着一只绿色的青蛙", "green", "frog", "meadow"),
    _one("下雪天,雪人最高兴了", None, "snowman", "snow"),
    _one("夜空里飞过一枚蓝色的火箭", "blue", "rocket", "night"),
    _one("白纸上画着一颗大草莓", None, "strawberry", "plain"),
    _one("机器人独自看日落", None, "robot", "sunset"),
    _one("窗边放着一把紫色的茶壶", "purple", "teapot", "window"),
    _one("草坪上开来一辆黄色的小汽车", "yellow", "car", "meadow"),
    _one("蓝天白云,还有一只粉色的气球在飘", "pink", "balloon", "sky"),
    _one("扁平风格的企鹅,雪地里", None, "penguin", "snow", "flat"),
    _one("海滩上居然有一个汉堡", None, "burger", "beach"),
    _one("晚霞里的城堡真美", None, "castle", "sunset"),
    _two("草原上,左边坐着一只小狗,右边坐着一只兔子", Item("dog"), Item("rabbit"), "meadow"),
    _two("夜里,黄色的月亮在左,红色的星星在右", Item("moon", "yellow"), Item("star", "red"), "night"),
)  # fmt: skip


def templated(count: int = 240, seed: int = 20) -> list[Prompt]:
    """Return captions of random scenes in the held-back templates, every other one in Chinese."""
    rng = random.Random(seed)
    prompts = []
    for number in range(count):
        scene = random_scene(rng)
        language: Language = "zh" if number % 2 else "en"
        templates = TEMPLATES_ZH if number % 2 else TEMPLATES_EN
        text = sentence(scene, rng, language, templates, complete=True)
        if scene.style == "flat":
            text += ",要扁平风格" if number % 2 else " (flat style)"
        prompts.append(Prompt(text, scene.items, scene.background, scene.style))
    return prompts


def all_prompts() -> list[Prompt]:
    """Return the 300 held-back prompts."""
    return [*PARAPHRASES, *templated()]
