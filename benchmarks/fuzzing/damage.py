"""Damage: to bytes, to tables of JSON, and to arrays in safetensors. What comes out depends on nothing but the source of chance."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Callable
from typing import Any

MODULE = "maddpg_canary"
"""A module that nobody may import; files name it wherever a name can stand."""
TEXTS = (
    *("", " ", "nan", "run", "a\nb", "\x1b]0;title\x07", "\ud800", "é" * 40, "x" * 10_000, "9" * 30, "-1", "0x10", "None", "all", "own"),
    *("../outside/secret.json", "../../etc/passwd", "/etc/passwd", "..", ".", "a/b", "a\\b", "C:\\x", "file\0name", "~/x", "$HOME"),
    *(
        f"{MODULE}:make",
        f"{MODULE}.sub:make",
        f"pettingzoo:{MODULE}",
        f"mpe2:{MODULE}",
        f"gymnasium:{MODULE}:World-v0",
        f"jaxmarl:{MODULE}",
    ),
    *("simple", "simple_tag", "simple_crypto", "simple_world_comm", "mpe2:simple_spread_v3", "gymnasium:Pendulum-v1", "python:environment"),
    *("pettingzoo:..os", "mpe2:simple_spread_v3.os", "jaxmarl:MPE_simple_spread_v3", "os:system", "builtins:eval", "subprocess:Popen"),
    *(
        f"__import__('{MODULE}')",
        f"!!python/object/apply:{MODULE}.make []",
        "{{7*7}}",
        "agent_0",
        "agent_1",
        "adversary",
        "learning",
        "frozen",
    ),
    *("box", "discrete", "openai", "soft", "state", "both", "team", "stochastic", "current", "mode", "per_agent", "in_turn", "episodes"),
    *("safetensors", "onnx", "stablehlo", "columns", "numbers", "choices", "product", "point", "gaussian", "categorical", "simplex"),
)
NUMBERS = (0, -1, 1, 2, 7, 100, 2**16, 2**24, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**62, 2**63, 2**64, -(2**63), 10**400, 10**4000)
REALS = (0.5, -0.0, 1e-320, 1e10, 1e38, 1e39, 1.7e308, -1.7e308, math.inf, -math.inf, math.nan, 2.0, 1.0000001)
PLAIN = (
    "1",
    "2",
    "3",
    "0.5",
    "0.1",
    "40",
    "60",
    "true",
    "false",
    "[4]",
    "[4, 4]",
    "inf",
    "nan",
    "-1",
    "1e400",
    "[]",
    "{}",
    "1979-05-27",
    "",
)
"""Values as a settings file has them."""
DTYPES = (
    "F64",
    "F32",
    "F16",
    "BF16",
    "I64",
    "I32",
    "I16",
    "I8",
    "U64",
    "U32",
    "U8",
    "BOOL",
    "F8_E4M3",
    "F4",
    "C64",
    "X",
    "F\n32",
    "",
    3,
    None,
)


def damage_bytes(source: random.Random, content: bytes) -> bytes:
    """Bits flipped, bytes cut off, taken out, doubled, exchanged or put in; sometimes several of those."""
    changed = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 5))):
        # The beginning is where headers are.
        place = source.randrange(len(changed) + 1) if source.random() < 0.6 else source.randrange(min(len(changed), 64) + 1)
        length = min(source.choice((1, 1, 2, 8, 64, 1000)), len(changed) - place)
        match source.randrange(8):
            case 0 if length:
                changed[place] ^= 1 << source.randrange(8)
            case 1:
                del changed[place:]
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[place : place + length]
            case 4:
                changed[place : place + length] = source.randbytes(length)
            case 5:
                changed[place:place] = source.randbytes(source.choice((1, 8, 100)))
            case 6:
                changed[place : place + length] = bytes([source.choice((0, 255, 123, 34, 10))]) * length
            case _:
                changed[place : place + 8] = source.choice(NUMBERS[:-2]).to_bytes(9, "little", signed=True)[:8]
    return bytes(changed)


def damage_table(source: random.Random, table: Any) -> Any:
    """A copy of what JSON holds with a few things in it replaced, taken out, added, doubled, nested or exchanged."""
    holder = [_copy(table)]
    for _ in range(source.choice((1, 1, 1, 2, 4))):
        places = list(_places(holder))
        parent, key = source.choice(places)
        match source.randrange(9):
            case 0 if parent is not holder:
                del parent[key]
            case 1 if isinstance(parent, dict):
                parent[source.choice(TEXTS)] = _strange(source)
            case 2 if isinstance(parent, list) and parent is not holder:
                parent.insert(key, _copy(parent[key]))
            case 3:
                other, name = source.choice(places)
                if other is not holder and name in (other if isinstance(other, dict) else range(len(other))):
                    parent[key] = _copy(other[name])
            case 4 if isinstance(parent[key], int | float) and not isinstance(parent[key], bool):
                parent[key] = _near(source, parent[key])
            case 5:
                parent[key] = source.choice(([parent[key]], {"value": parent[key]}, {source.choice(TEXTS): parent[key]}, str(parent[key])))
            case _:
                parent[key] = _strange(source)
    return holder[0]


def to_json(table: Any) -> bytes:
    """As Python writes it, NaN and infinity included, which JSON does not have; what is too deep for that is deep all the same."""
    try:
        return json.dumps(table).encode()
    except RecursionError:
        return b"[" * 3000 + b"]" * 3000


def damage_arrays(source: random.Random, content: bytes) -> bytes:
    """A safetensors file with something else in its header (names, types, shapes, places, lengths) or in its numbers."""
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + length]), bytearray(content[8 + length :])
    names = [name for name in header if name != "__metadata__"]
    one, other = source.choice(names), source.choice(names)
    entry = header[one]
    start, end = entry["data_offsets"]
    edits: tuple[Callable[[], Any], ...] = (
        lambda: entry.update(dtype=source.choice(DTYPES)),
        lambda: entry.update(shape=[*entry["shape"], source.choice((1, 0, 2, 2**40, 2**63, -1))]),
        lambda: entry.update(shape=entry["shape"][::-1]),
        lambda: entry.update(shape=[source.choice(NUMBERS) for _ in range(source.choice((0, 1, 2, 40)))]),
        lambda: entry.update(data_offsets=[source.choice((start, end, *NUMBERS)), source.choice((start, end, *NUMBERS))]),
        lambda: header.update({one: header[other], other: header[one]}),
        lambda: header.update({source.choice((f"../{one}", f"{one}/x", f"{one}\n", *TEXTS)): header.pop(one)}),
        lambda: header.pop(one),
        lambda: header.update(__metadata__=source.choice(({"a": "b"}, {"steps": _text(source)}, {"best": "{"}, {"a": 1}, [], None))),
        lambda: body.extend(bytes(source.choice((1, 8, 4096)))),
        lambda: body.__delitem__(slice(source.randrange(len(body) + 1), None)),
        lambda: body.__setitem__(slice(start, end), source.randbytes(end - start)),
        lambda: body.__setitem__(slice(start, end), bytes.fromhex(source.choice(("ff", "00", "7f", "80"))) * (end - start)),
        lambda: body.__setitem__(slice(start, end), b"\x00\x00\xc0\x7f" * ((end - start) // 4) + bytes((end - start) % 4)),
    )
    if source.random() < 0.15:
        header = damage_table(source, header)
    else:
        source.choice(edits)()
    written = source.choice(
        (to_json(header), to_json(header) + b" " * source.choice((1, 8, 100_000)), json.dumps(header, indent=1).encode())
    )
    said = source.choice((len(written),) * 12 + (0, len(written) - 1, len(written) + 1, 2**32, 2**63 - 1, 2**64 - 1))
    return said.to_bytes(8, "little") + written + bytes(body)


def damage_text(source: random.Random, text: str) -> str:
    """Lines of a settings file exchanged, doubled, taken out, or given other values."""
    lines = text.splitlines()
    for _ in range(source.choice((1, 1, 2, 4))):
        place = source.randrange(len(lines))
        name = lines[place].partition("=")[0]
        match source.randrange(5):
            case 0:
                lines.insert(source.randrange(len(lines)), lines[place])
            case 1:
                lines[place] = f"{name} = {source.choice(PLAIN)}"
            case 2:
                lines[place] = f"{name} = {json.dumps(_text(source))}"
            case 3:
                lines[place] = source.choice(
                    ("[" * 3000, "[teams.x]", "[teams.agent]", f'["{_text(source)}"]', "a.b.c.d = 1", "=", '"""', "[[world]]")
                )
            case _:
                lines[place] = f"{name} = {_strange(source, 2)!r}"
    return "\n".join(lines)


