"""Phrases that frame a caption without changing what is drawn: openings, styles, moods, chatter and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

FLUFF_EN = (
    "cute", "lovely", "pretty", "beautiful", "nice", "adorable", "simple", "happy", "funny", "charming",
    "sweet", "shiny",
    "friendly", "sleepy", "fluffy", "magical", "perfect", "elegant", "cosy", "single", "gentle", "tidy",
    "cheerful", "lonely",
)  # fmt: skip
FLUFF_ZH = (
    "可爱的", "可爱的", "可爱", "漂亮的", "美丽的", "好看的", "萌萌的", "开心的", "胖乎乎的", "毛茸茸的",
    "简单的", "有趣的",
    "精致的", "温柔的", "神奇的", "可愛的", "帅气的", "懒洋洋的", "调皮的", "孤单的", "呆萌的", "梦幻的",
    "优雅的",
)  # fmt: skip

OPENINGS_EN = (
    "a photo of", "a picture of", "a drawing of", "an illustration of", "an image of", "a painting of",
    "draw", "draw me",
    "please draw", "I want", "generate", "show me", "make a picture of", "can you draw",
    "create an image of", "imagine",
    "a cartoon of", "a sketch of", "I would like to see", "paint", "a poster with", "a sticker of",
    "give me", "could you paint",
)  # fmt: skip
OPENINGS_ZH = (
    "画", "画", "请画", "帮我画", "给我画", "生成", "来", "我想要", "画一张图:", "一张图片:", "插画:",
    "请生成", "想看", "能画",
    "绘制", "请帮我画", "创作", "一幅画:", "卡通", "畫", "请给我", "麻烦画",
)  # fmt: skip

STYLES_EN = (
    "children's book style", "vector art", "highly detailed", "masterpiece", "best quality",
    "4k", "8k", "sharp focus",
    "soft light", "cartoon style", "digital art", "minimalist", "trending on artstation",
    "cinematic lighting", "watercolour",
    "clean lines", "high resolution", "pixel perfect", "studio light", "anime style", "oil painting",
    "realistic", "photorealistic",
    "bokeh", "hd", "concept art", "sunlight pouring through", "warm light", "morning light", "sunny",
    "rim light", "ultra detailed",
)  # fmt: skip
STYLES_ZH = (
    "高清", "卡通风格", "插画风格", "儿童绘本", "精美", "杰作", "最高质量", "细节丰富", "4k", "柔和的光线",
    "简约",
    "写实", "水彩画", "油画风格", "阳光明媚", "温暖的光", "阳光照进来", "阳光正好", "光影", "动漫风",
    "高分辨率", "治愈系",
    "梦幻", "唯美", "摄影作品", "超清", "吉卜力风格", "暖色调", "清新",
)  # fmt: skip

CLAUSES_EN = (
    "looking at the viewer", "sunlight streaming in", "smiling happily", "having a good day",
    "waiting for a friend",
    "just for fun", "for my daughter", "as simple as possible", "in the middle of the picture",
    "enjoying the day",
    "with a lot of love", "just like in a fairy tale", "and nothing else", "full of joy",
    "a gentle breeze is blowing",
    "it is a wonderful day", "thinking about life", "resting quietly", "very detailed", "with soft shadows",
    "the mood is calm", "everyone likes it", "I like it a lot", "thank you", "please", "the light is warm",
    "dreaming", "with music playing", "with a warm feeling", "sunbeams everywhere", "as seen by a child",
)  # fmt: skip
CLAUSES_ZH = (
    "看着镜头", "阳光照在身上", "心情很好", "微风轻拂", "等待着朋友", "非常安静", "画得简单一点",
    "在画面中间", "谢谢", "拜托了",
    "正在休息", "享受着生活", "像童话一样", "充满爱意", "给我女儿的", "氛围很温馨", "光线很温暖",
    "看起来很开心", "安安静静的",
    "十分有趣", "让人喜欢", "在做梦", "听着音乐", "阳光暖暖的", "洒满阳光", "岁月静好", "画面干净",
    "线条流畅", "望着远方",
    "很有意境", "悠闲自在", "静静地待着",
)  # fmt: skip

CHATTER_EN = (
    "hello, I would like to ask you for something nice today",
    "my daughter will have her birthday next week and we want to print it on a card",
    "we are going to hang it up in the kitchen and look at it every day",
    "take your time and please do not forget the small details",
    "it does not have to be perfect, but it should make people smile",
    "this is the first time that I try such a thing, so let us see what happens",
    "the whole picture should feel calm, friendly and full of light",
    "I told my friend about it yesterday and he did not believe me",
    "use clear shapes and strong contrast so that it can be recognised from far away",
    "and please make sure that nothing else distracts from it",
)
CHATTER_ZH = (
    "你好,今天想请你帮我一个小忙",
    "下个星期是我女儿的生日,我们想把它印在贺卡上送给她",
    "我打算把它挂在厨房的墙上,每天都能看到",
    "请慢慢来,不要忘记那些小小的细节",
    "不需要特别完美,但是要让人看了会微笑",
    "这是我第一次尝试这样的东西,看看效果怎么样",
    "整个画面要安静、温馨、充满光线",
    "昨天我跟朋友说了这件事,他还不相信呢",
    "形状要清楚,对比要强烈,从远处也能看得出来",
    "请不要让别的东西抢了它的风头",
)

_SYLLABLES = (
    "ba",
    "lo",
    "mi",
    "zun",
    "kra",
    "te",
    "vox",
    "pli",
    "ren",
    "qua",
    "so",
    "dy",
    "ferm",
    "ix",
    "ul",
    "gha",
)
_EMOJI = "😀🎉✨🔥👍🙏🌟💡🎨🚀😻🥰"


def unknown(rng: random.Random) -> str:
    """Return something without meaning: an invented word, rare Chinese characters, a number, an emoji."""
    roll = rng.random()
    if roll < 0.4:
        return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 3)))
    if roll < 0.7:
        return "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(1, 3)))
    if roll < 0.85:
        return rng.choice(_EMOJI)
    return str(rng.randint(0, 99999))
