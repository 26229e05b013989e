"""The vocabulary beside the things: colours, sizes, styles and backgrounds in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """How one background is spoken of: behind a preposition, and as a bare noun."""

    en: tuple[str, ...]
    nouns_en: tuple[str, ...]
    zh: tuple[str, ...]
    nouns_zh: tuple[str, ...]


# fmt: off
COLOUR_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "red": (
        ("red", "red", "scarlet", "crimson", "bright red"),
        ("红色", "红", "大红色", "鲜红色", "紅色", "赤色"),
    ),
    "orange": (
        ("orange", "orange", "ginger", "tangerine", "amber", "orange-coloured"),
        ("橘色", "橙色", "橘黄色", "橘", "橙", "橘红色", "橙黄色", "橘子色"),
    ),
    "yellow": (
        ("yellow", "yellow", "golden", "lemon yellow", "gold"),
        ("黄色", "黄", "金色", "金黄色", "黃色", "明黄色"),
    ),
    "green": (
        ("green", "green", "emerald", "lime", "bright green"),
        ("绿色", "绿", "翠绿色", "綠色", "草绿色"),
    ),
    "blue": (
        ("blue", "blue", "azure", "navy", "deep blue"),
        ("蓝色", "蓝", "天蓝色", "深蓝色", "藍色", "湛蓝色"),
    ),
    "purple": (("purple", "purple", "violet", "lilac", "lavender"), ("紫色", "紫", "紫罗兰色", "淡紫色")),
    "pink": (
        ("pink", "pink", "rosy", "rose-coloured", "hot pink"),
        ("粉色", "粉红色", "粉", "粉红", "粉嫩的粉色"),
    ),
    "brown": (
        ("brown", "brown", "chestnut", "chocolate brown", "tan"),
        ("棕色", "褐色", "棕", "咖啡色", "巧克力色"),
    ),
    "white": (("white", "white", "snow-white", "ivory"), ("白色", "白", "雪白", "纯白色", "洁白")),
    "grey": (("grey", "gray", "silver", "ash grey", "silvery"), ("灰色", "灰", "银灰色", "银色", "浅灰色")),
    "black": (
        ("black", "black", "jet black", "pitch-black", "ebony"),
        ("黑色", "黑", "漆黑", "乌黑", "纯黑色"),
    ),
}

PLACES: dict[str, Place] = {
    "meadow": Place(
        (
            "on a green meadow", "in a meadow", "on the grass", "in a green field", "on a lawn",
            "on green grass",
            "in the park", "on a grassy hill", "in the garden", "in a grassland", "on a green lawn",
            "in the green grass",
        ),
        ("meadow", "green meadow", "grass", "field", "lawn", "garden", "grassland", "green grass"),
        (
            "在草地上", "在绿色的草地上", "在绿草地上", "在草坪上", "在花园里", "在田野里", "在公园里",
            "在草原上", "在绿油油的草地上",
        ),
        ("草地", "绿色草地", "草坪", "花园", "田野", "草原", "绿草地", "公园"),
    ),
    "sky": Place(
        (
            "in the blue sky", "in the sky", "among the clouds", "under a clear blue sky",
            "in front of white clouds",
            "up in the air", "in the clouds", "against a blue sky", "with a cloudy sky behind it",
            "high in the sky",
        ),
        ("blue sky", "sky", "clouds", "cloudy sky", "sky with clouds", "clear sky", "white clouds"),
        (
            "在蓝天上", "在天空中", "在蓝色的天空中", "在云朵之间", "在蓝天白云下", "在空中", "在白云中",
            "在云端", "在天上",
        ),
        ("蓝天", "天空", "蓝天白云", "白云", "蓝色天空", "晴空", "云朵"),
    ),
    "night": Place(
        (
            "at night", "under the stars", "in the night sky", "in the dark", "in a starry night",
            "in outer space",
            "under a starry sky", "at midnight", "in space", "on a dark night", "against the night sky",
        ),
        (
            "night", "night sky", "starry sky", "darkness", "space", "dark night", "starry night",
            "outer space",
        ),
        (
            "在夜里", "在夜空中", "在星空下", "在黑夜里", "在夜晚", "在太空中", "在漆黑的夜里", "在深夜",
            "在繁星下", "在宇宙里",
        ),
        ("夜空", "星空", "夜晚", "黑夜", "太空", "深夜", "宇宙", "夜色"),
    ),
    "beach": Place(
        (
            "on the beach", "at the beach", "by the sea", "on the sand", "at the seaside", "on a sandy beach",
            "by the ocean", "on the shore", "on a tropical island", "at the coast", "next to the sea",
            "in front of the sea",
        ),
        ("beach", "sea", "seaside", "sandy beach", "ocean", "shore", "coast", "sand", "island"),
        (
            "在沙滩上", "在海边", "在海滩上", "在大海边", "在海岸边", "在金色的沙滩上", "在岛上",
            "在沙子上", "在海岸上",
        ),
        ("沙滩", "海边", "海滩", "大海", "海岸", "海岛", "金色沙滩"),
    ),
    "snow": Place(
        (
            "in the snow", "in winter", "on white snow", "in a snowy landscape", "while it is snowing",
            "in a blizzard",
            "on a snowy hill", "on the snow", "in the cold winter", "in falling snow", "among snowflakes",
        ),
        ("snow", "winter", "snowy hills", "snowy landscape", "snowfall", "snowflakes", "white snow"),
        (
            "在雪地里", "在雪地上", "在雪中", "在冬天", "在大雪里", "在白雪上", "在冬日里",
            "在白色的雪地里", "在飘雪中",
        ),
        ("雪地", "冬天", "雪景", "大雪", "白雪", "雪花", "冬日"),
    ),
    "window": Place(
        (
            "on the windowsill", "at the window", "by the window", "in a sunny room",
            "in front of a window", "indoors",
            "in the room", "on a window ledge", "on the sill", "on a wooden windowsill",
            "inside the house by the window",
            "in a cosy room",
        ),
        ("window", "windowsill", "room", "sunny room", "indoors", "window ledge", "interior"),
        (
            "在窗台上", "在窗边", "在窗前", "在房间里", "在屋里", "在室内", "在窗户旁", "在木窗台上",
            "在阳光明媚的房间里", "在窗户前",
        ),
        ("窗台", "窗边", "窗户", "房间", "室内", "木窗台", "窗前"),
    ),
    "sunset": Place(
        (
            "at sunset", "at dusk", "in the evening", "in front of a sunset", "at sundown",
            "in the evening glow",
            "at dawn", "under an orange evening sky", "at sunrise", "against the setting sun",
            "in the twilight",
        ),
        (
            "sunset", "dusk", "evening sky", "evening glow", "sundown", "sunrise", "twilight",
            "red evening sky",
        ),
        (
            "在夕阳下", "在日落时", "在黄昏", "在晚霞中", "在傍晚", "在落日前", "在日出时", "在暮色中",
            "在火红的晚霞下",
        ),
        ("夕阳", "日落", "黄昏", "晚霞", "傍晚", "落日", "日出", "晚霞满天"),
    ),
    "plain": Place(
        (
            "on a white background", "on white paper", "on a plain white background",
            "with nothing behind it",
            "on a blank page", "in front of a white wall", "with a white backdrop",
            "on an empty white canvas",
            "isolated on white", "on a plain background",
        ),
        ("white", "plain white", "white paper", "blank", "white backdrop", "plain", "white wall"),
        (
            "在白色背景上", "在白纸上", "在纯白背景前", "在白墙前", "在空白的纸上", "在白底上",
            "在干净的白色背景上",
        ),
        ("白色", "纯白", "白纸", "空白", "白底", "白墙", "纯色"),
    ),
}

SIZE_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "small": (("small", "tiny", "little", "mini"), ("小小的", "很小的", "迷你", "小", "小型")),
    "medium": (("medium-sized", "mid-sized"), ("中等大小的", "不大不小的")),
    "large": (("big", "large", "huge", "giant"), ("大大的", "巨大的", "很大的", "大", "大型")),
}
STYLE_NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "3d": (("3d", "3d style", "3d render", "shaded"), ("3d", "3d风格", "立体", "立体风格", "3d渲染")),
    "flat": (
        ("flat", "flat style", "flat design", "flat icon", "in a flat style", "flat illustration"),
        ("扁平", "扁平风格", "扁平化", "扁平插画", "平面风格", "扁平图标"),
    ),
}
# fmt: on
