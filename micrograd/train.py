"""The training loop: forward, backward, step, with a progress bar and a way out by Ctrl-C."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from . import functional as F
from .engine import Value
from .optim import Optimizer


@dataclass
class History:
    """The loss and the accuracy (0 to 1) before each step, and whether the run was interrupted."""

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    interrupted: bool = False


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
) -> History:
    """Train a model for a number of steps, and return what was seen on the way.

    Each step is on the whole of X and y, or on a batch drawn anew, by `seed` if there is one. The
    progress bar goes to stderr.
    Ctrl-C ends the training after the last whole step: the model keeps what it has learned.
    Raises ValueError unless X and y are equally long.
    """
    if len(X) != len(y):
        raise ValueError(f"fit() needs a target for each sample, got {len(X)} and {len(y)}")
    rng, history = random.Random(seed), History()
    everything = range(len(X))
    hidden = {} if progress else {"disable": True}  # else TQDM_DISABLE decides
    bar = tqdm(range(steps), desc="training", unit="step", **hidden)
    try:
        for _ in bar:
            batch = rng.sample(everything, batch_size) if batch_size else everything
            targets = [y[i] for i in batch]
            scores = [model(X[i]) for i in batch]
            error = loss(scores, targets)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            history.losses.append(error.data)
            history.accuracies.append(F.accuracy(scores, targets))
            bar.set_postfix(
                loss=f"{error.data:.4f}", accuracy=f"{history.accuracies[-1]:.0%}", refresh=False
            )
    except KeyboardInterrupt:
        history.interrupted = True
    finally:
        bar.close()
    return history
