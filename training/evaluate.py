"""Score the model on the held-back captions, or draw a contact sheet: `python -m training.evaluate`."""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import ZImagePipeline
from PIL import Image, ImageDraw, ImageFont

from training import classifier
from training.art import STYLES, Art
from training.classifier import shares
from training.held_back import PARAPHRASES, Prompt, all_prompts
from training.likeness import distance
from training.things import THINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.classifier import Judge, Marks

SIZES = (128, 192, 256)  # of the scored pictures in turn, in pixels
SHEET = (
    "an orange cat on a green meadow", "一只可爱的橘色猫咪,坐在窗台上,阳光洒进来",
    "a panda on the beach", "夜空中的蓝色火箭", "a red house in the snow", "草地上的小狗",
    "a penguin in the snow", "夕阳下的城堡", "a black cat under the stars",
    "a pink flower on the windowsill", "一艘白色的帆船,海边", "a yellow car, flat style",
    "a robot at sunset", "白纸上的一颗草莓", "a green frog on the lawn", "蓝天白云下的红色气球",
    "an owl at night", "草地上的一棵大树", "a big red heart on white paper", "雪地里的雪人",
    "a dog on the left and a rabbit on the right, meadow", "左边是黄色的月亮,右边是红色的星星,夜空",
    "a purple fish in the blue sky", "a slice of watermelon at the seaside",
)  # fmt: skip


def draw_all(
    pipeline: ZImagePipeline, prompts: Sequence[str], steps: int, sizes: Sequence[int]
) -> list[Image.Image]:
    """Draw one square picture a prompt at guidance 0, with seeds 0, 1, 2 and so on, the sizes in turn."""
    pictures = []
    for seed, prompt in enumerate(prompts):
        side = sizes[seed % len(sizes)]
        result = pipeline(
            prompt,
            width=side,
            height=side,
            num_inference_steps=steps,
            guidance_scale=0.0,
            generator=torch.Generator().manual_seed(seed),
        )
        pictures.append(result.images[0])
    return pictures


def score(judge: Judge, prompts: Sequence[Prompt], pictures: Sequence[Image.Image]) -> list[Marks]:
    """Judge every picture by its prompt."""
    return [
        classifier.mark(judge.judge(picture), prompt.items, prompt.background)
        for prompt, picture in zip(prompts, pictures, strict=True)
    ]


def likeness(prompts: Sequence[Prompt], pictures: Sequence[Image.Image]) -> dict[str, float]:
    """Return the mean distance of pictures of one thing to its true sprite, and to that of another thing."""
    art, rng = Art(), random.Random(0)
    pairs = []
    for prompt, picture in zip(prompts, pictures, strict=True):
        if len(prompt.items) == 1:
            (item,) = prompt.items
            other = rng.choice([kind for kind in sorted(THINGS) if kind != item.kind])
            colour = item.colour if THINGS[other].recoloured else None
            wrong = replace(item, kind=other, colour=colour)
            pairs.append([distance(picture, thing, prompt.style, art) for thing in (item, wrong)])
    return {
        "pictures": len(pairs),
        "right name": round(sum(right for right, _ in pairs) / len(pairs), 1),
        "wrong name": round(sum(wrong for _, wrong in pairs) / len(pairs), 1),
        "nearer to the right one": round(sum(right < wrong for right, wrong in pairs) / len(pairs), 3),
    }


def contact_sheet(pictures: Sequence[Image.Image], captions: Sequence[str], columns: int = 6) -> Image.Image:
    """Return the pictures in rows with their captions below."""
    side, text = pictures[0].width, 34
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * (side + 8) + 8, rows * (side + text + 8) + 8), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = 8 + number % columns * (side + 8), 8 + number // columns * (side + text + 8)
        sheet.paste(picture, (x, y))
        for line, words in enumerate(_wrap(caption, side)):
            pen.text((x, y + side + 2 + 14 * line), words, fill=(40, 40, 40), font=_font())
    return sheet


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font that has Chinese characters too; it comes with the development dependencies."""
    packaged = resources.files("pylopdf_fonts_zh_cn") / "NotoSansSC-Regular.otf"
    with resources.as_file(packaged) as file:
        return ImageFont.truetype(file, 11)


def _wrap(caption: str, side: int) -> list[str]:
    """Break a caption into at most two lines of `side` pixels."""
    words = caption.split(" ") if caption.isascii() else list(caption)
    joint = " " if caption.isascii() else ""
    lines = [""]
    for word in words:
        longer = f"{lines[-1]}{joint}{word}" if lines[-1] else word
        if _font().getlength(longer) <= side:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines[:2]


def main() -> None:
    """Print the scores as JSON; with `--sheet`, draw the contact sheet instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("engine/embedded"))
    parser.add_argument("--judge", type=Path, default=classifier.RUNS / "judge.pt")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--count", type=int, default=300, help="score only the first of the captions")
    parser.add_argument("--sheet", type=Path, help="write 24 prompts with seeds 0 to 23 there")
    parser.add_argument("--size", type=int, default=128, help="of the sheet's pictures in pixels")
    parser.add_argument("--failures", type=Path, help="write the pictures judged wrong there")
    args = parser.parse_args()
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    if args.sheet:
        contact_sheet(draw_all(pipeline, SHEET, args.steps, [args.size]), SHEET).save(args.sheet)
        return
    judge, prompts = classifier.load(args.judge), all_prompts()[: args.count]
    pictures = draw_all(pipeline, [prompt.text for prompt in prompts], args.steps, SIZES)
    marks = score(judge, prompts, pictures)
    scores = {"all": shares(marks), "paraphrases": shares(marks[: len(PARAPHRASES)])}
    for number, side in enumerate(SIZES):
        scores[f"{side} squared"] = shares(marks[number :: len(SIZES)])
    for style in STYLES:
        scores[style] = shares([m for m, p in zip(marks, prompts, strict=True) if p.style == style])
    scores["the judge itself, on true scenes"] = shares(classifier.own_marks(judge, 300, seed=99))
    report = {"steps": args.steps, "scores": scores, "distance in pixels": likeness(prompts, pictures)}
    print(json.dumps(report, indent=1))
    if args.failures:
        wrong = [
            (picture, prompt.text)
            for picture, prompt, m in zip(pictures, prompts, marks, strict=True)
            if not m.things or m.colours is False or not m.background
        ]
        if wrong:
            small = [picture.resize((128, 128)) for picture, _ in wrong]
            contact_sheet(small, [text for _, text in wrong], columns=10).save(args.failures)


if __name__ == "__main__":
    main()
