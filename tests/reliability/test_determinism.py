"""One digest of a trained MLP, in several processes with each of 3 hash seeds."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import printed

THEME = "Numbers"

SETUP = """
import hashlib, json
import micrograd.functional as F
from micrograd import nn, optim, train

X = [[7 * i % 13 / 6 - 1, 5 * i % 11 / 5 - 1] for i in range(16)]
Y = [1 if x * y > 0 else -1 for x, y in X]


def trained(kind, **settings):
    model = nn.MLP(2, [4, 4, 1], seed=1)
    return model, kind(model.parameters(), **settings)


def show(*results):
    print(hashlib.sha256(json.dumps(results).encode()).hexdigest())
"""
TRAININGS = [
    """
model, optimizer = trained(optim.SGD, lr=0.05, momentum=0.9)
for _ in range(10):
    losses = [(1 - y * model(x)).relu() for x, y in zip(X, Y)]
    loss = sum(losses) / len(losses) + 1e-4 * sum(p * p for p in model.parameters())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
show(model.state_dict(), optimizer.state_dict(), loss.data)
""",
    """
model, optimizer = trained(optim.Adam, lr=optim.cosine(0.05, 0.01, 20))
history = train.fit(model, X, Y, optimizer, steps=20, batch_size=8, seed=2, progress=False)
show(model.state_dict(), optimizer.state_dict(), history.losses)
""",
    """
model, optimizer = trained(optim.Adam, lr=0.05)
history = train.fit(model, X, Y, optimizer, steps=20, progress=False, jit=True)
show(model.state_dict(), optimizer.state_dict(), history.losses)
""",
]


@pytest.mark.slow
def test_every_process_trains_the_same_model(tries, score):
    n, program = tries(6, 200), SETUP + "".join(TRAININGS)
    seeds = list("012") * n
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outputs = list(pool.map(lambda hash_seed: printed(program, hash_seed), seeds))
    digests = [set(column) for column in zip(*map(str.split, outputs))]
    score(
        f"{n} processes × 3 hash seeds train {len(TRAININGS)} models",
        "one digest for each",
        ", ".join(str(len(different)) for different in digests),
        hurt="who compares two runs, or reports a bug",
        peer="6 different models of one seed",
    )
    assert [len(different) for different in digests] == [1] * len(TRAININGS)
