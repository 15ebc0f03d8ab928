"""A trained network as an ONNX file, which programs in other languages run."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import files
from .operations import OPERATIONS
from .text import shortened
from .weights import WeightsError, without_repeats

OPSET, IR = 17, 8  # old enough for the programs of today
ONNX = {  # by the names of operations.py
    "abs": "Abs",
    "cos": "Cos",
    "exp": "Exp",
    "log": "Log",
    "negative": "Neg",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "sin": "Sin",
    "softplus": "Softplus",
    "sqrt": "Sqrt",
    "tanh": "Tanh",
}
DTYPES = ("float64", "float32")
LONGEST_NAME = 80  # letters, in a message


def is_onnx(path: str | os.PathLike) -> bool:
    return Path(path).suffix.lower() == ".onnx"


def write(
    path: str | os.PathLike,
    arrays: Mapping[str, Any],
    layers: Sequence[tuple[str, str | Callable]],
    dtype: str,
) -> None:
    """Write a chain of layers: rows of inputs "x" (samples, inputs) go in, "y" comes out.

    A layer is how the names of its weight and bias begin, and its activation; that raises
    ValueError, naming it, where ONNX has no operation for it.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype is {' or '.join(DTYPES)}, got {dtype!r}")
    names = [(name, operation(act)) for name, act in layers]
    files.write(path, model(arrays, names, dtype).SerializeToString())


def model(arrays, layers, dtype):
    """The same as an object of the package onnx, which has checked it."""
    onnx = package()
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    first, last = layers[0][0], layers[-1][0]
    widths = {"x": arrays[f"{first}weight"].shape[1], "y": arrays[f"{last}bias"].shape[0]}
    kind = getattr(onnx.TensorProto, {"float64": "DOUBLE", "float32": "FLOAT"}[dtype])
    x, y = (helper.make_tensor_value_info(k, kind, ["samples", n]) for k, n in widths.items())
    weights = [numpy_helper.from_array(x.astype(dtype), name) for name, x in arrays.items()]
    graph = helper.make_graph(nodes(helper, layers), "micrograd", [x], [y], weights)
    made = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
        producer_name="micrograd",
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def nodes(helper, layers):
    """For each layer x @ weight.T + bias, and its activation."""
    made, at = [], "x"
    for layer, name in layers:
        inputs = [at, f"{layer}weight", f"{layer}bias"]
        made.append(helper.make_node("Gemm", inputs, [at := f"{layer}sum"], transB=1))
        if name:
            made.append(helper.make_node(name, [at], [at := f"{layer}h"]))
    made[-1].output[0] = "y"
    return made


def operation(act: str | Callable) -> str:
    """What ONNX calls an activation; nothing for a linear one."""
    if act == "linear":
        return ""
    known = [row.name for row in OPERATIONS if act in (row.name, row.method)]
    if not known or known[0] not in ONNX:
        name = act if isinstance(act, str) else getattr(act, "__name__", repr(act))
        raise ValueError(
            f"ONNX has no operation for the activation {name!r}; it has {', '.join(sorted(ONNX))}"
        )
    return ONNX[known[0]]


def read(path: str | os.PathLike) -> dict[str, Any]:
    """The weights in an ONNX file as arrays by name. Raises WeightsError where it is none."""
    onnx, content = package(), files.read(path)
    try:
        found = onnx.load_from_string(content).graph.initializer
        require_all_here(found)
        return without_repeats([(x.name, onnx.numpy_helper.to_array(x)) for x in found])
    except WeightsError as error:
        raise WeightsError(f"cannot load {os.fspath(path)!r}: {error}") from None
    except Exception as error:  # of protobuf, whose errors have no common name
        raise WeightsError(f"cannot load {os.fspath(path)!r}: it is no ONNX file") from error


def require_all_here(tensors):
    """Raise WeightsError where a tensor names another file, which could be any, for its numbers."""
    for tensor in tensors:
        if tensor.external_data or tensor.data_location:
            raise WeightsError(
                f"the numbers of {shortened(tensor.name, LONGEST_NAME)} stand in another file"
            )


def package() -> Any:
    """The package onnx; an error that says how to get it where it is not installed."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "an ONNX file needs the package onnx: pip install 'micrograd-lessons[onnx]'",
            name=error.name,
        ) from None
    return onnx
