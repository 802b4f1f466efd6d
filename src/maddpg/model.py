"""The face for Python: make it, learn, predict, evaluate, save, load."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from maddpg.algorithm.acting import act, act_greedily
from maddpg.algorithm.availability import availability
from maddpg.algorithm.networks import Network
from maddpg.config import Config, preset
from maddpg.environments.contract import Environment
from maddpg.environments.registry import OWN, Typed, read_environment, resolve
from maddpg.environments.translation import Translator
from maddpg.evaluation.evaluate import evaluate
from maddpg.evaluation.players import SubPolicy, as_trained, choose_players
from maddpg.evaluation.scores import Evaluation
from maddpg.export import export_actors
from maddpg.storage.arrays import save_tree
from maddpg.storage.run_folder import RunFolder, make_run_folder
from maddpg.training.build import Parts, build
from maddpg.training.interrupt import stop_on_interrupt
from maddpg.training.run import Progress, Run
from maddpg.training.saved import fresh_networks, load_networks, trained_steps
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

        Raises:
            ValueError: an environment or settings that do not go together, or a folder that holds something already.
        """
        typed = _typed(env)
        config = config or preset("tuned", "")
        training = config.training if seed is None else replace(config.training, seed=seed)
        # The replay is as large as `replay_capacity` says: nobody knows yet how long this will learn.
        training = replace(training, steps=max(training.steps, training.replay_capacity))
        named = replace(
            config,
            environment=typed.name if typed else str(env),
            arguments={**config.arguments, **(arguments or {})},
            training=training,
        )
        self._set_up(build(resolve(named), typed, actor, critic), folder)

    def _set_up(self, parts: Parts, folder: str | Path | None, learned: Mapping[str, PyTree] | None = None) -> None:
        self.parts = parts
        self._learned = dict(learned or {})
        if folder is None:
            folder = tempfile.mkdtemp(prefix="maddpg-")
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = make_run_folder(Path(folder), parts.config.environment)
        self._run: Run | None = None
        self._closed = False
        self._before = 0  # steps that its networks were trained for before they were loaded
        self._greedy, self._drawn = (jax.jit(partial(function, parts.algorithm)) for function in (act_greedily, act))
        self._translator = Translator(parts.environment)
        self._key = jax.random.key(parts.config.training.seed)

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

        Raises:
            ValueError: steps that are no steps, or not enough memory.
            NotFinite, BadEnvironment, EnvironmentFailed: it cannot go on; what was learned before is kept.
            KeyboardInterrupt: after Ctrl-C, once the chunk under way is done; `learn` can go on from there.
        """
        if steps < 1:
            raise ValueError(f"steps = {steps}: it must be at least 1")
        if self._closed:
            raise ValueError("this model is closed: save it, and load it to go on")
        stop = False

        def tell(progress: Progress) -> None:
            nonlocal stop
            stop = stop or (callback is not None and callback(self, progress) is False)

        if self._run is None:
            self._run = Run(self.parts, self._folder, learned=self._learned)
        self._run.tell = tell
        with stop_on_interrupt() as interrupt:
            self._run.advance(self._run.rounds - (-steps // self.config.training.round_steps), lambda: stop or interrupt.asked)
        if interrupt.asked:
            raise KeyboardInterrupt
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
        algorithm, spec = self.parts.algorithm, self.parts.spec
        rows, alive, mask = self._translator.pack(observations, infos or {})
        there = availability(spec, alive[None], mask[None])
        actor = jax.tree.map(lambda leaf: leaf[self._row(seed)], self.networks["actor"])
        size = algorithm.config.ensemble_size
        if sub_policy != "average" and sub_policy not in range(size):
            raise ValueError(f"sub_policy = {sub_policy!r}: it must be average, or a number from 0 to {size - 1}")
        who = None if size == 1 or sub_policy == "average" else jnp.full((1, spec.agent_count), int(sub_policy))
        if deterministic:
            action = self._greedy(actor, jnp.asarray(rows)[None], who, there)
        else:
            if size > 1 and who is None:
                raise ValueError("sub_policy = 'average' has one action, and none to draw; give the number of a member")
            self._key, key = jax.random.split(self._key)
            action = self._drawn(actor, jnp.asarray(rows)[None], key, None, who, availability=there)
        return self._translator.unpack(np.asarray(action[0]), list(observations))

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
        if not self._learned:
            keys = jax.vmap(jax.random.key)(jnp.array(self.config.training.all_seeds))
            self._learned = fresh_networks(self.parts.algorithm, keys)
        return self._learned

    def save(self, path: str | Path) -> None:
        """Write configuration, networks and metrics into a folder, new or empty, as `maddpg train` does.

        Raises:
            ValueError: the folder holds something already, or cannot be written.
        """
        training = self.config.training
        done = max(self.steps, training.warmup_rounds * training.round_steps + 1)
        folder = make_run_folder(Path(path), self.config.environment)
        folder.write_config(replace(self.config, training=replace(training, steps=done)))
        save_tree(folder.parameters, self.networks, {"steps": str(self._before + self.steps)})
        if self._folder.metrics.is_file():
            shutil.copyfile(self._folder.metrics, folder.metrics)

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
        steps = self._before + self.steps
        return export_actors(
            self.parts, self.networks["actor"], steps, Path(path), agents=agents, format=format, seed=seed, sub_policy=sub_policy
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
    ) -> MADDPG:
        """A saved run. `learn` goes on with its networks; the replay and the optimisers begin anew.

        Args:
            path: the run's folder.
            env: needed where the run was trained on an environment of one's own: the same, which says that you trust it.
            actor: the network of one's own that it was trained with, and `critic` too.
            folder: where metrics of further learning go, new or empty; a temporary one if left out.

        Raises:
            ValueError: no run, a damaged one, or an environment that is not given or another one.
        """
        saved = RunFolder(Path(path))
        config = saved.read_config()
        typed = None if env is None else _typed(env, config.environment)
        if isinstance(env, str) and env != config.environment:
            raise ValueError(f"env = {env!r}: this run was trained on {config.environment}; give that, or leave it out")
        parts = build(config, typed, actor, critic)
        model = cls.__new__(cls)
        model._set_up(parts, folder, load_networks(saved, config, parts.algorithm))
        model._before = trained_steps(saved, config)
        return model

    def close(self) -> None:
        """End the environments in Python, and learning; the networks stay, for `predict`, `evaluate` and `save`."""
        if self._run is not None and not self._closed:
            self._run.close()
            self._run.stage.close()
        self._closed = True
        self._translator.close()

    def __enter__(self) -> MADDPG:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _row(self, seed: int | None) -> int:
        seeds = self.config.training.all_seeds
        if seed is not None and seed not in seeds:
            raise ValueError(f"seed = {seed}: this was trained with {', '.join(map(str, seeds))}")
        return 0 if seed is None else seeds.index(seed)


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
