"""Games in turns and in rounds: no reward is lost, and who is not to move decides nothing."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from maddpg.environments.foreign import as_factory, find_factory
from maddpg.environments.foreign.aec import as_parallel
from tests.environments.foreign.worlds import Auction, Rounds, one_hot


def play(adapter, bids):
    """What is told at the reset and after each of the bids; the others' rows hold a bid that would be seen if it were read."""
    told = [adapter.reset(0)]
    for turn, bid in enumerate(bids):
        choices = [3 - bid] * adapter.spec.agent_count
        choices[turn % adapter.spec.agent_count] = bid
        told.append(adapter.step(one_hot(adapter.spec, *choices)))
    return told


def test_a_step_is_one_move_and_every_reward_arrives():
    adapter = as_factory("auction", Auction, {})()

    told = play(adapter, [1, 3, 2, 0])

    assert [step.reward.tolist() for step in told] == [[0, 0], [1, -0.5], [-1.5, 3], [2, -1], [0, 0]]
    assert [step.alive.all() for step in told] == [True, True, True, True, False]
    assert told[-1].terminated.tolist() == [True, True]
    assert told[-1].observation.tolist() == [[1, 3, 2, 0]] * 2
    assert told[1].observation.tolist() == [[1, 0, 0, 0]] * 2  # who looks on sees too
    assert not any(step.truncated.any() for step in told)


def test_only_who_is_to_move_has_a_choice():
    adapter = as_factory("auction", Auction, {})()

    told = play(adapter, [1, 3, 2])

    idle = [1, 0, 0, 0]
    assert adapter.spec.masked
    assert [step.action_mask.tolist() for step in told] == [
        [[1, 1, 1, 1], idle],
        [idle, [1, 1, 1, 1]],
        [[1, 1, 1, 1], idle],
        [idle, [1, 1, 1, 0]],  # a second 3 is forbidden
    ]


def test_a_game_without_masks_has_one_for_those_who_look_on():
    adapter = as_factory("auction", Auction, {"masks": False})()

    told = play(adapter, [1, 3])

    assert adapter.spec.masked
    assert told[1].action_mask.tolist() == [[1, 0, 0, 0], [1, 1, 1, 1]]


def test_masks_stand_after_a_time_limit_too():
    told = play(as_factory("auction", Auction, {}, time_limit=3)(), [1, 3, 2])

    assert told[-1].truncated.tolist() == [True, True]
    assert told[-1].action_mask.tolist() == [[1, 0, 0, 0], [1, 1, 1, 0]]


def test_who_is_out_earns_until_its_turn_comes():
    adapter = as_factory("auction", Auction, {"bidders": 3, "early": True})()

    told = play(adapter, [2, 1, 3])

    # The third bid costs bidder_0 1.5, which was out since the first.
    assert [step.reward.tolist() for step in told[1:]] == [[2, -1, 0], [0, 1, -0.5], [-1.5, 0, 3]]
    assert [step.alive.tolist() for step in told[1:]] == [[True] * 3, [True] * 3, [False, True, True]]
    assert told[-1].terminated.tolist() == [True, False, False]
    # Who moves next is known only when the one who is out has gone.
    assert told[-1].action_mask.tolist() == [[True] * 4, [True] * 4, [True, False, False, False]]
    assert told[-1].observation.tolist() == [[2, 1, 3, 0]] * 3


def test_numbers_of_those_who_look_on_are_not_read():
    adapter = as_factory("auction", Auction, {"bids": spaces.Box(0, 3, ()), "masks": False})()
    assert not adapter.reset(0).terminated.any()

    told = adapter.step(np.array([[1], [0.3]], np.float32))

    assert told.reward.tolist() == [3, -1.5]


def test_a_declared_length_of_rounds_is_one_of_moves_here():
    def make():
        environment = Auction()
        environment.max_cycles = 7
        return environment

    assert as_factory("auction", make, {})().spec.episode_length == 14


def test_rounds_are_played_as_rounds():
    adapter = as_factory("rounds", Rounds, {})()
    adapter.reset(0)

    first = adapter.step(one_hot(adapter.spec, 1, 2))
    second = adapter.step(one_hot(adapter.spec, 3, 0))

    assert as_parallel(Rounds())[1] is None
    assert first.reward.tolist() == [1, 2]
    assert second.reward.tolist() == [3, 0]
    assert first.alive.all()
    assert second.terminated.all()


def test_without_metadata_it_is_refused():
    environment = Auction()
    del environment.metadata

    with pytest.raises(ValueError, match="Auction has no metadata; give it a dictionary"):
        as_factory("auction", lambda: environment, {})()


def test_tic_tac_toe_is_played_by_its_rules():
    adapter = as_factory("pettingzoo:classic.tictactoe_v3", find_factory("pettingzoo:classic.tictactoe_v3"), {})()
    told = adapter.reset(0)
    rewards = np.zeros(2)
    moves = [0, 3, 1, 4, 2]  # a column for the first player

    for turn, move in enumerate(moves):
        mover, other = turn % 2, 1 - turn % 2
        assert told.action_mask[other].tolist() == [True] + [False] * 8
        assert told.action_mask[mover].tolist() == [field not in moves[:turn] for field in range(9)]
        told = adapter.step(one_hot(adapter.spec, *([move, 8] if mover == 0 else [8, move])))
        rewards += told.reward

    assert rewards.tolist() == [1, -1]
    assert told.terminated.all()
    assert not told.truncated.any()
    board = told.observation[0].reshape(3, 3, 2)
    assert board[..., 0].ravel().nonzero()[0].tolist() == [0, 1, 2]
    assert board[..., 1].ravel().nonzero()[0].tolist() == [3, 4]
