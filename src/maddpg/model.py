"""The face for Python: make it, learn, predict, evaluate, save, load."""

from __future__ import annotations

import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp

from maddpg.algorithm.networks import Network
from maddpg.config import CheckpointConfig, Config, preset
from maddpg.environments.contract import Environment
from maddpg.environments.registry import OWN, Typed, read_environment, resolve
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import SubPolicy, as_trained, choose_players
from maddpg.evaluation.predict import Predictor
from maddpg.evaluation.scores import Evaluation
from maddpg.export import export_actors
from maddpg.names import brief
from maddpg.report.card import write_card
from maddpg.settings import merge_by_name
from maddpg.storage.arrays import save_tree
from maddpg.storage.checkpoint import CheckpointFolder
from maddpg.storage.lock import only_one
from maddpg.storage.run_folder import RunFolder, make_run_folder
from maddpg.storage.zoo import find_run
from maddpg.training.build import Parts, build
from maddpg.training.frozen import freeze
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.progress import Progress
from maddpg.training.run import Run
from maddpg.training.saved import fresh_learner, load_networks, networks, note_steps, trained_steps
from maddpg.types import PyTree

Callback = Callable[["MADDPG", Progress], bool | None]
"""What `learn` calls between chunks of work, about twice a second; False ends it."""


