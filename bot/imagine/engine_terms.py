"""A member's request in the engine's terms, and what the engine used in the ledger's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.imagine.capabilities import Workflow
from bot.imagine.control import USUAL_STRENGTH
from bot.imagine.picture import picture_file
from bot.imagine.request import styled
from engine.request import DrawRequest, Input, Role
from engine.snapshot import device_name
from storage.records.requests import DrawUsage

if TYPE_CHECKING:
    from bot.config.schema import Config
    from bot.imagine.loras import Loras
    from bot.imagine.models import Models
    from bot.imagine.request import ImageRequest
    from engine.request import Usage
    from storage.records.requests import JobRecord, RequestRecord


def slow_tier(tier: str) -> str:
    """Where the images of a tier wait that are beyond its allowance."""
    return f"{tier} (slow)"


class EngineTerms:
    """Translates between the bot's requests, the engine's and the ledger."""

    def __init__(self, config: Config, models: Models, loras: Loras) -> None:
        self._config = config
        self._models = models
        self._loras = loras

    def request(self, record: RequestRecord, request: ImageRequest, job: JobRecord) -> DrawRequest:
        """A job in the engine's terms. Slow images are a tier of their own there; a member is a flow."""
        tiers = self._config.tiers
        # A tier that bot.toml no longer names is drawn under the default one's rules.
        tier = tiers.get(record.tier, tiers[self._config.default_tier])
        model = self._models.named(request.model).name
        steps_run = request.steps_run(self._models)
        adapters = self._loras.adapters(request.loras)
        words = styled(request.prompt, self._config.styles.get(request.style or ""))
        return DrawRequest(
            job_id=job.job_id,
            prompt=self._loras.triggered(words, request.loras),
            width=request.width,
            height=request.height,
            steps=request.steps,
            seed=job.seed,
            guidance=request.guidance,
            negative_prompt=request.negative_prompt,
            extra=tuple(sorted(request.extra.items())),
            inputs=_inputs(request),
            model=model if len(self._models.names) > 1 else "",
            adapters=adapters,
            tier=slow_tier(record.tier) if record.slow else record.tier,
            flow=record.member,
            preview_every=self._config.engine.preview_every,
            png=picture_file(
                request, job.seed, model, adapters, steps_run=steps_run, watermark=tier.watermark
            ),
            waited_s=job.waited_us / 1e6,
        )

    def usage(self, request: ImageRequest, usage: Usage) -> DrawUsage:
        """What the engine measured in seconds, as the ledger's integers."""
        return DrawUsage(
            queue_us=round(usage.queue_s * 1e6),
            encode_us=round(usage.encode_s * 1e6),
            denoise_us=round(usage.denoise_s * 1e6),
            decode_us=round(usage.decode_s * 1e6),
            gpu_us=round(usage.gpu_s * 1e6),
            energy_mj=None if usage.energy_j is None else round(usage.energy_j * 1e3),
            model=self._models.named(request.model).name,
            width=request.width,
            height=request.height,
            steps=request.steps_run(self._models),
            cached=usage.cached,
            device=device_name(usage.gpu, usage.worker),
        )


def _inputs(request: ImageRequest) -> tuple[Input, ...]:
    if request.workflow is Workflow.EDIT:
        return (Input(Role.REFERENCE, request.init),)
    if request.control is not None:
        closely = USUAL_STRENGTH if request.control_strength is None else request.control_strength
        return (Input(Role.CONTROL, request.map, closely, request.control),)
    enlarged = request.workflow is Workflow.ENLARGE
    begun = Input(Role.INIT, request.init, request.strength or 1.0, enlarged=enlarged)
    init = [begun] if request.init else []
    mask = [Input(Role.MASK, request.mask)] if request.mask else []
    return (*init, *mask)
