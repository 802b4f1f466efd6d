"""A whole run of either loop: compile, train in chunks, look after each, and save."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp

from maddpg.algorithm.state import TrainState
from maddpg.config import CheckpointConfig
from maddpg.config.checks import require
from maddpg.storage.arrays import save_tree
from maddpg.storage.files import require_plain
from maddpg.storage.lines import Lines
from maddpg.storage.run_folder import RunFolder
from maddpg.training.best import Best
from maddpg.training.build import Parts
from maddpg.training.checkpointing import Checkpoints
from maddpg.training.frozen import freeze
from maddpg.training.health import NotFinite, first_not_finite
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.journal import Journal
from maddpg.training.memory import exhaustion_told, require_memory
from maddpg.training.pace import Pace
from maddpg.training.progress import Phase, Progress
from maddpg.training.refilling import Refill
from maddpg.training.run_state import RunState
from maddpg.training.saved import networks, note_steps
from maddpg.training.trained import Trained
from maddpg.types import PyTree


class NotSaved(RuntimeError):
    """What was learned could not be written."""


def train(
    parts: Parts,
    folder: RunFolder,
    tell: Callable[[Progress], None] = lambda _: None,
    *,
    checkpoints: CheckpointConfig | None = None,
    say: Callable[[str], None] = warnings.warn,
    resume: bool = False,
) -> Trained:
    """Train what `build` made of a resolved configuration, and save it into `folder`.

    The state that is saved is the last one known to be finite.

    Args:
        parts: what is trained.
        folder: where everything is written.
        tell: hears how far it is, about twice a second.
        checkpoints: when the run is written down, so that it can go on; never if left out.
        say: hears where it goes on from, and what went wrong and was survived, a line each.
        resume: whether to go on from the newest checkpoint in `folder`; from the beginning where there is none.

    Raises:
        ValueError: the run would not fit into memory, or the checkpoint is of another run or a later version.
        NotFinite: NaN or infinity turned up.
        BadEnvironment, EnvironmentFailed: an environment in Python cannot go on.
        After any of the last three, what was learned before is saved.
        NotSaved: it could not be written.
    """
    run = Run(parts, folder, tell, checkpoints=checkpoints, say=say, resume=resume)
    if resume:
        say(f"resumed at step {run.rounds * parts.config.training.round_steps:_}{'' if run.rounds else ': there is no checkpoint yet'}")
    try:
        with stop_on_interrupt() as stop:
            run.advance(parts.config.training.rounds, lambda: stop.asked)
    except BaseException:
        run.stage.close()
        raise
    finally:
        run.close()
    return replace(run.result(), signal=stop.signal)


class Run:
    """A run under way. It lives in memory until it is closed, and can go on for as many rounds as one likes."""

    def __init__(
        self,
        parts: Parts,
        folder: RunFolder,
        tell: Callable[[Progress], None] = lambda _: None,
        *,
        learned: Mapping[str, PyTree] | None = None,
        before: Sequence[int] | None = None,
        checkpoints: CheckpointConfig | None = None,
        say: Callable[[str], None] = warnings.warn,
        resume: bool = False,
    ) -> None:
        """Begin, with fresh networks or with those `learned` before (as `networks` names them); the folder gets the configuration.

        `before` says for how many steps each seed's were trained then; `networks` that are loaded hold frozen teams too. The other
        arguments, and what is raised, are those of `train`.
        """
        self.parts, self.training, self.folder, self.tell = parts, parts.config.training, folder, tell
        self.stage = parts.stage(self.training.evaluation_episodes)
        self.rounds = 0
        self.learner: TrainState | None = None  # the last one known to be finite
        self._loop, self._learned, self._before, self._say = parts.loop, learned or {}, before or [0] * self.training.seeds, say
        self._run: RunState | None = None
        self._refill: Refill | None = None  # where a checkpoint had no replay
        self._advanced = False
        self._paces = {True: Pace(), False: Pace()}  # with and without updates
        require_memory(self._loop, self.training.seeds)
        best = Best(folder.best, self.training.all_seeds)
        self._journal = Journal(self._loop, parts.hyper, self.stage, Lines(folder.metrics), best, self._surviving)
        self._checkpoints = Checkpoints(folder, checkpoints, parts) if checkpoints else None
        with self._must_save(folder.path):
            if resume and self._checkpoints:
                self._resume(self._checkpoints)
        self._frozen = parts.frozen if self._run is None and not self._learned else {}
        if not resume:
            with self._must_save(folder.path):
                folder.write_config(parts.config, checkpoints)
        self._planned = (folder.read_config() if resume else parts.config).training.steps
        self._checkpoint_config = checkpoints

    def advance(self, rounds: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Go on until so many rounds are done in all, or until `stop` says so between two chunks of work.

        Raises:
            NotFinite, BadEnvironment, EnvironmentFailed: it cannot go on; `learner` is what was learned before.
            ValueError: that is more than can be counted, memory ran out, or it could not go on before.
            NotSaved: it is to go on past its end, and the new one could not be noted in its folder.
        """
        most, size = self.training.most_rounds, self.training.round_steps
        require(rounds <= most, "steps", rounds * size, f"a run may take {most * size:_}: counters live in 32 bits")
        if self._run is None and self.learner is not None:
            raise ValueError("this run failed and cannot go on; save it, and begin another one with its networks")
        self._advanced = True
        self._note_end(rounds)
        self._tell(rounds)
        run = self._run or self._start()
        if self.rounds >= rounds:  # the lines of an end come after its checkpoint
            self._run = self._write_down(run, last=True)
        asked = False
        while self.rounds < rounds and not asked:
            learning = self.rounds >= self._learns_from
            play = self._refill.play if self._refill else self._loop.warm_up
            work, pace = self._loop.train if learning else play, self._paces[learning]
            end = rounds if learning else min(rounds, self._learns_from)
            length = min(pace.length, self._rounds_until_due(), end - self.rounds)
            began = time.perf_counter()
            self._run = None  # donated: if this fails there is nothing to go on with
            with exhaustion_told(self._loop):
                run = jax.block_until_ready(work(self.parts.hyper, run, length))
            pace.record(length, time.perf_counter() - began)
            self._require_finite(run, self.rounds + length)
            self.rounds += length
            self.learner = _copy(run.learner)
            asked = stop()
            self._run = run = self._write_down(run, last=asked or self.rounds == rounds)
            self._tell(rounds)
            if not asked and stop():  # whoever was told has had enough
                self._run, asked = self._write_down(run, last=True), True

    def networks(self) -> dict[str, PyTree]:
        """All networks that there are, by name: what is saved."""
        assert self.learner is not None
        return networks(self.learner)

    @property
    def trained_steps(self) -> tuple[int, ...]:
        """Environment steps that each seed's networks were trained for in all."""
        return tuple(before + self.rounds * self.training.round_steps for before in self._before)

    def result(self) -> Trained:
        """What it has come to so far."""
        assert self.learner is not None
        return Trained(
            self.parts,
            self.stage,
            self.learner,
            steps=self.rounds * self.training.round_steps,
            updates=int(self.learner.updates[0]),
            steps_per_second=self._steps_per_second,
            finished=self.rounds >= self.training.rounds,
            lost_episodes=self._loop.lost_episodes,
        )

    def close(self) -> None:
        """Save the networks and end the environments; the stage stays open for whoever evaluates.

        Raises:
            NotSaved: they, or the last lines of metrics, could not be written.
        """
        if self._run is not None and not self._advanced:  # it was resumed and left as it was: its last lines come again here
            self._run = self._write_down(self._run, last=True)
        self._loop.close()
        if self.learner is not None:
            with self._must_save(self.folder.parameters):
                save_tree(self.folder.parameters, self.networks(), note_steps(self.trained_steps))
                self._journal.lines.flush()

    def _start(self) -> RunState:
        run = self._loop.start(jax.vmap(jax.random.key)(jnp.array(self.training.all_seeds)))
        learned = jax.tree.map(jnp.array, self._learned)  # copied: what was loaded stays, and targets may be the same arrays
        run = replace(run, learner=freeze(replace(run.learner, **learned), self._frozen))
        self.learner = _copy(run.learner)
        return run

    def _resume(self, checkpoints: Checkpoints) -> None:
        """Go on from the newest whole checkpoint; what came later is taken away, since it comes again."""
        require_plain(self.folder.path)
        resumed, complaints = checkpoints.resume()
        for complaint in complaints:
            self._say(complaint)
        if resumed is None:
            self._journal.lines.cut(0)
            return
        state, remarks = self._loop.restore(resumed.state, resumed.environments)
        for remark in (*resumed.remarks, *self._journal.restore(resumed.journal, resumed.best), *remarks):
            self._say(remark)
        self.rounds, self._run, self.learner = resumed.rounds, state, _copy(state.learner)
        if not resumed.has_replay:
            self._refill = Refill(self._loop, resumed.rounds)
            if self._loop.store.open_ended or self._learns_from < self.training.rounds:
                steps = self.training.warmup_rounds * self.training.round_steps
                self._say(f"the checkpoint has no replay: {steps:_} steps are played without learning, to fill it again")
            elif self.rounds < self.training.rounds:
                self._say("the checkpoint has no replay, and no more steps are left than would fill it again: nothing more is learned")

    def _note_end(self, rounds: int) -> None:
        """Where it is to go on past the end that its folder names: name the new one, and set the evaluation of the old one aside."""
        training = self.training
        steps = training.steps if rounds <= training.rounds else rounds * training.round_steps
        if steps > self._planned:
            with self._must_save(self.folder.path):
                self.folder.set_aside_evaluation()
                config = replace(self.parts.config, training=replace(training, steps=steps))
                self.folder.write_config(config, self._checkpoint_config)
            self._planned = steps

    @property
    def _learns_from(self) -> int:
        """Rounds done when it begins to learn: after the warm-up, or after as many that fill the replay again."""
        return (self._refill.first if self._refill else 0) + self.training.warmup_rounds

    def _write_down(self, run: RunState, last: bool) -> RunState:
        """Lines and a checkpoint, if it is time. The lines of an early end come after it: in a run that goes on they are not there."""
        run = self._journal.write(run, self.rounds)
        if self._checkpoints and (last or self._checkpoints.due(self.rounds)):
            with self._surviving("a checkpoint"):
                self._checkpoints.save(self.rounds, run, self._loop.snapshot(), *self._journal.snapshot())
        return self._journal.write(run, self.rounds, last=True) if last else run

    def _rounds_until_due(self) -> int:
        """Rounds from here to the next line or checkpoint."""
        line = self._journal.rounds_until_due(self.rounds)
        return min(line, self._checkpoints.rounds_until_due(self.rounds) or line) if self._checkpoints else line

    @contextmanager
    def _surviving(self, what: str) -> Iterator[None]:
        """Go on where something cannot be written now."""
        try:
            yield
        except OSError as error:
            step = self.rounds * self.training.round_steps
            self._say(f"{what} could not be written at step {step:_} ({error.strerror or error}); training goes on")

    @contextmanager
    def _must_save(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            again = (
                "; `maddpg resume` goes on from the last checkpoint, once it can be"
                if self._checkpoints and self._checkpoints.saved
                else ""
            )
            raise NotSaved(f"{path} could not be written ({error.strerror or error}){again}") from error

    def _require_finite(self, run: RunState, rounds: int) -> None:
        trouble = first_not_finite(run, self.parts.algorithm, self.training.seed)
        if trouble is not None:
            raise NotFinite(
                f"{trouble} became NaN or infinite by step {rounds * self.training.round_steps:_}; the last good state is saved in "
                f"{self.folder.path}. A smaller actor_rate and critic_rate, or a smaller gradient_clip, often helps"
            )

    @property
    def _steps_per_second(self) -> float:
        """Environment steps of all seeds together in a second of learning, without compiling."""
        return self._paces[True].rounds_per_second * self.training.round_steps * self.training.seeds

    def _tell(self, rounds: int) -> None:
        learning = min(self.rounds, rounds - 1) >= self._learns_from
        phase: Phase = "compiling" if not self._paces[learning].compiled else "training" if learning else "warming up"
        speed = self._paces[True].rounds_per_second
        left = (rounds - self.rounds) / speed if speed else 0.0
        steps, total = self.rounds * self.training.round_steps, rounds * self.training.round_steps
        self.tell(Progress(phase, steps, total, self._steps_per_second, self._journal.episode_return, left, self.training.seeds))


def _copy(learner: TrainState) -> TrainState:
    copied: TrainState = jax.tree.map(jnp.copy, learner)
    return copied
