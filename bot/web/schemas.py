"""What goes over the wire: OpenAI's image objects, and what Easel adds to them (`easel`)."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
    model_validator,
)
from pydantic.config import JsonDict

from bot.imagine.options import OPTIONS, Kind
from bot.messages import LANGUAGES, UserError, say, translator

Format = Literal["png", "jpeg", "webp"]
Quality = Literal[
    "auto", "low", "medium", "high", "xhigh", "max", "standard", "hd", "sketch", "draft", "final"
]
QUALITIES: dict[str, str] = {
    "low": "draft",
    "medium": "standard",
    "high": "final",
    "xhigh": "final",
    "max": "final",
    "hd": "final",
}
"""OpenAI's names as ours; the others are ours already, and `auto` is the default."""
TOLD = {"sketch": "low", "draft": "low", "standard": "medium", "final": "high"}
"""Ours as OpenAI's, for answers."""

LINKED = frozenset({"dall-e-2", "dall-e-3"})
"""Models whose clients expect a link where no `response_format` is given."""

EXAMPLE: JsonDict = {"prompt": "an orange cat on a green meadow", "size": "1024x1024", "n": 1, "seed": 7}


class OpenAIRequest(BaseModel):
    """OpenAI's body of an image request. null is as good as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [EXAMPLE]})

    prompt: Annotated[str, Field(description="What to draw; at most 2000 characters.")]
    model: Annotated[str | None, Field(description="One of GET /v1/models; left out, the one there is.")] = (
        None
    )
    n: Annotated[int | None, Field(description="How many pictures, 1 to 4, from neighbouring seeds.")] = None
    size: Annotated[
        str | None, Field(description="`auto`, WIDTHxHEIGHT, or a shape: square, portrait, landscape, ...")
    ] = None
    quality: Annotated[Quality | None, Field(description="More steps take longer.")] = None
    response_format: Annotated[
        Literal["b64_json", "url"] | None, Field(description="The picture itself, or a link that expires.")
    ] = None
    output_format: Annotated[Format | None, Field(description="png, unless told otherwise.")] = None
    output_compression: Annotated[
        int | None, Field(ge=0, le=100, description="Quality of jpeg and webp; 100 is the best.")
    ] = None
    stream: Annotated[bool | None, Field(description="Server-sent events in place of one answer.")] = None
    partial_images: Annotated[
        int | None, Field(ge=0, le=3, description="How many previews a stream shows on the way, at most.")
    ] = None
    background: Annotated[Literal["auto", "opaque"] | None, Field(description="Always opaque.")] = None
    moderation: Annotated[Literal["auto", "low"] | None, Field(description="The owner's rules hold.")] = None
    user: Annotated[str | None, Field(max_length=512, description="Taken, and not kept.")] = None
    safety_identifier: Annotated[str | None, Field(max_length=512, description="Taken, and not kept.")] = None
    style: Annotated[
        str | None, Field(description="A style of this server; OpenAI's vivid and natural are ignored.")
    ] = None
    slow: Annotated[
        bool | None,
        Field(description="true: once the month's images are used, go on slowly this month; false: wait."),
    ] = None

    @model_validator(mode="after")
    def _png_is_lossless(self) -> Self:
        if self.output_compression not in (None, 100) and self.file_format == "png":
            raise UserError(
                say("api-compression", param="output_compression", found=str(self.output_compression))
            )
        return self

    @model_validator(mode="after")
    def _partials_are_streamed(self) -> Self:
        if self.partial_images and not self.stream:
            raise UserError(say("api-partials", param="partial_images"))
        return self

    @property
    def as_link(self) -> bool:
        """Whether pictures are answered as links."""
        return (self.response_format or ("url" if self.model in LINKED else "b64_json")) == "url"

    @property
    def file_format(self) -> Format:
        return self.output_format or "png"

    @property
    def partials(self) -> int:
        return self.partial_images or 0


TYPES: dict[Kind, Any] = {Kind.WHOLE: int, Kind.NUMBER: float, Kind.LIST: str | list[str]}


def _own_fields(*, with_picture: bool) -> dict[str, Any]:
    """The options that OpenAI's body has no field for; those about a picture only where one comes with it."""
    t = translator(LANGUAGES[0])
    return {
        option.field: (
            TYPES.get(option.kind, str) | None,
            Field(None, description=f"{t(option.about)}.", allow_inf_nan=False)
            if option.kind is Kind.NUMBER
            else Field(None, description=f"{t(option.about)}."),
        )
        for option in OPTIONS
        if not option.chats_only
        and option.field not in OpenAIRequest.model_fields
        and (with_picture or not option.needs_picture)
    }


