"""JAX, jitted. It has a thread a processor that the process may use, to which the worker is held."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"

import sys

import jax
import jax.numpy as jnp
import numpy as np

import data

sys.path.append(str(data.ROOT / "examples/peers"))
import char_transformer

VERSION = jax.__version__


def start(threads):
    """The worker's processors are as many."""


def gelu(x):
    return jax.nn.gelu(x, approximate=True)


def black_scholes(s, k, t, r=0.03, v=0.25):
    d1 = (jnp.log(s / k) + (r + 0.5 * v * v) * t) / (v * jnp.sqrt(t))
    d2 = d1 - v * jnp.sqrt(t)
    cdf = lambda d: 0.5 * (1 + jax.lax.erf(d * 0.5**0.5))
    return s * cdf(d1) - k * jnp.exp(-r * t) * cdf(d2)


def norm(x, w, b):
    d = x - x.mean(-1, keepdims=True)
    return d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + 1e-5) * w + b


def layernorm_fwd_bwd(x, w, b, g):
    y, back = jax.vjp(norm, x, w, b)
    return y, *back(g)


def cross_entropy(x, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], axis=-1).mean()


def mlp(*arrays):
    def loss_of(p, x, y):
        w1, b1, w2, b2, w3, b3 = p
        return cross_entropy(jax.nn.relu(jax.nn.relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3, y)

    loss, g = jax.value_and_grad(loss_of)(arrays[:6], *arrays[6:])
    return *(a - 0.1 * b for a, b in zip(arrays[:6], g)), loss


def attention(q, k, v):
    scores = q @ k.swapaxes(1, 2) * 0.125
    seen = jnp.tril(jnp.ones(scores.shape[1:], bool))
    return jax.nn.softmax(jnp.where(seen, scores, -jnp.inf)) @ v


class Ops:
    def __init__(self, net):
        self.net = net

    def conv(self, x, name, stride, depthwise):
        w, axes = self.net[name], ("NHWC", "OIHW", "NHWC")
        groups = len(w) if depthwise else 1
        return jax.lax.conv_general_dilated(x, w, (stride,) * 2, "SAME", None, None, axes, groups)

    def norm(self, x, name):
        of = lambda field: self.net[f"{name}.{field}"]
        scale = of("weight") * jax.lax.rsqrt(of("running_var") + 1e-3)
        return x * scale + (of("bias") - of("running_mean") * scale)

    def relu6(self, x):
        return jax.nn.relu6(x)

    def add(self, x, y):
        return x + y

    def head(self, x):
        return x.mean((1, 2)) @ self.net["_fc.weight"].T + self.net["_fc.bias"]


def efficientnet(arrays):
    """The weights are constants of the compiled function, as they are in a model that is served."""
    net = data.efficientnet_weights()
    run = jax.jit(lambda x: data.efficientnet(Ops(net), x.transpose(0, 2, 3, 1)))
    return lambda: run(arrays[0])


def transformer(arrays):
    net = {name: jnp.asarray(w) for name, w in data.transformer_weights().items()}
    zeros = {name: jnp.zeros_like(w) for name, w in net.items()}
    update = char_transformer.jax_update()

    def run():
        new, _, _, loss = update(net, zeros, zeros, 1.0, *arrays)
        return *(new[name] for name in net), loss

    return run


WORKLOADS = {
    "gelu_chain": lambda x, w, b: gelu(x * w + b),
    "black_scholes": black_scholes,
    "image_prep": lambda x, mean, std: ((x.astype(jnp.float32) / 255 - mean) / std).transpose(2, 0, 1),
    "transpose_add_4096": lambda x, y: x.T + y,
    "tiny_call": lambda x: x * 2 + 1,
    "softmax_4096x2048": lambda x: jax.nn.softmax(x),
    "softmax_128x50257": lambda x: jax.nn.softmax(x),
    "layernorm_fwd": norm,
    "layernorm_fwd_bwd": layernorm_fwd_bwd,
    "cross_entropy_fwd_bwd": jax.value_and_grad(cross_entropy),
    "sum_squares_64m": lambda x: (x * x).sum(),
    "column_sum_8192": lambda x: x.sum(0),
    "matmul_512": jnp.matmul,
    "matmul_1024": jnp.matmul,
    "matmul_2048": jnp.matmul,
    "matmul_bias_gelu_1024": lambda x, w, b: gelu(x @ w + b),
    "kmeans_assign": lambda x, c: ((c * c).sum(1) - 2 * (x @ c.T)).argmin(1),
    "attention_causal": attention,
    "mlp_train_step": mlp,
}


def make(name, arrays):
    arrays = [jnp.asarray(a) for a in arrays]
    if name.startswith("efficientnet"):
        return efficientnet(arrays)
    if name == "char_transformer_step":
        return transformer(arrays)
    run = jax.jit(WORKLOADS[name])
    return lambda: run(*arrays)


def finish(result):
    jax.block_until_ready(result)


def numbers(result):
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]
