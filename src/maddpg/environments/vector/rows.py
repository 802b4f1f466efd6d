"""The environments of one worker: stepped one after another, begun again at once where an episode is over, made anew where they fail."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maddpg.config.training import FIRST_EVALUATION_SEED
from maddpg.environments.host import BadEnvironment, HostEnvironment, HostFactory, HostStep
from maddpg.environments.vector.block import Block
from maddpg.environments.vector.faults import IN_A_ROW, EnvironmentFailed, Fault, Report, describe_exception
from maddpg.types import EnvSpec

Seed = int | tuple[int, ...]


def episode_seed(seed: Seed, environment: int, episode: int) -> int:
    """The seed of an environment's episode: below 2**30 in training, and from there to 2**31 in evaluation, so that they share none.

    It does not depend on how environments are spread over workers.
    """
    first = seed[0] if isinstance(seed, tuple) else seed
    drawn = np.random.SeedSequence(seed, spawn_key=(environment, episode)).generate_state(1)[0] >> 2
    return int(drawn) + 2**30 * (first >= FIRST_EVALUATION_SEED)


def _without_teams(spec: EnvSpec) -> EnvSpec:
    """What stepping depends on: a run may put agents on other teams than their environment does."""
    return replace(spec, agents=tuple(replace(agent, team="") for agent in spec.agents))


class Rows:
    """The environments of one worker, each with its row of the block. They are made when they are first needed."""

    def __init__(self, factory: HostFactory, spec: EnvSpec, block: Block, rows: Sequence[int], seed: Seed) -> None:
        self._factory, self._spec, self._block, self._rows, self._seed = factory, spec, block, rows, seed
        self._environments: dict[int, HostEnvironment] = {}
        self._in_a_row = dict.fromkeys(rows, 0)  # failures since the last good step
        self._faults: list[Fault] = []
        agents = (spec.agent_count,)
        self._shapes = {
            "observation": (*agents, spec.observation_width),
            "state": (spec.state_size,),
            "reward": agents,
            "terminated": agents,
            "truncated": agents,
            "alive": agents,
            "action_mask": (*agents, spec.action_width),
        }

    def obey(self, command: str, step: int) -> Report:
        """Do what the main process asks: `reset` begins an episode everywhere, `replace` too but calls the step lost, `step` steps."""
        self._faults = []
        error: Exception | None = None
        try:
            for row in self._rows:
                if command == "step" and self._block.paused[row]:
                    continue
                if command == "step":
                    self._step(row, step)
                else:
                    self._begin(row, step)
                    self._clear(row, lost=command == "replace")
                    # Environments that begin together would end together.
                    self._block.limit[row] = self._block.first_length[row]
        except (BadEnvironment, EnvironmentFailed) as caught:
            error = caught
        return Report(tuple(self._faults), error)

    def close(self) -> None:
        """Close all environments; what they raise then is of no interest any more."""
        for row in list(self._environments):
            self._forget(row)

    def _step(self, row: int, step: int) -> None:
        """One step of one environment, and the beginning of its next episode if this one is over."""
        block = self._block
        block.clock[row] += 1
        block.total[row] += 1
        try:
            result = self._environments[row].step(block.action[row].copy())
            self._check(result)
        except BadEnvironment as error:
            raise self._place(error, row) from error
        except (Exception, SystemExit) as error:
            self._fail(row, step, error)
            self._begin(row, step)
            self._clear(row, lost=True)
            return
        self._in_a_row[row] = 0
        alive, truncated = result.alive, result.truncated
        if block.clock[row] == block.limit[row]:
            alive, truncated = np.zeros_like(alive), truncated | alive
        over = not alive.any()
        block.next_observation[row] = result.observation
        block.next_state[row] = result.state
        block.next_action_mask[row] = result.action_mask
        block.next_alive[row] = alive | (truncated & ~result.terminated)
        block.reward[row] = result.reward
        block.terminated[row] = result.terminated
        block.truncated[row] = truncated
        block.ended[row] = over
        if over:
            self._begin(row, step)
        else:
            self._act_next(row, result, alive)

    def _begin(self, row: int, step: int) -> None:
        """Begin the next episode of one environment, in a new one where there is none or where it fails."""
        block = self._block
        while True:
            episode = int(block.episode[row])
            block.episode[row] += 1
            try:
                if row not in self._environments:
                    self._make(row)
                fresh = self._environments[row].reset(episode_seed(self._seed, row, episode))
                self._check(fresh)
                if not fresh.alive.any():
                    raise BadEnvironment("nobody is alive after the reset: let at least one agent begin the episode")
            except BadEnvironment as error:
                raise self._place(error, row) from error
            except (Exception, SystemExit) as error:
                self._fail(row, step, error)
            else:
                break
        self._act_next(row, fresh, fresh.alive)
        block.clock[row] = block.limit[row] = 0

    def _act_next(self, row: int, result: HostStep, alive: np.ndarray) -> None:
        """Write what the agents act on next."""
        block = self._block
        block.observation[row] = result.observation
        block.state[row] = result.state
        block.action_mask[row] = result.action_mask
        block.alive[row] = alive

    def _clear(self, row: int, lost: bool) -> None:
        """Write that there was no transition: a row that only began."""
        block = self._block
        block.next_observation[row] = block.observation[row]
        block.next_state[row] = block.state[row]
        block.next_action_mask[row] = block.action_mask[row]
        for array in (block.next_alive, block.reward, block.terminated, block.truncated, block.ended):
            array[row] = 0
        block.lost[row] = lost

    def _make(self, row: int) -> None:
        """Make a row's environment, the same as the others."""
        self._environments[row] = environment = self._factory()
        if _without_teams(environment.spec) != _without_teams(self._spec):
            raise BadEnvironment("its names, spaces or sizes differ from the first one's: make the same environment each time")

    def _check(self, result: HostStep) -> None:
        """Raise where a shape is wrong, since NumPy might spread a smaller array over the row."""
        for name, shape in self._shapes.items():
            if (came := np.shape(getattr(result, name))) != shape:
                raise BadEnvironment(f"{name} has the shape {came} where {shape} belongs: give every array the shape of its specification")

    def _place(self, error: BadEnvironment, row: int) -> BadEnvironment:
        """The same error with the environment and its own count of steps."""
        return BadEnvironment(f"{error} (environment {row}, step {int(self._block.total[row]):_})")

    def _fail(self, row: int, step: int, error: BaseException) -> None:
        """Record an exception and throw its environment away. Raises EnvironmentFailed where that has happened too often in a row."""
        message, traceback = describe_exception(error)
        self._faults.append(Fault("exception", (row,), step, message, traceback))
        self._forget(row)
        self._in_a_row[row] += 1
        if self._in_a_row[row] == IN_A_ROW:
            words = f"environment {row} failed {IN_A_ROW} times without one good step between, the last time with {message}"
            raise EnvironmentFailed(words, traceback) from error

    def _forget(self, row: int) -> None:
        """Close one environment, if there is one, so that a new one takes its place."""
        if row in self._environments:
            with contextlib.suppress(Exception, SystemExit):
                self._environments.pop(row).close()