def _copy(value: Any) -> Any:
    """The same once more; nothing where it is nested too deep for that."""
    try:
        return copy.deepcopy(value)
    except RecursionError:
        return None


def _places(holder: Any) -> list[tuple[Any, Any]]:
    """Every place in tables and lists: what holds it, and the key or the number."""
    found, waiting = [], [holder]
    while waiting:
        parent = waiting.pop()
        for key in list(parent) if isinstance(parent, dict) else range(len(parent)):
            found.append((parent, key))
            if isinstance(parent[key], dict | list):
                waiting.append(parent[key])
    return found


def _strange(source: random.Random, deepest: int = 900) -> Any:
    """A value that nobody expects."""
    nested: Any = source.choice(TEXTS)
    for _ in range(source.choice((1, 20, deepest)) if source.random() < 0.2 else 0):
        nested = [nested] if source.random() < 0.5 else {"a": nested}
    return source.choice(
        (None, True, False, source.choice(TEXTS), source.choice(NUMBERS), source.choice(REALS), [], {}, nested, [0] * 3000)
    )


def _text(source: random.Random) -> str:
    return source.choice(TEXTS)


def _near(source: random.Random, value: float) -> float:
    third = value / 3 if abs(value) < 1e300 else value // 3  # a whole number may be larger than any float
    return source.choice((value + 1, value - 1, -value, value * 2, value * 1000, third))
