"""Who may import whom (docs/changing.md), and what importing the package must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import maddpg

PACKAGE = Path(maddpg.__file__).parent
FOUNDATION = {"types", "names"}
ALGORITHM = FOUNDATION | {"config"}
LOOPS = ALGORITHM | {"settings", "statistics", "algorithm", "replay", "particles", "spaces", "environments", "evaluation", "storage"}
MAY_IMPORT = {
    "types": set(),
    "names": set(),
    "config": FOUNDATION,
    "statistics": set(),
    "spaces": {"names"},
    "settings": ALGORITHM,
    "algorithm": ALGORITHM,
    "particles": FOUNDATION,
    "replay": FOUNDATION,
    "storage": ALGORITHM | {"settings"},
    "environments": ALGORITHM | {"particles", "spaces"},
    "evaluation": ALGORITHM | {"algorithm", "environments", "statistics"},
    "training": LOOPS,
    "report": LOOPS | {"training"},
    "paper": LOOPS | {"training", "report", "model"},
    "policy": {"names", "spaces"},
    "export": LOOPS | {"training", "policy"},
    "model": LOOPS | {"training", "report", "export"},
    "cli": LOOPS | {"training", "report", "paper", "model", "export"},
}
"""Part -> the parts that it may import; a part may import itself. `algorithm` and `particles` never meet."""

OPTIONAL = (
    "tyro",
    "rich",
    "matplotlib",
    "safetensors",
    "onnx",
    "onnxruntime",
    "pettingzoo",
    "mpe2",
    "jaxmarl",
    "ray",
    "tensorboardX",
    "wandb",
)


def part(path: Path) -> str:
    """The part that a file belongs to: the first folder or module below the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_parts(source: str) -> set[str]:
    """The parts of the package that a source file imports, at its top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would escape this test"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = {name.split(".")[1] for name in names if name.startswith("maddpg.")}
    return parts & set(MAY_IMPORT)


FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py") or path.parent != PACKAGE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_what_its_part_may(path):
    forbidden = imported_parts(path.read_text()) - MAY_IMPORT[part(path)] - {part(path)}

    assert not forbidden, f"{path.relative_to(PACKAGE)} imports {forbidden}: {part(path)} may import {MAY_IMPORT[part(path)]}"


def test_finds_imports_of_every_form():
    source = "import maddpg.cli\nfrom maddpg import model\ndef later():\n    from maddpg.paper.tables import table"

    assert imported_parts(source) == {"cli", "model", "paper"}


def test_the_table_has_no_circles():
    seen: set[str] = set()
    waiting = dict(MAY_IMPORT)
    while waiting:
        ready = {name for name, needs in waiting.items() if needs <= seen}
        assert ready, f"circle among {set(waiting)}"
        seen |= ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}


@pytest.mark.parametrize("module", ["maddpg", "maddpg.algorithm.update", "maddpg.training.fused"])
def test_importing_loads_nothing_optional(module):
    program = f"import sys, {module}; print([name for name in {OPTIONAL} if name in sys.modules])"

    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert result.stdout.strip() == "[]"
