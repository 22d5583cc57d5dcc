from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.report.evaluated import HOSTILE, SPLITS, evaluation_of_sprites, following, without_anything
from tests.report.test_inspect import Page

from mindseye.report.compare import compared_figures
from mindseye.report.evaluate import Evaluation
from mindseye.report.evaluation_page import render, render_comparison
from mindseye.think.figure import Figure


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return evaluation_of_sprites(tmp_path_factory.mktemp("evaluated") / "sprites")


@pytest.fixture(scope="module")
def html(evaluation: Evaluation) -> str:
    return render(evaluation)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Evaluation]]:
    """A model that is surely better, and one that is surely worse."""
    folder = tmp_path_factory.mktemp("compared")
    names = ["good <one>", "bad"]
    both = [
        evaluation_of_sprites(folder / "a", shift=0.0, skill=4.0),
        evaluation_of_sprites(folder / "b", shift=1.5, skill=0.0),
    ]
    rows = [{"name": row.name, "verdict": row.verdict} for row in compared_figures(names, both)]
    result = {
        "models": names,
        "collection": "sprites",
        "pictures": both[0].facts["pictures"],
        "judge": "judge of sprites",
        "notes": ["one has <em>few</em> prompts"],
        "rows": rows,
    }
    return result, both


def text_of(html: str) -> str:
    return " ".join(Page(html).text.split())


def table_rows(html: str) -> list[str]:
    return [text_of(row) for row in re.findall(r"<tr>\s*<td>.*?</tr>", html, re.DOTALL)]


