"""GET /v1/models: the models there are, under their names, and the default under those the owner lent it."""

from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from bot.imagine.service import Service
from bot.imagine.text import clean_prompt
from bot.messages import say
from bot.web.caller import Authenticator
from bot.web.errors import NO_MODEL, failed

BORN = 1_764_115_200
"""OpenAI's clients want to know when a model was made; ours is as old as Z-Image-Turbo's release."""


class Model(BaseModel):
    """A model as OpenAI lists it."""

    id: str
    object: Literal["model"] = "model"
    created: int = BORN
    owned_by: str = "easel"


class ModelList(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


def names(service: Service) -> tuple[str, ...]:
    """What a request may call the models, their own names first."""
    return tuple(dict.fromkeys((*service.models.names, *service.config.http.model_aliases)))


def require(service: Service, name: str) -> None:
    """Raises ApiError where no model is called so."""
    if name not in names(service):
        raise failed(
            say("api-model", found=clean_prompt(name[:60]), known=", ".join(names(service))), NO_MODEL
        )


def router(service: Service, authenticator: Authenticator) -> APIRouter:
    """The routes, over `service`; any key will do."""
    known = [Depends(authenticator.needs(None))]
    routes = APIRouter(prefix="/v1/models", tags=["models"], dependencies=known)

    @routes.get("", summary="List models")
    async def models() -> ModelList:
        return ModelList(data=[Model(id=name) for name in names(service)])

    @routes.get("/{model:path}", summary="Look one up")
    async def model(model: str) -> Model:
        require(service, model)
        return Model(id=model)

    return routes
