"""The model of examples/char_transformer in PyTorch and in JAX: milliseconds a training step.

    python3 examples/peers/char_transformer.py [--steps N] [--batch N] [--threads N]

Needs NumPy, and PyTorch or JAX; a peer that is not installed is left out with a line that says so. The steps are those of
`cargo run --release --example char_transformer`: the same layers, AdamW with its clipping, each step ended before the
next begins, the loss fetched. PyTorch runs step by step and, where it can, compiled; JAX is jitted. The first five steps,
in which they compile, do not count.
"""

import argparse
import pathlib
import statistics
import time

import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "tinyshakespeare.txt"
LAYERS, HEADS, WIDTH, CONTEXT, VOCABULARY = 4, 4, 128, 64, 65
LR, BETAS, DECAY, CLIP, EPS = 0.003, (0.9, 0.99), 0.1, 1.0, 1e-8


def weights(seed):
    """Weights as in `init` of the example, though not the same numbers."""
    random = np.random.default_rng(seed)
    normal = lambda *shape, deviation=0.02: (random.standard_normal(shape) * deviation).astype(np.float32)
    net = {"characters": normal(VOCABULARY, WIDTH), "places": normal(CONTEXT, WIDTH), "head": normal(WIDTH, VOCABULARY)}
    norms = ["norm"] + [f"{k}.norm{n}" for k in range(LAYERS) for n in (1, 2)]
    for name in norms:
        net[name] = np.ones(WIDTH, np.float32)
        net[name.replace("norm", "bias")] = np.zeros(WIDTH, np.float32)
    for k in range(LAYERS):
        net[f"{k}.qkv"] = normal(WIDTH, 3 * WIDTH)
        net[f"{k}.project"] = normal(WIDTH, WIDTH, deviation=0.02 / np.sqrt(2 * LAYERS))
        net[f"{k}.up"], net[f"{k}.up_bias"] = normal(WIDTH, 4 * WIDTH), np.zeros(4 * WIDTH, np.float32)
        net[f"{k}.down"] = normal(4 * WIDTH, WIDTH, deviation=0.02 / np.sqrt(2 * LAYERS))
        net[f"{k}.down_bias"] = np.zeros(WIDTH, np.float32)
    return net