def assert_stands_alone(html: str) -> None:
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert all(target.startswith(("data:image/png;base64,", "#")) for target in page.targets)
    assert not re.search(r"url\(|@import|https?://", html)
    anchors = {target[1:] for target in page.targets if target.startswith("#")}
    assert anchors <= set(re.findall(r'id="([^"]+)"', html))
    ids = re.findall(r'id="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_every_figure_stands_in_the_table_with_its_numbers(evaluation: Evaluation, html: str) -> None:
    rows = table_rows(html)
    assert len(rows) == len(evaluation.figures)
    for figure, row in zip(evaluation.figures, rows, strict=True):
        counts = re.search(r"n = ([\d,]+) \w+(?: \w+)?(?:, ([\d,]+) )?", row)
        assert counts is not None, row
        assert [int(count) for count in counts.groups() if count] == [
            count for count in (figure.n_real, figure.n_generated) if count
        ]
        assert figure.encoder in row and figure.seeds in row


def test_every_dot_has_its_interval_and_its_number_of_pictures_beside_it(html: str) -> None:
    values = re.findall(r"<span class='value'>(.*?)</span>", html)
    assert len(values) > 15 and html.count('class="dot"') == len(values)
    assert all(" to " in value and "n\u00a0=\u00a0" in value for value in values)


def test_dots_and_whiskers_stand_where_their_numbers_are(evaluation: Evaluation, html: str) -> None:
    auc = next(figure for figure in evaluation.figures if figure.name == "auc")
    whisker = f'<line class="whisker" x1="{100 * auc.low:.2f}%" x2="{100 * auc.high:.2f}%"'
    assert f'{whisker} y1="50%" y2="50%"/><svg class="dot" x="{100 * auc.value:.2f}%"' in html


def test_the_three_questions_are_answered_in_words(html: str) -> None:
    text = text_of(html)
    for question in (
        "Are the pictures like real ones?",
        "Do they show what was asked?",
        "Are they copies?",
    ):
        assert text.count(question) == 2, "in short, and at length"
    assert "Not measured" not in text
    assert "30 for things seen in training · 14 for things never shown · 12 for known things in another style" in text
    assert "independent: it has seen no picture that the model learnt from" in text
    assert "12.3 s to read the real pictures, 60.1 s to draw, 4.5 s to compute" in text
    assert "a note on <em>something</em>." in text


def test_real_pictures_a_search_and_guessing_stand_on_the_axis_of_r_precision(html: str) -> None:
    assert html.count("<div class='interval retrieval'>") == len(SPLITS)
    assert html.count("<div class='interval real'>") == len(SPLITS) + 1  # and the distance of unseen real pictures
    assert html.count("guessing 1%") == len(SPLITS) + 2  # and the best and the worst words


def test_all_drawn_pictures_are_shown_beside_real_ones_with_their_prompts(evaluation: Evaluation, html: str) -> None:
    pairs = html.count('<figure class="pair">')
    assert evaluation.copies is not None
    assert pairs == sum(SPLITS.values()) + len(evaluation.copies.closest)
    hits = [hit for named in evaluation.hits.values() for hit in named]
    assert html.count('title="named right"') == sum(hits)
    assert html.count('title="named wrong"') == len(hits) - sum(hits)


def test_suspicious_pairs_are_called_so(evaluation: Evaluation, html: str) -> None:
    copies = evaluation.copies
    assert copies is not None
    assert html.count(", suspiciously near</small>") == sum(pair.distance < copies.threshold for pair in copies.closest)


def test_the_page_needs_nothing_else(html: str) -> None:
    assert_stands_alone(html)
    assert '<main class="pixel-art">' in html


def test_prompts_are_text_and_never_markup(html: str) -> None:
    assert HOSTILE in text_of(html)
    assert "<script" not in html and "<em>" not in html


def test_what_could_not_be_measured_is_said_to_be_so(evaluation: Evaluation) -> None:
    html = render(without_anything(evaluation))
    text = text_of(html)
    assert_stands_alone(html)
    assert text.count("Not measured.") == 3
    assert 'class="dot"' not in html and text.count("not available") > 10
    assert "Distances are not available" in text and "None could be computed" in text
    assert "named right by the judge" not in text
    assert html.count('<figure class="pair">') == sum(SPLITS.values())


@pytest.mark.parametrize("missing", ["kid", "r_precision", "copy_rate", "auc"])
def test_one_missing_figure_takes_nothing_else_with_it(evaluation: Evaluation, missing: str) -> None:
    figures = [figure for figure in evaluation.figures if not figure.name.startswith(missing)]
    html = render(replace(evaluation, figures=figures))
    assert_stands_alone(html)
    assert len(table_rows(html)) == len(figures)
    assert "not available" in text_of(html)


def test_a_figure_that_is_not_finite_is_not_drawn(evaluation: Evaluation) -> None:
    figures = [replace(one, value=float("nan")) if one.name == "auc" else one for one in evaluation.figures]
    html = render(replace(evaluation, figures=figures))
    assert "nan" not in text_of(html).lower().split() and 'x="nan' not in html
    assert "not available" in text_of(html)


def test_what_can_be_read_off_a_picture_stands_beside_real_pictures(evaluation: Evaluation) -> None:
    html = render(replace(evaluation, figures=[*evaluation.figures, *following("held_out", 0.4, 20)]))
    assert "What is right, read off the pictures exactly" in text_of(html)
    assert "40% 35% to 45% n = 20 drawn" in text_of(html) and "99% 98% to 100% n = 20 real" in text_of(html)
    assert_stands_alone(html)


def test_a_judge_that_is_not_independent_and_a_foreign_collection_are_flagged(evaluation: Evaluation) -> None:
    assert "The judge has seen the pictures" not in text_of(render(evaluation))
    facts = {**evaluation.facts, "judge_is_independent": False, "trained_on_this": False}
    text = text_of(render(replace(evaluation, facts=facts)))
    assert "The judge has seen the pictures that the model learnt from" in text
    assert "The model was trained on another collection than this one" in text
    assert text.count("Not independent: the judge learnt from the pictures") == len(SPLITS)
    assert "It is not independent: it learnt from the same pictures as the model" in text


def test_too_few_prompts_stand_beside_what_was_measured_with_them(html: str) -> None:
    text = text_of(html)
    assert text.count("Too few prompts") == 2
    assert "Asked for things never shown Too few prompts: 14, where 20 are asked for." in text


def test_what_real_pictures_cost_is_shown_where_a_model_gives_them_a_probability(evaluation: Evaluation) -> None:
    assert "Bits per dimension" not in text_of(render(evaluation))
    costs = [
        Figure(f"bits_per_dimension_bound/{name}", bits, bits - 0.1, bits + 0.1, n, 0, "1,024 numbers of 256 levels")
        for name, bits, n in (("seen", 2.5, 30), ("held_out", 3.25, 14))
    ]
    html = render(replace(evaluation, figures=[*evaluation.figures, *costs]))
    assert_stands_alone(html)
    text = text_of(html)
    assert "Things never shown: 3.25, 3.15 to 3.35, n = 14 real" in text
    assert "Bits per dimension, at most, held out 3.25" in text
    assert "Pictures are 1,024 numbers of 256 levels." in text


def test_figures_that_were_measured_in_different_ways_are_not_compared(evaluation: Evaluation) -> None:
    costs = [Figure("bits_per_dimension/seen", bits, bits, bits, 9, 0, how) for bits, how in ((1, "a"), (2, "b"))]
    both = [replace(evaluation, figures=[cost]) for cost in costs]
    [row] = compared_figures(["one", "other"], both)
    assert row.verdict == "not comparable"
    result = {
        "models": ["one", "other"], "collection": "sprites", "pictures": both[0].facts["pictures"], "judge": "judge",
        "notes": [], "rows": [{"name": row.name, "verdict": row.verdict}],
    }  # fmt: skip
    html = render_comparison(result, both)
    assert '<span class="verdict none">not comparable</span>' in html
    assert "Nowhere that can be relied on" in text_of(html)


def test_an_evaluation_of_pictures_from_elsewhere_has_a_page_too(evaluation: Evaluation) -> None:
    known = {"collection", "fingerprint", "encoder", "judge", "judge_is_independent", "pictures", "figures", "notes"}
    facts = {key: value for key, value in evaluation.facts.items() if key in known}
    assert "<h1>The pictures</h1>" in render(replace(evaluation, facts=facts))


def test_models_are_compared_prompt_by_prompt_and_figure_by_figure(
    two: tuple[dict[str, Any], list[Evaluation]],
) -> None:
    result, both = two
    html = render_comparison(result, both)
    assert_stands_alone(html)
    assert html.count("<figure>") == sum(SPLITS.values()) * 3  # two models and the real picture
    assert html.count('class="panel"') == len(result["rows"])
    assert "one has <em>few</em> prompts." in text_of(html)
    dots = re.findall(r"<span class='value'>(.*?)</span>", html)
    assert len(dots) >= 2 * len(result["rows"]) and all("n\u00a0=\u00a0" in dot for dot in dots)


def test_a_difference_is_named_and_no_difference_is_grey(two: tuple[dict[str, Any], list[Evaluation]]) -> None:
    result, both = two
    verdicts = [row["verdict"] for row in result["rows"]]
    assert {"good <one> is better", "no difference"} <= set(verdicts)
    html = render_comparison(result, both)
    assert html.count('<span class="verdict none">no difference</span>') == verdicts.count("no difference")
    assert "good &lt;one&gt; is better" in html and "<one>" not in html


def test_figures_of_real_pictures_and_of_a_search_are_of_no_model(evaluation: Evaluation) -> None:
    figures = [*evaluation.figures, *following("held_out", 0.4, 20)]
    names = {row.name for row in compared_figures(["a", "b"], [replace(evaluation, figures=figures)] * 2)}
    assert {"kid", "r_precision/held_out", "following_colour/held_out"} <= names
    assert not {name for name in names if "_real" in name or "_retrieval" in name}


def test_models_without_figures_can_be_looked_at_side_by_side(two: tuple[dict[str, Any], list[Evaluation]]) -> None:
    result, both = two
    html = render_comparison({**result, "rows": []}, [without_anything(each) for each in both])
    assert "The models have no figure in common" in text_of(html)
    assert_stands_alone(html)
