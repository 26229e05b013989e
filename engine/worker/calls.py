"""The calls that go to the worker threads. Each is given what it needs; jobs are the event loop's alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL.Image import new as new_image

from engine.cache import ByteLRU
from engine.events import Phase
from engine.families.plan import Need
from engine.request import DrawRequest, Input, Role
from engine.worker.errors import is_out_of_memory
from engine.worker.inpainting import pasted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from PIL.Image import Image

    from engine.families.model import Canvas, Caption, Measurement, Model
    from engine.worker.job import Job
    from engine.worker.scheduler import Work


@dataclass(frozen=True, slots=True)
class Begun:
    """Encoded prompts, and canvases of the jobs that needed nothing else."""

    captions: Mapping[str, Caption]
    """By their text."""
    canvases: Mapping[str, Canvas]
    """By job."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a call brought back, and what it took."""

    value: Begun | Mapping[str, Image] | Image
    measurement: Measurement


class Calls:
    """Makes calls of one model."""

    def __init__(self, model: Model, cache_bytes: int, preview_part: float) -> None:
        self.embeddings: ByteLRU[str, Caption] = ByteLRU(cache_bytes)
        """Captions by their text."""
        self._model = model
        self._preview_part = preview_part
        self._step_s = 0.0
        self._preview_s = 0.0
        self._first: list[Callable[[], None]] = []

    def make_room(self, *, lighten: bool = False) -> None:
        """The next call begins with giving cached memory back, and with sending the encoder out."""
        self._first += [self._model.lighten, self._model.release] if lighten else [self._model.release]

    def of(self, work: Work) -> Callable[[], Made]:
        """The call that carries out this work."""
        if work.phase is Phase.ENCODE:
            call: Callable[[], Any] = self._encode(work.jobs)
        elif work.phase is Phase.BEGIN:
            call = self._begin(work.jobs[0])
        elif work.phase is Phase.DENOISE:
            call = self._step(work.jobs)
        else:
            call = self._decode(work.jobs[0])
        first, self._first = self._first, []
        telling, model = self._tells(work), self._model

        def measured() -> Made:
            for make_room in first:
                make_room()
            model.use_threads(work.threads)
            model.start_measuring()
            value, measurement = call(), model.measured()
            return Made(value, measurement if telling else replace(measurement, peak_bytes=None))

        return measured

    def _tells(self, work: Work) -> bool:
        """Whether what it takes is the most that such a call takes."""
        if work.phase is Phase.ENCODE:  # a prompt that is known already takes nothing
            return not all(text in self.embeddings for job in work.jobs for text in job.plan.texts)
        if work.phase is Phase.BEGIN and self._model.upscales:
            return any(job.enlarged for job in work.jobs)
        return True

    def remember(self, captions: Mapping[str, Caption]) -> None:
        """Keep what was encoded, for who asks with the same words."""
        for text, caption in captions.items():
            self.embeddings.put(text, caption, caption.nbytes)

    def clear_caches(self) -> None:
        self.embeddings.clear()

    def warm_up(self, *, decode: bool) -> Callable[[], None]:
        """One step at the smallest size: wakes the device, loads kernels, touches every weight."""
        profile = self._model.profile
        side = round(profile.min_pixels**0.5) // profile.multiple * profile.multiple
        return lambda: self._try_out(Need(side, side), decode=decode)

    def calibrate(self, needs: Sequence[Need]) -> Callable[[], dict[tuple[Phase, Need], int]]:
        """Measures the peaks of one picture of each of these, where they can be told."""

        def calibrate() -> dict[tuple[Phase, Need], int]:
            peaks: dict[tuple[Phase, Need], int] = {}
            for need in needs:
                try:
                    for phase, call in self._one_picture(need):
                        if (peak := self._model.peak_of(call)) is not None:
                            peaks[phase, need] = peak
                except Exception as error:
                    if not is_out_of_memory(error):
                        raise
                    break  # larger ones would not fit either; such a job is refused or fails by itself
            return peaks

        return calibrate

    def _try_out(self, need: Need, *, decode: bool) -> None:
        for phase, call in self._one_picture(need):
            if decode or phase is not Phase.DECODE:
                call()

    def _one_picture(self, need: Need) -> Iterator[tuple[Phase, Callable[[], None]]]:
        """The calls for a picture in one step, each to be made before the next is asked for."""
        model = self._model
        guidance = float(need.captions - 1)
        request = DrawRequest(
            "warm-up", need.width, need.height, 1, seed=0, guidance=guidance, job_id="warm-up"
        )
        pictures: tuple[Image, ...] = ()
        profile = model.profile
        if Role.INIT in profile.planner.takes and need.pixels <= profile.max_pixels:
            request = replace(request, inputs=(Input(Role.INIT, ""),))
            part = 2 if model.upscales else 1
            pictures = (new_image("RGB", (need.width // part, need.height // part)),)
        if need.controls:
            followed = Input(Role.CONTROL, "", kind=min(profile.controls, key=lambda kind: kind.value))
            request = replace(request, inputs=(*request.inputs, followed))
            pictures = (*pictures, new_image("RGB", (need.width, need.height)))
        texts = model.profile.plan(request).texts
        captions: list[Caption] = []
        canvases: list[Canvas] = []
        yield Phase.ENCODE, lambda: captions.extend(model.encode(texts))
        yield Phase.BEGIN, lambda: canvases.append(self._begun(request, captions, pictures))
        yield Phase.DENOISE, lambda: model.step(canvases)
        yield Phase.DECODE, lambda: self._decoded(canvases[0], need)

    def _decoded(self, canvas: Canvas, need: Need) -> None:
        self._model.decode(canvas, tile_px=self._model.profile.tile_for(need.pixels))

    def _encode(self, jobs: Sequence[Job]) -> Callable[[], Begun]:
        model = self._model
        plans = {job.job_id: (job.request, job.plan.texts, job.pictures) for job in jobs}
        texts = dict.fromkeys(text for _, texts, _ in plans.values() for text in texts)
        known = {text: caption for text in texts if (caption := self.embeddings.get(text)) is not None}
        missing = [text for text in texts if text not in known]

        def encode() -> Begun:
            captions = known | dict(zip(missing, model.encode(missing), strict=True)) if missing else known
            return Begun(
                captions,
                {
                    job_id: model.begin(request, [captions[text] for text in texts], ())
                    for job_id, (request, texts, pictures) in plans.items()
                    if not pictures
                },
            )

        return encode

    def _begin(self, job: Job) -> Callable[[], Begun]:
        request, captions, pictures = job.request, job.captions, job.pictures
        assert captions is not None
        return lambda: Begun({}, {request.job_id: self._begun(request, captions, pictures)})

    def _begun(self, request: DrawRequest, captions: Sequence[Caption], pictures: Sequence[Image]) -> Canvas:
        size = request.width, request.height
        fitted = [
            self._model.resized(picture, size) if of.role is Role.INIT and picture.size != size else picture
            for of, picture in zip(request.inputs, pictures, strict=True)
        ]
        return self._model.begin(request, captions, fitted)

    def _step(self, jobs: tuple[Job, ...]) -> Callable[[], dict[str, Image]]:
        model = self._model
        canvases = {job.job_id: job.canvas for job in jobs if job.canvas is not None}
        due = [job.job_id for job in jobs if _preview_due(job)]
        adapters = jobs[0].request.adapters

        def step() -> dict[str, Image]:
            began = time.perf_counter()
            model.use_adapters(adapters)
            model.step(list(canvases.values()))
            self._step_s += (stepped := time.perf_counter()) - began
            if self._preview_s > self._preview_part * self._step_s:
                return {}
            previews = {job_id: model.preview(canvases[job_id]) for job_id in due}
            self._preview_s += time.perf_counter() - stepped
            return previews

        return step

    def _decode(self, job: Job) -> Callable[[], Image]:
        model, canvas = self._model, job.canvas
        request, pictures = job.request, job.pictures
        # Where a step is of a tile, so is what the decoder is given: its memory was counted so.
        of_tile_px = None if job.plan.pixels is None else min(job.need.width, job.need.height)
        tile_px = job.tile_px or of_tile_px or model.profile.tile_for(job.pixels)
        assert canvas is not None
        return lambda: pasted(model.decode(canvas, tile_px=tile_px), request, pictures)


def _preview_due(job: Job) -> bool:
    """Whether the next step's result is shown; the last one's is, as the picture itself."""
    every = job.request.preview_every
    return every > 0 and (job.step + 1) % every == 0 and job.steps_left > 1
