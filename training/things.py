"""The sixty-four things of the scenes: their icon, their names, and whether they come in every colour."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """What one thing is called in English and Chinese, and how it is drawn.

    `icon` is its name in the Fluent Emoji sets. `counters` precede Chinese names. A thing that is not
    `recoloured` has its own colours only, of which `natural` are those that a caption may mention.
    """

    icon: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    counters: tuple[str, ...] = ("一个", "个")
    recoloured: bool = True
    natural: tuple[str, ...] = ()
    hue: float | None = None  # degrees; around it a thing takes on a colour (none: around its main hue)


def _thing(
    icon: str,
    en: str,
    zh: str,
    counters: str = "一个 个",
    recoloured: bool = True,
    natural: str = "",
    hue: float | None = None,
) -> Thing:
    """Read names that are separated by commas, and counters and colours separated by spaces."""
    return Thing(
        icon,
        tuple(en.split(", ")),
        tuple(zh.split("、")),
        tuple(counters.split(" ")),
        recoloured,
        tuple(natural.split()),
        hue,
    )


_ANIMAL, _ROUND, _VEHICLE = "一只 一只 只", "一颗 一个", "一辆 一辆 辆"

# fmt: off
THINGS: dict[str, Thing] = {
    # Shapes and signs
    "circle": _thing("red-circle", "circle, circle, disc, ball, round shape, dot",
        "圆形、圆圈、圆、圆球、小球、球"),
    "square": _thing("red-square", "square, square, box, block, square shape",
        "正方形、方形、方块、方框"),
    "triangle": _thing("red-triangle", "triangle, triangle, triangular shape, pyramid",
        "三角形、三角、三角块"),
    "star": _thing("star", "star, star, five-pointed star",
        "星星、五角星、星、小星星", _ROUND, natural="yellow"),
    "heart": _thing("red-heart", "heart, heart, love heart, heart shape",
        "爱心、心形、心、桃心", _ROUND, natural="red"),
    # Animals
    "cat": _thing("cat-face", "cat, cat, cat, kitty, kitten, pussycat, house cat",
        "猫、猫咪、小猫、猫咪、小猫咪、喵星人", _ANIMAL, natural="orange"),
    "dog": _thing("dog-face", "dog, dog, puppy, doggy, hound, pup",
        "狗、小狗、狗狗、小狗狗、犬", _ANIMAL, natural="brown"),
    "rabbit": _thing("rabbit-face", "rabbit, bunny, hare, bunny rabbit",
        "兔子、小兔子、兔、小白兔", _ANIMAL, False, "white"),
    "fox": _thing("fox", "fox, fox, little fox",
        "狐狸、小狐狸、狐", _ANIMAL, natural="orange"),
    "bear": _thing("bear", "bear, bear, brown bear, bear cub",
        "熊、小熊、大熊、棕熊", _ANIMAL, False, "brown"),
    "panda": _thing("panda", "panda, panda bear, giant panda",
        "熊猫、大熊猫", _ANIMAL, False),
    "pig": _thing("pig-face", "pig, piglet, piggy, little pig",
        "猪、小猪、猪猪、小猪猪", "一头 一只", natural="pink"),
    "frog": _thing("frog", "frog, frog, toad, little frog",
        "青蛙、小青蛙、蛙", _ANIMAL, natural="green"),
    "penguin": _thing("penguin", "penguin, penguin, little penguin",
        "企鹅、小企鹅", _ANIMAL, False),
    "owl": _thing("owl", "owl, owl, little owl",
        "猫头鹰、小猫头鹰", _ANIMAL, natural="brown"),
    "chick": _thing("front-facing-baby-chick", "chick, baby chick, chicken, little bird",
        "小鸡、鸡、小鸟、小鸡仔", _ANIMAL, natural="yellow"),
    "monkey": _thing("monkey-face", "monkey, monkey, ape, little monkey",
        "猴子、小猴子、猴", _ANIMAL, False, "brown"),
    "elephant": _thing("elephant", "elephant, elephant, little elephant",
        "大象、小象、象", "一头 一只", False, "grey"),
    "butterfly": _thing("butterfly", "butterfly, butterfly, moth",
        "蝴蝶、小蝴蝶、花蝴蝶", _ANIMAL, natural="orange", hue=12),
    "turtle": _thing("turtle", "turtle, tortoise, sea turtle",
        "乌龟、海龟、小乌龟", _ANIMAL, natural="green"),
    "octopus": _thing("octopus", "octopus, octopus, squid",
        "章鱼、小章鱼", _ANIMAL, natural="orange"),
    "whale": _thing("spouting-whale", "whale, whale, blue whale",
        "鲸鱼、鲸、小鲸鱼", "一头 一条 一只", natural="blue"),
    "crab": _thing("crab", "crab, crab, little crab",
        "螃蟹、小螃蟹、蟹", _ANIMAL, natural="red"),
    "fish": _thing("fish", "fish, fish, little fish",
        "鱼、小鱼、鱼儿", "一条 一条 一只 条", natural="blue"),
    # Plants
    "tree": _thing("deciduous-tree", "tree, tree, leafy tree, oak",
        "树、大树、小树、树木", "一棵 一棵 棵", natural="green"),
    "flower": _thing("cherry-blossom", "flower, flower, blossom, bloom, daisy",
        "花、花朵、小花、鲜花、花儿", "一朵 一朵 朵", natural="pink"),
    "tulip": _thing("tulip", "tulip, tulip",
        "郁金香", "一朵 一枝", natural="pink"),
    "sunflower": _thing("sunflower", "sunflower, sunflower, sun flower",
        "向日葵、太阳花", "一朵 一枝", False, "yellow"),
    "cactus": _thing("cactus", "cactus, cactus, desert cactus",
        "仙人掌", "一棵 一株", False, "green"),
    "palm": _thing("palm-tree", "palm tree, palm, coconut tree",
        "棕榈树、椰子树、椰树", "一棵 一棵", False, "green"),
    # Food
    "apple": _thing("red-apple", "apple, apple, ripe apple",
        "苹果、大苹果", _ROUND, natural="red"),
    "strawberry": _thing("strawberry", "strawberry, strawberry, ripe strawberry",
        "草莓、大草莓", _ROUND, False, "red"),
    "watermelon": _thing("watermelon", "watermelon, slice of watermelon, watermelon slice",
        "西瓜、大西瓜", "一块 一片", False, "red"),
    "cherries": _thing("cherries", "cherry, pair of cherries, cherries",
        "樱桃、车厘子", "一颗 一串", False, "red"),
    "pumpkin": _thing("jack-o-lantern", "pumpkin, jack-o'-lantern, halloween pumpkin",
        "南瓜、南瓜灯、大南瓜", "一个 一只", False, "orange"),
    "mushroom": _thing("mushroom", "mushroom, toadstool, mushroom",
        "蘑菇、小蘑菇、毒蘑菇", "一朵 一个", natural="red"),
    "burger": _thing("hamburger", "hamburger, burger, cheeseburger",
        "汉堡、汉堡包、大汉堡", "一个 个", False),
    "doughnut": _thing("doughnut", "doughnut, donut, chocolate doughnut",
        "甜甜圈、巧克力甜甜圈", "一个 个", False),
    "cupcake": _thing("cupcake", "cupcake, muffin, little cupcake",
        "纸杯蛋糕、杯子蛋糕、小蛋糕", "一个 个", False, "pink"),
    "cake": _thing("birthday-cake", "cake, birthday cake, cake with candles",
        "蛋糕、生日蛋糕、大蛋糕", "一个 一块", False),
    "ice cream": _thing("soft-ice-cream", "ice cream, ice cream cone, ice-cream, soft ice",
        "冰淇淋、冰激凌、甜筒、雪糕", "一个 一支", False),
    # Vehicles
    "boat": _thing("sailboat", "boat, boat, sailboat, sailing boat, ship, yacht",
        "船、小船、帆船、轮船", "一艘 一条 一只 艘", natural="orange", hue=30),
    "car": _thing("automobile", "car, car, automobile, motor car",
        "汽车、小汽车、轿车、车、车子", _VEHICLE, natural="red"),
    "bus": _thing("bus", "bus, bus, coach, school bus",
        "公交车、巴士、公共汽车、大巴", _VEHICLE, False),
    "plane": _thing("airplane", "plane, airplane, aeroplane, jet, aircraft",
        "飞机、客机、小飞机", "一架 一架 架", natural="blue"),
    "rocket": _thing("rocket", "rocket, rocket, space rocket, spaceship",
        "火箭、宇宙飞船、飞船", "一枚 一艘", natural="red"),
    "balloon": _thing("balloon", "balloon, balloon, party balloon",
        "气球、小气球", "一个 一只", natural="red"),
    # Sky and weather
    "moon": _thing("crescent-moon", "moon, moon, crescent moon, crescent, half moon",
        "月亮、月牙、弯月、新月、月儿", "一轮 一弯 一个 弯", natural="yellow"),
    "sun": _thing("sun-with-face", "sun, sun, smiling sun",
        "太阳、笑脸太阳、小太阳", "一个 一轮", False, "yellow"),
    "planet": _thing("ringed-planet", "planet, planet, saturn, ringed planet",
        "行星、土星、星球", _ROUND, natural="orange"),
    "rainbow": _thing("rainbow", "rainbow, rainbow, colourful rainbow",
        "彩虹、七色彩虹", "一道 一条", False),
    "snowman": _thing("snowman-without-snow", "snowman, snowman, snow man",
        "雪人、小雪人", "一个 个", False, "white"),
    # Buildings
    "house": _thing("house", "house, house, home, cottage, cabin, hut",
        "房子、小屋、屋子、房屋、小房子", "一座 一间 一栋 一个", natural="orange brown"),
    "castle": _thing("castle", "castle, castle, palace, fairy-tale castle",
        "城堡、宫殿、童话城堡", "一座 一座", False),
    # Things
    "robot": _thing("robot", "robot, robot, android",
        "机器人、小机器人", "一个 一台", False),
    "ghost": _thing("ghost", "ghost, ghost, spook, little ghost",
        "幽灵、鬼、小鬼、小幽灵", "一个 一只", False, "white"),
    "umbrella": _thing("umbrella", "umbrella, umbrella, parasol",
        "雨伞、伞、小伞", "一把 一把", natural="purple"),
    "bell": _thing("bell", "bell, bell, little bell",
        "铃铛、钟、小铃铛", "一个 一只", natural="yellow orange"),
    "crown": _thing("crown", "crown, crown, king's crown",
        "皇冠、王冠", "一顶 一个", False, "yellow"),
    "gift": _thing("wrapped-gift", "gift, present, gift box, wrapped present",
        "礼物、礼盒、礼物盒", "一份 一个", False),
    "book": _thing("closed-book", "book, book, closed book, notebook",
        "书、书本、笔记本", "一本 一本 本", natural="red"),
    "teapot": _thing("teapot", "teapot, tea pot, kettle",
        "茶壶、水壶", "一把 一个", natural="red"),
    "diamond": _thing("gem-stone", "diamond, gem, gemstone, jewel",
        "钻石、宝石、水晶", _ROUND, natural="blue"),
    "guitar": _thing("guitar", "guitar, guitar, electric guitar",
        "吉他、电吉他", "一把 一把", natural="red pink"),
}
# fmt: on
