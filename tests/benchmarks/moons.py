"""W1: a full-batch step on moons by a small MLP, in the engine and in what it is compared with.

Each builder returns a `step()` that moves the parameters once and returns the loss before it, or
for the engine the loss function and the optimizer that make such a step.
"""

import random

import numpy as np

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import batched

SIZES, LR, DECAY = (16, 16, 1), 0.1, 1e-4


def points(count):
    """Points of two moons, and -1 or 1 for each."""
    X, y = data.moons(count, noise=0.1, seed=1337)
    return X, 2.0 * y - 1.0


X, Y = points(100)
POINTS, TARGETS = X.tolist(), Y.tolist()


def training_step(loss, optimizer, *args):
    """A step in the words that the engine and PyTorch share."""

    def step():
        error = loss(*args)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        return float(error.data)

    return step


def with_fused_losses():
    model = nn.MLP(2, SIZES, seed=1337)
    parameters = model.parameters()

    def loss():
        scores = [model(x) for x in POINTS]
        return F.hinge_loss(scores, TARGETS) + DECAY * F.dot(parameters, parameters)

    return loss, optim.SGD(parameters, lr=LR)


def by_examples(sizes=SIZES):
    """A loss of points and targets, of which a jit records one, and the optimizer."""
    model = nn.MLP(2, sizes, seed=1337)
    parameters = model.parameters()
    error = batched(lambda x, target: F.hinge_loss([model(x)], [target]))

    def loss(X, y):
        return error(X, y) + DECAY * F.dot(parameters, parameters)

    return loss, optim.SGD(parameters, lr=LR)


def as_people_wrote_it(Value=Value, MLP=nn.MLP):
    """In the words of the original's demo, for its engine or this one."""
    random.seed(1337)
    model = MLP(2, list(SIZES))

    def loss():
        scores = [model(list(map(Value, x))) for x in POINTS]
        losses = [(1 + -y * score).relu() for y, score in zip(TARGETS, scores)]
        return sum(losses) * (1.0 / len(losses)) + DECAY * sum(p * p for p in model.parameters())

    return loss, optim.SGD(model.parameters(), lr=LR)


def weights(sizes=SIZES):
    """W (nout, nin) and b (nout,) of each layer."""
    for layer in nn.MLP(2, sizes, seed=1337).layers:
        yield np.array([[w.data for w in neuron.w] for neuron in layer.neurons])
        yield np.array([neuron.b.data for neuron in layer.neurons])


def by_hand(sizes=SIZES, x=X, y=Y):
    """NumPy as most people would write it: a line for each formula."""
    W1, b1, W2, b2, W3, b3 = parameters = list(weights(sizes))
    n, y = len(x), y[:, None]

    def step():
        h1 = np.maximum(x @ W1.T + b1, 0)
        h2 = np.maximum(h1 @ W2.T + b2, 0)
        margin = np.maximum(1 - y * (h2 @ W3.T + b3), 0)
        loss = margin.mean() + DECAY * sum((p * p).sum() for p in parameters)
        d3 = -y * (margin > 0) / n
        d2 = d3 @ W3 * (h2 > 0)
        d1 = d2 @ W2 * (h1 > 0)
        slopes = d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), d3.T @ h2, d3.sum(0)
        for p, slope in zip(parameters, slopes):
            np.subtract(p, LR * (slope + 2 * DECAY * p), out=p)
        return float(loss)

    return step


