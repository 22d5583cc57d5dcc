"""TIME and UCE on networks of the diffusers library: tiny ones with random weights, shaped as Stable Diffusion's."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from mindseye.correct import methods
from mindseye.correct.entrances import PipelineEntrances, text_maps
from mindseye.correct.prompts import standing_for
from mindseye.errors import BadInput
from mindseye.learn.overlay import with_parameters

WORDS = "a an rose blue photo of image picture tulip car".split()
LENGTH, WIDTH = 12, 32


@pytest.fixture(scope="module")
def tokeniser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import CLIPTokenizer

    folder = tmp_path_factory.mktemp("tokeniser")
    pieces = [*"abcdefghijklmnopqrstuvwxyz", *(f"{letter}</w>" for letter in "abcdefghijklmnopqrstuvwxyz")]
    merges: list[str] = []
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        while len(parts) > 1:
            merges += [] if f"{parts[0]} {parts[1]}" in merges else [f"{parts[0]} {parts[1]}"]
            parts = [parts[0] + parts[1], *parts[2:]]
            pieces += [] if parts[0] in pieces else [parts[0]]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=LENGTH)


@pytest.fixture(scope="module")
def text_encoder(tokeniser: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    end = tokeniser.eos_token_id
    torch.random.default_generator.manual_seed(0)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokeniser), hidden_size=WIDTH, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, max_position_embeddings=LENGTH, eos_token_id=end, pad_token_id=end,
            bos_token_id=tokeniser.bos_token_id,
        )
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def unet() -> Any:
    from diffusers import UNet2DConditionModel

    torch.random.default_generator.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(32, 32), layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH, attention_head_dim=8, norm_num_groups=8,
    ).eval()  # fmt: skip


@pytest.fixture(scope="module")
def entrances(unet: Any, text_encoder: Any, tokeniser: Any) -> PipelineEntrances:
    def states(prompts: Sequence[str]) -> torch.Tensor:
        encoded = tokeniser(list(prompts), padding="max_length", max_length=LENGTH, return_tensors="pt")
        with torch.no_grad():
            return text_encoder(encoded.input_ids).last_hidden_state

    return PipelineEntrances(unet, states, tokeniser, causal=True)


def predicted(unet: Any, states: torch.Tensor) -> torch.Tensor:
    noisy = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return unet(noisy, torch.tensor([500]), states[None]).sample


def test_every_cross_attention_and_no_self_attention_is_an_entrance(unet: Any, entrances: PipelineEntrances) -> None:
    names = {each.matrix for each in entrances.entrances}
    crossing = {f"{name}.weight" for name, _ in unet.named_modules() if name.endswith(("attn2.to_k", "attn2.to_v"))}
    assert names == crossing and len(names) >= 8


def test_every_token_padding_too_stands_for_its_own_in_the_destination(entrances: PipelineEntrances) -> None:
    source, destination = entrances.read(["a rose", "a blue rose"])
    groups = standing_for(source, destination, entrances.same)
    assert [group[-1] for group in groups] == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11]


def test_with_little_lambda_the_source_draws_what_the_destination_would_with_its_tokens(
    unet: Any, entrances: PipelineEntrances
) -> None:
    layers = methods.time(entrances, [("a rose", "a blue rose")], lam=1e-6)
    weights = {name: layer.added_to(unet.get_parameter(name).detach()).float() for name, layer in layers.items()}
    edited = with_parameters(unet, weights)
    source, destination = entrances.read(["a rose", "a blue rose"])
    places = [group[-1] for group in standing_for(source, destination, entrances.same)]
    before, wanted = predicted(unet, source.tokens), predicted(unet, destination.tokens[places])
    after = predicted(edited, source.tokens)
    assert (after - wanted).norm() < 0.05 * (before - wanted).norm()


def test_the_pipelines_own_network_is_never_touched(unet: Any, entrances: PipelineEntrances) -> None:
    before = copy.deepcopy(unet.state_dict())
    layers = methods.uce(entrances, [("a rose", "a tulip"), ("a car", "")], preserve=["a photo"])
    weights = {name: layer.added_to(unet.get_parameter(name).detach()).float() for name, layer in layers.items()}
    with_parameters(unet, weights)
    assert all(torch.equal(value, before[name]) for name, value in unet.state_dict().items())
    assert all(layer.left.shape[1] == 2 for layer in layers.values()), "one row a concept"


def test_joint_text_tokens_have_one_entrance() -> None:
    from diffusers import SD3Transformer2DModel

    network = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=24, caption_projection_dim=16, pooled_projection_dim=8, out_channels=4,
    )  # fmt: skip
    [entrance] = text_maps(network, 24)
    assert entrance.matrix == "context_embedder.weight" and entrance.weight.shape == (16, 24)


def test_a_network_that_takes_no_such_words_is_refused(unet: Any) -> None:
    with pytest.raises(BadInput, match="entrance"):
        text_maps(unet, 7)
