"""What is typed beside a saved run to say that its environment's code may run."""

from __future__ import annotations

import pytest

from maddpg.cli.trusted import read_trusted
from maddpg.config import Config


def test_mpe2s_worlds_may_be_typed_without_their_version():
    config = Config("mpe2:simple_tag_v3")

    assert read_trusted("mpe2:simple_tag", config) is None
    with pytest.raises(ValueError, match="this run was trained on mpe2:simple_tag_v3; give that, or leave it out"):
        read_trusted("mpe2:simple_push", config)
