"""GET /v1/models: every model under its name, and the default under the aliases of bot.toml, too."""

from difflib import get_close_matches
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from bot.imagine.models import Model
from bot.imagine.service import Service
from bot.imagine.text import clean_prompt
from bot.messages import say
from bot.web.caller import Authenticator
from bot.web.errors import NO_MODEL, failed
from engine.request import ControlKind

BORN = 1_764_115_200
"""OpenAI's clients want to know when a model was made; of ours nobody needs to, so all say the same."""


class ModelFacts(BaseModel):
    """What can be asked of a model, and what it costs."""

    kind: Annotated[str, Field(description="What it is, whatever it is called here.")]
    counts_as: Annotated[int, Field(description="How many images of the allowance a picture of it is.")]
    tiers: Annotated[list[str], Field(description="Who may use it; empty: everybody.")]
    sizes: Annotated[dict[str, str], Field(description="The shapes by name.")]
    steps: Annotated[dict[str, int], Field(description="Steps by quality.")]
    pictures: Annotated[list[str], Field(description="What it does with a picture that is sent along.")]
    controls: Annotated[list[str], Field(description="What it follows of a picture: `control`.")]
    negative_prompt: Annotated[bool, Field(description="Whether it reads one.")]


class ModelObject(BaseModel):
    """A model as OpenAI lists it, and what Easel adds."""

    id: str
    object: Literal["model"] = "model"
    created: int = BORN
    owned_by: str = "easel"
    easel: ModelFacts


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


def names(service: Service) -> tuple[str, ...]:
    """What a request may call the models, their own names first."""
    return tuple(dict.fromkeys((*service.models.names, *service.models.aliases)))


def require(service: Service, name: str) -> None:
    """Raises ApiError where no model is called so."""
    known = names(service)
    if name in known:
        return
    found = clean_prompt(name[:60])
    if near := get_close_matches(found, known, n=1):
        raise failed(say("api-model-near", found=found, near=near[0], known=", ".join(known)), NO_MODEL)
    raise failed(say("api-model", found=found, known=", ".join(known)), NO_MODEL)


def router(service: Service, authenticator: Authenticator) -> APIRouter:
    """The routes, over `service`; any key will do."""
    known = [Depends(authenticator.needs(None))]
    routes = APIRouter(prefix="/v1/models", tags=["models"], dependencies=known)

    @routes.get("", summary="List models")
    async def models() -> ModelList:
        return ModelList(data=[_told(name, service.models.named(name)) for name in names(service)])

    @routes.get("/{model:path}", summary="Look one up")
    async def model(model: str) -> ModelObject:
        require(service, model)
        return _told(model, service.models.named(model))

    return routes


def _told(name: str, model: Model) -> ModelObject:
    can = model.capabilities
    facts = ModelFacts(
        kind=can.name,
        counts_as=model.counts_as,
        tiers=list(model.tiers),
        sizes={shape: str(size) for shape, size in can.sizes.items()},
        steps=dict(can.steps),
        pictures=[*(workflow.value for workflow in can.strength), *(["edit"] if can.edits else [])],
        controls=[kind.value for kind in ControlKind if kind in can.controls],
        negative_prompt=can.negative_guidance is not None,
    )
    return ModelObject(id=name, easel=facts)