def by_hand_tuned():
    """NumPy with the derivatives worked out on paper and every array allocated beforehand.

    Activations are (features, points), with a last row of ones for the bias: then each layer is
    one matrix product, and so is the gradient of its weights and biases. ndarray.dot has the
    least overhead of the matrix products, and a zero array less than a Python number.
    """
    arrays = list(weights())
    layers = [np.column_stack(pair) for pair in zip(arrays[::2], arrays[1::2])]
    flat = np.concatenate([w.ravel() for w in layers])
    slopes, n, zero = np.empty_like(flat), len(X), np.zeros(())
    (W1, W2, W3), (dW1, dW2, dW3) = views(flat, layers), views(slopes, layers)
    x, h1, h2 = np.vstack([X.T, np.ones(n)]), np.ones((17, n)), np.ones((17, n))
    a1, a2, score = h1[:16], h2[:16], np.empty((1, n))
    da1, da2, dscore = np.empty((16, n)), np.empty((16, n)), np.empty((1, n))
    active, wrong = np.empty((16, n), dtype=bool), np.empty((1, n), dtype=bool)
    share, lr_dscore, shrink = np.full(n, 1 / n), -Y[None] * (LR / n), np.array(1 - 2 * LR * DECAY)
    y, one, margin, W2T, W3T = Y[None], np.ones(()), score[0], W2[:, :16].T, W3[:, :16].T

    def step():
        W1.dot(x, out=a1)
        np.maximum(a1, zero, out=a1)
        W2.dot(h1, out=a2)
        np.maximum(a2, zero, out=a2)
        W3.dot(h2, out=score)
        np.multiply(score, y, out=score)
        np.subtract(one, score, out=score)
        np.maximum(score, zero, out=score)
        loss = float(margin.dot(share)) + DECAY * float(flat.dot(flat))

        np.greater(score, zero, out=wrong)
        np.multiply(lr_dscore, wrong, out=dscore)
        dscore.dot(h2.T, out=dW3)
        W3T.dot(dscore, out=da2)
        np.greater(a2, zero, out=active)
        np.multiply(da2, active, out=da2)
        da2.dot(h1.T, out=dW2)
        W2T.dot(da2, out=da1)
        np.greater(a1, zero, out=active)
        np.multiply(da1, active, out=da1)
        da1.dot(x.T, out=dW1)
        np.multiply(flat, shrink, out=flat)
        np.subtract(flat, slopes, out=flat)
        return loss

    return step


def views(flat, arrays):
    """Views of a flat vector, one in the shape of each of the arrays."""
    ends = np.cumsum([a.size for a in arrays])
    return [flat[end - a.size : end].reshape(a.shape) for end, a in zip(ends, arrays)]


def torch_loss(sizes=SIZES, x=X, y=Y):
    """PyTorch's loss of one flat vector of parameters, which is quickest there; and the vector."""
    import torch

    torch.set_num_threads(1)
    arrays = list(weights(sizes))
    shapes, lengths = [a.shape for a in arrays], [a.size for a in arrays]
    x, y, linear = torch.tensor(x), torch.tensor(y), torch.nn.functional.linear

    def loss(flat):
        W1, b1, W2, b2, W3, b3 = (p.view(s) for p, s in zip(flat.split(lengths), shapes))
        scores = linear(linear(linear(x, W1, b1).relu(), W2, b2).relu(), W3, b3).squeeze(1)
        return (1 - y * scores).relu().mean() + DECAY * flat.dot(flat)

    return loss, torch.tensor(np.concatenate([a.ravel() for a in arrays]))


def torch_eager(*data):
    """With the update by hand, quicker here than torch.optim.SGD, fused or not."""
    import torch

    loss, flat = torch_loss(*data)
    flat.requires_grad_()

    def step():
        error = loss(flat)
        (slope,) = torch.autograd.grad(error, flat)
        with torch.no_grad():
            flat.add_(slope, alpha=-LR)
        return error.item()

    return step


def torch_compiled():
    """Forward, backward and update as one compiled function, called from C++: the quickest way."""
    import torch

    loss, flat = torch_loss()

    @torch.compile(fullgraph=True, options={"cpp_wrapper": True})
    def update(flat):
        slope, error = torch.func.grad_and_value(loss)(flat)
        return flat - LR * slope, error

    def step():
        nonlocal flat
        flat, error = update(flat)
        return error.item()

    return step


def jax_in_doubles():
    """JAX with float64, and without the thread that small programs would wait for."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    return jax


def jax_update(sizes=SIZES, x=X, y=Y):
    """Forward, backward and update of one flat vector, where it starts, and further arguments."""
    jax = jax_in_doubles()
    arrays, relu = list(weights(sizes)), jax.nn.relu

    def loss(flat, x, y):
        W1, b1, W2, b2, W3, b3 = views(flat, arrays)
        scores = relu(relu(x @ W1.T + b1) @ W2.T + b2) @ W3.T + b3
        return relu(1 - y * scores[:, 0]).mean() + DECAY * flat.dot(flat)

    def update(flat, x, y):
        error, slope = jax.value_and_grad(loss)(flat, x, y)
        return flat - LR * slope, error

    flat = jax.numpy.array(np.concatenate([a.ravel() for a in arrays]))
    return update, flat, (jax.numpy.array(x), jax.numpy.array(y))


def jax_jitted(*data):
    """The same as one jitted function."""
    return jitted_steps(*jax_update(*data))


def jitted_steps(update, state, args):
    """A step that calls a function of a state and arguments, compiled by JAX."""
    jax = jax_in_doubles()
    update = jax.jit(update, donate_argnums=0)

    def step():
        nonlocal state
        state, error = update(state, *args)
        return float(error)

    return step
