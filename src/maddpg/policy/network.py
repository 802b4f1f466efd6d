"""Networks from files: what turns observations [batch, size] into outputs [member, batch, output], in any of the formats."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from maddpg.names import one_line
from maddpg.policy.description import Description
from maddpg.policy.heads import output_size

Network = Callable[[np.ndarray], np.ndarray]
Layer = tuple[np.ndarray, np.ndarray]
"""Weights [input, output] and biases [output]; of several networks that act by their mean, [member, input, output] and
[member, 1, output]."""

DIALECTS = ("builtin", "func", "stablehlo", "chlo")
"""Families of operations from which no way leads to other code but `custom_call`."""
HARMLESS_CALLS = ("shape_assertion", "stablehlo.dynamic_reduce_window")
"""What is written as a call to the outside and is none: JAX works both out itself, as soon as it knows the size of the batch."""


def array_shapes(description: Description) -> dict[str, tuple[int, ...]]:
    """The arrays of a safetensors export by name, in the order of its layers: `0.weight` and `0.bias` of the first, and so on."""
    layers = description.layers or ()
    lead, row = ((), ()) if description.members == 1 else ((description.members,), (1,))
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (rows, columns) in enumerate(pairwise(layers)):
        shapes[f"{number}.weight"], shapes[f"{number}.bias"] = (*lead, rows, columns), (*lead, *row, columns)
    return shapes


def read_network(description: Description, content: bytes) -> Network:
    """The network in a file's content, which is what was exported: its checksum says so.

    Raises:
        ValueError: it is not what the description says.
        ImportError: what runs it is not installed.
    """
    read = {"safetensors": read_arrays, "onnx": read_onnx, "stablehlo": read_stablehlo}[description.format]
    return read(description, content)


def read_arrays(description: Description, content: bytes) -> Network:
    """The perceptron in a safetensors file, in NumPy."""
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError as error:
        raise ImportError('policies in safetensors are read with its package: pip install "maddpg[export]"') from error
    try:
        stored = {name: (table["dtype"], tuple(table["shape"]), table["data"]) for name, table in deserialize(content)}
    except SafetensorError as error:
        raise ValueError(f"its arrays cannot be read ({one_line(error)})") from error
    shapes = array_shapes(description)
    found = {name: (dtype, shape) for name, (dtype, shape, _) in stored.items()}
    if found != {name: ("F32", shape) for name, shape in shapes.items()}:
        raise ValueError(f"its arrays are {_brief(found)}, and not float32 of {_brief(shapes)}")
    arrays = {name: np.frombuffer(data, "<f4").reshape(shape) for name, (_, shape, data) in stored.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("its arrays hold a number that is not finite")
    return perceptron(description.members, [(arrays[f"{number}.weight"], arrays[f"{number}.bias"]) for number in range(len(shapes) // 2)])


def perceptron(members: int, layers: Sequence[Layer]) -> Network:
    """Layers with ReLU between them, and nothing after the last."""

    def network(observation: np.ndarray) -> np.ndarray:
        value = observation
        for number, (weight, bias) in enumerate(layers):
            value = (np.maximum(value, 0) if number else value) @ weight + bias
        return value.reshape(members, *value.shape[-2:])

    return network


def read_onnx(description: Description, content: bytes) -> Network:
    """An ONNX graph, run by onnxruntime."""
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ImportError('policies in ONNX are run by onnxruntime: pip install "maddpg[export]"') from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised too
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # its errors have no common parent but this one
        raise ValueError(f"onnxruntime cannot read it ({_first_line(error)})") from error
    unused = {each.name: np.ones((1, description.action.size), bool) for each in session.get_inputs() if each.name == "action_mask"}

    def run(observation: np.ndarray) -> np.ndarray:
        # Masks are applied to the output, by us: the graph's own is for those who run it alone.
        masks = {name: np.broadcast_to(mask, (len(observation), mask.shape[1])) for name, mask in unused.items()}
        (value,) = session.run(["output"], {"observation": observation, **masks})
        return value.reshape(description.members, *value.shape[-2:])

    network = _refusing(run, "onnxruntime cannot run it")
    tried = network(np.zeros((1, description.observation.size), np.float32))
    wanted = (description.members, 1, output_size(description.heads))
    if tried.shape != wanted or tried.dtype != np.float32:
        raise ValueError(f"its network gives {tried.dtype}{list(tried.shape)}, and not float32{list(wanted)}")
    return network


def read_stablehlo(description: Description, content: bytes) -> Network:
    """A program of jax.export, compiled for the default device."""
    try:
        importlib.import_module("flatbuffers")  # jax.export says so too late, and not how to get it
        import jax
        from jax import export
    except ImportError as error:
        raise ImportError('policies in StableHLO are run by JAX, and read with flatbuffers: pip install "maddpg[export]"') from error
    size, width = description.observation.size, description.action.size
    lead = () if description.members == 1 else (description.members,)
    try:
        program = export.deserialize(bytearray(content))
        output = jax.tree.unflatten(program.out_tree, program.out_avals)["output"]
        takes = [aval.shape[1:] for aval in program.in_avals]
        gives = (output.dtype, output.shape[:-2], output.shape[-1])
        more = find_more_than_arithmetic(program)
    except Exception as error:  # whatever a damaged buffer leads to
        raise ValueError(f"JAX cannot read it ({_first_line(error)})") from error
    if takes not in ([(size,)], [(size,), (width,)]) or gives != (np.float32, lead, output_size(description.heads)):
        raise ValueError(f"it takes columns {takes} and gives {gives}")
    if more:
        raise ValueError(f"its program calls {_brief(', '.join(more))}, and may hold arithmetic alone")
    masked, call = len(takes) == 2, jax.jit(program.call)

    def network(observation: np.ndarray) -> np.ndarray:
        mask = (np.ones((len(observation), width), bool),) if masked else ()
        value = np.asarray(call(observation, *mask)["output"])
        return value.reshape(description.members, *value.shape[-2:])

    return _refusing(network, "JAX cannot run it")


def find_more_than_arithmetic(program: Any) -> list[str]:
    """What a program of jax.export calls besides itself, by name: functions of this machine, Python's among them, get addresses from it."""
    from jax.interpreters import mlir

    found = set()

    def look(operation: Any) -> Any:
        name = operation.name
        if name == "stablehlo.custom_call":
            name = operation.attributes["call_target_name"].value
            if name not in HARMLESS_CALLS:
                found.add(name)
        elif name.partition(".")[0] not in DIALECTS:
            found.add(name)
        return mlir.ir.WalkResult.ADVANCE

    with mlir.make_ir_context():
        mlir.ir.Module.parse(program.mlir_module()).operation.walk(look)
    return sorted(found)


def _refusing(network: Network, complaint: str) -> Network:
    """The same, raising `ValueError` in one line for whatever goes wrong inside."""

    def call(observation: np.ndarray) -> np.ndarray:
        try:
            return network(observation)
        except Exception as error:
            raise ValueError(f"{complaint} ({_first_line(error)})") from error

    return call


def _first_line(error: Exception) -> str:
    return _brief((str(error) or type(error).__name__).strip().partition("\n")[0])


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
