"""What clients say and hear: the fields of the OpenAI images API, and ours beside them.

A field that is not here is refused by name, and so is one that the model cannot honour: nothing is passed over in
silence. `moderation`, `user` and `safety_identifier` are taken, since clients send them; they have nothing to act on
here and are kept nowhere.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mindseye.errors import BadInput
from mindseye.randomness import SEED_LIMIT

Quality = Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"]
Background = Literal["transparent", "opaque", "auto"]
Format = Literal["png", "webp", "jpeg"]
Seed = int
EditName = Annotated[str, Field(max_length=64)]

Body = TypeVar("Body", bound=BaseModel)

NOT_HERE = {  # what other servers take, and why this one does not
    "style": "pictures look as the model has learnt",
    "input_fidelity": "use strength, from 0 (the picture itself) to 1",
    "strength": "it says how far to go from a picture: send one to images/edits",
    "image": "it is a file, for images/edits",
    "mask": "it is a file, for images/edits",
}


class Generation(BaseModel):
    """A request for pictures from words."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: str = Field(max_length=2000, description="what to draw; may be empty")
    model: str | None = Field(None, description="one of /v1/models; the first unless given")
    n: int | None = Field(None, ge=1, le=10, description="pictures")
    size: str | None = Field(
        None,
        pattern=r"^(auto|[1-9][0-9]{0,3}x[1-9][0-9]{0,3})$",
        description="auto, the model's own size, or a whole multiple of it: each pixel is enlarged to a square",
    )
    quality: Quality | None = Field(
        None, description="sampling steps, as a share of the model's own: half for low, twice for high or hd, ..."
    )
    background: Background | None = Field(None, description="opaque lays a transparent picture on white")
    output_format: Format | None = Field(None, description="png carries how the picture was made")
    output_compression: int | None = Field(None, ge=0, le=100, description="of jpeg and webp; 100 is the best quality")
    moderation: Literal["low", "auto"] | None = Field(None, description="taken; nothing is filtered")
    response_format: Literal["b64_json"] | None = Field(None, description="pictures are in the answer, not at a URL")
    stream: bool | None = Field(None, description="answer with events")
    partial_images: int | None = Field(None, ge=0, le=3, description="unfinished pictures on the way, in a stream")
    user: str | None = Field(None, max_length=512, description="taken and kept nowhere")
    safety_identifier: str | None = Field(None, max_length=512, description="taken and kept nowhere")

    seed: Seed | None = Field(None, ge=0, lt=SEED_LIMIT, description="picture i uses seed + i; by chance unless given")
    seeds: list[Seed] | None = Field(None, min_length=1, max_length=10, description="one a picture, in place of seed")
    negative_prompt: str | None = Field(None, max_length=2000, description="what to steer away from")
    guidance_scale: float | None = Field(None, ge=0, le=20, description="how strictly the prompt is followed")
    num_inference_steps: int | None = Field(None, ge=1, le=1000, description="sampling steps")
    sampler: str | None = Field(None, max_length=64, description="how to go from noise to picture")
    temperature: float | None = Field(None, ge=0, le=10, description="how much chance has a say")
    top_p: float | None = Field(None, gt=0, le=1, description="keep the likeliest choices of this total probability")
    edits: list[EditName] | None = Field(None, max_length=16, description="corrections of the model to draw with")
    think: int | None = Field(None, ge=1, le=16, description="draw so many candidates for each picture, show the best")


class Edit(Generation):
    """The fields of a request for pictures from a picture; `image` and `mask` come as files beside them."""

    strength: float | None = Field(
        None, ge=0, le=1, description="without a mask: how far to go from the picture; 0 is the picture itself"
    )


class Image(BaseModel):
    """One finished picture."""

    b64_json: str
    seed: int = Field(description="with which this picture is drawn again")
    revised_prompt: str | None = None
    thought: str | None = Field(None, description="why it was chosen, where candidates were thought over")


class TokenDetails(BaseModel):
    text_tokens: int
    image_tokens: int = 0


class Usage(BaseModel):
    """Tokens of the prompt; pictures cost none."""

    input_tokens: int
    output_tokens: int = 0
    total_tokens: int
    input_tokens_details: TokenDetails

    @classmethod
    def of(cls, tokens: int) -> Usage:
        details = TokenDetails(text_tokens=tokens)
        return cls(input_tokens=tokens, total_tokens=tokens, input_tokens_details=details)


class Images(BaseModel):
    """The answer to a request for pictures."""

    created: int
    model: str
    background: Literal["transparent", "opaque"]
    output_format: Format
    quality: Literal["low", "medium", "high", "xhigh", "max"]
    size: str
    data: list[Image]
    usage: Usage
    notes: list[str] = Field(description="what a person should know before trusting the pictures")


class Model(BaseModel):
    """A model that is served."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["mindseye"] = "mindseye"
    family: str
    size: str
    background: Literal["transparent", "opaque"]
    abilities: list[str] = Field(description="which fields it can honour, and what else it can do")
    samplers: list[str]
    words: int = Field(description="of its vocabulary")
    thinks: bool = Field(description="whether it has a thinker, for the field think")


class Models(BaseModel):
    """The models that are served, the default one first."""

    object: Literal["list"] = "list"
    data: list[Model]


class ErrorDetail(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class Error(BaseModel):
    """What every refusal looks like."""

    error: ErrorDetail


def read(body: type[Body], values: Mapping[str, Any], *, strict: bool) -> Body:
    """`values` as a `body`.

    Args:
        strict: a number is a number and not a string of digits; off for forms, where everything is a string.

    Raises:
        BadInput: a field is unknown or out of range; the error names it.
    """
    for name in values:
        if name not in body.model_fields:
            near = difflib.get_close_matches(name[:80], body.model_fields, n=1, cutoff=0.7)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(body.model_fields)}"
            raise BadInput(f"there is no field {name[:80]!r}", next_step=NOT_HERE.get(name, hint), field=name[:80])
    try:
        return body.model_validate(dict(values), strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        about = body.model_fields[name].description if name in body.model_fields else ""
        said = f"{name} ({about})" if about else name
        raise BadInput(f"{said}: {first['msg'][0].lower()}{first['msg'][1:]}", field=name) from None
