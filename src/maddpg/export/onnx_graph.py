"""A perceptron actor as an ONNX graph, node by node: the network, the greedy action's columns, and the environment's action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maddpg.names import one_line
from maddpg.policy.description import Description
from maddpg.policy.heads import FORBIDDEN, Head, action_size, output_size
from maddpg.policy.network import Layer
from maddpg.spaces.kinds import Choices, Columns, Numbers, leaves

OPSET, INTERMEDIATE_REPRESENTATION = 18, 8
"""Versions of ONNX's operators and of its file, of December 2022: everything reads them."""


def make_model(description: Description, layers: Sequence[Layer]) -> bytes:
    """The content of an .onnx file.

    Inputs: `observation` [batch, size] float32; where choices may be forbidden, `action_mask` [batch, columns] bool. Outputs: `output`,
    what the network says; `columns` [batch, columns] float32, the greedy action; and what the environment takes, in its own type and
    shape: `action` [batch, ...], or one for each part of a product that holds anything, such as `action/arm/0`, where `~1` stands for a
    slash within a name, and `~0` for a tilde.

    Raises:
        ValueError: ONNX finds something wrong with it.
        ImportError: ONNX is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError('the format onnx needs its extra: pip install "maddpg[export]"') from error
    graph = Graph()
    output = graph.name(_network(graph, layers), "output")
    masked = description.action_mask != "none"
    columns = graph.name(_columns(graph, description, output, masked), "columns")
    inputs = [_value("observation", np.float32, ["batch", description.observation.size])]
    if masked:
        inputs.append(_value("action_mask", np.bool_, ["batch", description.action.size]))
    lead = [] if description.members == 1 else [description.members]
    outputs = [
        _value(output, np.float32, [*lead, "batch", output_size(description.heads)]),
        _value(columns, np.float32, ["batch", action_size(description.heads)]),
    ]
    start = 0
    for path, leaf in leaves(description.action):
        if not leaf.size:
            continue
        part = graph.columns(columns, start, start := start + leaf.size)
        name = graph.name(_action(graph, leaf, part), f"action{path}")
        shape = [leaf.size] if isinstance(leaf, Columns) else list(leaf.shape)
        outputs.append(_value(name, np.float32 if isinstance(leaf, Columns) else leaf.dtype, ["batch", *shape]))
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "actor", inputs, outputs, graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=INTERMEDIATE_REPRESENTATION,
        producer_name="maddpg",
        producer_version=description.versions["maddpg"],
        doc_string=f"{description.agent} of {description.environment}",
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:  # neither is a ValueError
        raise ValueError(f"{description.agent} cannot be a graph of ONNX ({one_line(error)}); give another --format") from error
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class Graph:
    """Nodes and constants as they come together. Values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output; that value's name."""
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any, name: str | None = None) -> str:
        """A constant's name."""
        from onnx import numpy_helper

        name = name or f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype, order="C"), name))
        return name

    def columns(self, value: str, start: int, end: int) -> str:
        """Some columns, of the last axis."""
        bounds = (self.constant([bound], np.int64) for bound in (start, end, -1))
        return self.add("Slice", value, *bounds)

    def name(self, value: str, name: str) -> str:
        """The same value under a name of its own."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [value], [name]))
        return name


def _network(graph: Graph, layers: Sequence[Layer]) -> str:
    value = "observation"
    for number, (weight, bias) in enumerate(layers):
        value = graph.add("Relu", value) if number else value
        value = graph.add("MatMul", value, graph.constant(weight, np.float32, f"{number}.weight"))
        value = graph.add("Add", value, graph.constant(bias, np.float32, f"{number}.bias"))
    return value


def _columns(graph: Graph, description: Description, output: str, masked: bool) -> str:
    """The greedy action from the network's output, as `maddpg.policy.heads.greedy`."""
    logits = graph.columns(output, 0, action_size(description.heads))
    if masked:
        logits = graph.add("Where", "action_mask", logits, graph.constant(FORBIDDEN, np.float32))
    parts, start = [], 0
    for head in description.heads:
        part = graph.columns(logits, start, start := start + head.size)
        parts.append(_head(graph, head, part, description.members))
    return graph.add("Concat", *parts, axis=-1)


def _head(graph: Graph, head: Head, value: str, members: int) -> str:
    if head.kind in ("point", "gaussian"):
        low, half = head.bounds()
        place = graph.add("Add", graph.add("Tanh", value), graph.constant(1, np.float32))
        value = graph.add("Add", graph.add("Mul", place, graph.constant(half, np.float32)), graph.constant(low, np.float32))
    elif head.kind in ("categorical", "simplex"):
        value = graph.add("Softmax", value, axis=-1)
    else:  # the graph's own actions are compared with nothing when it is written
        raise ValueError(f"the format onnx has no head {head.kind!r}; give another --format")
    if members > 1:
        value = graph.add("ReduceMean", value, graph.constant([0], np.int64), keepdims=0)
    if head.kind != "categorical":
        return value
    best = graph.add("ArgMax", value, axis=-1, keepdims=0)
    return graph.add("OneHot", best, graph.constant(head.size, np.int64), graph.constant([0, 1], np.float32), axis=-1)


def _action(graph: Graph, leaf: Columns | Numbers | Choices, columns: str) -> str:
    """What the environment takes, as `maddpg.spaces.packing.unpack`."""
    if isinstance(leaf, Columns):
        return columns
    if isinstance(leaf, Numbers):
        place = graph.add("Cast", columns, to=_type(np.float64))
        low, high, one, half = (graph.constant(value, np.float64) for value in (leaf.low, leaf.high, 1, 0.5))
        below, above = (graph.add("Mul", graph.add(operator, one, place), half) for operator in ("Sub", "Add"))
        value = graph.add("Add", graph.add("Mul", low, below), graph.add("Mul", high, above))
        if leaf.whole:
            value = graph.add("Round", value)
        value = graph.add("Max", graph.add("Min", value, high), low)
    else:
        starts, chosen = np.cumsum([0, *leaf.sizes[:-1]]), []
        for start, size in zip(starts.tolist(), leaf.sizes, strict=True):
            chosen.append(graph.add("ArgMax", graph.columns(columns, start, start + size), axis=-1, keepdims=1))
        value = graph.add("Add", graph.add("Concat", *chosen, axis=-1), graph.constant(leaf.starts, np.int64))
    shaped = graph.add("Reshape", value, graph.constant([-1, *leaf.shape], np.int64))
    return graph.add("Cast", shaped, to=_type(leaf.dtype))


def _value(name: str, dtype: Any, shape: list[Any]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _type(dtype), shape)


def _type(dtype: Any) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
