"""The training loop: forward, backward, step, with a progress bar and a way out by Ctrl-C."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import compiler
from . import functional as F
from .compiler.examples import of_examples
from .engine import Value
from .film import Camera, Film
from .optim import Optimizer, is_whole
from .progress import progress_bar

AHEAD = 200  # steps that a compiled training may make in one go


@dataclass
class History:
    """The loss and the accuracy (0 to 1) before each step, and whether the run was interrupted.

    `film` is there if one was asked for.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    interrupted: bool = False
    film: Film | None = None


def fit(
    model: Callable[[Any], Any],
    X: Any,
    y: Any,
    optimizer: Optimizer,
    *,
    loss: Callable[[list, list], Value] = F.hinge_loss,
    steps: int = 100,
    batch_size: int | None = None,
    seed: int | None = None,
    progress: bool = True,
    jit: bool | str = False,
    devices: Any = None,
    film: bool = False,
    on_step: Callable[[History], Any] | None = None,
) -> History:
    """Train a model for a number of steps, and return what was seen on the way.

    Each step is on the whole of X and y, or on a batch drawn anew, by `seed` if there is one. The
    progress bar goes to stderr, or into a notebook's cell until it is done. With `jit`, the whole
    step is compiled; it may name a backend, as in jit="c" or jit="xla", and for the latter there
    may be `devices`; see compiler.jit. With `film`, the history has the training as a film; see
    film.Film. `on_step` is called with the history after each step, and ends the training with
    True.
    Ctrl-C ends the training after the last whole step: the model keeps what it has learned.
    Raises ValueError unless X and y are equally long, a batch fits into them and the optimizer has
    parameters of the model, and where every
    batch would be compiled anew.
    """
    for name, rows in (("X", X), ("y", y)):
        if not hasattr(rows, "__len__"):
            raise TypeError(f"fit() needs {name} as a list or array, got {type(rows).__name__}")
    if len(X) != len(y):
        raise ValueError(f"fit() needs a target for each sample, got {len(X)} and {len(y)}")
    if not len(X):
        raise ValueError("fit() needs at least one sample, got none")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"fit() needs an optimizer, got {type(optimizer).__name__} {optimizer!r}")
    if not is_whole(steps) or steps < 0:
        raise ValueError(f"steps is a whole number from 0, got {steps!r}")
    if seed is not None and not is_whole(seed):
        raise ValueError(f"seed is a whole number or None, got {seed!r}")
    if not isinstance(jit, bool) and jit not in tuple(compiler.BACKENDS):
        raise ValueError(f"jit is True, False, {compiler.named_backends()}, got {jit!r}")
    if devices is not None and not isinstance(jit, str):
        raise ValueError(f'devices are for jit="xla", got jit={jit!r}')
    if batch_size is not None and not (is_whole(batch_size) and 1 <= batch_size <= len(X)):
        raise ValueError(f"batch_size is from 1 to the {len(X)} samples, got {batch_size!r}")
    if jit and batch_size:
        X, y = as_array("X", X), as_array("y", y)
    if hasattr(model, "parameters") and not set(map(id, model.parameters())) & set(
        map(id, optimizer.parameters)
    ):
        raise ValueError("fit() needs an optimizer of the model's parameters, got one of none")
    if not isinstance(film, bool):
        raise ValueError(f"film is True or False, got {film!r}")
    if on_step is not None and not callable(on_step):
        raise TypeError(f"on_step is a function of the history, got {on_step!r}")
    rng, history = random.Random(seed), History()
    everything = range(len(X))
    camera = Camera(model, X, y, steps) if film else None
    # What looks at the parameters between two steps has them made one by one.
    most = AHEAD if jit and not (film or on_step) else 1
    bar = progress_bar(range(steps), progress, desc="training", unit="step")
    batches: list[tuple] = []  # of steps to come, as samples and targets
    if not batch_size:
        batches = [(chosen(X, everything), chosen(y, everything))] * most

    def note(error, accuracy):
        history.losses.append(error)
        history.accuracies.append(accuracy)

    try:
        with training_steps(model, loss, optimizer, jit, devices) as some_steps:
            while (done := len(history.losses)) < steps:
                if camera:
                    camera.see(done)
                while batch_size and len(batches) < min(most, steps - done):
                    batch = rng.sample(everything, batch_size)
                    batches.append((chosen(X, batch), chosen(y, batch)))
                some_steps(batches[: steps - done], note)
                made = len(history.losses) - done
                if batch_size:
                    del batches[:made]
                error, accuracy = history.losses[-1], history.accuracies[-1]
                bar.set_postfix(loss=f"{error:.4f}", accuracy=f"{accuracy:.0%}", refresh=False)
                bar.update(made)
                if on_step and on_step(history) is True:
                    break
    except KeyboardInterrupt:
        history.interrupted = True
        del history.losses[len(history.accuracies) :]
    finally:
        bar.close()
    if camera:
        last = [] if batch_size else [loss([model(x) for x in X], y).data]
        camera.end(len(history.losses))
        history.film = Film(camera, history.losses + last, batches=bool(batch_size))
    return history


