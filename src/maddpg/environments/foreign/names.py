"""Environments by name: those of mpe2, PettingZoo and Gymnasium, and anybody's as `package.module:factory`.

A name of the first kind can only mean an environment of that package, so it may come from anywhere, a saved file included. One of the
second kind runs whatever code it names: `import_factory` is for what the user typed.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

from maddpg.environments.mistakes import describe_mistake
from maddpg.names import did_you_mean, or_your_own, unknown_name

MODULES = ("mpe2", "pettingzoo")  # packages with a module for each environment
PACKAGES = (*MODULES, "gymnasium")
RESERVED = (*PACKAGES, "jaxmarl")

EXTRAS = {"mpe2": "mpe2", "pettingzoo": "pettingzoo", "gymnasium": "pettingzoo"}
"""Package -> the extra of ours that brings it; PettingZoo brings Gymnasium."""


def find_factory(name: str) -> Callable[..., Any]:
    """What makes the environment of a name: `mpe2:simple_tag_v3`, `pettingzoo:sisl.multiwalker_v9`, `gymnasium:Pendulum-v1`.

    Raises:
        ValueError: a package that is not installed or lacks something, a name that it does not have, or one that is not plain.
    """
    package, _, rest = name.partition(":")
    if package not in PACKAGES:
        raise ValueError(f"{unknown_name('package of environments', package, RESERVED)}; {or_your_own(name)}")
    if package == "gymnasium":
        _check_gymnasium(rest)
        return partial(make_gymnasium, rest)
    _check_module(package, rest)
    _load(package, rest)
    return partial(make_from_module, package, rest)


def make_from_module(package: str, name: str, /, **arguments: Any) -> Any:
    """The parallel environment of a module in mpe2 or PettingZoo, or its AEC environment where it has no other."""
    module = _load(package, name)
    make = vars(module).get("parallel_env") or module.env
    return make(**arguments)


def make_gymnasium(identifier: str, /, **arguments: Any) -> Any:
    """An environment from Gymnasium's registry, with its time limit."""
    import gymnasium

    try:
        # The checker of every step would cost time and warn of what is looked at here anyway.
        return gymnasium.make(identifier, **{"disable_env_checker": True, **arguments})
    except gymnasium.error.Error as error:
        raise ValueError(f"gymnasium:{identifier}: {' '.join(str(error).split())}") from error


def is_factory(name: str) -> bool:
    """Whether a name has the form `package.module:factory`."""
    return re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", name) is not None and name.partition(":")[0] not in RESERVED


def import_factory(name: str) -> Callable[..., Any]:
    """The factory that `package.module:factory` names. This runs the module's code: only for a name that the user typed.

    The current folder is searched first, as `python -m` does; it stays on the path, for worker processes to find the module too.

    Raises:
        ValueError: another form, no such module, one that fails, or nothing in it by that name that can be called.
    """
    if not is_factory(name):
        raise ValueError(f"{name!r} names no factory; it must have the form package.module:factory, such as my_world:make")
    module_name, _, factory = name.partition(":")
    folder = os.getcwd()
    if folder not in sys.path and "" not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if not f"{module_name}.".startswith(f"{error.name}."):
            raise ValueError(f"{name}: {module_name} needs a package that is not installed ({error}); install it") from error
        advice = f"type {module_name.removesuffix('.py')}:{factory}, without .py" if module_name.endswith(".py") else "run from its folder"
        raise ValueError(f"{name}: there is no module {error.name!r} in {folder} or among the installed packages; {advice}") from error
    except (Exception, SystemExit) as error:
        raise ValueError(f"{name}: {module_name} cannot be imported: {describe_mistake(error)}") from error
    if factory not in vars(module):
        callables = [known for known, value in vars(module).items() if callable(value) and not known.startswith("_")]
        raise ValueError(f"{name}: {unknown_name(f'factory in {module_name}', factory, callables)}")
    make = vars(module)[factory]
    if not callable(make):
        raise ValueError(f"{name}: {factory} is a {type(make).__name__}; it must be a function or class that makes an environment")
    return make


def list_modules(package: str) -> list[str]:
    """Dotted names of a package's environments, from its folders: nothing but the package itself is imported."""
    names: list[str] = []
    for module in pkgutil.iter_modules(_import(package, package).__path__):
        names.append(module.name)
        if module.ispkg:
            finder: Any = module.module_finder
            folder = os.path.join(finder.path, module.name)
            names += [f"{module.name}.{inner.name}" for inner in pkgutil.iter_modules([folder])]
    return [name for name in names if re.search(r"_v\d+$", name) and not re.search(r"(^|\.)_", name)]


def _check_module(package: str, name: str) -> None:
    """The name is plain, and one of the package's own environments."""
    if not re.fullmatch(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*", name) or "__" in name:
        raise ValueError(
            f"{package}:{name}: after {package}: comes a plain dotted name of letters, digits and _, such as {_example(package)}"
        )
    known = list_modules(package)
    if name in known:
        return
    family = name.partition(".")[0]
    if package == "pettingzoo" and family == "mpe":
        raise ValueError(f"{package}:{name}: the particle worlds have moved out of PettingZoo; type mpe2:{name.removeprefix('mpe.')}")
    relatives = [other for other in known if other.startswith(f"{family}.")]
    families = dict.fromkeys(other.rpartition(".")[0] + ".*" for other in known)
    allowed = relatives or (known if package == "mpe2" else families)
    raise ValueError(f"{package}: unknown environment {name!r}{did_you_mean(name, known)} Known: {', '.join(allowed)}")


def _check_gymnasium(identifier: str) -> None:
    """The id is plain, and in the registry."""
    # Gymnasium imports what stands before a colon in an id.
    if not re.fullmatch(r"([\w-]+/)?[\w.-]+", identifier):
        raise ValueError(f"gymnasium:{identifier}: after gymnasium: comes a plain id of its registry, such as Pendulum-v1")
    gymnasium = _import("gymnasium", f"gymnasium:{identifier}")
    try:
        gymnasium.spec(identifier)
    except gymnasium.error.Error as error:
        near = did_you_mean(identifier, gymnasium.registry)
        raise ValueError(f"gymnasium: unknown environment {identifier!r}{near} All are listed by gymnasium.pprint_registry()") from error


def _load(package: str, name: str) -> ModuleType:
    """The module of an environment."""
    title = f"{package}:{name}"
    try:
        with warnings.catch_warnings():
            # PettingZoo warns that a registry will take the place of its modules.
            warnings.simplefilter("ignore", DeprecationWarning)
            return importlib.import_module(f"{package}.{name}")
    except ImportError as error:
        extra = f'; pip install "{package}[{name.partition(".")[0]}]"' if "." in name and isinstance(error, ModuleNotFoundError) else ""
        raise ValueError(f"{title} cannot be loaded: {' '.join(str(error).split())}{extra}") from error


def _import(package: str, title: str) -> ModuleType:
    """A package that has environments."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ValueError(f'{title} needs {error.name}, which is not installed: pip install "maddpg[{EXTRAS[package]}]"') from error


def _example(package: str) -> str:
    return {"mpe2": "simple_tag_v3", "pettingzoo": "sisl.multiwalker_v9"}[package]
