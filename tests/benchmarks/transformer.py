"""W2: a step of a one-layer character transformer on one name, at the sizes of microgpt.

The engine works position by position with a growing list of keys and values; NumPy, PyTorch and
JAX on the whole name at once. The builders are as in moons.py. 4,192 parameters.
"""

import random
from pathlib import Path

import numpy as np
from benchmarks.moons import jax_in_doubles, jitted_steps, training_step, views

import micrograd.functional as F
from micrograd import Value, optim

CHANNELS, HEADS, BLOCK = 16, 4, 16
SHAPES = {
    "token": (27, CHANNELS),
    "position": (BLOCK, CHANNELS),
    "query": (CHANNELS, CHANNELS),
    "key": (CHANNELS, CHANNELS),
    "value": (CHANNELS, CHANNELS),
    "out": (CHANNELS, CHANNELS),
    "up": (4 * CHANNELS, CHANNELS),
    "down": (CHANNELS, 4 * CHANNELS),
    "logits": (27, CHANNELS),
}
LR, BETAS, EPS, NORM_EPS = 0.01, (0.85, 0.99), 1e-8, 1e-5
NAMES = Path(__file__).with_name("names.txt").read_text(encoding="ascii").split()


def tokens(name):
    """Its letters as 0 to 25, between two marks of start and end, 26; at most a block of them."""
    return np.array([26, *(ord(letter) - ord("a") for letter in name), 26][: BLOCK + 1])


def weights(seed=1337, Value=Value):
    """A matrix as a list of rows of Values, by name."""
    rng = random.Random(seed)
    return {
        name: [[Value(rng.gauss(0, 0.08)) for _ in range(nin)] for _ in range(nout)]
        for name, (nout, nin) in SHAPES.items()
    }


def by_scalars():
    """The loss of an array of tokens, and Adam, in Values."""
    w = weights()

    def loss(tokens):
        keys, values = [], []
        rows = [logits(w, t, i, keys, values) for i, t in enumerate(tokens[:-1])]
        return F.cross_entropy(rows, tokens[1:])

    parameters = [p for matrix in w.values() for row in matrix for p in row]
    return loss, optim.Adam(parameters, lr=LR, betas=BETAS, eps=EPS)


def logits(w, token, position, keys, values):
    """The scores of the 27 next tokens; adds this position's key and value to the lists."""
    x = added(F.take(w["token"], token), w["position"][position])
    x = added(x, attention(w, normed(x), keys, values))
    x = added(x, linear(w["down"], [h.relu() for h in linear(w["up"], normed(x))]))
    return linear(w["logits"], x)


def attention(w, x, keys, values):
    query = linear(w["query"], x)
    keys.append(linear(w["key"], x))
    values.append(linear(w["value"], x))
    size, mixed = CHANNELS // HEADS, []
    for start in range(0, CHANNELS, size):
        head = slice(start, start + size)
        shares = F.softmax([F.dot(query[head], key[head]) / size**0.5 for key in keys])
        mixed += [F.dot(shares, column) for column in zip(*(value[head] for value in values))]
    return linear(w["out"], mixed)


def normed(x):
    """x over its root mean square."""
    scale = (F.dot(x, x) / len(x) + NORM_EPS) ** -0.5
    return [scale * xi for xi in x]


def linear(matrix, x):
    return [F.dot(row, x) for row in matrix]


def added(xs, ys):
    return [x + y for x, y in zip(xs, ys)]


def start():
    """The starting weights as one flat vector, and views of it, query, key and value as one."""
    matrices = list(weights().values())
    flat = np.array([p.data for matrix in matrices for row in matrix for p in row])
    wte, wpe, wq, wk, wv, *rest = matrices
    return flat, views(
        flat, [np.empty((len(m), len(m[0]))) for m in (wte, wpe, wq + wk + wv, *rest)]
    )


