"""Arrays of integers as inputs of a jitted function: they select, compute, or become static."""

import math

import numpy as np
import pytest
from backends import others
from reliability.beside_the_engine import engine

import micrograd.functional as F
from micrograd import Value, optim
from micrograd.compiler import JitError, batched, jit
from micrograd.tensor import Tensor

ROWS, COLUMNS = 5, 3


def table():
    rng = np.random.RandomState(0)
    return [[Value(x) for x in row] for row in rng.uniform(-1, 1, (ROWS, COLUMNS))]


W = table()
FLAT = [w for row in W for w in row]


def total(rows):
    return F.sum(x * x.tanh() for x in np.array(rows, object).ravel())


def labels(t):
    """-1 and 1 from integers."""
    return np.where(np.asarray(t) % 2, 1, -1)


SELECTING = {  # one recording serves all arrays of a shape and type
    "rows": lambda t: total(F.take(W, t)),
    "a row at a time": lambda t: F.sum(total(F.take(W, i)) for i in t.ravel()),
    "single values": lambda t: total(F.take(FLAT, t)),
    "numbers": lambda t: total(F.take([0.5, -1.5, 2.5, 3.0, 0.25], t)) + W[0][0],
    "an array of numbers": lambda t: total(F.take(np.eye(ROWS), t)) * W[0][0],
    "a Tensor": lambda t: total(F.take(Tensor(W), t)),
    "a table of three axes": lambda t: total(F.take([W, W[::-1], W, W, W], t)),
    "computed rows": lambda t: total(F.take([F.softmax(row) for row in W], t)),
    "tied weights": lambda t: F.sum(
        F.cross_entropy([F.dot(row, w) for w in W], i)
        for row, i in zip(F.take(W, t.ravel()), t.flat)
    ),
    "targets": lambda t: F.cross_entropy([[*W[0], *W[1][:2]]] * t.size, t.ravel()),
    "a target at a time": lambda t: F.sum(F.cross_entropy(FLAT[:ROWS], i) for i in t.ravel()),
    "a pair of rows": lambda t: F.sum(
        F.dot(a, b) for a, b in zip(F.take(W, t.ravel()), F.take(W, t.ravel()[::-1]))
    ),
    "the same twice": lambda t: total(F.take(W, t)) + total(F.take(W, t)),
    "numbers that are added": lambda t: total([w * i + i for w, i in zip(FLAT, t.ravel())]),
    "a difference": lambda t: total([w * (i - 1.5) / 4 for w, i in zip(FLAT, t.ravel())]),
    "hinge loss": lambda t: F.hinge_loss([w * w for w in FLAT[: t.size]], 0 * t.ravel() + 1),
    "squares": lambda t: F.mse_loss(FLAT[: t.size], t.ravel()),
    "a mask": lambda t: F.sum(w if i < 9 else w * w for w, i in zip(FLAT, t.ravel())),
    "a slice": lambda t: total(F.take(W, t.ravel()[1:])) + total(F.take(W, t.ravel()[:-1])),
    "the mean": lambda t: W[0][0] * t.mean() + W[1][1],
    "Value()": lambda t: F.dot(FLAT, [Value(i) for i in t.ravel()] + [1] * (len(FLAT) - t.size)),
    "a dict of arrays": lambda t: total(F.take(W, {"t": [t]}["t"][0])),
}
COMPUTED = {  # from rows that may not be finite
    "roots": lambda t: total(F.take([[w.sqrt() * w.log() for w in row] for row in W], t)),
    "rows of rows": lambda t: total(
        F.take(F.take([[w.exp() for w in r] for r in W], [1, 2, 3]), t % 3)
    ),
    "taken twice": lambda t: total(F.take(F.take([[w / w for w in r] for r in W], t), [0, 1])),
    "taken and used": lambda t: total(F.take([[w / 2 for w in r] for r in W], t)) * W[0][0].exp(),
    "by examples": batched(lambda i: total(F.take([[w / w for w in r] for r in W], i))),
    "a table for examples": lambda t: of_a_table([[w / w for w in r] for r in W], t),
}


