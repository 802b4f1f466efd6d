"""The replay buffer, and how it is drawn from."""

from maddpg.replay.ring import Replay
from maddpg.replay.sub_policies import SubPolicyIndex, SubPolicyRings

__all__ = ["Replay", "SubPolicyIndex", "SubPolicyRings"]
