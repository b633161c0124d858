"""The networks of examples/train_digits in PyTorch and in JAX: milliseconds a training step.

    python3 examples/peers/train_digits.py [--model mlp|cnn] [--epochs N] [--batch N] [--threads N]

Needs NumPy, and PyTorch or JAX; a peer that is not installed is left out with a line that says so. The steps are those of
`cargo run --release --example train_digits`: the same layers, batches of the same sizes, the same AdamW with its clipping
and schedule, from bytes to new weights, each step ended before the next begins, the loss fetched. PyTorch runs step by
step and, where it can, compiled; JAX is jitted. The first epoch, in which they compile, does not count.
"""

import argparse
import gzip
import pathlib
import statistics
import time

import numpy as np

DATA = pathlib.Path(__file__).parent.parent / "data" / "digits.csv.gz"
LR, WARMUP, DECAY, CLIP = 0.004, 50, 0.8, 1.0
LAYERS = {
    "mlp": {"first": (128, 64), "second": (128, 128), "out": (10, 128)},
    "cnn": {"first": (16, 1, 3, 3), "second": (32, 16, 3, 3), "out": (10, 512)},
}


def digits():
    """The images to learn from and those held out, each with its labels."""
    with gzip.open(DATA, "rt") as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :64].reshape(-1, 8, 8), table[:, 64].astype(np.int64)
    held_out = np.arange(len(labels)) % 5 == 4
    return (images[~held_out], labels[~held_out]), (images[held_out], labels[held_out])


