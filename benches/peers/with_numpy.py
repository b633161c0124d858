"""NumPy, with SciPy's error function; its matrix products have the threads of OpenBLAS, the rest one."""

import numpy as np
from scipy.special import erf

VERSION = np.__version__


def start(threads):
    """OpenBLAS reads OMP_NUM_THREADS, which the worker's environment has."""


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x * x * x)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def black_scholes(s, k, t, r=0.03, v=0.25):
    d1 = (np.log(s / k) + (r + 0.5 * v * v) * t) / (v * np.sqrt(t))
    d2 = d1 - v * np.sqrt(t)
    cdf = lambda d: 0.5 * (1 + erf(d * np.float32(0.5**0.5)))
    return s * cdf(d1) - k * np.exp(-r * t) * cdf(d2)


def normalised(x):
    d = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((d * d).mean(-1, keepdims=True) + np.float32(1e-5))
    return d * scale, scale


def layernorm_fwd_bwd(x, w, b, g):
    n, scale = normalised(x)
    dn = g * w
    dx = (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) * scale
    return n * w + b, dx, (g * n).sum(0), g.sum(0)


def cross_entropy(x, y):
    """The loss and its gradient."""
    p, rows = softmax(x), np.arange(len(x))
    loss = -np.log(p[rows, y]).mean()
    p[rows, y] -= 1
    p /= np.float32(len(x))
    return loss, p


def kmeans(x, centres):
    return ((centres * centres).sum(1) - 2 * (x @ centres.T)).argmin(1)


def attention(q, k, v):
    scores = q @ k.swapaxes(1, 2) * np.float32(0.125)
    seen = np.tril(np.ones(scores.shape[1:], bool))
    return softmax(np.where(seen, scores, np.float32(-np.inf))) @ v


def mlp(w1, b1, w2, b2, w3, b3, x, y):
    h1 = np.maximum(x @ w1 + b1, 0)
    h2 = np.maximum(h1 @ w2 + b2, 0)
    loss, d = cross_entropy(h2 @ w3 + b3, y)
    lr = np.float32(0.1)
    new3 = w3 - lr * (h2.T @ d), b3 - lr * d.sum(0)
    d = d @ w3.T * (h2 > 0)
    new2 = w2 - lr * (h1.T @ d), b2 - lr * d.sum(0)
    d = d @ w2.T * (h1 > 0)
    return w1 - lr * (x.T @ d), b1 - lr * d.sum(0), *new2, *new3, loss


def image_prep(pixels, mean, std):
    x = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return np.ascontiguousarray(x.transpose(2, 0, 1))


WORKLOADS = {
    "gelu_chain": lambda x, w, b: gelu(x * w + b),
    "black_scholes": black_scholes,
    "image_prep": image_prep,
    "transpose_add_4096": lambda x, y: x.T + y,
    "tiny_call": lambda x: x * 2 + 1,
    "softmax_4096x2048": softmax,
    "softmax_128x50257": softmax,
    "layernorm_fwd": lambda x, w, b: normalised(x)[0] * w + b,
    "layernorm_fwd_bwd": layernorm_fwd_bwd,
    "cross_entropy_fwd_bwd": cross_entropy,
    "sum_squares_64m": lambda x: x @ x,
    "column_sum_8192": lambda x: x.sum(0),
    "matmul_512": np.matmul,
    "matmul_1024": np.matmul,
    "matmul_2048": np.matmul,
    "matmul_bias_gelu_1024": lambda x, w, b: gelu(x @ w + b),
    "kmeans_assign": kmeans,
    "attention_causal": attention,
    "mlp_train_step": mlp,
}


def make(name, arrays):
    """A call of the workload, or nothing where it has no sensible form."""
    run = WORKLOADS.get(name)
    return run and (lambda: run(*arrays))


def finish(result):
    """Nothing is left to wait for."""


def numbers(result):
    return [np.asarray(r) for r in (result if isinstance(result, tuple) else (result,))]
