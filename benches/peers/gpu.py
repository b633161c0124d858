#!/usr/bin/env python3
"""PyTorch on a GPU, operation by operation and compiled, on the workloads of `cargo bench --bench gpu -- --json`; with
`--ndfuse` also that, and one table of all.

    python benches/peers/gpu.py [--ndfuse target/release/deps/gpu-…] [--filter NAME] [--device cuda] [--scale N] [--seconds N]

An object a line, as that command prints: median, least and greatest milliseconds of a call, between two events of the
device, in turns of 20 ms at least. `limit_ratio` is the share of what `Tensor.copy_` reaches with 2 GiB in the same run, for
`ndfuse` of what its own copy does. What is not begun after so many seconds is not measured.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

TURN, TURNS = 20.0, 15


def norm(x, w, b):
    return F.layer_norm(x, x.shape[-1:], w, b)


def layer_norm_gradients(x, w, b, g):
    leaves = [a.detach().requires_grad_() for a in (x, w, b)]
    y = norm(*leaves)
    return y.detach(), *torch.autograd.grad(y, leaves, g)


def cross_entropy(x, y):
    leaf = x.detach().requires_grad_()
    loss = F.cross_entropy(leaf, y)
    return loss.detach(), *torch.autograd.grad(loss, leaf)


def kmeans(x, c):
    return ((x[:, None, :] - c) ** 2).sum(-1).argmin(-1)


def causal(q, k, v):
    return F.scaled_dot_product_attention(q[None], k[None], v[None], is_causal=True)[0]


def workloads(device, s):
    """Name, function, arguments, bytes that must move, operations of products."""

    def numbers(*shape, dtype=torch.float32):
        return torch.rand(shape, device=device, dtype=torch.float32).mul_(4).sub_(2).to(dtype)

    gelu = lambda x, w, b: F.gelu(x * w + b, approximate="tanh")
    softmax = lambda x: torch.softmax(x, -1)
    for name, b, c in [("gelu_chain", 4096, 2048), ("gelu_chain_large", 32768, 8192)]:
        b //= s
        yield name, gelu, lambda b=b, c=c: (numbers(b, c), numbers(c), numbers(c)), 8 * b * c, 0
    for name, b, c in [("softmax_4096x2048", 4096, 2048), ("softmax_16384x32768", 16384, 32768), ("softmax_128x50257", 128, 50257)]:
        b = -(-b // s)
        yield name, softmax, lambda b=b, c=c: (numbers(b, c),), 8 * b * c, 0
    b, c = 4096 // s, 2048
    yield "layernorm_fwd", norm, lambda: (numbers(b, c), numbers(c), numbers(c)), 8 * b * c, 0
    arguments = lambda: (numbers(b, c), numbers(c), numbers(c), numbers(b, c))
    yield "layernorm_fwd_bwd", layer_norm_gradients, arguments, 16 * b * c, 0
    classes = lambda: torch.arange(b, device=device) * 7919 % 10000
    yield "cross_entropy_fwd_bwd", cross_entropy, lambda: (numbers(b, 10000), classes()), 8 * b * 10000, 0
    n = 100_000 // s
    yield "kmeans_assign", kmeans, lambda: (numbers(n, 16), numbers(64, 16)), n * 72, 3 * n * 64 * 16
    yield "column_sum_8192", lambda x: x.sum(0), lambda: (numbers(8192 // s, 8192),), 4 * 8192 // s * 8192, 0
    yield "sum_squares_64m", lambda x: (x * x).sum(), lambda: (numbers((1 << 26) // s),), 4 * (1 << 26) // s, 0
    turned = lambda: (numbers(4096 // s, 4096), numbers(4096, 4096 // s))
    yield "transpose_add_4096", lambda x, y: x + y.T, turned, 12 * 4096 // s * 4096, 0
    m, n = 4096 // s, 4096
    linear = lambda x, w, b: F.gelu(x @ w + b, approximate="tanh")
    size = 4 * (2 * m * n + n * n)
    yield "matmul_bias_gelu_4096", linear, lambda: (numbers(m, n), numbers(n, n), numbers(n)), size, 2 * m * n * n
    m, n = 8192 // s, 8192
    halves = lambda: (numbers(m, n, dtype=torch.bfloat16), numbers(n, n, dtype=torch.bfloat16))
    yield "matmul_bf16_8192", lambda x, y: x @ y, halves, 2 * (2 * m * n + n * n), 2 * m * n * n
    for name, h, n in [("attention_causal", 16, 512), ("attention_causal_long", 64, 4096)]:
        h = -(-h // s)
        heads = lambda h=h, n=n: tuple(numbers(h, n, 64) for _ in range(3))
        yield name, causal, heads, 16 * h * n * 64, 4 * h * n * n * 64
    for name, batch in [("efficientnet_b1", 1), ("efficientnet_b64", -(-64 // s))]:
        photographs = lambda batch=batch: (numbers(batch, 3, 224, 224).contiguous(memory_format=torch.channels_last),)
        yield name, efficientnet(device), photographs, 4 * 3 * 224 * 224 * batch, 2 * batch * 384.9e6


def efficientnet(device):
    """With the weights on the device, in the memory order that convolutions are fastest in."""
    import data
    import with_torch

    ops = with_torch.Ops()
    ops.net = {name: w.to(device) for name, w in ops.net.items()}
    return torch.no_grad()(lambda x: data.efficientnet(ops, x))


class Host:
    """Events of a processor that does each call at once."""

    def record(self):
        self.at = time.perf_counter()

    def elapsed_time(self, later):
        return 1e3 * (later.at - self.at)


def measure(call, device):
    cuda = device.startswith("cuda")
    begin, end = (torch.cuda.Event(enable_timing=True) if cuda else Host() for _ in range(2))

    def turn(calls):
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        if cuda:
            end.synchronize()
        return begin.elapsed_time(end) / calls

    turn(3)
    calls = min(max(int(TURN / max(turn(1), 1e-4)), 1), 10_000)
    return sorted(turn(calls) for _ in range(TURNS))


def tell(row, rows):
    rows.append(row)
    print(json.dumps(row), flush=True)


def measure_ndfuse(options, rows):
    """What the binary says; where it fails, how."""
    device = "cuda:0" if options.device == "cuda" else options.device
    command = [str(options.ndfuse.resolve()), "--json", "--device", device, "--scale", str(options.scale)]
    command += ["--filter", options.filter]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            tell(json.loads(line), rows)
            if time.monotonic() > options.end:
                process.kill()
    if process.returncode != 0:
        print(f"{options.ndfuse.name}: ended with {process.returncode}", file=sys.stderr)


def measure_torch(options, rows):
    # f32 in full, as ndfuse has it.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    source = torch.rand((1 << 28) // options.scale, device=options.device)
    target = torch.empty_like(source)
    copied = statistics.median(measure(lambda: target.copy_(source), options.device))
    limit = 8 * source.numel() / copied / 1e6
    tell({"workload": "copy", "system": "torch", "ms": copied, "gbps": limit}, rows)
    del source, target
    for name, f, arguments, size, flops in workloads(options.device, options.scale):
        if options.filter not in name:
            continue
        made = arguments()
        for system, wrap in [("torch", lambda f: f), ("torch.compile", torch.compile)]:
            if time.monotonic() > options.end:
                return
            try:
                run = wrap(f)
                times = measure(lambda: run(*made), options.device)
            except Exception as why:
                print(f"{name}, {system}: {why}", file=sys.stderr)
                continue
            ms = statistics.median(times)
            row = {"workload": name, "system": system, "ms": ms, "min": times[0], "max": times[-1]}
            rates = {"gbps": size / ms / 1e6, "gflops": flops / ms / 1e6, "limit_ratio": size / ms / 1e6 / limit}
            tell({**row, **rates}, rows)


def table(rows):
    """Milliseconds, and the share of a copy's rate; the last column says how often as fast as the faster of PyTorch's."""
    systems = ["ndfuse", "ndfuse-unfused", "torch", "torch.compile"]
    lines = ["| workload | " + " | ".join(systems) + " | faster |", "|---" * (len(systems) + 2) + "|"]
    for name in dict.fromkeys(row["workload"] for row in rows if row["workload"] != "copy"):
        found = {row["system"]: row for row in rows if row["workload"] == name}
        cell = lambda row: f"{row['ms']:.4g} ({100 * row['limit_ratio']:.0f} %)" if row else ""
        cells = [name, *(cell(found.get(system)) for system in systems)]
        peers = [found[system]["ms"] for system in systems[2:] if system in found]
        both = peers and "ndfuse" in found
        lines.append("| " + " | ".join([*cells, f"{min(peers) / found['ndfuse']['ms']:.2f}" if both else ""]) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ndfuse", type=pathlib.Path, help="the binary of `cargo bench --bench gpu --no-run`")
    parser.add_argument("--filter", default="")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=480)
    options = parser.parse_args()
    options.end, rows = time.monotonic() + options.seconds, []
    if options.ndfuse:
        measure_ndfuse(options, rows)
    measure_torch(options, rows)
    print(table(rows))


if __name__ == "__main__":
    main()
