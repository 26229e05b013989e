"""The article's server: a Gradio app with three places over one pipeline, a scheduler copied per request.

`python -m benchmarks.gradio_app PORT TORCH_THREADS`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr
import torch

from benchmarks.contenders import SEED_PLACES, call, load_pipeline, with_own_scheduler

if TYPE_CHECKING:
    from PIL import Image


def main() -> None:
    port, torch_threads = int(sys.argv[1]), int(sys.argv[2])
    pipeline = load_pipeline()

    def draw(prompt: str, width: float, height: float, steps: float, seed: str) -> Image.Image:
        if torch.get_num_threads() != torch_threads:
            torch.set_num_threads(torch_threads)
        mine = with_own_scheduler(pipeline)
        return call(mine, prompt, int(width), int(height), int(steps), int(seed))

    with gr.Blocks(analytics_enabled=False) as app:
        inputs = [gr.Textbox(), gr.Number(), gr.Number(), gr.Number(), gr.Textbox()]
        gr.Button().click(draw, inputs, gr.Image(format="png"), api_name="draw")
    app.queue(default_concurrency_limit=SEED_PLACES, max_size=None)
    app.launch(server_name="127.0.0.1", server_port=port, quiet=True, show_error=True)


if __name__ == "__main__":
    main()