GenerationRequest = create_model(
    "GenerationRequest",
    __base__=OpenAIRequest,
    __doc__="OpenAI's body, with Easel's own fields (`extra_body` in OpenAI's client). null is absent.",
    **_own_fields(with_picture=False),
)


class OpenAIEdit(OpenAIRequest):
    """OpenAI's fields of an edit, besides its files."""

    input_fidelity: Annotated[
        Literal["low", "high"] | None, Field(description="Taken; `strength` says how much changes.")
    ] = None


EditRequest = create_model(
    "EditRequest",
    __base__=OpenAIEdit,
    __doc__="OpenAI's fields of an edit, with Easel's own. null is absent.",
    **_own_fields(with_picture=True),
)


class PictureFacts(BaseModel):
    """How a picture was drawn and what it took: enough for another Easel to account for it."""

    seed: int
    gpu_s: Annotated[float, Field(description="Its billed share of the GPU, in seconds.")]
    draw_s: Annotated[float, Field(description="From the first step to the last, without the queue.")]
    energy_j: Annotated[float | None, Field(description="Joules; null where nothing measures them.")]
    cost_micro: Annotated[
        int, Field(description="What that time costs the owner, in millionths of `currency`.")
    ]
    cached: Annotated[bool, Field(description="Drawn before with the very same parameters: no GPU time.")]


class ImageObject(BaseModel):
    """One picture: its bytes in base64, or a link."""

    b64_json: str | None = None
    url: str | None = None
    easel: PictureFacts

    @model_serializer(mode="wrap")
    def _one_of_both(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves out what was not asked for."""
        return {name: value for name, value in dump(self).items() if value is not None}


class RequestFacts(BaseModel):
    """The request as it was drawn."""

    request_id: str
    model: str
    steps: int
    guidance: float
    currency: str
    missing: Annotated[int, Field(description="Pictures that failed; they are not charged.")]
    notes: Annotated[list[str], Field(description="What was changed or had no effect, in sentences.")]


class TokenDetails(BaseModel):
    """OpenAI's split."""

    image_tokens: int
    text_tokens: int


class TokenUsage(BaseModel):
    """Tokens as OpenAI counts: patches of 16x16 pixels drawn. Prompts are not billed here and count 0."""

    input_tokens: int = 0
    input_tokens_details: TokenDetails = TokenDetails(image_tokens=0, text_tokens=0)
    output_tokens: int
    total_tokens: int


class ImagesResponse(BaseModel):
    """OpenAI's answer."""

    created: int
    background: Literal["opaque"] = "opaque"
    output_format: Format
    quality: str
    size: str
    data: list[ImageObject]
    usage: TokenUsage
    easel: RequestFacts


class PartialImage(BaseModel):
    """The event `image_generation.partial_image`, or `image_edit.`: a small preview."""

    type: str
    b64_json: str
    background: Literal["opaque"] = "opaque"
    created_at: int
    output_format: Format
    partial_image_index: int
    quality: str
    size: str


class CompletedFacts(RequestFacts, PictureFacts):
    """Both of a picture at once."""


class CompletedImage(BaseModel):
    """The event `image_generation.completed`, or `image_edit.`, one a picture."""

    type: str
    b64_json: str
    background: Literal["opaque"] = "opaque"
    created_at: int
    output_format: Format
    quality: str
    size: str
    usage: TokenUsage
    easel: CompletedFacts


KINDS, EVENTS = ("generation", "edit"), ("partial_image", "completed")
STREAM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"enum": [*(f"image_{of}.{what}" for of in KINDS for what in EVENTS), "error"]},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "description": "A picture, and in `easel` its facts and the request's; or an error.",
            },
        },
    }
}
"""One event of a stream, for the OpenAPI document."""


def _edit_body() -> dict[str, Any]:
    """The two ways to send an edit, for the OpenAPI document."""
    schema = EditRequest.model_json_schema()
    schema.pop("examples", None)
    required = [*schema["required"], "image"]
    told = {"image": "The picture to draw from: PNG, JPEG or WebP.", "mask": "Transparent or white: repaint."}

    def with_files(file: dict[str, Any]) -> dict[str, Any]:
        files = {name: {**file, "description": about} for name, about in told.items()}
        return {"schema": {**schema, "required": required, "properties": {**schema["properties"], **files}}}

    return {
        "required": True,
        "content": {
            "multipart/form-data": with_files({"type": "string", "format": "binary"}),
            "application/json": with_files({"type": "string", "pattern": "^data:"}),
        },
    }


EDIT_BODY = _edit_body()