def of_a_table(rows, t):
    return batched(lambda i: total([x * x for x in F.take(rows, i)]))(t)


ONLY_WHOLE = {  # as those of tokens: neither the numbers nor their type overflow
    "an index computed": lambda t: total(F.take(FLAT, t * COLUMNS)),
    "a pair as one index": lambda t: total(F.take(W * ROWS, t[:-1] * ROWS + t[1:])),
    "back again": lambda t: total(F.take(W, -t + 4)),
    "the distance": lambda t: total(F.take(W, abs(t - 2))),
    "a sum as an index": lambda t: F.take(FLAT, t[0] + t[1] + t[2]),
}
PLAIN = {  # wanted as plain ints: a recording for each
    "a list index": lambda t: total([W[i] for i in t.ravel()]),
    "a slice's end": lambda t: total(FLAT[: t.ravel()[0] + 1]),
    "a count": lambda t: F.sum(W[0][0].tanh() for _ in range(t.ravel()[0] + 1)),
    "==": lambda t: F.sum(w for w, i in zip(FLAT, t.ravel()) if i == 2) + W[0][0],
    "!=": lambda t: F.sum(w for w, i in zip(FLAT, t.ravel()) if i != 2),
    "in a set": lambda t: F.sum(w for w, i in zip(FLAT, t.ravel()) if i in {1, 2}) + W[0][0],
    "in a list": lambda t: F.sum(w for w, i in zip(FLAT, t.ravel()) if i in [1, 2]) + W[0][0],
    "a key": lambda t: F.sum({0: W[0][0], 1: W[1][1]}.get(i, W[2][2]) for i in t.ravel()),
    "its truth": lambda t: F.sum(w if i else w * w for w, i in zip(FLAT, t.ravel())),
    "%": lambda t: F.sum(w * (i % 2) for w, i in zip(FLAT, t.ravel())),
    "//": lambda t: F.sum(w * (i // 2) for w, i in zip(FLAT, t.ravel())),
    "**": lambda t: F.sum(w * i**2 for w, i in zip(FLAT, t.ravel())),
    "a power of it": lambda t: F.sum(w * 2.0**i for w, i in zip(FLAT, t.ravel())),
    "&": lambda t: F.sum(w * (i & 1) for w, i in zip(FLAT, t.ravel())),
    "int()": lambda t: F.sum(w * int(i) for w, i in zip(FLAT, t.ravel())),
    "float()": lambda t: F.sum(w * float(i) for w, i in zip(FLAT, t.ravel())),
    "math.exp": lambda t: F.sum(w * math.exp(i) for w, i in zip(FLAT, t.ravel())),
    "np.exp": lambda t: F.dot(FLAT[: t.size], np.exp(t.ravel() / 1.0)),
    "np.sqrt": lambda t: F.dot(FLAT[: t.size], np.sqrt(t.ravel())),
    "text": lambda t: F.sum(w * len(f"{i} or {i!r}") for w, i in zip(FLAT, t.ravel())),
    "a division by it": lambda t: F.sum(w * (1.0 / (i + 1)) for w, i in zip(FLAT, t.ravel())),
    "truth of a half": lambda t: F.sum(w * (2 if i * 0.5 else 3) for w, i in zip(FLAT, t.ravel())),
    "int() of a half": lambda t: F.sum(w * int(i * 0.5) for w, i in zip(FLAT, t.ravel())),
    "rows of an array": lambda t: F.dot(FLAT[:ROWS], np.eye(ROWS)[t.ravel()[0]]),
    "an array by the array": lambda t: total(np.eye(ROWS)[t.ravel()].tolist()) + W[0][0],
    "astype": lambda t: total([W[i] for i in t.ravel().astype(int)]),
    "np.bincount": lambda t: F.dot(FLAT[:ROWS], np.bincount(t.ravel(), minlength=ROWS)),
    "caught on the way": lambda t: total([row_or_first(i) for i in t.ravel()]),
    "a tensor's rows": lambda t: total(Tensor(W)[t.ravel()].values),
    "its square root": lambda t: F.sum(w * math.sqrt(i) for w, i in zip(FLAT, t.ravel())),
    "rows of several lengths": lambda t: total([w for i in t.ravel() for w in F.take(RAGGED, i)]),
}
RAGGED = [row[:n] for row, n in zip(W, (1, 2, 3, 2, 1))]


def row_or_first(i):
    try:
        return W[i]
    except Exception:
        return W[0]


def seen(f, t):
    """The number and the gradients of what f makes of an array, or its error."""
    for w in FLAT:
        w.grad = 0.0
    try:
        y = f(t)
        y.backward()
    except Exception as error:
        return type(error), str(error)
    return [y.data, *(w.grad for w in FLAT)]


def same(found, expected):
    if isinstance(expected, tuple):
        return found == expected
    return found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def arrays(shape, kind=int, count=8):
    rng = np.random.RandomState(1)
    return [rng.randint(0, ROWS, shape).astype(kind) for _ in range(count)]


KINDS = ["int64", "int32", "int8", "uint8", "uint64", ">i4"]


@pytest.mark.parametrize("name", [*SELECTING, *ONLY_WHOLE])
def test_one_recording_serves_all_integers(name):
    function = (SELECTING | ONLY_WHOLE)[name]
    f = jit(function)
    for t in arrays(4):
        assert same(seen(f, t), seen(function, t)), t
    assert f._costs.recordings == 1
    assert f.program


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SELECTING)
def test_integers_of_every_type_give_what_the_engine_gives(name, kind):
    function = SELECTING[name]
    f = jit(function)
    for t in arrays(4, kind, 4):
        assert same(seen(f, t), seen(function, t)), t


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "name"), others([*SELECTING, *ONLY_WHOLE]))
def test_other_backends_give_what_the_engine_gives(backend, name):
    function = (SELECTING | ONLY_WHOLE)[name]
    f = jit(function, backend=backend)
    for t in [*arrays(4), np.array([0, 1, 2, ROWS]), np.array([0, -1, 2, -ROWS - 1])]:
        assert same(seen(f, t), seen(function, t)), t