def weights(model, seed):
    """Weights as in `init` of the example, though not the same numbers."""
    random = np.random.default_rng(seed)
    net = {}
    for name, shape in LAYERS[model].items():
        deviation = np.sqrt(2 / np.prod(shape[1:]))
        net[f"{name}.weight"] = (random.standard_normal(shape) * deviation).astype(np.float32)
        net[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    return net


def measure(name, options, data, step, read):
    """Trains: `step(images, labels, number, epoch)` gives the loss, `read(images)` the digits."""
    (images, labels), (held_images, held_labels) = data
    random, times, number = np.random.default_rng(options.seed), [], 0
    count = -(-len(labels) // options.batch)
    for epoch in range(options.epochs):
        order = random.permutation(len(labels))
        for k in range(count):
            rows = order[k * options.batch : (k + 1) * options.batch]
            batch, wanted = images[rows], labels[rows]
            number += 1
            start = time.perf_counter()
            step(batch, wanted, float(number), epoch + k / count)
            if epoch > 0:
                times.append(time.perf_counter() - start)
    accuracy = np.mean(read(held_images) == held_labels)
    print(f"{name:<18} {statistics.median(times) * 1e3:8.3f} ms a step (median of {len(times)}), {accuracy:.2%} right")


def pytorch(options, data):
    import torch
    from torch.nn import functional as F

    if options.threads:
        torch.set_num_threads(options.threads)

    def forward(net, images):
        x = (images.float() / 16 - 0.305) / 0.376
        layer = lambda name: (net[f"{name}.weight"], net[f"{name}.bias"])
        if options.model == "mlp":
            x = F.relu(F.linear(x.flatten(1), *layer("first")))
            return F.linear(F.relu(F.linear(x, *layer("second"))), *layer("out"))
        x = F.relu(F.conv2d(x[:, None], *layer("first"), padding="same"))
        x = F.relu(F.conv2d(x, *layer("second"), padding="same"))
        return F.linear(F.max_pool2d(x, 2).flatten(1), *layer("out"))

    def run(name, wrap):
        net = {k: torch.tensor(w, requires_grad=True) for k, w in weights(options.model, options.seed).items()}
        params = list(net.values())
        adamw = torch.optim.AdamW(params, lr=LR, weight_decay=0.01)

        def loss_of(images, labels):
            return F.cross_entropy(forward(net, images), labels)

        loss_of = wrap(loss_of)

        def step(images, labels, number, epoch):
            for group in adamw.param_groups:
                group["lr"] = LR * min(number / WARMUP, 1) * DECAY**epoch
            adamw.zero_grad(set_to_none=True)
            loss = loss_of(torch.from_numpy(images), torch.from_numpy(labels))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, CLIP)
            adamw.step()
            return loss.item()

        def read(images):
            with torch.no_grad():
                return forward(net, torch.from_numpy(images)).argmax(-1).numpy()

        measure(f"PyTorch {torch.__version__.split('+')[0]}{name}", options, data, step, read)

    run("", lambda f: f)
    try:
        run(" compiled", torch.compile)
    except Exception as error:  # No C++ compiler, or one that it cannot use.
        print(f"PyTorch compiled: {type(error).__name__}: {str(error).strip().splitlines()[0]}")


def jax(options, data):
    import jax
    import jax.numpy as jnp

    def forward(net, images):
        x = (images.astype(jnp.float32) / 16 - 0.305) / 0.376
        linear = lambda x, name: x @ net[f"{name}.weight"].T + net[f"{name}.bias"]
        if options.model == "mlp":
            x = jax.nn.relu(linear(x.reshape(len(x), 64), "first"))
            return linear(jax.nn.relu(linear(x, "second")), "out")

        def conv(x, name):
            y = jax.lax.conv_general_dilated(x, net[f"{name}.weight"], (1, 1), "SAME")
            return jax.nn.relu(y + net[f"{name}.bias"][:, None, None])

        x = conv(conv(x[:, None], "first"), "second")
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return linear(x.reshape(len(x), 512), "out")

    def loss_of(net, images, labels):
        logs = jax.nn.log_softmax(forward(net, images))
        return -jnp.take_along_axis(logs, labels[:, None], axis=-1).mean()

    @jax.jit
    def update(net, m, v, number, epoch, images, labels):
        loss, g = jax.value_and_grad(loss_of)(net, images, labels)
        norm = jnp.sqrt(sum((x * x).sum() for x in g.values()))
        lr = LR * jnp.minimum(number / WARMUP, 1) * DECAY**epoch
        c1, c2 = 1 - 0.9**number, 1 - 0.999**number
        g = {k: x * jnp.where(norm > CLIP, CLIP / (norm + 1e-6), 1) for k, x in g.items()}
        m = {k: 0.9 * m[k] + 0.1 * g[k] for k in net}
        v = {k: 0.999 * v[k] + 0.001 * g[k] * g[k] for k in net}
        net = {k: p - lr * (m[k] / c1 / (jnp.sqrt(v[k] / c2) + 1e-8) + 0.01 * p) for k, p in net.items()}
        return net, m, v, loss

    net = {k: jnp.asarray(w) for k, w in weights(options.model, options.seed).items()}
    zeros = {k: jnp.zeros_like(w) for k, w in net.items()}
    state = [net, zeros, zeros]

    def step(images, labels, number, epoch):
        *state[:], loss = update(*state, number, epoch, images, labels.astype(np.int32))
        jax.block_until_ready(state)
        return float(loss)

    predict = jax.jit(lambda net, images: forward(net, images).argmax(-1))
    measure(f"JAX {jax.__version__}", options, data, step, lambda images: np.asarray(predict(state[0], images)))


def main():
    parser = argparse.ArgumentParser(description="Milliseconds a training step, in PyTorch and in JAX.")
    parser.add_argument("--model", choices=list(LAYERS), default="cnn")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0, help="of PyTorch; JAX takes what `taskset` leaves it")
    options = parser.parse_args()
    if options.epochs < 2:
        parser.error("--epochs must be 2 or more: the first one does not count")
    data = digits()
    print(f"{options.model}, batches of {options.batch}")
    for peer in (pytorch, jax):
        try:
            peer(options, data)
        except ImportError as error:
            print(f"{peer.__name__}: not installed ({error})")


if __name__ == "__main__":
    main()
