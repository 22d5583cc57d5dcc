"""Samplers against problems with known answers; seeds, guidance and batches against bit equality."""

import itertools
from collections.abc import Callable, Iterator

import pytest
import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler

from mindseye.imagine.diffusion.config import DiffusionConfig
from mindseye.imagine.diffusion.model import Diffusion
from mindseye.imagine.diffusion.sample import SAMPLERS, guided, shifted_times, weight_at
from mindseye.imagine.family import Blend, Given, Settings, normal_numbers
from mindseye.learn.batch import Words
from mindseye.randomness import rng_at

ORDER = {"euler": 1, "heun": 2, "adams-bashforth": 2}  # of those that solve the equation itself


def times(steps: int) -> torch.Tensor:
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def fresh(count: int):
    """Independent normal numbers for each step."""
    return lambda step: torch.from_numpy(rng_at(1, "fresh", step).standard_normal(count))


def gaussian_field(mean: float, std: float):
    """The exact velocity when the data are N(mean, std^2): v = (x_t - E[x | x_t]) / t."""

    def field(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        variance = (1 - t) ** 2 * std**2 + t**2
        expected_clean = mean + (1 - t) * std**2 / variance * (x - (1 - t) * mean)
        return (x - expected_clean) / t

    return field


def last(iterator):
    *_, value = iterator
    return value


def steps_of(name: str, field, x: torch.Tensor, times: torch.Tensor, fresh) -> Iterator[torch.Tensor]:
    """Where a sampler stands after each step, in this field."""
    sampling = SAMPLERS[name](x, times, fresh)
    came = next(sampling, None)
    while came is not None:
        if isinstance(came, tuple):
            came = sampling.send(field(*came))
        else:
            yield came
            came = next(sampling, None)


@pytest.mark.parametrize("name", SAMPLERS)
def test_on_gaussian_data_every_sampler_reproduces_mean_and_standard_deviation(name: str) -> None:
    noise = torch.from_numpy(rng_at(0, "gauss").standard_normal(20_000))
    noise = (noise - noise.mean()) / noise.std()
    steps = times({"euler": 400, "ancestral": 1600}.get(name, 40))
    x = last(steps_of(name, gaussian_field(0.3, 0.25), noise, steps, fresh(20_000)))
    # the last step, to t = 0, is Euler's: it ends on the posterior mean, whose spread is 0.6 % too small at 40 steps
    assert x.mean().item() == pytest.approx(0.3, rel=0.01)
    assert x.std().item() == pytest.approx(0.25, rel=0.01)


@pytest.mark.parametrize("name", ORDER)
def test_halving_the_steps_raises_the_error_by_the_order_of_the_sampler(name: str) -> None:
    """On dx/dt = x from t = 1 to 0, whose answer is x(0) = x(1) / e."""
    start = torch.ones(1, dtype=torch.float64)
    exact = torch.exp(torch.tensor(-1.0, dtype=torch.float64))
    ends = [last(steps_of(name, lambda x, t: x, start, times(steps), fresh(1))) for steps in (40, 80)]
    errors = [(end - exact).abs().item() for end in ends]
    # Heun's last step is Euler's, and Adams-Bashforth's first: one step of order 1 costs a global error of order 2
    assert errors[0] / errors[1] == pytest.approx(2 ** ORDER[name], rel=0.15)


@pytest.mark.parametrize("name", SAMPLERS)
def test_on_data_of_two_points_every_sampler_lands_on_one_of_them(name: str) -> None:
    points = torch.tensor([-0.7, 0.6], dtype=torch.float64)

    def field(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        log_weight = -((x[:, None] - (1 - t) * points) ** 2) / (2 * t**2)
        return (x - log_weight.softmax(1) @ points) / t

    noise = torch.from_numpy(rng_at(0, "two points").standard_normal(500))
    x = last(steps_of(name, field, noise, times(40), fresh(500)))
    assert (x[:, None] - points).abs().min(1).values.max() < 1e-4
    assert 0.3 < (x > 0).double().mean() < 0.7


def test_the_ancestral_sampler_keeps_no_noise_from_the_first_step_and_all_of_it_in_a_step_of_no_length() -> None:
    start = torch.full((1,), 5.0, dtype=torch.float64)
    first = next(steps_of("ancestral", lambda x, t: x, start, torch.tensor([1.0, 0.5]), lambda step: torch.zeros(1)))
    assert first.item() == 0, "at t = 1 the clean picture is x - v = 0, and the fresh noise is 0 here"
    still = next(steps_of("ancestral", lambda x, t: x, start, torch.tensor([0.5, 0.5]), lambda step: torch.ones(1)))
    assert still.item() == pytest.approx(5.0)


def test_noise_between_two_seeds_is_as_large_as_theirs_and_ends_in_them() -> None:
    shape = (4, 64, 64)
    begin, end = normal_numbers(3, shape), normal_numbers(8, shape)
    assert torch.equal(normal_numbers(Blend(3, 8, 0.0), shape), begin)
    assert torch.equal(normal_numbers(Blend(3, 8, 1.0), shape), end)
    middle = normal_numbers(Blend(3, 8, 0.5), shape)
    assert middle.std().item() == pytest.approx(1, abs=0.02)
    assert torch.allclose(middle, normal_numbers(Blend(8, 3, 0.5), shape), atol=1e-5)
    assert torch.equal(normal_numbers(Blend(3, 3, 0.4), shape), begin)


def test_guidance_is_linear_and_exact_at_its_ends() -> None:
    against, with_caption = torch.tensor([1.0]), torch.tensor([3.0])
    assert guided(with_caption, against, 2.0).item() == 5.0
    assert guided(with_caption, against, 1.0) is with_caption
    assert guided(with_caption, against, 0.0) is against


def test_more_guidance_than_one_is_for_the_noise_levels_of_the_interval() -> None:
    def at(t: float, guidance: float) -> float:
        return weight_at(t, guidance, (0.4, 0.97))

    assert [at(t, 5.0) for t in (1.0, 0.98, 0.97, 0.6, 0.4, 0.39, 0.0)] == [1, 1, 5, 5, 5, 1, 1]
    assert [at(t, 0.5) for t in (1.0, 0.6, 0.0)] == [0.5, 0.5, 0.5], "less than 1 is for all of them"


def test_the_interval_changes_the_picture_and_an_empty_one_takes_the_guidance_away(model) -> None:
    def drawn(interval: tuple[float, float], guidance: float) -> torch.Tensor:
        model.config = model.config.model_copy(update={"guidance_interval": interval})
        return draw(model, [caption(1)], [0], guidance=guidance)

    plain = drawn((0.0, 1.0), 1.0)
    assert torch.equal(drawn((0.999, 0.999), 4.0), plain)
    whole, part = drawn((0.0, 1.0), 4.0), drawn((0.4, 0.97), 4.0)
    assert not torch.equal(part, whole) and not torch.equal(part, plain)


@pytest.mark.parametrize("interval", [(0.5, 0.4), (-0.1, 1.0), (0.0, 1.1)])
def test_an_interval_that_is_none_is_refused(model, interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="guidance_interval"):
        DiffusionConfig.model_validate({**model.config.model_dump(), "guidance_interval": interval})


def test_guiding_the_clean_picture_the_noise_or_the_velocity_is_the_same() -> None:
    generator = torch.Generator().manual_seed(0)
    x_t, c, u = torch.randn(3, 100, generator=generator, dtype=torch.float64)
    t, w = 0.37, 2.5
    by_clean = guided(c, u, w)
    by_velocity = x_t - t * guided((x_t - c) / t, (x_t - u) / t, w)
    by_noise = (x_t - t * guided((x_t - (1 - t) * c) / t, (x_t - (1 - t) * u) / t, w)) / (1 - t)
    torch.testing.assert_close(by_velocity, by_clean, atol=1e-12, rtol=0)
    torch.testing.assert_close(by_noise, by_clean, atol=1e-12, rtol=0)


def test_a_schedule_with_shift_three_turns_one_half_into_three_quarters() -> None:
    assert shifted_times(steps=2, shift=3.0).tolist() == [1.0, 0.75, 0.0]


def test_the_times_are_those_of_the_scheduler_that_the_folder_names() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=[1 - step / 12 for step in range(12)])
    torch.testing.assert_close(shifted_times(steps=12, shift=3.0), scheduler.sigmas, atol=1e-6, rtol=0)


@pytest.fixture
def model(tiny_model: Callable[[], Diffusion]) -> Diffusion:
    return tiny_model()


def caption(number: int) -> Words:
    tokens = torch.from_numpy(rng_at(number, "caption").standard_normal((1, 32, 384), dtype="float32"))
    return Words(tokens, torch.ones(1, 32, dtype=torch.bool), tokens.mean(1))


def draw(model, captions, seeds, negative=None, **fields):
    return last(model.draw(Words.cat(captions), negative, seeds, Settings(**fields))).pictures


def test_a_picture_is_the_same_bytes_alone_and_in_any_company(model) -> None:
    alone = draw(model, [caption(2)], [7])
    company = [(caption(number), seed) for number, seed in ((1, 3), (2, 7), (3, 9), (4, 4), (5, 1), (6, 0))]
    for count in (2, 3, 4, 5, 6):
        together = draw(model, [words for words, _ in company[:count]], [seed for _, seed in company[:count]])
        assert torch.equal(together[1], alone[0]), count
    for order in itertools.islice(itertools.permutations(company), 0, 720, 131):
        together = draw(model, [words for words, _ in order], [seed for _, seed in order])
        assert torch.equal(together[[seed for _, seed in order].index(7)], alone[0])


COMPANY = [  # seed, caption, negative caption, settings, strength of a variation (1 is no given picture)
    (7, 1, None, {"steps": 3}, 1.0),
    (8, 2, 9, {"steps": 5, "sampler": "euler", "guidance": 2.0}, 1.0),
    (9, 3, None, {"steps": 4, "sampler": "ancestral", "guidance": 1.0}, 1.0),
    (1, 4, 2, {"steps": 6, "sampler": "adams-bashforth", "guidance": 0.0}, 0.5),
    (2, 5, None, {"steps": 2, "guidance": 8.0}, 0.0),
]


@pytest.mark.parametrize("rows", [1, 3])
def test_pictures_that_join_and_leave_between_two_steps_are_those_drawn_alone(
    model, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its own request: in passes of three rows, and of one, whoever is in them, in any order."""
    monkeypatch.setattr("mindseye.imagine.groups.rows_of_a_pass", lambda device, at_once: rows)
    picture = draw(model, [caption(9)], [5])[0].clamp(-1, 1)
    requests = [
        (caption(words), caption(negative) if negative else None, seed, Settings(**fields), given)
        for seed, words, negative, fields, strength in COMPANY
        for given in (None if strength == 1 else Given(picture, strength=strength),)
    ]
    alone = [last(model.draw(words, negative, [seed], *others)).pictures for words, negative, seed, *others in requests]
    for order in itertools.islice(itertools.permutations(range(len(requests))), 0, 120, 29):
        waiting, going = list(order), {}
        while waiting or going:
            if waiting and len(going) < rows:  # one joins, where there is a place, at every step
                number = waiting.pop()
                going[model.begin(*requests[number])] = number
            for drawing in model.advance(list(going), rows):
                if drawing.now.step == drawing.now.steps:
                    assert torch.equal(drawing.now.pictures, alone[going.pop(drawing)])


def test_the_network_is_asked_for_both_conditions_only_where_both_have_a_say(model) -> None:
    """In one pass for those whose guidance is 1, in another for the others: each as large whoever is in it."""
    sizes: list[int] = []
    model.network.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    model.config = model.config.model_copy(update={"guidance_interval": (0.0, 1.0)})
    plain, guided_one = (model.begin(caption(1), None, 0, Settings(steps=9, guidance=w)) for w in (1.0, 3.0))
    for drawings in ([plain], [guided_one], [plain, guided_one]):
        model.advance(drawings, 3)
    assert sizes == [3, 6, 3, 6]


def test_guidance_one_ignores_the_negative_prompt_and_zero_ignores_the_prompt(model) -> None:
    plain = draw(model, [caption(1)], [0], guidance=1.0)
    assert torch.equal(plain, draw(model, [caption(1)], [0], negative=caption(2), guidance=1.0))
    other = draw(model, [caption(3)], [0], negative=caption(2), guidance=0.0)
    assert torch.equal(other, draw(model, [caption(1)], [0], negative=caption(2), guidance=0.0))
    assert torch.equal(other, draw(model, [caption(2)], [0], guidance=1.0))


def test_seeds_give_different_noise_over_the_whole_range() -> None:
    noises = [normal_numbers(seed, (4,)) for seed in (0, 1, 2**31, 2**32 - 1)]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(noises, 2))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_completion_is_the_given_picture_where_it_is_known_and_follows_the_prompt_elsewhere(
    model, sampler: str
) -> None:
    picture = draw(model, [caption(9)], [5])[0].clamp(-1, 1)
    left = torch.arange(16).expand(16, 16) < 8
    settings = Settings(sampler=sampler, steps=3)
    one, other = (
        last(model.draw(caption(number), None, [0], settings, Given(picture, left))).pictures[0] for number in (1, 2)
    )
    for completed in (one, other):
        assert torch.equal(completed[:, left], picture[:, left])
    assert not torch.equal(one[:, ~left], other[:, ~left])


def test_the_network_sees_the_known_pixels_as_noisy_as_the_others(model) -> None:
    """Where all is known the picture goes straight from its noise to what it is, whichever sampler draws it."""
    picture = draw(model, [caption(9)], [5])[0].clamp(-1, 1)
    everything = torch.full((16, 16), True)
    for sampler in ORDER:
        settings = Settings(sampler=sampler, steps=4)
        for noisy, t in network_inputs(model, settings, Given(picture, everything)):
            torch.testing.assert_close(noisy, straight(picture, t), atol=1e-4, rtol=0)


def test_a_variation_begins_at_the_noised_picture_and_takes_its_share_of_the_steps(model) -> None:
    picture = draw(model, [caption(9)], [5])[0].clamp(-1, 1)
    for strength, calls in ((1.0, 10), (0.5, 5), (0.01, 1)):
        inputs = network_inputs(model, Settings(sampler="euler", steps=10), Given(picture, strength=strength))
        noisy, t = inputs[0]
        assert len(inputs) == calls
        assert t.item() == pytest.approx(3 * strength / (1 + 2 * strength), abs=1e-6), "the model's shift of 3"
        torch.testing.assert_close(noisy, straight(picture, t), atol=1e-6, rtol=0)


def network_inputs(model, settings: Settings, given: Given) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The noisy picture and the noise level of each call of the network while a picture is drawn."""
    seen = []
    handle = model.network.register_forward_pre_hook(lambda module, inputs: seen.append((inputs[0][0], inputs[1][0])))
    list(model.draw(caption(1), None, [0], settings, given))
    handle.remove()
    return seen


def straight(picture: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return (1 - t) * picture + t * normal_numbers(0, tuple(picture.shape), "given")


def test_looking_changes_no_byte_and_the_shares_of_picture_and_words_add_up_to_one(model) -> None:
    two = Words.cat([caption(1), caption(2)])
    pictures, maps = model.attention(two, None, [3, 4], Settings(steps=2))
    assert torch.equal(pictures, draw(model, [caption(1), caption(2)], [3, 4], steps=2))
    assert maps.shape == (2, 32, 8, 8)
    shown = []
    list(model.draw(caption(1), None, [3], Settings(steps=2), look=shown.append))
    assert len(shown) == 2 * (2 + 1), "two blocks, two calls in the first of Heun's steps and one in the last"
    assert [len(each) for each in shown] == [1, 1, 2, 2, 2, 2], "guidance has no say yet at t = 1"
    total = torch.cat(shown).sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total))
    mean = torch.stack([each[0] for each in shown])[:, :, :, 64:].mean((0, 1)).T.unflatten(1, (8, 8))
    torch.testing.assert_close(maps[0], mean)


def test_padding_is_not_looked_at(model) -> None:
    short = Words(caption(1).tokens, torch.arange(32)[None] < 5, caption(1).sentence)
    _, maps = model.attention(short, None, [3], Settings(steps=2))
    assert maps[0, :5].min() > 0 and maps[0, 5:].max() == 0


def test_no_caption_is_the_condition_without_caption(model) -> None:
    none = Words(torch.zeros(1, 32, 384), torch.zeros(1, 32, dtype=torch.bool), torch.zeros(1, 384))
    assert none.absent.tolist() == [True] and caption(1).absent.tolist() == [False]
    plain = draw(model, [none], [0], guidance=1.0)
    torch.testing.assert_close(plain, draw(model, [caption(1)], [0], guidance=0.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(plain, draw(model, [none], [0], guidance=8.0), atol=1e-4, rtol=0)


def test_progress_counts_every_step_once_and_ends_with_finite_pictures(model) -> None:
    seen = list(model.draw(Words.cat([caption(1)] * 5), None, range(5), Settings(steps=3)))
    assert [(progress.step, progress.steps) for progress in seen] == [(i, 15) for i in range(1, 16)]
    assert seen[-1].pictures.shape == (5, 4, 16, 16)
    assert torch.isfinite(seen[-1].pictures).all()
