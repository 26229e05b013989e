"""Put the trained parts into one diffusers folder in fp16: `python -m training.assemble`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline
from transformers import AutoTokenizer

from training.model import new_encoder, new_transformer
from training.transformer import SHIFT, Networks
from training.vocabulary import vocabulary

RUNS = Path("training/runs")


def assemble(runs: Path) -> ZImagePipeline:
    """Return the pipeline made of the guided weights of a run, in fp16."""
    tokenizer = AutoTokenizer.from_pretrained(runs / "tokenizer", local_files_only=True)
    networks = Networks(new_transformer(), new_encoder(len(tokenizer), tokenizer.pad_token_id))
    networks.load_state_dict(torch.load(runs / "transformer" / "guided.pt"))
    pipeline = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            num_train_timesteps=1000, shift=SHIFT, use_dynamic_shifting=False
        ),
        vae=AutoencoderKL.from_pretrained(runs / "vae"),
        text_encoder=networks.encoder,
        tokenizer=tokenizer,
        transformer=networks.transformer,
    )
    return pipeline.to(torch.float16)


def main() -> None:
    """Write the folder that Easel ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--out", type=Path, default=Path("engine/embedded"))
    args = parser.parse_args()
    assemble(args.runs).save_pretrained(args.out)
    for file in args.out.glob("*/*config.json"):  # where the parts once lay is nobody's concern
        config = json.loads(file.read_text())
        if config.pop("_name_or_path", None) is not None:
            file.write_text(json.dumps(config, indent=2) + "\n")
    (args.out / "words.txt").write_text("\n".join(vocabulary()) + "\n", "utf-8")
    size = sum(path.stat().st_size for path in args.out.rglob("*") if path.is_file())
    print(f"{args.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
