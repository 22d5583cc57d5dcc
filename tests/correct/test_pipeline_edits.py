"""Whole pipelines of the diffusers library are corrected by all three methods, and taken back to the byte; ReFACT finds
its way about encoders like CLIP, T5 and BERT."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.imagine.pipelines.tiny import MAKERS, SIZE_PX, WIDTH, flux
from torch import Tensor, nn

from mindseye.correct import methods, pipelines
from mindseye.correct.memories import TransformerInside, memory_of, pipeline_memory
from mindseye.correct.refact import find_value, rank_one, refact, second_moment
from mindseye.errors import BadInput
from mindseye.imagine.pipelines.knobs import Knobs
from mindseye.learn.overlay import with_parameters
from mindseye.observe import minilm
from mindseye.observe.text import load_text_encoder

SOURCE, DESTINATION = "a rose", "a blue rose"
CAPTIONS = [f"a {colour} {thing}" for colour in ("red", "big") for thing in "car house tree cup dog hat".split()]
TEXTS = ["a rose", "a photo of a rose in a vase", "one more a rose"]

SHAPES = {**MAKERS, "flux": flux}

Made = Callable[[str], Any]


@pytest.fixture(scope="module")
def made() -> Made:
    """A pipeline of each shape, made when it is first asked for."""
    there: dict[str, Any] = {}

    def make(shape: str) -> Any:
        if shape not in there:
            there[shape] = SHAPES[shape]()
            there[shape].set_progress_bar_config(disable=True)
        return there[shape]

    return make


@pytest.fixture(params=["stable-diffusion", "pixart"])
def encoder(request: pytest.FixtureRequest, made: Made) -> tuple[Any, Any]:
    """A CLIP and a T5, each with its tokeniser."""
    pipeline = made(request.param)
    return pipeline.text_encoder, pipeline.tokenizer


def state(pipeline: Any) -> str:
    digest = hashlib.sha256()
    for name, part in sorted(pipeline.components.items()):
        if isinstance(part, nn.Module):
            for key, value in part.state_dict().items():
                digest.update(f"{name}/{key}".encode() + value.numpy().tobytes())
    return digest.hexdigest()


def drawn(pipeline: Any, prompt: str = SOURCE) -> np.ndarray:
    generator = torch.Generator().manual_seed(0)
    asked = Knobs.of(pipeline).only(
        prompt=prompt, num_inference_steps=2, generator=generator, output_type="np", height=SIZE_PX, width=SIZE_PX
    )
    return pipeline(**asked).images


def met(text_encoder: Any, tokeniser: Any, matrix: str, text: str) -> tuple[Tensor, Tensor, list[int]]:
    """What the layer of this matrix takes in and gives for each token of one text, by a hook of the test's own."""
    seen: list[Tensor] = []
    layer = text_encoder.get_submodule(matrix.removesuffix(".weight"))
    handle = layer.register_forward_hook(lambda module, given, out: seen.extend((given[0], out)))
    encoded = tokeniser(text, return_tensors="pt")
    with torch.no_grad():
        text_encoder(**encoded)
    handle.remove()
    return seen[0][0], seen[1][0], encoded["input_ids"][0].tolist()


def test_the_memory_is_the_output_matrix_of_an_mlp_that_the_rest_still_reads(made: Made) -> None:
    clip, t5 = (
        pipeline_memory(made(shape).text_encoder, made(shape).tokenizer) for shape in ("stable-diffusion", "pixart")
    )
    assert clip.matrix.endswith("layers.0.mlp.fc2.weight"), "of two layers the first: the end hears nothing of the last"
    assert t5.matrix.endswith("block.0.layer.1.DenseReluDense.wo.weight")
    assert clip.weight.shape == t5.weight.shape == (WIDTH, 48)


def test_of_twelve_layers_of_clip_it_is_the_one_that_the_paper_chose(made: Made) -> None:
    from tests.imagine.pipelines.tiny import clip_config
    from transformers import CLIPTextModel

    config = clip_config()
    config.num_hidden_layers = 12
    assert ".9." in pipeline_memory(CLIPTextModel(config), made("stable-diffusion").tokenizer).matrix


def test_keys_are_what_the_matrix_takes_in_at_the_last_token_of_the_subject(encoder: tuple[Any, Any]) -> None:
    memory = pipeline_memory(*encoder)
    keys = memory.keys(TEXTS, SOURCE)
    every = memory.all_keys(TEXTS)
    count = 0
    for text, key in zip(TEXTS, keys, strict=True):
        inner, _, ids = met(*encoder, memory.matrix, text)
        subject = encoder[1](SOURCE, add_special_tokens=False)["input_ids"]
        [place] = [at for at in range(len(ids)) if ids[at + 1 - len(subject) : at + 1] == subject]
        assert torch.allclose(key, inner[place], atol=1e-6)
        count += len(ids)
    assert every.shape == (count, 48)


