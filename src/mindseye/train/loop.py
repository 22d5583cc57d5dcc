"""The training loop, the same for every family.

Read it from `train` downwards. Time is counted in pictures seen and everything random is a function of that count, so
a training that was stopped, however that happened, goes on to the same weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from pathlib import Path

import torch

from mindseye.collection.collection import Collection
from mindseye.errors import BadInput, MindseyeError, NotFinite
from mindseye.learn.learner import Learner, Objective
from mindseye.recall.repair import unprotect
from mindseye.train.checkpoint import Checkpoint, Position, clear_leftovers, load_latest, save_checkpoint
from mindseye.train.config import Wishes, read_recipe, read_settings
from mindseye.train.data import Prepared
from mindseye.train.distributed import World, world
from mindseye.train.ema import Average
from mindseye.train.estimate import time_line
from mindseye.train.finish import save_finished, save_known
from mindseye.train.learners import learner as learner_named
from mindseye.train.look import look
from mindseye.train.machine import COMPILER_ERRORS, compiled
from mindseye.train.optimiser import height, make_optimiser
from mindseye.train.order import order_digest
from mindseye.train.plan import Resolved, new_plan, recorded_plan
from mindseye.train.progress import Clock, Report, TrainingProgress
from mindseye.train.run import RunFolder
from mindseye.train.setup import Ready, make_ready
from mindseye.train.signals import Interrupted, StopRequest, stop_request
from mindseye.train.start import Start
from mindseye.train.track import tensorboard
from mindseye.wording import counted

REHEARSALS = 2  # compiled steps that the time estimate is taken from

Log = Callable[[str], None]


def train(
    learner: str | Learner,
    collection: Collection,
    run_folder: Path | str,
    *,
    minutes: float | None = None,
    pictures: int | None = None,
    recipe: str | Path | None = None,
    settings: Mapping[str, str] | None = None,
    log: Log = lambda line: None,
    show: Callable[[TrainingProgress], None] | None = None,
    doing: Log = lambda words: None,
) -> RunFolder:
    """Trains a model of a family on a collection, or goes on with a training that was stopped.

    Args:
        learner: its name, e.g. "diffusion", or the record of one of your own.
        collection: opened by `open_collection`.
        run_folder: where everything of this training lives; a new one, or one to go on with.
        minutes, pictures: the goal, one of them; 45 minutes by default. A run that goes on may have it raised.
        recipe: a recipe's name or file; `settings` and the goal given here go before it.
        settings: of `TrainConfig`, and of the model as "model.width".
        log: called with a line of text for people, now and then.
        show: called with the progress every few seconds; without it the progress goes to `log`, too.
        doing: called with a few words on what begins now, e.g. "saving a checkpoint"; "training" are the steps.

    Returns:
        The run folder; its `model` is the finished model's folder.

    Raises:
        BadInput: a setting is unknown or out of range, or contradicts the run that is to go on.
        Unavailable: the disk is full or refuses, memory would not suffice, or the device is not there.
        NotFinite: a loss or gradient is not a finite number; the state before it is kept.
        Interrupted: SIGINT, SIGTERM or SIGHUP came; everything so far is saved.
    """
    if isinstance(learner, str):
        learner = learner_named(learner)
    goal = {name: value for name, value in (("minutes", minutes), ("pictures", pictures)) if value is not None}
    wishes = Wishes(goal).over(read_settings(settings or {}))
    if recipe is not None:
        wishes = wishes.over(read_recipe(recipe, learner.name))
    with world() as peers, stop_request() as stop:
        if not peers.leads:
            log, show, doing = (lambda line: None), (lambda progress: None), (lambda words: None)
        run = RunFolder(run_folder, writes=peers.leads, doing=doing)
        run.doing("planning the training")
        show = show or (lambda progress: log(str(progress)))
        fresh = None if run.begun else new_plan(learner, collection, wishes, log)  # what is refused takes no folder
        with run.lease() if peers.leads else nullcontext():
            _train(run, fresh, learner, collection, wishes, peers, stop, log, show)
    return run


@contextmanager
def _ending_recorded(run: RunFolder) -> Iterator[None]:
    """Writes why a training ended early, if the disk lets it, and lets the error go on its way."""
    try:
        yield
    except (Exception, Interrupted) as error:
        with suppress(MindseyeError):
            if isinstance(error, Interrupted):
                run.event("interrupted", signal=error.signal_number)
            else:
                run.event("error", type=type(error).__name__, message=str(error))
        raise


def _train(
    run: RunFolder,
    fresh: Resolved | None,
    learner: Learner,
    collection: Collection,
    wishes: Wishes,
    peers: World,
    stop: StopRequest,
    log: Log,
    show: Callable[[TrainingProgress], None],
) -> None:
    clear_leftovers(run.checkpoints)
    checkpoint = load_latest(run.checkpoints, log)
    plan = run.read_plan()
    if plan is None:
        resolved = fresh or new_plan(learner, collection, wishes, log)
    else:
        try:
            resolved = recorded_plan(plan, learner, collection, wishes, run, log)
        except BadInput:
            if run.pictures_kept or run.model.exists():
                raise
            log("nothing was learnt by the settings of before, so these are a new beginning")
            resolved = new_plan(learner, collection, wishes, log)
    position = checkpoint.position if checkpoint else Position(order="")
    progress = resolved.train.progress(position.pictures_seen, position.seconds_trained)
    if run.model.exists() and (progress >= 1 or position.copying > resolved.train.copies_allowed):
        if peers.leads:
            save_known(run, learner, collection, resolved, stop, log)
        log(f"{run.path} is finished; its model is {run.model}")
        return
    if plan != resolved.plan:
        if run.writes:
            unprotect(run.path)  # or a repair would bring the plan of before back
        run.write_plan(resolved.plan)
    if plan is None:
        for stage, seconds in collection.info["seconds"].items():  # what its making took, beside what training takes
            run.event(f"collect: {stage}", seconds=seconds, bytes=collection.info.get("bytes", {}).get(stage, 0))
    run.event("started", pictures_seen=position.pictures_seen, processes=peers.size)
    if checkpoint:
        log(f"going on at {counted(position.pictures_seen, 'picture')}")
    with _ending_recorded(run):
        resolved.machine.set_up(log)
        ready = make_ready(run, resolved, learner, collection, peers, log)
        if resolved.train.start and not checkpoint:
            Start.find(resolved.train.start, learner).give(ready.model, resolved.plan.start_sha256, log)
        training = Training(run, ready, peers, stop, log, show)
        if checkpoint:
            training.restore(checkpoint)
        with closing(ready.feed):
            training.go()
        if peers.leads:
            model, position = training.average.model, training.position
            with run.stage("measured", "measuring the finished model"):
                learner.finish(model, (batch.to(training.device) for batch in ready.feed.once()))
            with run.stage("saved", "saving the model") as fields:
                fields["bytes"] = save_finished(run, learner, collection, resolved, model, position, ready.palette)
            run.event("finished", **asdict(position))
            with run.stage("looked at", "looking at the training pictures"):
                save_known(run, learner, collection, resolved, stop, log)
        log(f"finished; the model is {run.model}")


class Training:
    """A training in memory: the model, its average, its optimisers and its position."""

    def __init__(
        self,
        run: RunFolder,
        ready: Ready,
        peers: World,
        stop: StopRequest,
        log: Log,
        show: Callable[[TrainingProgress], None],
    ) -> None:
        self.run, self.ready, self.peers, self.stop, self.log, self.show = run, ready, peers, stop, log, show
        self.config, self.machine = ready.resolved.train, ready.resolved.machine
        self.model, self.objectives = ready.model, ready.objectives
        self.device = torch.device(self.machine.device)
        self.average = Average(self.model, self.config.ema_gamma)
        self.optimisers = {o.name: make_optimiser(self.model, o, self.config) for o in self.objectives}
        self.losses = {o.name: o.loss for o in self.objectives}
        self.position = Position()
        self.report = Report()
        self.mirror = tensorboard(run.path / "tensorboard") if self.config.tensorboard and peers.leads else None

    def go(self) -> None:
        """Trains until the goal is reached, with sample sheets, checkpoints and reports on the way.

        Raises:
            NotFinite, Interrupted, Unavailable: as `train` says.
        """
        if self.config.progress(self.position.pictures_seen, self.position.seconds_trained) < 1:
            self._compile()
        self.stop.at_once = False
        clock = Clock(self.position.seconds_trained, self.config)
        self.report = Report()
        while True:
            self.position.seconds_trained = clock.seconds
            reached, preview_due, checkpoint_due = self.peers.agree(
                self.config.progress(self.position.pictures_seen, clock.seconds),
                clock.preview_due,
                clock.checkpoint_due,
            )
            signal_number = self.peers.any(self.stop.signal_number)
            done = reached >= 1
            if self.report.due or ((done or signal_number) and self.report.steps):
                self._say(reached)
            if (preview_due or done) and not signal_number:
                self._preview()
                clock.previewed()
                done = done or bool(self.peers.any(self.position.copying > self.config.copies_allowed))
            if checkpoint_due or preview_due or done or signal_number:
                self._checkpoint()
                clock.checkpointed()
            if signal_number:
                raise Interrupted(signal_number)
            if done:
                return
            self._advance(reached)

    def _advance(self, reached: float) -> None:
        """One step: the gradient and update of every objective whose turn it is, then the average."""
        self.run.doing("training")
        with self.report.timed("wait"):
            prepared = self.ready.feed.at(self.position.pictures_seen).to(self.device)
        rate = height(self.position.pictures_seen, reached, self.config)
        losses, norms = [], []
        for objective in self.objectives:
            if self.position.steps % objective.every:
                continue
            with self.report.timed("gradient"):
                loss, norm = self._gradient(objective, prepared)
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._not_finite(objective, loss, norm, prepared)
            with self.report.timed("optimiser"):
                self.optimisers[objective.name].step(rate)
                self.optimisers[objective.name].clear()
            losses.append(loss)
            norms.append(norm)
        self.report.add(sum(losses), math.hypot(*norms))
        self.position = replace(
            self.position,
            pictures_seen=self.position.pictures_seen + self.config.batch_size,
            steps=self.position.steps + 1,
            order=order_digest(self.position.order, prepared.samples),
            held_out=None,
            copying=0.0,
        )
        with self.report.timed("average"):
            self.average.update(self.position.steps)

    def _gradient(self, objective: Objective, prepared: Prepared) -> tuple[float, float]:
        """Leaves the clipped gradient of one objective in its parameters; returns the loss and the norm before."""
        mine = self.optimisers[objective.name]
        if len(self.objectives) > 1:
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(name in objective.parameters)
        with self.machine.autocast():
            loss = self.losses[objective.name](self.model, prepared.batch, prepared.draws[objective.name])
        loss.backward()
        loss = self.peers.average(mine.gradients(), loss)
        norm = torch.nn.utils.clip_grad_norm_(mine.parameters.values(), self.config.gradient_clip)
        return float(loss.detach()), float(norm)

    def _not_finite(self, objective: Objective, loss: float, norm: float, prepared: Prepared) -> NotFinite:
        names = self.ready.feed.file_names(prepared.samples)
        first = self.position.pictures_seen
        return NotFinite(
            f"the {objective.name} at {counted(first, 'picture')} is {loss}, its gradient's norm {norm}: "
            "stopped before using it",
            why=f"samples {first} to {first + self.config.batch_size - 1}: {', '.join(names)}",
            next_step="look at these pictures, or begin a new run with a lower learning_rate or precision=float32; "
            "the last checkpoint is intact",
        )

    def _compile(self) -> None:
        """Runs the first step for its products, not its result: the compiled code, and a time estimate."""
        doing = "trying the first step"
        compiling = {o.name for o in self.objectives if o.compiles and self.machine.compiled}
        if compiling:
            doing = "compiling the step, a minute or two"
            self.log(f"{doing}; the training itself begins after that")
        with self.run.stage("compile", doing) as fields:
            self.losses = {o.name: compiled(o.loss) if o.name in compiling else o.loss for o in self.objectives}
            try:
                self._rehearse()
            except COMPILER_ERRORS as error:
                self.log(f"the compiler failed, so the step runs uncompiled ({str(error).splitlines()[0]})")
                self.losses = {o.name: o.loss for o in self.objectives}
                fields["error"] = str(error)
                self._rehearse()
            fields["compiled"] = self.machine.compiled and "error" not in fields
        self.run.doing("measuring the speed")
        began = time.monotonic()
        for _ in range(REHEARSALS):
            self._rehearse()
        speed = REHEARSALS * self.config.batch_size / (time.monotonic() - began)
        self.run.event("speed", pictures_per_second=round(speed, 1))
        self.log(time_line(self.config, self.position.pictures_seen, self.position.seconds_trained, speed))

    def _rehearse(self) -> None:
        """All gradients of the next batch, forgotten at once, and so are the statistics of batch norms."""
        prepared = self.ready.feed.at(self.position.pictures_seen).to(self.device)
        before = [buffer.clone() for buffer in self.model.buffers()]
        for objective in self.objectives:
            self._gradient(objective, prepared)
            self.optimisers[objective.name].clear()
        for buffer, value in zip(self.model.buffers(), before, strict=True):
            buffer.copy_(value)

    def _preview(self) -> None:
        """A look at how far the averaged weights are; nothing in it touches the training."""
        if self.peers.leads:
            look(self.run, self.ready, self.average.model, self.position, self.stop, self.log)

    def _checkpoint(self) -> None:
        if not self.peers.leads:
            return
        with self.run.stage("checkpoint", "saving a checkpoint") as fields:
            parts = {
                "weights": self.model.state_dict(),
                "average": self.average.model.state_dict(),
                "optimiser": {
                    f"{name}/{key}": value for name, mine in self.optimisers.items() for key, value in mine.state()
                },
            }
            path, size = save_checkpoint(self.run.checkpoints, self.position, parts)
            fields.update(asdict(self.position) | {"path": f"checkpoints/{path.name}", "bytes": size})

    def restore(self, checkpoint: Checkpoint) -> None:
        """Takes up where a checkpoint was made."""
        self.position = checkpoint.position
        self.model.load_state_dict(checkpoint.weights)
        self.average.model.load_state_dict(checkpoint.average)
        for name, mine in self.optimisers.items():
            prefix = f"{name}/"
            mine.restore({k.removeprefix(prefix): v for k, v in checkpoint.optimiser.items() if k.startswith(prefix)})

    def _say(self, reached: float) -> None:
        """Reports the last few seconds, and begins the next report."""
        rate = self.config.learning_rate * height(self.position.pictures_seen, reached, self.config)
        progress = self.report.make(self.position.pictures_seen, self.position.seconds_trained, self.config, rate)
        self.run.event("progress", **asdict(progress), order=self.position.order)
        self.show(progress)
        if self.mirror:
            self.mirror(progress)
        self.report = Report()