@pytest.mark.parametrize("shape", [(2, 2), (1,), (3, 1)])
@pytest.mark.parametrize("name", SELECTING)
def test_integers_in_every_shape_give_what_the_engine_gives(name, shape):
    function = SELECTING[name]
    f = jit(function)
    for t in arrays(shape, count=4):
        assert same(seen(f, t), seen(function, t)), t


@pytest.mark.parametrize("kind", ["int64", "uint8", "int8"])
@pytest.mark.parametrize("name", [*ONLY_WHOLE, *PLAIN])
def test_what_wants_plain_ints_gets_them(name, kind):
    function = (ONLY_WHOLE | PLAIN)[name]
    f = jit(function)
    for t in arrays(4, kind, 5):
        for _ in range(3):
            assert same(seen(f, t), seen(function, t)), t


def test_an_array_is_what_is_in_it_now():
    t, f = np.array([0, 1, 2]), jit(SELECTING["rows"])
    for i in range(5):
        t[i % 3] = 4 - i % 5
        assert same(seen(f, t), seen(SELECTING["rows"], t))
    assert f._costs.recordings == 1


def test_only_the_array_that_is_wanted_as_plain_ints_is_static():
    def function(t, n):
        return total(F.take(W, t)) * F.sum(W[0][:1] * n[0])

    f = jit(function)
    for t in arrays(3, count=6):
        assert same(seen(lambda t: f(t, np.array([2])), t), seen(lambda t: function(t, [2]), t))
    assert f._costs.recordings == 1
    f(arrays(3)[0], np.array([3]))
    assert f._costs.recordings == 2