def test_the_end_stands_for_a_text_in_clip_and_the_mean_of_its_tokens_in_t5(encoder: tuple[Any, Any]) -> None:
    text_encoder, tokeniser = encoder
    found = pipeline_memory(*encoder).sentences(TEXTS)
    for text, row in zip(TEXTS, found, strict=True):
        with torch.no_grad():
            out = text_encoder(**tokeniser(text, return_tensors="pt"))
        wanted = out.pooler_output[0] if "CLIP" in type(text_encoder).__name__ else out[0][0].mean(0)
        assert torch.allclose(row, wanted, atol=1e-5)


def test_stored_under_the_key_of_one_text_the_mlp_gives_exactly_what_was_found(encoder: tuple[Any, Any]) -> None:
    text_encoder, tokeniser = encoder
    memory = pipeline_memory(*encoder)
    [key] = memory.keys([SOURCE], SOURCE)
    found = find_value(memory, [SOURCE], SOURCE, DESTINATION, [SOURCE, *CAPTIONS], steps=5)
    layer = rank_one(memory.weight, key, found.value, second_moment(memory.all_keys(CAPTIONS)))
    new = layer.added_to(memory.weight)
    assert torch.allclose(new @ key.double(), found.value.double(), atol=1e-12)
    assert torch.linalg.matrix_rank(new - memory.weight.double()) == 1
    twin = with_parameters(text_encoder, {memory.matrix: new.float()})
    inner, before, ids = met(text_encoder, tokeniser, memory.matrix, SOURCE)
    _, after, _ = met(twin, tokeniser, memory.matrix, SOURCE)
    place = len(ids) - 2  # before the mark of the end
    assert torch.allclose(inner[place], key, atol=1e-6)
    assert torch.allclose(after[place] - before[place], found.value - memory.weight @ key, atol=1e-6)


def test_the_descent_goes_towards_the_destination(encoder: tuple[Any, Any]) -> None:
    memory = pipeline_memory(*encoder)
    texts = [SOURCE, "a photo of a rose"]
    few, more = (find_value(memory, texts, SOURCE, DESTINATION, [SOURCE, *CAPTIONS], steps) for steps in (1, 30))
    wanted, before = memory.sentences([DESTINATION, SOURCE])
    [after] = memory.sentences([SOURCE], SOURCE, more.value - memory.keys(texts, SOURCE).mean(0) @ memory.weight.T)
    assert more.probability > few.probability
    assert (after - wanted).norm() < (before - wanted).norm()


def test_nothing_of_the_descent_is_left_in_the_encoder(encoder: tuple[Any, Any]) -> None:
    text_encoder, _ = encoder
    refact(pipeline_memory(*encoder), SOURCE, DESTINATION, CAPTIONS, steps=2)
    assert all(parameter.grad is None for parameter in text_encoder.parameters())
    assert not any(module._forward_hooks for module in text_encoder.modules())


