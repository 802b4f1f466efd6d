"""The commands: each is its arguments, and what it does with them."""

from maddpg.cli.commands.check import Check
from maddpg.cli.commands.compare import Compare
from maddpg.cli.commands.crossplay import Crossplay
from maddpg.cli.commands.environments import Environments
from maddpg.cli.commands.evaluate import Evaluate
from maddpg.cli.commands.exploit import Exploit
from maddpg.cli.commands.export import Export
from maddpg.cli.commands.messages import Messages
from maddpg.cli.commands.reproduce import Reproduce
from maddpg.cli.commands.resume import Resume
from maddpg.cli.commands.train import Train

BY_NAME: dict[str, type] = {
    "train": Train,
    "resume": Resume,
    "evaluate": Evaluate,
    "compare": Compare,
    "crossplay": Crossplay,
    "exploit": Exploit,
    "reproduce": Reproduce,
    "export": Export,
    "messages": Messages,
    "envs": Environments,
    "check-env": Check,
}

__all__ = [
    "BY_NAME",
    "Check",
    "Compare",
    "Crossplay",
    "Environments",
    "Evaluate",
    "Exploit",
    "Export",
    "Messages",
    "Reproduce",
    "Resume",
    "Train",
]