@pytest.mark.parametrize(
    "t",
    [
        *([ROWS, 0, 1], [0, -ROWS - 1, 1], [10**6] * 3, [-(2**62), 0, 0], [2**63 - 1, 1, 1]),
        *([0, -1, -2], [-1, -1, -1], [-ROWS, 4, 0], [[0, -1]], [], [[], []]),
    ],
)
@pytest.mark.parametrize("name", ["rows", "targets", "a target at a time", "single values"])
def test_integers_out_of_range_raise_the_engines_error_in_a_replay_too(name, t):
    function, t = SELECTING[name], np.array(t, np.int64)
    if name == "single values":
        t = t * 3
    f = jit(function)
    for good in arrays(t.shape, count=3):
        assert same(seen(f, good), seen(function, good))
    for _ in range(3):
        assert same(seen(f, t), seen(function, t))
    before = f._costs.recordings
    for good in arrays(t.shape, count=3):  # and the recording is still there
        assert same(seen(f, good), seen(function, good))
    assert f._costs.recordings == before


@pytest.mark.parametrize("i", [0, 4, -1, 5, -6])
def test_an_array_without_axes_is_an_index(i):
    for function in (lambda i: total(F.take(W, i)), lambda i: F.cross_entropy(FLAT[:ROWS], i)):
        f = jit(function)
        for given in (1, 2, i, 3):
            assert same(seen(f, np.array(given)), seen(function, given))


def test_rows_taken_are_the_very_values_in_the_engine():
    assert F.take(W, 1) == W[1] and F.take(W, 1) is not W[1]
    assert F.take(W, [0, -1]) == [W[0], W[-1]]
    assert F.take(W, np.array([[0, 1], [2, 3]])) == [W[:2], W[2:4]]
    assert F.take(FLAT, 2) is FLAT[2]
    assert [v.data for v in F.take([1, 2.5], [1, 0])] == [2.5, 1.0]


@pytest.mark.parametrize("row", [[math.inf, 1.0, -1.0], [math.nan, 1.0, 1.0], [-math.inf] * 3])
@pytest.mark.parametrize("name", ["rows", "tied weights", "computed rows", "targets", *COMPUTED])
def test_rows_that_are_not_finite_concern_only_those_who_take_them(name, row):
    kept = [w.data for w in W[1]]
    try:
        function = (SELECTING | COMPUTED)[name]
        f = jit(function)
        for t in arrays(3):
            for w, x, y in zip(W[1], kept, row):
                w.data = y if t[0] % 2 else x
            assert same(seen(f, t), seen(function, t)), t
    finally:
        for w, x in zip(W[1], kept):
            w.data = x


def test_a_training_on_texts_records_once_for_each_length():
    rng = np.random.RandomState(0)
    texts = [rng.randint(0, ROWS, n) for n in rng.randint(2, 6, 60)]

    def run(jit):
        w = table()
        parameters = [x for row in w for x in row]

        def loss(text):
            rows = F.take(w, text[:-1])
            return F.cross_entropy([[F.dot(x, y) for y in w] for x in rows], text[1:])

        f = jit(loss)
        with f.training(optim.Adam(parameters, lr=0.1)) as step:
            return f, [step(text) for text in texts]

    f, losses = run(jit)
    assert losses == pytest.approx(run(engine)[1], rel=1e-9)
    assert f._costs.recordings == len(set(map(len, texts)))


def test_an_array_changed_inside_is_refused():
    def function(t):
        t[0] = 1
        return total(F.take(W, t))

    with pytest.raises(JitError, match="changed an argument"):
        jit(function)(np.array([0, 2]))


def test_targets_of_zero_and_one_select():
    def function(t):
        return F.binary_cross_entropy_with_logits([800 * w for w in FLAT[: len(t)]], t)

    f = jit(function)
    for t in arrays(6):
        assert same(seen(f, t % 2), seen(function, t % 2))
    assert f._costs.recordings == 1
