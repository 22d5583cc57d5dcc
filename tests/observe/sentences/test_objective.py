"""The loss of the sentence VAE: what words cost, what the code costs, and what keeps the code from being ignored."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.observe.sentences.small import batch, config, draws, model

from mindseye.learn.batch import Batch
from mindseye.learn.learner import Draws
from mindseye.observe.sentences import SentencesConfig, SentenceVae
from mindseye.observe.sentences.figures import cost
from mindseye.observe.sentences.objective import (
    RULES,
    Posterior,
    annealed,
    free_bits,
    kl,
    loss,
    sampled,
    scheduled,
    surprise,
    told,
)
from mindseye.observe.sentences.words import BOS, EOS, PAD, UNK, Reader


def nats(made: SentenceVae, shown: Batch, numbers: Draws, of: SentencesConfig) -> float:
    """The loss as a number."""
    return float(loss(made, shown, numbers, of).detach())


TOLD = torch.zeros(1, 7, dtype=torch.bool)  # keep no word


def test_word_dropout_replaces_words_only_and_never_a_mark_or_a_target() -> None:
    ids = torch.tensor([[4, 9, UNK, 5, EOS, PAD, PAD]])
    before = ids.clone()
    assert told(ids, TOLD).tolist() == [[BOS, UNK, UNK, UNK, UNK, EOS, PAD]]
    assert told(ids, ~TOLD).tolist() == [[BOS, 4, 9, UNK, 5, EOS, PAD]]
    assert torch.equal(ids, before)


def test_the_targets_of_a_loss_do_not_change_with_word_dropout() -> None:
    """Whatever is told, a decoder that is sure of every target word has nothing to pay."""
    ids, mask = Reader.of(config()).padded(["a red car"])
    sure = torch.nn.functional.one_hot(ids, 13).float() * 1e4
    assert surprise(sure, ids, mask).tolist() == [0.0]


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_words_are_left_out_at_the_share_that_is_set(share: float) -> None:
    kept = draws(config(word_dropout=share, most_words=6), 3000)["told"].float().mean()
    assert float(kept) == pytest.approx(1 - share, abs=0.01)


def test_the_weight_of_the_kl_is_a_half_at_x0_and_a_logistic_curve_around_it() -> None:
    of = config(anneal_at=40_000, anneal_width=6_400.0)
    assert annealed(40_000, of) == 0.5
    assert annealed(46_400, of) == pytest.approx(1 / (1 + math.exp(-1)))
    assert annealed(0, of) == pytest.approx(1 / (1 + math.exp(6.25)))
    assert annealed(10**9, of) == annealed(math.inf, of) == 1.0
    assert scheduled(40_000, of)["kl_weight"].dtype == np.float32


def test_padded_positions_add_exactly_nothing() -> None:
    ids, mask = Reader.of(config()).padded(["a red car", "the green frog sleeps"])
    logits = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 7, 13), "f4"))
    costs = surprise(logits, ids, mask)
    noisy = torch.where(mask[..., None], logits, 1e6)
    assert torch.equal(surprise(noisy, ids, mask), costs)
    alone = torch.log_softmax(logits[0, :4], 1)[range(4), ids[0, :4]].sum()
    assert float(costs[0]) == pytest.approx(-float(alone), rel=1e-6)


def test_a_decoder_without_preferences_pays_the_logarithm_of_the_vocabulary_a_word() -> None:
    ids, mask = Reader.of(config()).padded(["a red car"])
    assert float(surprise(torch.zeros(1, 7, 13), ids, mask)) == pytest.approx(4 * math.log(13))


def test_the_loss_of_a_sentence_is_the_same_alone_and_among_others() -> None:
    """In nats a sentence: the mean over a batch of equal ones is that of one, whatever their lengths are padded to."""
    of, made = config(free_nats=0.0), model(free_nats=0.0)
    numbers = draws(of, 2)
    each = [
        nats(made, batch(text, of=of), {k: v[i : i + 1] for k, v in numbers.items()}, of)
        for i, text in enumerate(("a red car", "the green frog sleeps"))
    ]
    both = nats(made, batch("a red car", "the green frog sleeps", of=of), numbers, of)
    assert both == pytest.approx(sum(each) / 2, rel=1e-5)


def test_an_empty_sentence_costs_nothing_and_changes_nothing() -> None:
    of, made = config(), model()
    numbers = draws(of, 2)
    with_empty = nats(made, batch("a red car", "", of=of), numbers, of)
    alone = nats(made, batch("a red car", of=of), {k: v[:1] for k, v in numbers.items()}, of)
    assert with_empty == pytest.approx(alone, rel=1e-6)
    assert nats(made, batch("", of=of), draws(of, 1), config(free_nats=0.0)) == 0.0


def test_the_kl_is_that_of_the_log_variance_convention() -> None:
    posterior = Posterior(torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 0.0, math.log(4.0)]]))
    assert kl(posterior)[0].tolist() == pytest.approx([0.0, 0.5, 0.5 * (4 - 1 - math.log(4))])
    assert sampled(posterior, torch.ones(1, 3))[0].tolist() == pytest.approx([1.0, 2.0, 2.0])


def test_free_bits_are_shared_by_the_dimensions() -> None:
    assert float(free_bits(torch.tensor([0.0, 0.5, 3.0, 0.2]), 4.0)) == 1.0 + 1.0 + 3.0 + 1.0
    assert float(free_bits(torch.tensor([0.0, 0.5]), 0.0)) == 0.5


def test_below_the_free_bits_no_gradient_pulls_a_code_to_the_prior() -> None:
    mean = torch.full((1, 4), 0.1, requires_grad=True)
    free_bits(kl(Posterior(mean, torch.zeros(1, 4))).mean(0), 4.0).backward()
    assert mean.grad is not None and not mean.grad.any()


def test_the_weight_scales_the_kl_alone_and_is_one_in_a_held_out_loss() -> None:
    of, made = config(free_nats=0.0, word_dropout=0.0), model(free_nats=0.0, word_dropout=0.0)
    shown, numbers = batch("a red car", of=of), draws(of, 1)
    at = [nats(made, shown, numbers | {"kl_weight": torch.tensor([w])}, of) for w in (0.0, 0.5, 1.0)]
    price = float(kl(made.encode(*Reader.of(of).padded(["a red car"]))).sum().detach())
    assert at[1] - at[0] == pytest.approx(price / 2, abs=1e-4)
    assert nats(made, shown, numbers, of) == pytest.approx(at[2])


def test_the_elbo_that_is_told_is_not_annealed() -> None:
    of = config(anneal_at=10**9)
    ids, mask = Reader.of(of).padded(["a red car"])
    made = model(anneal_at=10**9)
    told_cost = cost(made, ids, mask)
    assert float(told_cost.elbo) == pytest.approx(
        -float((told_cost.surprise + kl(made.encode(ids, mask)).sum()).detach())
    )


def test_a_plain_auto_encoder_neither_pays_nor_adds_noise_and_a_language_model_has_no_code() -> None:
    assert (RULES["autoencoder"].noise, RULES["autoencoder"].price, RULES["language-model"].code) == (0, 0, 0)
    for kind, depends in (("autoencoder", True), ("language-model", False)):
        of, made = config(kind=kind, word_dropout=0.0), model(kind=kind, word_dropout=0.0)
        shown, numbers = batch("a red car", of=of), draws(of, 1)
        once = nats(made, shown, numbers, of)
        assert once == nats(made, shown, numbers | {"noise": numbers["noise"] + 5}, of)
        with torch.no_grad():
            made.to_posterior.bias += 0.5
        assert (once != nats(made, shown, numbers, of)) is depends
