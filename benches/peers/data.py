"""The workloads' inputs, the same numbers as in benches/workloads/data.rs, and what several peers share of a network.

`INPUTS[name]()` makes the arrays of a workload, in the order in which every peer's function takes them.
"""

import json
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def bits(count, seed):
    """32 bits a number, by the finaliser of MurmurHash3."""
    z = np.arange(count, dtype=np.uint32)
    z += np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        z ^= z >> np.uint32(shift)
        z *= np.uint32(factor)
    z ^= z >> np.uint32(16)
    return z


def uniform(shape, seed):
    """Multiples of 2**-24 in [0, 1)."""
    return ((bits(int(np.prod(shape)), seed) >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)).reshape(shape)


def signed(shape, seed, scale=1):
    return (uniform(shape, seed) * np.float32(2) - np.float32(1)) * np.float32(scale)


def below(shape, seed, n):
    return (bits(int(np.prod(shape)), seed) % np.uint32(n)).astype(np.int64).reshape(shape)


def prices():
    n = 8 << 20
    of = lambda seed: uniform(n, seed) * np.float32(90) + np.float32(10)
    return of(1), of(2), uniform(n, 3) * np.float32(2) + np.float32(0.1)


def norm():
    return signed((4096, 2048), 1), uniform(2048, 2), signed(2048, 3)


def square(n):
    return lambda: (signed((n, n), 1), signed((n, n), 2))


def mlp():
    layers = [(784, 512), (512, 256), (256, 10)]
    pairs = [(signed(s, k + 1, 0.1), signed(s[1], k + 4, 0.1)) for k, s in enumerate(layers)]
    return *(a for pair in pairs for a in pair), signed((256, 784), 7), below(256, 8, 10)


def photographs(batch):
    return lambda: (signed((batch, 3, 224, 224), 1),)


INPUTS = {
    "gelu_chain": lambda: (signed((4096, 2048), 1, 4), uniform(2048, 2), signed(2048, 3)),
    "black_scholes": prices,
    "image_prep": lambda: (below((1080, 1920, 3), 1, 256).astype(np.uint8), MEAN, STD),
    "transpose_add_4096": square(4096),
    "tiny_call": lambda: (signed(16, 1),),
    "softmax_4096x2048": lambda: (signed((4096, 2048), 1, 5),),
    "softmax_128x50257": lambda: (signed((128, 50257), 1, 5),),
    "layernorm_fwd": norm,
    "layernorm_fwd_bwd": lambda: (*norm(), signed((4096, 2048), 4)),
    "cross_entropy_fwd_bwd": lambda: (signed((4096, 10000), 1, 5), below(4096, 2, 10000)),
    "sum_squares_64m": lambda: (signed(64 << 20, 1),),
    "column_sum_8192": lambda: (signed((8192, 8192), 1),),
    "matmul_512": square(512),
    "matmul_1024": square(1024),
    "matmul_2048": square(2048),
    "matmul_bias_gelu_1024": lambda: (signed((1024, 1024), 1), signed((1024, 1024), 2, 0.05), signed(1024, 3)),
    "kmeans_assign": lambda: (signed((100_000, 64), 1), signed((16, 64), 2)),
    "attention_causal": lambda: tuple(signed((16, 512, 64), seed) for seed in (1, 2, 3)),
    "mlp_train_step": mlp,
    "char_transformer_step": lambda: (below((32, 64), 1, 65), below((32, 64), 2, 65)),
    "efficientnet_b1": photographs(1),
    "efficientnet_b8": photographs(8),
}


def efficientnet_weights():
    """Arrays by their names, of the safetensors file."""
    raw = (ROOT / "examples/data/efficientnet_lite0.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)

    def array(entry):
        start, end = entry["data_offsets"]
        return np.frombuffer(raw, np.float32, (end - start) // 4, 8 + size + start).reshape(entry["shape"])

    return {name: array(entry) for name, entry in header.items() if entry["dtype"] == "F32"}


# The stride of each block; the kernels' sizes are the weights'.
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


def same(size, kernel, stride):
    """What is put before and after an axis so that `ceil(size / stride)` windows fit."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def efficientnet(ops, x):
    """EfficientNet-Lite0, as examples/classify/network.rs has it. `ops` has the operations of a library: `conv(x,
    weight's name, stride, depthwise)`, `norm(x, prefix)`, `relu6(x)`, `add(x, y)` and `head(x)`, the mean and last
    layer."""
    x = ops.relu6(ops.norm(ops.conv(x, "_conv_stem.weight", 2, False), "_bn0"))
    for k, stride in enumerate(STRIDES):
        name, before = f"_blocks.{k}", x
        if k > 0:
            x = ops.relu6(ops.norm(ops.conv(x, f"{name}._expand_conv.weight", 1, False), f"{name}._bn0"))
        x = ops.relu6(ops.norm(ops.conv(x, f"{name}._depthwise_conv.weight", stride, True), f"{name}._bn1"))
        x = ops.norm(ops.conv(x, f"{name}._project_conv.weight", 1, False), f"{name}._bn2")
        if k in (2, 4, 6, 7, 9, 10, 12, 13, 14):
            x = ops.add(x, before)
    x = ops.relu6(ops.norm(ops.conv(x, "_conv_head.weight", 1, False), "_bn1"))
    return ops.head(x)


def transformer_weights():
    """As `initial` of benches/workloads/training.rs has them, by the names of examples/peers/char_transformer.py, and
    in the order of the struct."""
    block = {
        "norm1": (128,), "bias1": (128,), "qkv": (128, 384), "project": (128, 128), "norm2": (128,), "bias2": (128,),
        "up": (128, 512), "up_bias": (512,), "down": (512, 128), "down_bias": (128,),
    }  # fmt: skip
    shapes = {"characters": (65, 128), "places": (64, 128)}
    shapes |= {f"{k}.{name}": shape for k in range(4) for name, shape in block.items()}
    shapes |= {"norm": (128,), "bias": (128,), "head": (128, 65)}

    def array(seed, name, shape):
        if len(shape) > 1:
            return signed(shape, seed, 0.04)
        field = name.split(".")[-1]
        return np.ones(shape, np.float32) if field.startswith("norm") else np.zeros(shape, np.float32)

    return {name: array(k + 1, name, shape) for k, (name, shape) in enumerate(shapes.items())}
