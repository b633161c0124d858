"""numexpr: chains of elementwise operations, and sums of them."""

import numexpr
import numpy as np

from with_numpy import finish, numbers  # noqa: F401, what a result is

VERSION = numexpr.__version__


def start(threads):
    numexpr.set_num_threads(threads)


def gelu_chain(x, w, b):
    y = numexpr.evaluate("x * w + b")
    return numexpr.evaluate("0.5 * y * (1 + tanh(0.7978845608 * (y + 0.044715 * y * y * y)))", out=y)


WORKLOADS = {
    "gelu_chain": gelu_chain,
    "transpose_add_4096": lambda x, y: numexpr.evaluate("x + y", {"x": x.T, "y": y}, order="C"),
    "tiny_call": lambda x: numexpr.evaluate("x * 2 + 1"),
    "sum_squares_64m": lambda x: numexpr.evaluate("sum(x * x)"),
    "image_prep": lambda x, mean, std: np.ascontiguousarray(
        numexpr.evaluate("(x / 255 - mean) / std", {"x": x, "mean": mean, "std": std}).transpose(2, 0, 1)
    ),
}


def make(name, arrays):
    run = WORKLOADS.get(name)
    return run and (lambda: run(*arrays))