def batches(options):
    text = DATA.read_text()
    characters = sorted(set(text))
    numbers = np.array([characters.index(c) for c in text[: len(text) * 9 // 10]], np.int64)
    random = np.random.default_rng(options.seed)
    for _ in range(options.steps):
        starts = random.integers(0, len(numbers) - CONTEXT, options.batch)
        rows = np.stack([numbers[s : s + CONTEXT + 1] for s in starts])
        yield rows[:, :-1], rows[:, 1:]


def measure(name, options, step):
    times, losses = [], []
    for x, y in batches(options):
        start = time.perf_counter()
        losses.append(step(x, y, float(len(losses) + 1)))
        times.append(time.perf_counter() - start)
    median = statistics.median(times[5:]) * 1e3
    print(f"{name:<18} {median:8.2f} ms a step (median of {len(times) - 5}), last loss {losses[-1]:.4f}")


def torch_step(net, wrap):
    """A step of PyTorch that changes the weights, and these; `wrap` is `torch.compile` or nothing."""
    import torch
    from torch.nn import functional as F

    seen = torch.tril(torch.ones(CONTEXT, CONTEXT, dtype=torch.bool))

    def loss_of(net, x, y):
        h = net["characters"][x] + net["places"]
        norm = lambda h, name: F.layer_norm(h, (WIDTH,), net[name], net[name.replace("norm", "bias")])
        for k in range(LAYERS):
            qkv = (norm(h, f"{k}.norm1") @ net[f"{k}.qkv"]).view(len(x), CONTEXT, 3, HEADS, WIDTH // HEADS)
            q, key, v = qkv.permute(2, 0, 3, 1, 4)
            scores = q @ key.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5
            p = scores.masked_fill(~seen, -torch.inf).softmax(-1)
            h = h + (p @ v).transpose(1, 2).reshape(len(x), CONTEXT, WIDTH) @ net[f"{k}.project"]
            up = F.gelu(norm(h, f"{k}.norm2") @ net[f"{k}.up"] + net[f"{k}.up_bias"], approximate="tanh")
            h = h + up @ net[f"{k}.down"] + net[f"{k}.down_bias"]
        return F.cross_entropy((norm(h, "norm") @ net["head"]).flatten(0, 1), y.flatten())

    net = {k: torch.tensor(w, requires_grad=True) for k, w in net.items()}
    params = list(net.values())
    adamw = torch.optim.AdamW(params, lr=LR, betas=BETAS, eps=EPS, weight_decay=DECAY)
    loss = wrap(lambda x, y: loss_of(net, x, y))

    def step(x, y):
        adamw.zero_grad(set_to_none=True)
        value = loss(x, y)
        value.backward()
        torch.nn.utils.clip_grad_norm_(params, CLIP)
        adamw.step()
        return value

    return step, net


def pytorch(options):
    import torch

    if options.threads:
        torch.set_num_threads(options.threads)

    def run(name, wrap):
        step, _ = torch_step(weights(options.seed), wrap)
        of_batch = lambda x, y, _: step(torch.from_numpy(x), torch.from_numpy(y)).item()
        measure(f"PyTorch {torch.__version__.split('+')[0]}{name}", options, of_batch)

    run("", lambda f: f)
    try:
        run(" compiled", torch.compile)
    except Exception as error:  # No C++ compiler, or one that it cannot use.
        print(f"PyTorch compiled: {type(error).__name__}: {str(error).strip().splitlines()[0]}")


def jax_update():
    """The step of JAX, jitted: weights, moments, the number of the step and a batch to weights, moments and the loss."""
    import jax
    import jax.numpy as jnp

    seen = jnp.tril(jnp.ones((CONTEXT, CONTEXT), bool))

    def loss_of(net, x, y):
        def norm(h, name):
            d = h - h.mean(-1, keepdims=True)
            y = d * jax.lax.rsqrt((d * d).mean(-1, keepdims=True) + 1e-5)
            return y * net[name] + net[name.replace("norm", "bias")]

        h = net["characters"][x] + net["places"]
        for k in range(LAYERS):
            qkv = (norm(h, f"{k}.norm1") @ net[f"{k}.qkv"]).reshape(len(x), CONTEXT, 3, HEADS, WIDTH // HEADS)
            q, key, v = qkv.transpose(2, 0, 3, 1, 4)
            scores = q @ key.swapaxes(-1, -2) * (WIDTH // HEADS) ** -0.5
            p = jax.nn.softmax(jnp.where(seen, scores, -jnp.inf))
            h = h + (p @ v).swapaxes(1, 2).reshape(len(x), CONTEXT, WIDTH) @ net[f"{k}.project"]
            up = jax.nn.gelu(norm(h, f"{k}.norm2") @ net[f"{k}.up"] + net[f"{k}.up_bias"], approximate=True)
            h = h + up @ net[f"{k}.down"] + net[f"{k}.down_bias"]
        logs = jax.nn.log_softmax(norm(h, "norm") @ net["head"])
        return -jnp.take_along_axis(logs, y[..., None], axis=-1).mean()

    @jax.jit
    def update(net, m, v, t, x, y):
        loss, g = jax.value_and_grad(loss_of)(net, x, y)
        total = jnp.sqrt(sum((x * x).sum() for x in g.values()))
        g = {k: x * jnp.where(total > CLIP, CLIP / (total + 1e-6), 1) for k, x in g.items()}
        (b1, b2), c1, c2 = BETAS, 1 - BETAS[0] ** t, 1 - BETAS[1] ** t
        m = {k: b1 * m[k] + (1 - b1) * g[k] for k in net}
        v = {k: b2 * v[k] + (1 - b2) * g[k] * g[k] for k in net}
        net = {k: p - LR * (m[k] / c1 / (jnp.sqrt(v[k] / c2) + EPS) + DECAY * p) for k, p in net.items()}
        return net, m, v, loss

    return update


def jax(options):
    import jax
    import jax.numpy as jnp

    net = {k: jnp.asarray(w) for k, w in weights(options.seed).items()}
    state = [net, {k: jnp.zeros_like(w) for k, w in net.items()}, {k: jnp.zeros_like(w) for k, w in net.items()}]
    update = jax_update()

    def step(x, y, t):
        *state[:], loss = update(*state, t, x, y)
        return float(loss)

    measure(f"JAX {jax.__version__}", options, step)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, run in [("PyTorch", pytorch), ("JAX", jax)]:
        try:
            run(options)
        except ImportError as error:
            print(f"{name} is left out: {error}")


if __name__ == "__main__":
    main()