def training_steps(model, loss, optimizer, jit, devices):
    """A context in which there is a function that makes steps: see `engine_steps`."""
    if not jit:
        return engine_steps(model, loss, optimizer)
    return compiled_steps(model, loss, optimizer, "numpy" if jit is True else jit, devices)


@contextmanager
def engine_steps(model, loss, optimizer):
    """A function of batches and `note`, which is called after each step that it makes.

    A batch is samples and targets. It makes at least one step, and passes the loss and the
    accuracy before it to `note`.
    """

    def some_steps(batches, note):
        samples, targets = batches[0]
        scores = [model(x) for x in samples]
        error = loss(scores, targets)
        if not isinstance(error, Value):
            raise TypeError(
                f"fit() needs a loss that gives a Value, got {type(error).__name__} {error!r}"
            )
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        note(error.data, F.accuracy(scores, targets))

    yield some_steps


@contextmanager
def compiled_steps(model, loss, optimizer, backend, devices):
    """The same, compiled. For losses that are means, one example does."""

    def forward(samples, targets):
        scores = [model(x) for x in samples]
        return loss(scores, targets), scores

    def forward_of_a_mean(samples, targets):
        return of_examples(one, (samples, targets), model, loss)

    def one(sample, target):
        score = model(sample)
        return loss([score], [target]), score

    mean = forward_of_a_mean if loss in MEANS else forward
    whole = compiler.jit(mean, backend=backend, devices=devices)
    with whole.training(optimizer) as step:
        shape: tuple = ()

        def some_steps(batches, note):
            nonlocal shape
            samples, targets = batches[0]
            if not shape:
                error, scores = step(samples, targets)
                note(error, F.accuracy(scores, targets))
                shape = shape_of(scores, targets)
                return
            found: list = []
            try:
                step.steps(batches, 0, {}, found)
            finally:  # also of what Ctrl-C has cut short
                targets = [targets for _, targets in batches[: len(found)]]
                for (error, *_), accuracy in zip(found, accuracies(found, targets, shape)):
                    note(error, accuracy)

        yield some_steps


MEANS = (F.hinge_loss, F.mse_loss, F.binary_cross_entropy_with_logits, F.cross_entropy)


def shape_of(scores, targets):
    """Of scores that are all floats, or equally long lists of them; else ()."""
    kinds = {len(row) if isinstance(row, list) else type(row) for row in scores}
    found = np.array(scores) if len(kinds) == 1 else np.array(None)
    flat = np.array(targets).shape == found.shape[:1]
    return found.shape if found.dtype == float and flat else ()


def accuracies(found, targets, shape):
    """As F.accuracy, of the scores behind the losses in `found`, step by step."""
    if not found:
        return []
    scores = np.array(found)[:, 1:].reshape(len(found), *shape)
    wanted = np.array(targets[:1] if targets[0] is targets[-1] else targets)
    if len(shape) == 1:
        right = np.where(wanted > 0, scores > 0, scores <= 0)
    else:
        right = (scores.argmax(axis=2) == wanted) & ~np.isnan(scores).any(axis=2)
    return right.mean(axis=1).tolist()


def chosen(rows, batch):
    """The rows of a batch; an array stays an array."""
    if isinstance(rows, np.ndarray):
        return rows if isinstance(batch, range) else rows[batch]
    return [rows[i] for i in batch]


def as_array(name, rows):
    """Rows of numbers as an array, which a compiled step takes whatever numbers it holds."""
    try:
        found = np.asarray(rows)
    except ValueError:  # of different lengths
        found = None
    if found is None or found.dtype.kind not in "fiu":
        raise ValueError(
            f"fit() with jit and batch_size needs {name} as an array or equally long lists of "
            "floats or integers: with anything else, each batch would be compiled anew"
        )
    return found