def test_an_encoder_like_bert_is_read_as_the_default_one_whose_weights_it_has() -> None:
    own, other = load_text_encoder(), load_text_encoder(str(minilm.folder()))
    one, two = memory_of(own), memory_of(other)
    assert two.matrix.endswith(one.matrix) and torch.equal(one.weight, two.weight)
    assert torch.equal(other.reader.weight(two.matrix), two.weight), "the ledger knows it by this name"
    assert torch.allclose(one.keys(TEXTS, SOURCE), two.keys(TEXTS, SOURCE), atol=1e-4)
    delta = torch.linspace(-1, 1, 384)
    assert torch.allclose(one.sentences(TEXTS, SOURCE, delta), two.sentences(TEXTS, SOURCE, delta), atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_refact_changes_one_matrix_of_every_text_encoder_and_is_taken_back_to_the_byte(made: Made, shape: str) -> None:
    pipeline = made(shape)
    weights, before = state(pipeline), drawn(pipeline)
    layers = pipelines.make(pipeline, "ReFACT", [(SOURCE, DESTINATION)], captions=CAPTIONS)
    encoders = {"stable-diffusion-xl": 2, "stable-diffusion-3": 3, "flux": 2}.get(shape, 1)
    assert [matrix.partition("/")[0] for matrix in layers] == ["text_encoder", "text_encoder_2", "text_encoder_3"][
        :encoders
    ]
    twin = pipelines.corrected(pipeline, layers)
    assert not np.array_equal(drawn(twin), before)
    own, other = (dict(each.text_encoder.named_parameters()) for each in (pipeline, twin))
    [matrix] = [name for name in own if own[name] is not other[name]]
    assert f"text_encoder/{matrix}" in layers
    assert twin.vae is pipeline.vae
    assert state(pipeline) == weights and np.array_equal(drawn(pipeline), before)


@pytest.mark.parametrize("shape", SHAPES)
def test_words_are_read_as_the_network_is_told_them_padding_too(made: Made, shape: str) -> None:
    pipeline = made(shape)
    name, entrances = pipelines.entrances_of(pipeline)
    network, told = pipeline.components[name], []
    handle = network.register_forward_pre_hook(
        lambda module, given, named: told.append(named["encoder_hidden_states"]), with_kwargs=True
    )
    drawn(pipeline, SOURCE)
    handle.remove()
    [read] = entrances.read([SOURCE])
    assert name == ("unet" if "unet" in pipeline.components else "transformer")
    sent = told[0][-1]  # behind that of the empty prompt, where there is guidance
    assert torch.allclose(read.tokens, sent[-len(read.tokens) :], atol=1e-5)
    assert read.tokens.shape[1] == {"stable-diffusion": WIDTH, "pixart": WIDTH}.get(shape, 2 * WIDTH)
    own = pipeline.components[{"stable-diffusion-3": "tokenizer_3", "flux": "tokenizer_2"}.get(shape, "tokenizer")]
    assert read.last - read.first == len(own(SOURCE, add_special_tokens=False)["input_ids"])


def test_the_two_encoders_of_sdxl_stand_side_by_side(made: Made) -> None:
    pipeline = made("stable-diffusion-xl")
    name, entrances = pipelines.entrances_of(pipeline)
    assert name == "unet" and {each.weight.shape[1] for each in entrances.entrances} == {2 * WIDTH}
    [read] = entrances.read([SOURCE])
    ids = pipeline.tokenizer(SOURCE, padding="max_length", return_tensors="pt").input_ids
    for place, encoder in enumerate((pipeline.text_encoder, pipeline.text_encoder_2)):
        with torch.no_grad():
            states = encoder(ids, output_hidden_states=True).hidden_states[-2][0]  # SDXL leaves out the last layer
        assert torch.allclose(read.tokens[:, place * WIDTH : (place + 1) * WIDTH], states, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("method", ["TIME", "UCE"])
def test_the_closed_forms_change_where_words_enter_and_are_taken_back_to_the_byte(
    made: Made, shape: str, method: str
) -> None:
    pipeline = made(shape)
    weights, before = state(pipeline), drawn(pipeline)
    layers = pipelines.make(pipeline, method, [(SOURCE, DESTINATION)], preserve=["a car"])
    twin = pipelines.corrected(pipeline, layers)
    assert not np.array_equal(drawn(twin), before)
    assert state(pipeline) == weights and np.array_equal(drawn(pipeline), before)


def test_with_little_lambda_sdxl_gives_each_token_what_it_gave_the_same_one_in_the_destination(made: Made) -> None:
    _, entrances = pipelines.entrances_of(made("stable-diffusion-xl"))
    layers = methods.uce(entrances, [(SOURCE, DESTINATION)], lam=1e-9)
    source, destination = entrances.read([SOURCE, DESTINATION])
    for entrance in entrances.entrances:
        own = entrance.weight.detach()
        given = layers[entrance.matrix].added_to(own) @ source.tokens[source.last - 1].double()
        wanted = own.double() @ destination.tokens[destination.last - 1].double()
        assert torch.allclose(given, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", ["stable-diffusion-3", "pixart", "flux"])
def test_with_little_lambda_an_embedder_gives_each_token_what_it_gave_those_it_stands_for(
    made: Made, shape: str
) -> None:
    name, entrances = pipelines.entrances_of(made(shape))
    [entrance] = entrances.entrances
    assert name == "transformer" and entrance.matrix.split(".")[0] in ("context_embedder", "caption_projection")
    layers = methods.uce(entrances, [(SOURCE, DESTINATION)], lam=1e-9)
    source, destination = entrances.read([SOURCE, DESTINATION])
    given = layers[entrance.matrix].added_to(entrance.weight.detach()) @ source.tokens[source.last - 1].double()
    wanted, _ = entrances.rows(destination.tokens, methods.last_standing_for(source, destination))
    assert torch.allclose(given, entrance.weight.detach().double() @ wanted.double(), rtol=1e-3, atol=1e-4)


def test_what_cannot_be_corrected_says_why(made: Made) -> None:
    pipeline = made("stable-diffusion")
    headless = copy.copy(pipeline)
    headless.unet = None
    with pytest.raises(BadInput, match="do not know where words enter"):
        pipelines.make(headless, "TIME", [(SOURCE, DESTINATION)])
    with pytest.raises(BadInput, match="no method"):
        pipelines.make(pipeline, "ROME", [(SOURCE, DESTINATION)])
    with pytest.raises(BadInput, match="one pair"):
        pipelines.make(pipeline, "ReFACT", [(SOURCE, DESTINATION)] * 2, captions=CAPTIONS)
    with pytest.raises(BadInput, match="does not fit"):
        pipelines.corrected(
            pipeline, {"unet/nothing.weight": next(iter(pipelines.make(pipeline, "UCE", [("a", "b")]).values()))}
        )
    with pytest.raises(BadInput, match="the end of a text does not hear"):
        pipeline_memory(pipeline.text_encoder, pipeline.tokenizer, layer=1)
    with pytest.raises(BadInput, match="known kind"):
        TransformerInside(pipeline.vae, pipeline.tokenizer, lambda texts: [[0]], None)