def by_hand_tuned(tokens):
    """NumPy with the derivatives worked out on paper and every large array allocated beforehand.

    Query, key and value are one matrix product, all heads a stack of products, the gradient of
    the embedding a product with one-hot rows, and Adam a few passes over one flat vector.
    """
    flat, arrays = start()
    slopes = np.zeros_like(flat)
    wte, wpe, wqkv, wo, w1, w2, wl = arrays
    dwte, dwpe, dwqkv, dwo, dw1, dw2, dwl = views(slopes, arrays)
    n, size = len(tokens) - 1, CHANNELS // HEADS
    hot, goal = np.eye(27)[tokens[:-1]], np.eye(27)[tokens[1:]]
    qkv, dqkv = np.empty((n, 3 * CHANNELS)), np.empty((n, 3 * CHANNELS))
    q, k, v = qkv.reshape(n, 3, HEADS, size).transpose(1, 2, 0, 3)
    dq, dk, dv = dqkv.reshape(n, 3, HEADS, size).transpose(1, 2, 0, 3)
    mixed, dmixed = np.empty((n, CHANNELS)), np.empty((n, CHANNELS))
    o, do = (a.reshape(n, HEADS, size).transpose(1, 0, 2) for a in (mixed, dmixed))
    kT, vT, p_shape = k.transpose(0, 2, 1), v.transpose(0, 2, 1), (HEADS, n, n)
    p, ds, future = np.empty(p_shape), np.empty(p_shape), np.triu(np.full((n, n), -np.inf), 1)
    pT, dsT = p.transpose(0, 2, 1), ds.transpose(0, 2, 1)
    sum_n, sum_27, sum_size = np.ones((n, 1)), np.ones((27, 1)), np.ones((size, 1))
    average, update = np.full((CHANNELS, 1), 1 / CHANNELS), adam_by_hand(flat, slopes)

    def normed_backward(dy, y, r):
        return (dy - y * (dy * y).dot(average)) * r

    def step():
        x0 = wte[tokens[:-1]] + wpe[:n]
        r0 = 1 / np.sqrt((x0 * x0).dot(average) + NORM_EPS)
        n0 = x0 * r0
        n0.dot(wqkv.T, out=qkv)
        np.matmul(q, kT, out=p)
        np.multiply(p, size**-0.5, out=p)
        np.add(p, future, out=p)
        np.exp(p - p.max(axis=2, keepdims=True), out=p)
        np.divide(p, p.dot(sum_n), out=p)
        np.matmul(p, v, out=o)
        x1 = mixed.dot(wo.T) + x0
        r1 = 1 / np.sqrt((x1 * x1).dot(average) + NORM_EPS)
        n1 = x1 * r1
        h = n1.dot(w1.T)
        np.maximum(h, 0, out=h)
        x2 = h.dot(w2.T) + x1
        y = x2.dot(wl.T)
        y -= y.max(axis=1, keepdims=True)
        e = np.exp(y)
        total = e.dot(sum_27)
        loss = (np.log(total).sum() - np.vdot(y, goal)) / n

        dy = (e / total - goal) / n
        dy.T.dot(x2, out=dwl)
        dx2 = dy.dot(wl)
        dx2.T.dot(h, out=dw2)
        dh = dx2.dot(w2) * (h > 0)
        dh.T.dot(n1, out=dw1)
        dx1 = dx2 + normed_backward(dh.dot(w1), n1, r1)
        dx1.T.dot(mixed, out=dwo)
        dx1.dot(wo, out=dmixed)
        np.matmul(pT, do, out=dv)
        np.matmul(do, vT, out=ds)
        np.subtract(ds, (do * o).dot(sum_size), out=ds)
        np.multiply(ds, p * size**-0.5, out=ds)
        np.matmul(ds, k, out=dq)
        np.matmul(dsT, q, out=dk)
        dqkv.T.dot(n0, out=dwqkv)
        dx0 = dwpe[:n]
        np.add(dx1, normed_backward(dqkv.dot(wqkv), n0, r0), out=dx0)
        hot.T.dot(dx0, out=dwte)
        update()
        return float(loss)

    return step


def adam_by_hand(flat, slopes):
    """A function that moves `flat` once against `slopes`, which it uses up."""
    mean, square, room = np.zeros_like(flat), np.zeros_like(flat), np.empty_like(flat)
    (b1, b2), steps = BETAS, 0

    def update():
        nonlocal steps
        steps += 1
        correction = (1 - b2**steps) ** 0.5
        np.multiply(mean, b1, out=mean)
        np.multiply(slopes, 1 - b1, out=room)
        np.add(mean, room, out=mean)
        np.multiply(square, b2, out=square)
        np.multiply(slopes, slopes, out=slopes)
        np.multiply(slopes, 1 - b2, out=slopes)
        np.add(square, slopes, out=square)
        np.sqrt(square, out=room)
        np.add(room, EPS * correction, out=room)
        np.divide(mean, room, out=room)
        np.multiply(room, LR * correction / (1 - b1**steps), out=room)
        np.subtract(flat, room, out=flat)

    return update


