"""Every network sees what came before and nothing else, gives a distribution, and remembers exactly."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mindseye.imagine.pixelrnn import PixelRNN
from mindseye.imagine.pixelrnn.causal import CausalConv
from mindseye.imagine.pixelrnn.diagonals import skewed, unskewed
from mindseye.imagine.pixelrnn.network import NETWORKS
from mindseye.learn.batch import Words

SEES_EVERYTHING = ("gpt", "lstm", "gated-pixelcnn", "diagonal-bilstm")
DEEP = {"gpt": 1, "lstm": 1, "gated-pixelcnn": 8, "diagonal-bilstm": 1}  # convolutions reach as far as they are deep
NO_DROP = torch.tensor([False])


def influence(model: PixelRNN, caption: Words) -> Tensor:
    """[place, other place]: whether the prediction at the first depends on the pixel at the second, by the gradient."""
    size = model.config.size_px
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(1, size, size, model.config.width, generator=generator, requires_grad=True)
    out = model.network.forward(pixels, model.condition(caption, NO_DROP)).flatten(1, 2)[0]
    weights = torch.randn(out.shape[1], generator=generator)
    rows = [torch.autograd.grad((value * weights).sum(), pixels, retain_graph=True)[0] for value in out]
    return torch.stack([row.abs().sum(-1).flatten() for row in rows]) > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_no_prediction_depends_on_its_own_pixel_or_a_later_one(network: str, model, captions) -> None:
    seen = influence(model(network=network, size_px=6), captions(0))
    assert not torch.triu(seen).any()
    assert seen[1, 0]
    assert seen[7, 1]  # the pixel above


@pytest.mark.parametrize("network", SEES_EVERYTHING)
def test_a_network_without_a_blind_spot_sees_every_pixel_before(network: str, model, captions) -> None:
    size = 9
    seen = influence(model(network=network, size_px=size, depth=DEEP[network]), captions(0))
    assert torch.equal(seen, torch.tril(torch.ones(size**2, size**2, dtype=torch.bool), diagonal=-1))


def test_a_pixelcnn_has_a_blind_spot_to_the_upper_right_however_deep_it_is(model, captions) -> None:
    """At row 6, column 3 of 9 x 9: the first window shows three columns further, each row further up one more."""
    seen = influence(model(network="pixelcnn", size_px=9, depth=9), captions(0))[6 * 9 + 3]
    unseen = {divmod(place, 9) for place in range(6 * 9 + 3) if not seen[place]}
    assert unseen == {(5, 7), (5, 8), (4, 8)}


def test_a_row_lstm_sees_a_triangle_and_not_the_whole_picture(model, captions) -> None:
    seen = influence(model(network="row-lstm", size_px=9, depth=1), captions(0))[6 * 9].reshape(9, 9)
    reached = [int(row.nonzero().max()) if row.any() else -1 for row in seen]
    # the first window shows three columns further in the row above, and each state above a column more
    assert reached == [8, 7, 6, 5, 4, 3, -1, -1, -1]


@pytest.mark.parametrize("network", NETWORKS)
def test_the_caption_reaches_every_prediction(network: str, model, captions) -> None:
    made = model(network=network)
    pixels = torch.zeros(2, 4, 4, 1, dtype=torch.long)
    one, other = made(pixels, captions(0, 1), torch.tensor([False, False]))
    assert ((one - other).abs().amax(-1) > 1e-4).all()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_probabilities_of_all_2_by_2_pictures_of_three_colours_sum_to_one(network: str, model, captions) -> None:
    made = model(network=network, size_px=2, palette=("#ffffff", "#000000", "#ff0000"))
    pictures = torch.tensor(list(itertools.product(range(3), repeat=4))).reshape(81, 2, 2, 1)
    with torch.no_grad():
        features = made(pictures, captions(*[0] * 81), torch.zeros(81, dtype=torch.bool))
        nats = made.pixels.cost(features, pictures).double().sum((1, 2))
    assert nats.neg().exp().sum().item() == pytest.approx(1, abs=1e-5)
    assert nats.std() > 0.01  # they are not all equally likely


@pytest.mark.parametrize("network", NETWORKS)
def test_stepping_with_a_memory_gives_what_a_look_at_the_whole_picture_gives(network: str, model, captions) -> None:
    made = model(network=network, size_px=6, depth=3)
    words, keep = captions(0, 1, 2), torch.zeros(3, dtype=torch.bool)
    pixels = torch.randint(0, 5, (3, 6, 6, 1), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = made(pixels, words, keep).flatten(1, 2)
        seen = made.pixels.embed(pixels).flatten(1, 2)
        memory = made.network.begin(made.condition(words, keep))
        before = torch.zeros(3, made.config.width)
        for place in range(36):
            step = made.network.step(memory, place, before)
            torch.testing.assert_close(step, whole[:, place], rtol=0, atol=1e-5)
            before = seen[:, place]


def test_a_skewed_map_has_a_row_r_places_to_the_right_and_comes_back() -> None:
    x = torch.arange(1.0, 13).reshape(1, 3, 4, 1)
    expected = [[1, 2, 3, 4, 0, 0], [0, 5, 6, 7, 8, 0], [0, 0, 9, 10, 11, 12]]
    assert skewed(x)[0, ..., 0].tolist() == expected
    assert torch.equal(unskewed(skewed(x)), x)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_parameter_takes_part(network: str, model, captions) -> None:
    made = model(network=network)
    pixels = torch.randint(0, 5, (2, 4, 4, 1), generator=torch.Generator().manual_seed(0))
    made.pixels.cost(made(pixels, captions(0, 1), torch.tensor([False, True])), pixels).sum().backward()
    assert [name for name, parameter in made.named_parameters() if parameter.grad is None] == []
    assert made.objectives()[0].parameters == {name for name, _ in made.named_parameters()}
    assert made.hidden_matrices() < made.objectives()[0].parameters


def test_a_mask_is_what_the_paper_draws() -> None:
    """Which of the 3 x 3 and 7 x 7 places around a pixel have weights, in reading order."""
    assert CausalConv.mask_a(1, 1, 3).taps == 4
    assert CausalConv.mask_b(1, 1, 3).taps == 5
    assert CausalConv.mask_a(1, 1, 7).taps == 24
    conv = CausalConv.mask_b(1, 1, 3)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0]]))
    picture = torch.zeros(1, 3, 3, 1)
    picture[0, 1, 1] = 1
    expected = [[0, 0, 0], [0, 5, 4], [3, 2, 1]]
    assert conv(picture)[0, ..., 0].tolist() == expected


def test_a_convolution_at_one_pixel_and_over_one_row_is_that_over_the_picture() -> None:
    makers: tuple[Callable[[], CausalConv], ...] = (
        lambda: CausalConv.mask_a(3, 2, 7),
        lambda: CausalConv.mask_b(3, 2, 3),
        lambda: CausalConv.line_a(3, 2, 5),
        lambda: CausalConv.line_b(3, 2, 5),
        lambda: CausalConv.block(3, 2, 2, 3),
    )
    picture = torch.randn(2, 5, 5, 3, generator=torch.Generator().manual_seed(0))
    for make in makers:
        conv = make()
        canvas = conv.canvas(picture, 5)
        for row in range(5):
            canvas.put_row(row, picture[:, row])
        whole = conv(picture)
        for row, column in itertools.product(range(5), range(5)):
            torch.testing.assert_close(conv.at(canvas, row, column), whole[:, row, column], rtol=0, atol=1e-5)
            torch.testing.assert_close(conv.at_row(canvas, row), whole[:, row], rtol=0, atol=1e-5)
