"""PyTorch, operation by operation and compiled. A workload is a function of `wrap`, which is `torch.compile` or nothing."""

import sys

import numpy as np
import torch
from torch.nn import functional as F

import data

sys.path.append(str(data.ROOT / "examples/peers"))
import char_transformer

VERSION = torch.__version__


def start(threads):
    torch.set_num_threads(threads)


def plain(f):
    """A function without gradients."""

    def made(wrap):
        inner = wrap(f)

        @torch.no_grad()
        def run(*arrays):
            return inner(*arrays)

        return run

    return made


def gelu(x):
    return F.gelu(x, approximate="tanh")


def black_scholes(s, k, t, r=0.03, v=0.25):
    d1 = (torch.log(s / k) + (r + 0.5 * v * v) * t) / (v * torch.sqrt(t))
    d2 = d1 - v * torch.sqrt(t)
    cdf = lambda d: 0.5 * (1 + torch.erf(d * 0.5**0.5))
    return s * cdf(d1) - k * torch.exp(-r * t) * cdf(d2)


def norm(x, w, b):
    return F.layer_norm(x, x.shape[-1:], w, b)


def layernorm_fwd_bwd(wrap):
    inner = wrap(norm)

    def run(x, w, b, g):
        leaves = [a.detach().requires_grad_() for a in (x, w, b)]
        y = inner(*leaves)
        return y.detach(), *torch.autograd.grad(y, leaves, g)

    return run


def cross_entropy_fwd_bwd(wrap):
    inner = wrap(F.cross_entropy)

    def run(x, y):
        x = x.detach().requires_grad_()
        loss = inner(x, y)
        return loss.detach(), *torch.autograd.grad(loss, x)

    return run


def mlp(wrap):
    def loss_of(w1, b1, w2, b2, w3, b3, x, y):
        h = F.relu(torch.addmm(b2, F.relu(torch.addmm(b1, x, w1)), w2))
        return F.cross_entropy(torch.addmm(b3, h, w3), y)

    inner = wrap(loss_of)
    update = wrap(lambda p, g: [a - 0.1 * b for a, b in zip(p, g)])

    def run(*arrays):
        leaves = [a.detach().requires_grad_() for a in arrays[:6]]
        loss = inner(*leaves, *arrays[6:])
        gradients = torch.autograd.grad(loss, leaves)
        with torch.no_grad():
            return *update(arrays[:6], gradients), loss.detach()

    return run


def transformer(wrap):
    net = data.transformer_weights()
    step, params = char_transformer.torch_step(net, wrap)

    def run(x, y):
        value = step(x, y)
        return *(params[name].detach() for name in net), value.detach()

    return run


class Ops:
    def __init__(self):
        self.net = {name: torch.from_numpy(w.copy()) for name, w in data.efficientnet_weights().items()}
        four = {name: w.contiguous(memory_format=torch.channels_last) for name, w in self.net.items() if w.ndim == 4}
        self.net |= four

    def conv(self, x, name, stride, depthwise):
        w = self.net[name]
        pads = [p for axis in (3, 2) for p in data.same(x.shape[axis], w.shape[axis], stride)]
        if pads[0] == pads[1] and pads[2] == pads[3]:
            return F.conv2d(x, w, None, stride, (pads[2], pads[0]), 1, len(w) if depthwise else 1)
        return F.conv2d(F.pad(x, pads), w, None, stride, 0, 1, len(w) if depthwise else 1)

    def norm(self, x, name):
        of = lambda field: self.net[f"{name}.{field}"]
        return F.batch_norm(x, of("running_mean"), of("running_var"), of("weight"), of("bias"), False, 0.0, 1e-3)

    def relu6(self, x):
        return F.relu6(x)

    def add(self, x, y):
        return x + y

    def head(self, x):
        return F.linear(x.mean((2, 3)), self.net["_fc.weight"], self.net["_fc.bias"])


def efficientnet(wrap):
    ops = Ops()
    return plain(lambda x: data.efficientnet(ops, x))(wrap)


def attention(q, k, v):
    return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]


softmax = plain(lambda x: torch.softmax(x, -1))
WORKLOADS = {
    "gelu_chain": plain(lambda x, w, b: gelu(x * w + b)),
    "black_scholes": plain(black_scholes),
    "image_prep": plain(lambda x, mean, std: ((x.float() / 255 - mean) / std).permute(2, 0, 1).contiguous()),
    "transpose_add_4096": plain(lambda x, y: x.T + y),
    "tiny_call": plain(lambda x: x * 2 + 1),
    "softmax_4096x2048": softmax,
    "softmax_128x50257": softmax,
    "layernorm_fwd": plain(norm),
    "layernorm_fwd_bwd": layernorm_fwd_bwd,
    "cross_entropy_fwd_bwd": cross_entropy_fwd_bwd,
    "sum_squares_64m": plain(lambda x: (x * x).sum()),
    "column_sum_8192": plain(lambda x: x.sum(0)),
    "matmul_512": plain(torch.matmul),
    "matmul_1024": plain(torch.matmul),
    "matmul_2048": plain(torch.matmul),
    "matmul_bias_gelu_1024": plain(lambda x, w, b: gelu(torch.addmm(b, x, w))),
    "kmeans_assign": plain(lambda x, c: ((c * c).sum(1) - 2 * (x @ c.T)).argmin(1)),
    "attention_causal": plain(attention),
    "mlp_train_step": mlp,
    "char_transformer_step": transformer,
    "efficientnet_b1": efficientnet,
    "efficientnet_b8": efficientnet,
}


def tensors(name, arrays):
    made = [torch.from_numpy(np.array(a)) for a in arrays]
    return [a.contiguous(memory_format=torch.channels_last) if a.ndim == 4 else a for a in made]


def make(name, arrays, wrap=lambda f: f):
    run, arrays = WORKLOADS[name](wrap), tensors(name, arrays)
    return lambda: run(*arrays)


def finish(result):
    """Nothing is left to wait for."""


def numbers(result):
    return [r.detach().numpy() for r in (result if isinstance(result, tuple) else (result,))]