class MADDPG:
    """Agents that learn together in one environment (Lowe et al. 2017).

    It can be used in a `with` statement, which ends the worker processes of environments in Python.
    """

    def __init__(
        self,
        env: Any,
        config: Config | None = None,
        *,
        seed: int | None = None,
        arguments: Mapping[str, Any] | None = None,
        actor: Network | None = None,
        critic: Network | None = None,
        folder: str | Path | None = None,
        checkpoints: CheckpointConfig | None = None,
        **settings: Any,
    ) -> None:
        """Put everything together; nothing is compiled or started before it is needed.

        Args:
            env: a name (`simple_spread`, `pettingzoo:sisl.multiwalker_v9`, `jaxmarl:NAME`, `package.module:factory`, ...); a function that
                makes an environment of PettingZoo or Gymnasium, called once for every copy that is played in; or an `Environment` of ours.
            config: all settings; the preset `tuned` if left out. Its environment may be "".
            seed: the first seed, in place of the one in `config`.
            arguments: what the environment is made with, besides those in `config`.
            actor: a network of one's own in place of the perceptron, and `critic` too (docs/changing.md).
            folder: where metrics are written while it learns, and networks when it is closed, new or empty; a temporary one if left out.
            checkpoints: when all of it is written into `folder`, so that `MADDPG.resume` goes on after whatever happened; never if left
                out.
            settings: in place of `config`, any settings by name, as the flags of `maddpg train`: `gamma=0.95, critic_view="own"`.

        Raises:
            ValueError: an environment or settings that do not go together, a setting that there is not, settings beside `config`, a folder
                that holds something already, or checkpoints without a folder.
        """
        if checkpoints and folder is None:
            raise ValueError("checkpoints need a folder that stays: MADDPG(..., folder='runs/mine', checkpoints=CheckpointConfig())")
        typed = _typed(env)
        config = _configure(config, settings)
        named = replace(
            config,
            environment=typed.name if typed else str(env),
            arguments={**config.arguments, **(arguments or {})},
            training=config.training if seed is None else replace(config.training, seed=seed),
        )
        self._set_up(build(resolve(named), typed, actor, critic, open_ended=True), self._make_folder(folder), checkpoints=checkpoints)

    def _make_folder(self, folder: str | Path | None) -> RunFolder:
        """A new one, or one that goes with this model."""
        if folder is None:
            folder = tempfile.mkdtemp(prefix="maddpg-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return make_run_folder(Path(folder), "")

    def _set_up(
        self,
        parts: Parts,
        folder: RunFolder,
        learned: Mapping[str, PyTree] | None = None,
        checkpoints: CheckpointConfig | None = None,
    ) -> None:
        self.parts = parts
        self._learned, self._checkpoints = dict(learned or {}), checkpoints
        self._fresh: dict[str, PyTree] = {}
        self._folder, self._held = folder, ExitStack()
        self._run: Run | None = None
        self._closed = False
        self._before = (0,) * parts.config.training.seeds  # steps that each seed's networks were trained for before they were loaded
        self._predictor = Predictor(parts.algorithm, parts.environment, parts.config.training.seed)

    @property
    def config(self) -> Config:
        """Everything that decides what it does."""
        return self.parts.config

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents' names."""
        return self.parts.spec.names

    @property
    def steps(self) -> int:
        """Environment steps done, for each seed."""
        return self._run.rounds * self.config.training.round_steps if self._run else 0

    @property
    def folder(self) -> Path:
        """Where metrics.jsonl and the rest are written."""
        return self._folder.path

    def learn(self, steps: int, callback: Callback | None = None) -> MADDPG:
        """So many more environment steps for each seed, rounded up to whole rounds; again and again if one likes.

        It warns where that ends inside the warm-up, `warmup_steps` long, before anything was learned.

        Raises:
            ValueError: steps that are no steps, more than can be counted, or not enough memory.
            NotFinite, BadEnvironment, EnvironmentFailed: it cannot go on; what was learned before is kept.
            NotSaved: its folder cannot be written.
            KeyboardInterrupt: after Ctrl-C, once the chunk under way is done; `learn` can go on from there.
        """
        if not isinstance(steps, Real) or not steps >= 1 or not float(steps).is_integer():  # 1.5e6 is a float
            raise ValueError(f"steps = {brief(steps)}: it must be a whole number of at least 1")
        if self._closed:
            raise ValueError("this model is closed: save it, and load it to go on")
        stop = False

        def tell(progress: Progress) -> None:
            nonlocal stop
            stop = stop or (callback is not None and callback(self, progress) is False)

        if self._run is None:
            self._run = self._begin(resume=False)
        self._run.tell = tell
        with stop_on_interrupt() as interrupt:
            self._run.advance(self._run.rounds - (-int(steps) // self.config.training.round_steps), lambda: stop or interrupt.asked)
        if interrupt.asked:
            raise KeyboardInterrupt
        if self._run.rounds <= self.config.training.warmup_rounds:
            warnings.warn(
                f"learn ended inside the warm-up, which takes {self.config.training.warmup_steps:_} steps: nothing was learned yet; "
                "give learn more steps, or MADDPG a smaller warmup_steps",
                stacklevel=2,
            )
        return self

    def predict(
        self,
        observations: Mapping[str, Any],
        infos: Mapping[str, Any] | None = None,
        deterministic: bool = True,
        seed: int | None = None,
        sub_policy: SubPolicy = "average",
    ) -> dict[str, Any]:
        """What the agents do: name -> action, as the environment takes it, for those who have an observation.

        Args:
            observations: name -> observation, as the environment gives it (for worlds on the device, a vector of its true size).
            infos: name -> info, with `action_mask` where choices are forbidden and the observation does not say so.
            deterministic: the most likely action; else one drawn from the policy.
            seed: whose actors, of the seeds that were trained; the first if left out.
            sub_policy: of an ensemble: `average`, or the number of a member.

        Raises:
            ValueError: somebody who is no agent, or an observation that does not fit.
        """
        actor = jax.tree.map(lambda leaf: leaf[self._row(seed)], self.networks["actor"])
        return self._predictor.predict(actor, observations, infos or {}, deterministic, sub_policy)

    def evaluate(self, episodes: int = 100, play: Mapping[str, str] | None = None, sub_policy: SubPolicy = "drawn") -> Evaluation:
        """Whole greedy episodes of every seed, beside random, still and (if there is any) scripted play.

        `play` says who plays a team or an agent instead: `{"good": "random"}`.

        Raises:
            ValueError: fewer than 1 episode, or a player, team or agent that does not exist.
        """
        if episodes < 1:
            raise ValueError(f"episodes = {episodes}: it must be at least 1")
        stage = self.parts.stage(min(episodes, self.config.training.evaluation_episodes), sub_policy)
        algorithm = self.parts.algorithm
        players = choose_players(algorithm, play, stage.scripted) if play else as_trained(algorithm)
        try:
            return evaluate(
                self.parts.spec,
                stage.play(self.networks["actor"]),
                self.config.training.all_seeds,
                episodes,
                players,
                self.config.world.action_mode,
                scripted=stage.scripted,
            )
        finally:
            stage.close()

    @property
    def networks(self) -> dict[str, PyTree]:
        """All networks by name, leaves [seed, agent, ...]: `actor`, [seed, agent, member, ...], and what it was trained with."""
        if self._run is not None and self._run.learner is not None:
            return self._run.networks()
        if self._learned:
            return self._learned
        if not self._fresh:
            algorithm, seeds = self.parts.algorithm, self.config.training.all_seeds
            learner = fresh_learner(algorithm, jax.vmap(jax.random.key)(jnp.array(seeds)))
            self._fresh = networks(freeze(learner, self.parts.frozen))
        return self._fresh

    def save(self, path: str | Path) -> None:
        """Write configuration, networks and metrics into a folder, new or empty, as `maddpg train` does.

        Raises:
            ValueError: the folder holds something already, or cannot be written.
        """
        training = self.config.training
        done = max(*self._trained_steps, training.warmup_rounds * training.round_steps + 1)
        done = min(done, training.most_rounds * training.round_steps)  # loaded again and again, they may be more than a run can have
        folder = make_run_folder(Path(path), self.config.environment)
        config = replace(self.config, training=replace(training, steps=done))
        folder.write_config(config)
        save_tree(folder.parameters, self.networks, note_steps(self._trained_steps))
        if self._folder.metrics.is_file():
            shutil.copyfile(self._folder.metrics, folder.metrics)
        write_card(folder, config, self.parts.spec, max(self._trained_steps))

    def export(
        self,
        path: str | Path,
        agents: Sequence[str] = (),
        format: str = "safetensors",
        seed: int | None = None,
        sub_policy: int | Literal["average"] | None = None,
    ) -> list[Path]:
        """Write each agent's actor alone, with its spaces, into a folder, new or empty; `maddpg.load_policy` loads it (docs/export.md).

        Args:
            path: the folder.
            agents: whose; of all who learned something if left out.
            format: safetensors, onnx or stablehlo.
            seed: of the seeds that were trained; the first if left out.
            sub_policy: of an ensemble: `average`, as if left out, or the number of a member.

        Raises:
            ValueError: a format, agent, seed or member that there is not, a network that the format cannot hold, or a folder with something
                in it.
        """
        return export_actors(
            self.parts,
            self.networks["actor"],
            self._trained_steps,
            Path(path),
            agents=agents,
            format=format,
            seed=seed,
            sub_policy=sub_policy,
        )

    @classmethod
    def load(
        cls,
        path: str | Path,
        env: Any = None,
        *,
        actor: Network | None = None,
        critic: Network | None = None,
        folder: str | Path | None = None,
        best: bool = False,
    ) -> MADDPG:
        """A saved run, or a trained team that comes with this package.

        `learn` goes on with its networks; the replay and the optimisers begin anew.

        Args:
            path: the run's folder, or `zoo:NAME` (docs/zoo.md lists them).
            env: needed where the run was trained on an environment of one's own: the same, which says that you trust it.
            actor: the network of one's own that it was trained with, and `critic` too.
            folder: where metrics of further learning go, new or empty; a temporary one if left out.
            best: the networks of each seed's best evaluation while it trained, in place of those at the end.

        Raises:
            ValueError: no run, a damaged one, or an environment that is not given or another one.
        """
        saved = find_run(path)
        config = saved.read_config()
        parts = build(config, _known(env, config), actor, critic, open_ended=True)
        model = cls.__new__(cls)
        model._set_up(parts, model._make_folder(folder), load_networks(saved, config, parts.algorithm, best))
        model._before = trained_steps(saved, config, best)
        return model

    @classmethod
    def resume(cls, path: str | Path, env: Any = None, *, actor: Network | None = None, critic: Network | None = None) -> MADDPG:
        """A run as its newest whole checkpoint has it, begun here with `checkpoints` or by `maddpg train`.

        `learn` goes on in its folder as if it had never been stopped, and writes checkpoints as before. Where that goes past the run's end,
        its configuration gets the new one, and the evaluation of the old one is set aside.

        Args:
            path: the run's folder.
            env: needed where the run was trained on an environment of one's own: the same, which says that you trust it.
            actor: the network of one's own that it was trained with, and `critic` too.

        Raises:
            ValueError: no run, one without a checkpoint, a checkpoint of another run or a later version, a run that another process trains,
                or an environment that is not given or another one.
        """
        saved = RunFolder(Path(path))
        config, checkpoints = saved.read_config(), saved.read_checkpoint_config()
        newest = CheckpointFolder(saved.checkpoints, checkpoints.checkpoints_kept).found()[:1]
        if not newest:
            raise ValueError(f"{path} has no checkpoint to go on from; MADDPG.load({str(path)!r}) learns on with its networks")
        # Versions before this one did not note that a run had gone on past its end.
        steps = max(config.training.steps, newest[0] * config.training.round_steps)
        config = replace(config, training=replace(config.training, steps=steps))
        parts = build(config, _known(env, config), actor, critic, open_ended=True)
        model = cls.__new__(cls)
        model._set_up(parts, saved, checkpoints=checkpoints)
        model._run = model._begin(resume=True)
        return model

    def close(self) -> None:
        """End the environments in Python, and learning; the networks stay, for `predict`, `evaluate` and `save`."""
        if self._run is not None and not self._closed:
            self._run.close()
            self._run.stage.close()
        self._held.close()
        self._closed = True
        self._predictor.close()

    def __enter__(self) -> MADDPG:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self, resume: bool) -> Run:
        """A run in this model's folder, which nobody else may train in until it is closed."""
        with ExitStack() as stack:
            stack.enter_context(only_one(self._folder.path))
            run = Run(self.parts, self._folder, learned=self._learned, before=self._before, checkpoints=self._checkpoints, resume=resume)
            self._held = stack.pop_all()
        return run

    @property
    def _trained_steps(self) -> tuple[int, ...]:
        """Steps that each seed's networks were trained for in all, those before they were loaded too."""
        return self._run.trained_steps if self._run else self._before

    def _row(self, seed: int | None) -> int:
        seeds = self.config.training.all_seeds
        if seed is not None and seed not in seeds:
            raise ValueError(f"seed = {seed}: this was trained with {', '.join(map(str, seeds))}")
        return 0 if seed is None else seeds.index(seed)


def _configure(config: Config | None, settings: Mapping[str, Any]) -> Config:
    """The configuration that was given whole, or by the names of settings, which the preset `tuned` takes."""
    if config is not None and settings:
        raise ValueError(f"{', '.join(settings)} beside config: settings come from one of the two; put all into config, or leave it out")
    if "steps" in settings:
        raise ValueError(f"steps = {brief(settings['steps'])}: a model learns for as long as it is told; give them to learn")
    return config or merge_by_name(preset("tuned", ""), settings)


def _known(env: Any, config: Config) -> Typed | None:
    """What the caller gave as a saved run's environment; `ValueError` if it is another one."""
    if isinstance(env, str) and env != config.environment:
        raise ValueError(f"env = {env!r}: this run was trained on {config.environment}; give that, or leave it out")
    return None if env is None else _typed(env, config.environment)


def _typed(env: Any, name: str = OWN) -> Typed | None:
    """What the caller gave, as something to trust; None for a plain name."""
    if isinstance(env, str):
        return read_environment(env)
    if isinstance(env, Environment):
        return Typed(name, lambda: env)
    if not callable(env):
        raise ValueError(
            f"env is a {type(env).__name__}: many copies are played in, so give a function that makes one, such as "
            f"lambda: {type(env).__name__}()"
        )
    return Typed(name, env)
