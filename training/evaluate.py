"""Score the model on the held-back captions, or draw a contact sheet: `python -m training.evaluate`."""

from __future__ import annotations

import argparse
import json
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import ZImagePipeline
from PIL import Image, ImageDraw, ImageFont

from training import classifier
from training.held_back import PARAPHRASES, Prompt, all_prompts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.classifier import Judge, Marks

SHEET = (
    "an orange cat on a green meadow", "一只可爱的橘色猫咪", "一只可爱的橘色猫咪,坐在窗台上,阳光洒进来",
    "a black cat under the stars", "a cute grey kitten in the snow", "a white cat at sunset",
    "a red house in the snow", "黄昏的时候,一座蓝色的房子", "a yellow boat at the beach",
    "夜空中的白色帆船", "a purple fish in the blue sky", "沙滩上有一条橙色的鱼",
    "a pink flower on the windowsill", "草地上的紫色小花", "a green tree on white paper",
    "雪地里的粉色大树", "a golden moon in the night sky", "a big red heart among the clouds",
    "一颗绿色的星星,白色背景", "a blue circle on the sand", "a brown square and a yellow triangle on a lawn",
    "an orange cat on top of a blue moon at night", "左边是红色的房子,右边是绿色的树,草地",
    "a white boat under a pink star at dusk",
)  # fmt: skip


def draw_all(
    pipeline: ZImagePipeline, prompts: Sequence[str], steps: int, width: int, height: int
) -> list[Image.Image]:
    """Draw one picture a prompt at guidance 0, with seeds 0, 1, 2 and so on."""
    pictures = []
    for seed, prompt in enumerate(prompts):
        result = pipeline(
            prompt,
            width=width,
            height=height,
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


def shares(marks: Sequence[Marks]) -> dict[str, float]:
    """Return the shares of right colours, backgrounds and objects."""
    return {
        "colour": round(sum(m.colours for m in marks) / len(marks), 3),
        "background": round(sum(m.background for m in marks) / len(marks), 3),
        "object": round(sum(m.objects for m in marks) / len(marks), 3),
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
    """Print the scores as JSON; with `--sheet`, also write the contact sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("engine/embedded"))
    parser.add_argument("--judge", type=Path, default=classifier.RUNS / "judge.pt")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--size", default="128x128", help="width x height in pixels")
    parser.add_argument(
        "--sheet", type=Path, help="write a contact sheet of 24 prompts there instead of scoring"
    )
    parser.add_argument("--failures", type=Path, help="write the pictures judged wrong there")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    pipeline = ZImagePipeline.from_pretrained(args.model, local_files_only=True, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    if args.sheet:
        contact_sheet(draw_all(pipeline, SHEET, args.steps, width, height), SHEET).save(args.sheet)
        return
    judge, prompts = classifier.load(args.judge), all_prompts()
    start = time.monotonic()
    pictures = draw_all(pipeline, [prompt.text for prompt in prompts], args.steps, width, height)
    seconds = (time.monotonic() - start) / len(prompts)
    marks = score(judge, prompts, pictures)
    written = len(PARAPHRASES)
    report = {
        "steps": args.steps,
        "size": args.size,
        "seconds_a_picture": round(seconds, 2),
        "all": shares(marks),
        "paraphrases": shares(marks[:written]),
        "single": shares([m for m, p in zip(marks, prompts, strict=True) if len(p.items) == 1]),
        "pairs": shares([m for m, p in zip(marks, prompts, strict=True) if len(p.items) == 2]),
        "judge": classifier.own_accuracy(judge, 500, seed=99),
    }
    print(json.dumps(report, indent=1))
    if args.failures:
        wrong = [
            (picture, prompt.text)
            for picture, prompt, m in zip(pictures, prompts, marks, strict=True)
            if not (m.objects and m.colours and m.background)
        ]
        if wrong:
            contact_sheet([p for p, _ in wrong], [t for _, t in wrong], columns=10).save(args.failures)


if __name__ == "__main__":
    main()