def torch_loss(tokens, attention):
    """PyTorch's loss of a list of parameters, and the parameters."""
    import torch
    from torch.nn import functional as f

    torch.set_num_threads(1)
    ids, targets, n = torch.tensor(tokens[:-1]), torch.tensor(tokens[1:]), len(tokens) - 1

    def loss(parameters):
        wte, wpe, wqkv, wo, w1, w2, wl = parameters
        x = f.embedding(ids, wte) + wpe[:n]
        qkv = f.linear(f.rms_norm(x, (CHANNELS,), eps=NORM_EPS), wqkv)
        qkv = qkv.view(n, 3, HEADS, CHANNELS // HEADS).permute(1, 2, 0, 3)
        mixed = attention(*qkv.unbind(0)).transpose(0, 1).reshape(n, CHANNELS)
        x = x + f.linear(mixed, wo)
        h = f.linear(f.rms_norm(x, (CHANNELS,), eps=NORM_EPS), w1).relu()
        return f.cross_entropy(f.linear(x + f.linear(h, w2), wl), targets)

    return loss, [torch.tensor(a) for a in start()[1]]


def torch_eager(tokens):
    """With PyTorch's own attention and its fused Adam, the quickest of its kinds here."""
    import torch

    def attention(q, k, v):
        scaled = torch.nn.functional.scaled_dot_product_attention
        return scaled(q[None], k[None], v[None], is_causal=True)[0]

    loss, parameters = torch_loss(tokens, attention)
    for p in parameters:
        p.requires_grad_()
    adam = torch.optim.Adam(parameters, lr=LR, betas=BETAS, eps=EPS, fused=True)
    return training_step(loss, adam, parameters)


def torch_compiled(tokens):
    """Forward, backward and Adam as one compiled function of flat vectors, called from C++."""
    import torch

    n, (b1, b2) = len(tokens) - 1, BETAS
    future = torch.full((n, n), -torch.inf, dtype=torch.float64).triu(1)

    def attention(q, k, v):
        return ((q @ k.transpose(1, 2)) * q.shape[2] ** -0.5 + future).softmax(2) @ v

    loss, arrays = torch_loss(tokens, attention)
    sizes, shapes = [a.numel() for a in arrays], [a.shape for a in arrays]

    def flat_loss(flat):
        return loss([p.view(shape) for p, shape in zip(flat.split(sizes), shapes)])

    @torch.compile(fullgraph=True, options={"cpp_wrapper": True})
    def update(flat, mean, square, steps):
        slope, error = torch.func.grad_and_value(flat_loss)(flat)
        steps = steps + 1
        mean, square = b1 * mean + (1 - b1) * slope, b2 * square + (1 - b2) * slope * slope
        scale = (square / (1 - b2**steps)).sqrt() + EPS
        return (flat - LR * mean / (1 - b1**steps) / scale, mean, square, steps), error

    flat = torch.tensor(start()[0])
    state = flat, torch.zeros_like(flat), torch.zeros_like(flat), flat.new_zeros(())

    def step():
        nonlocal state
        state, error = update(*state)
        return error.item()

    return step


def jax_jitted(tokens):
    """Forward, backward and Adam as one jitted function of flat vectors."""
    return jitted_steps(*jax_update(tokens))


def jax_update(tokens):
    """The same as a function, its state, and further arguments."""
    jax = jax_in_doubles()
    jnp, n, (b1, b2), (flat, arrays) = jax.numpy, len(tokens) - 1, BETAS, start()
    future = np.triu(np.full((n, n), -np.inf), 1)

    def normed(x):
        return x * jax.lax.rsqrt((x * x).mean(axis=1, keepdims=True) + NORM_EPS)

    def loss(flat, hot, goal):
        wte, wpe, wqkv, wo, w1, w2, wl = views(flat, arrays)
        x = hot @ wte + wpe[:n]
        qkv = normed(x) @ wqkv.T
        q, k, v = qkv.reshape(n, 3, HEADS, CHANNELS // HEADS).transpose(1, 2, 0, 3)
        shares = jax.nn.softmax(q @ k.transpose(0, 2, 1) * q.shape[2] ** -0.5 + future)
        x = x + (shares @ v).transpose(1, 0, 2).reshape(n, CHANNELS) @ wo.T
        x = x + jax.nn.relu(normed(x) @ w1.T) @ w2.T
        return -(jax.nn.log_softmax(x @ wl.T) * goal).sum() / n

    def update(state, hot, goal):
        flat, mean, square, steps = state
        error, slope = jax.value_and_grad(loss)(flat, hot, goal)
        steps = steps + 1
        mean, square = b1 * mean + (1 - b1) * slope, b2 * square + (1 - b2) * slope * slope
        scale = jnp.sqrt(square / (1 - b2**steps)) + EPS
        return (flat - LR * mean / (1 - b1**steps) / scale, mean, square, steps), error

    hot, goal = (jnp.array(np.eye(27)[ids]) for ids in (tokens[:-1], tokens[1:]))
    zeros = [jnp.zeros_like(jnp.array(flat)) for _ in range(2)]
    return update, (jnp.array(flat), *zeros, jnp.array(0.0)), (hot, goal)
