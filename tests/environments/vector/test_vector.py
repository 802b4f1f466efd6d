"""Many environments as one, in this process: automatic resets, seeds, first lengths, exceptions, and what is refused."""

from __future__ import annotations

import gc
import threading
from dataclasses import fields, replace

import numpy as np
import pytest

from maddpg.config.training import FIRST_EVALUATION_SEED
from maddpg.environments.host import BadEnvironment
from maddpg.environments.vector import EnvironmentFailed, Vector, VectorStep
from maddpg.environments.vector.rows import episode_seed
from maddpg.evaluation.evaluate import EVALUATION_SEED
from tests.environments.vector.worlds import SEEDS, SPEC, Counter, Make, Trouble, random_actions

COUNT = 3
NOTHING = np.zeros((COUNT, 2, 3), np.float32)


def play(vector, steps):
    """The result of the reset and of `steps` steps without choice."""
    return [vector.reset(), *(vector.step(NOTHING[: vector.count]) for _ in range(steps))]


def trouble(*kinds, **settings):
    return Make(trouble=Trouble(kinds, **settings))


def test_an_episode_from_reset_to_reset():
    with Vector(Make(length=3), COUNT, first_lengths=None) as vector:
        results = play(vector, 4)
        assert vector.spec == SPEC

    np.testing.assert_array_equal([result.next_observation[0, 0, 1] for result in results], [0, 1, 2, 3, 1])
    np.testing.assert_array_equal([result.observation[0, 0, 1] for result in results], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal([result.next_state[0, 0] for result in results], [0, 1, 2, 3, 1])
    np.testing.assert_array_equal([result.state[0, 0] for result in results], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal([result.next_action_mask[0, 0, :2].argmin() for result in results], [0, 1, 0, 1, 1])
    np.testing.assert_array_equal([result.action_mask[0, 0, :2].argmin() for result in results], [0, 1, 0, 0, 1])
    np.testing.assert_array_equal([result.reward[0] for result in results], [[0, 0], [1, 1], [1, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal([result.acted[0] for result in results], [[0, 0], [1, 1], [1, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal([result.alive[0] for result in results], [[1, 1], [1, 1], [1, 0], [1, 1], [1, 1]])
    np.testing.assert_array_equal([result.next_alive[0] for result in results], [[0, 0], [1, 1], [1, 0], [0, 0], [1, 1]])
    np.testing.assert_array_equal([result.terminated[0] for result in results], [[0, 0], [0, 0], [0, 1], [1, 0], [0, 0]])
    np.testing.assert_array_equal([result.ended[0] for result in results], [0, 0, 0, 1, 0])
    assert not any(result.truncated.any() or result.lost.any() for result in results)
    # The fresh observation is the next episode's.
    assert results[3].next_observation[0, 0, 0] == episode_seed(0, 0, 0) % SEEDS
    assert results[3].observation[0, 0, 0] == episode_seed(0, 0, 1) % SEEDS


def test_actions_reach_their_own_environment():
    actions = random_actions(np.random.default_rng(0), 20)
    with Vector(Make(), 20) as vector:
        vector.reset()
        result = vector.step(actions)

    np.testing.assert_array_equal(result.next_observation[:, 0, 2], actions[:, 0].argmax(axis=1))


def test_results_are_copies():
    with Vector(Make(), COUNT) as vector:
        first = play(vector, 1)[-1]
        before = {item.name: getattr(first, item.name).copy() for item in fields(VectorStep)}
        for _ in range(5):
            vector.step(NOTHING + 1)

    for name, value in before.items():
        np.testing.assert_array_equal(getattr(first, name), value)


def test_every_episode_has_a_seed_of_its_own():
    def seeds(seed):
        with Vector(Make(length=1), COUNT, seed=seed) as vector:
            return np.stack([result.observation[:, 0, 0] for result in play(vector, 3)] + [vector.reset().observation[:, 0, 0]])

    assert len(np.unique(seeds(1))) == 5 * COUNT
    np.testing.assert_array_equal(seeds(1), seeds(1))
    assert not np.isin(seeds((1, 500)), seeds(1)).any()


def test_no_episode_of_evaluation_is_one_of_training():
    cases = [(environment, episode) for environment in range(20) for episode in range(20)]
    last, first = FIRST_EVALUATION_SEED - 1, FIRST_EVALUATION_SEED
    trained = {episode_seed(seed, *case) for seed in (0, 1, last, (last, 5_000_000_000)) for case in cases}
    evaluated = {episode_seed(seed, *case) for seed in (first, EVALUATION_SEED, (first, 3)) for case in cases}

    assert len(trained) == 4 * 400
    assert len(evaluated) == 3 * 400
    assert max(trained) < 2**30 <= min(evaluated)
    assert max(evaluated) < 2**31
    assert max(trained) - min(trained) > 0.99 * 2**30
    assert max(evaluated) - min(evaluated) > 0.99 * 2**30


def test_first_episodes_are_truncated_and_later_ones_are_not():
    with Vector(Make(length=4), COUNT, first_lengths=[1, 3, 0]) as vector:
        results = play(vector, 9)
        again = play(vector, 1)[-1]

    ended = np.stack([result.ended for result in results[1:]])
    np.testing.assert_array_equal(ended.T, [[1, 0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0, 1, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1, 0]])
    truncated = np.stack([result.truncated for result in results[1:]])
    assert truncated.sum() == 3
    np.testing.assert_array_equal(truncated[0, 0], [1, 1])
    np.testing.assert_array_equal(truncated[2, 1], [1, 0])  # walker 1 is dead
    np.testing.assert_array_equal(results[1].next_alive[0], [1, 1])
    np.testing.assert_array_equal(results[3].next_alive[1], [1, 0])
    np.testing.assert_array_equal(results[1].alive[0], [1, 1])
    assert (results[1].next_observation[0, 0, 1], results[1].observation[0, 0, 1]) == (1, 0)
    np.testing.assert_array_equal(again.ended, [1, 0, 0])
    whole = np.stack([result.whole for result in results[:5]])
    np.testing.assert_array_equal(whole.T, [[0, 1, 1, 1, 1], [0, 0, 0, 1, 1], [1, 1, 1, 1, 1]])


def test_an_end_at_the_first_length_stays_a_termination():
    with Vector(Make(length=2), 1, first_lengths=[2]) as vector:
        last = play(vector, 2)[-1]

    assert last.ended.all()
    assert last.terminated.all()
    assert not last.truncated.any()
    assert not last.next_alive.any()


def test_who_is_truncated_and_terminated_has_no_value_any_more():
    with Vector(lambda: Altered("truncated", [False, True], 2), 1) as vector:
        last = play(vector, 2)[-1]

    np.testing.assert_array_equal(last.terminated, [[False, True]])
    np.testing.assert_array_equal(last.truncated, [[False, True]])
    np.testing.assert_array_equal(last.next_alive, [[True, False]])


def test_environments_may_keep_the_actions_that_they_are_given():
    given = []

    class Keeper(Counter):
        def step(self, action):
            given.append(action)
            return super().step(action)

    with Vector(Keeper, 1) as vector:
        vector.reset()
        for number in range(3):
            vector.step(NOTHING[:1] + number)

    assert [action[0, 0] for action in given] == [0, 1, 2]


@pytest.mark.parametrize(("length", "first"), [(1, 1), (5, 1)])
@pytest.mark.parametrize("failing", [False, True])
def test_nothing_of_the_last_step_is_left_in_a_row_that_only_begins(length, first, failing):
    def fail(seed, clock):
        if failing and seed != episode_seed(0, 0, 0) and clock == 1:
            raise ZeroDivisionError

    with Vector(lambda: Counter(length, fail), 1, first_lengths=[first]) as vector:
        last = play(vector, 1)[-1]
        assert last.ended.all()
        assert (last.terminated | last.truncated).all()
        begun = vector.step(NOTHING[:1]) if failing else vector.reset()

    assert begun.lost == failing
    for array in (begun.acted, begun.next_alive, begun.reward, begun.terminated, begun.truncated, begun.ended):
        assert not array.any()
    np.testing.assert_array_equal(begun.next_action_mask, begun.action_mask)
    np.testing.assert_array_equal(begun.next_observation, begun.observation)
    np.testing.assert_array_equal(begun.next_state, begun.state)


def test_an_environment_that_raises_is_made_anew_and_its_step_is_lost():
    made = []

    def make():
        made.append(Counter(trouble=Trouble(("exception",), clock=3, every=2)))
        return made[-1]

    with Vector(make, COUNT, seed=1, spec=SPEC) as vector:
        results = play(vector, 40)

    lost = np.stack([result.lost for result in results])
    assert 3 <= lost.sum() < 40
    assert len(made) == COUNT + lost.sum()
    assert all(environment.closed for environment in made)
    assert (vector.faults.count, vector.faults.lost_episodes) == (lost.sum(), lost.sum())
    assert [(fault.step, *fault.environments) for fault in vector.faults.latest] == [(step, row) for step, row in np.argwhere(lost)]
    fault = vector.faults.latest[0]
    assert fault.kind == "exception"
    assert fault.message.startswith("ZeroDivisionError: at clock 3 of ")
    assert 'raise ZeroDivisionError(f"at clock' in fault.traceback
    clocks = np.stack([result.next_observation[:, 0, 1] for result in results])
    for step, row in np.argwhere(lost):
        result = results[step]
        assert results[step - 1].observation[row, 0, 1] == 2
        assert not result.acted[row].any()
        assert not result.next_alive[row].any()
        assert not result.reward[row].any()
        assert not result.ended[row]
        assert not result.truncated[row].any()
        assert result.alive[row].all()
        assert clocks[step, row] == result.observation[row, 0, 1] == result.state[row, 0] == result.next_state[row, 0] == 0
        assert result.observation[row, 0, 0] != results[step - 1].observation[row, 0, 0]
        others = np.arange(COUNT) != row
        assert (result.acted[others & ~result.lost]).any(axis=1).all()


def test_an_episode_that_cannot_begin_costs_no_transition():
    with Vector(trouble("exception", clock=0, every=4), COUNT, seed=9) as vector:
        results = play(vector, 30)

    begun = [[episode_seed(9, row, episode) % 4 > 0 for episode in range(40)] for row in range(COUNT)]
    failed = sum(row[: np.searchsorted(np.cumsum(row), 7)].count(False) for row in begun)  # each played six episodes and began another
    assert vector.faults.count == failed == 6
    assert vector.faults.lost_episodes == 0
    assert not any(result.lost.any() for result in results)
    assert sum(result.ended.sum() for result in results) == COUNT * 30 // 5
    assert all(seed % 4 for result in results for seed in result.observation[:, 0, 0])


@pytest.mark.parametrize(("clock", "every"), [(0, 4), (2, 2)])
def test_what_leaves_the_program_is_an_exception_too(clock, every):
    with Vector(trouble("leave", clock=clock, every=every), COUNT, seed=1) as vector:
        play(vector, 20)

    assert vector.faults.latest[0].message == "SystemExit: enough"


@pytest.mark.parametrize("clock", [0, 1])
def test_an_environment_that_always_fails_stops_it_with_its_own_traceback(clock):
    vector = Vector(trouble("exception", clock=clock), COUNT)

    with pytest.raises(
        EnvironmentFailed, match=r"^environment 0 failed 3 times without one good step between, .* ZeroDivisionError"
    ) as caught:
        play(vector, 3)

    assert "\n" not in str(caught.value)
    assert 'raise ZeroDivisionError(f"at clock' in caught.value.traceback
    assert vector.faults.count == (3 if clock == 0 else 2 * COUNT + 1)
    with pytest.raises(ValueError, match="closed; make another"):
        vector.reset()


def test_too_many_faults_stop_it():
    with Vector(trouble("exception", clock=3), COUNT, max_faults=2 * COUNT) as vector:
        play(vector, 8)
        with pytest.raises(
            EnvironmentFailed, match="9 faults by step 9, more than max_faults = 6; the last in environment 2: Zero"
        ) as caught:
            vector.step(NOTHING)

    assert 'raise ZeroDivisionError(f"at clock' in caught.value.traceback
    assert vector.faults.lost_episodes == 9


def test_the_record_of_faults_is_bounded_and_the_count_is_not():
    with Vector(trouble("exception", clock=2), COUNT, max_faults=1000) as vector:
        play(vector, 120)

    assert (len(vector.faults.latest), vector.faults.count, vector.faults.lost_episodes) == (100, 180, 180)
    assert vector.faults.latest[-1].step == 120


@pytest.mark.parametrize(("clock", "step"), [(0, 0), (3, 13)])
def test_an_environment_that_breaks_its_contract_stops_it(clock, step):
    with Vector(trouble("bad", clock=clock, every=5 if clock else 1), 1, seed=3) as vector:
        with pytest.raises(BadEnvironment, match=rf"^walker_0: reward is nan; give a finite one \(environment 0, step {step}\)$"):
            play(vector, 50)
        assert vector.faults.count == 0


class Altered(Counter):
    """One field has another value at one clock."""

    def __init__(self, name, value, clock):
        super().__init__()
        self._replacement, self._at = {name: np.array(value)}, clock

    def _result(self, action):
        result = super()._result(action)
        return replace(result, **self._replacement) if self._clock == self._at else result


@pytest.mark.parametrize("clock", [0, 2])
@pytest.mark.parametrize("name", ["observation", "state", "reward", "terminated", "truncated", "alive", "action_mask"])
def test_a_wrong_shape_stops_it(name, clock):
    vector = Vector(lambda: Altered(name, [1] * 7, clock), 1)

    with pytest.raises(BadEnvironment, match=rf"^{name} has the shape \(7,\) where \(.*\) belongs: .* \(environment 0, step {clock}\)$"):
        play(vector, 2)


def test_an_episode_without_agents_stops_it():
    vector = Vector(lambda: Altered("alive", [False, False], 0), 1)

    with pytest.raises(BadEnvironment, match=r"nobody is alive after the reset: .* \(environment 0, step 0\)"):
        vector.reset()


def test_environments_that_differ_stop_it():
    made = []

    def make():
        made.append(Counter(spec=replace(SPEC, episode_length=len(made))))
        return made[-1]

    with pytest.raises(BadEnvironment, match=r"differ from the first one's: make the same environment each time \(environment 0, step 0\)"):
        Vector(make, COUNT).reset()


def test_the_first_environment_is_made_at_once_and_closed():
    made = []

    def make():
        made.append(Counter())
        if len(made) == 2:
            raise OSError("no display")
        if len(made) == 3:
            raise BadEnvironment("no agents")
        return made[-1]

    Vector(make, COUNT)
    assert [environment.closed for environment in made] == [True]
    with pytest.raises(EnvironmentFailed, match=r"^the environment cannot be made: OSError: no display$") as caught:
        Vector(make, COUNT)
    assert 'raise OSError("no display")' in caught.value.traceback
    with pytest.raises(BadEnvironment, match=r"^no agents$"):
        Vector(make, COUNT)


def test_a_factory_that_cannot_be_sent_is_refused():
    lock = threading.Lock()

    with pytest.raises(
        ValueError, match=r"factory cannot be sent to worker processes .TypeError: cannot pickle '_thread.lock' object.: .*workers = 0"
    ):
        Vector(lambda: Counter() if lock else None, COUNT, 1)


def test_methods_out_of_turn_are_refused():
    vector = Vector(Make(), COUNT)

    with pytest.raises(ValueError, match="send: no episode has begun; call reset first"):
        vector.send(NOTHING)
    vector.reset()
    with pytest.raises(ValueError, match="receive: no actions have been sent; call send first"):
        vector.receive()
    vector.send(NOTHING)
    with pytest.raises(ValueError, match="send: the answer to the last actions is still to be received; call receive first"):
        vector.send(NOTHING)
    assert vector.receive().next_observation[0, 0, 1] == 1
    vector.close()
    vector.close()
    for call in (vector.reset, vector.receive, lambda: vector.step(NOTHING)):
        with pytest.raises(ValueError, match="this vector of environments is closed; make another one"):
            call()


def test_a_reset_drops_an_answer_that_was_not_received():
    with Vector(Make(), COUNT) as vector:
        vector.reset()
        vector.send(NOTHING)
        fresh = vector.reset()
        assert not fresh.acted.any()
        assert not fresh.observation[:, 0, 1].any()
        assert fresh.observation[0, 0, 0] == episode_seed(0, 0, 1) % SEEDS
        assert vector.step(NOTHING).next_observation[0, 0, 1] == 1


def test_after_an_interrupt_only_a_reset_goes_on():
    calls = []

    def interrupt(seed, clock):
        calls.append((seed, clock))
        if len(calls) == 2 * COUNT:  # in the first step of the last environment
            raise KeyboardInterrupt

    with Vector(lambda: Counter(trouble=interrupt), COUNT) as vector:
        with pytest.raises(KeyboardInterrupt):
            play(vector, 1)
        for call in (lambda: vector.send(NOTHING), vector.receive):
            with pytest.raises(ValueError, match="the last step was interrupted; call reset first"):
                call()
        assert not vector.reset().observation[:, 0, 1].any()
        assert len(calls) == 3 * COUNT, "the interrupted step was begun again"
        assert vector.step(NOTHING).acted.all()


def test_what_is_no_longer_used_is_closed():
    made = []

    def make():
        made.append(Counter())
        return made[-1]

    vector = Vector(make, COUNT)
    vector.reset()
    assert not any(environment.closed for environment in made[1:])
    del vector
    gc.collect()

    assert all(environment.closed for environment in made)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"count": 0}, "count = 0: at least 1"),
        ({"workers": 4}, "workers = 4: must lie between 0 .no processes. and the number of environments, 3"),
        ({"workers": -1}, "workers = -1"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": ()}, r"seed = \(\)"),
        ({"seed": (1, -2)}, r"seed = \(1, -2\)"),
        ({"step_timeout": 0.0}, "step_timeout = 0.0: seconds, above 0 and at most 1_000_000"),
        ({"start_timeout": float("inf")}, "start_timeout = inf"),
        ({"max_faults": -1}, "max_faults = -1"),
        ({"first_lengths": [1, 2]}, r"first_lengths = \(2,\): one whole number for each of the 3 environments"),
        ({"first_lengths": [1, -1, 2]}, "first_lengths = -1: steps after which a first episode is cut, 0 for never"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Vector(Make(), **{"count": COUNT} | settings)


def test_actions_of_another_shape_are_refused():
    with Vector(Make(), COUNT) as vector:
        vector.reset()
        with pytest.raises(ValueError, match=r"actions of shape \(2, 3\): \[environment, agent, action\] is \(3, 2, 3\) here"):
            vector.send(NOTHING[0])
        assert vector.steps == 0


@pytest.mark.parametrize("name", ["episode", "clock", "limit", "total", "actions"])
@pytest.mark.parametrize("damage", ["missing", "a number", "another type", "another shape", "one less", "negative"])
def test_a_snapshot_that_is_damaged_is_refused(name, damage):
    with Vector(Make(), COUNT, first_lengths=None) as vector:
        play(vector, 3)
        snapshot = vector.snapshot()
        assert vector.restore(snapshot)[1].all()
    array = snapshot.pop(name)
    changed = {
        "missing": None,
        "a number": array.ravel()[0],
        "another type": array.astype(bool),
        "another shape": array[..., None],
        "one less": array[:-1],
        "negative": -array - 1 if name in ("episode", "clock") else None,
    }[damage]
    if changed is not None:
        snapshot[name] = np.asarray(changed)

    with Vector(Make(), COUNT, first_lengths=None) as vector, pytest.raises(ValueError, match="environments cannot be put back: "):
        vector.restore(snapshot)
