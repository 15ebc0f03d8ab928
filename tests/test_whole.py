"""Large arrays in the arguments of a jitted function: a column is recorded, not each number."""

import copy
import pickle
import threading

import backends
import numpy as np
import pytest
from test_batched import ALL, ONCE, moved
from test_batched import same as same_gradients
from test_batched import seen as gradients_seen
from test_indices import ONLY_WHOLE, PLAIN, SELECTING, arrays, same, seen

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, batched, grad, jit, whole
from micrograd.compiler.pytree import Arguments
from micrograd.tensor import Tensor

W = [Value(0.5), Value(-1.5), Value(0.25)]
COUNT = 400
X = np.random.RandomState(0).uniform(-1, 1, (COUNT, 3))
T = np.arange(COUNT * 3) % 3


@pytest.fixture
def always(monkeypatch):
    """However few numbers an array has, it is taken as a whole."""
    monkeypatch.setattr(whole, "MANY", 1)


@pytest.mark.parametrize("name", [*ONCE, *ALL])
def test_small_arrays_as_a_whole_give_what_examples_give(always, name):
    loss, examples = (ONCE | ALL)[name]
    f = batched(loss)
    jitted = jit(f)
    for i in range(3):
        given = [moved(x, i) for x in examples]
        assert same_gradients(gradients_seen(jitted, *given), gradients_seen(f, *given)), i


@pytest.mark.parametrize("name", [*SELECTING, *ONLY_WHOLE, *PLAIN])
def test_small_arrays_of_integers_as_a_whole_select_as_they_do(always, name):
    function = (SELECTING | ONLY_WHOLE | PLAIN)[name]
    f = jit(function)
    for t in arrays(4, count=4):
        assert same(seen(f, t), seen(function, t)), t


def mean(X):
    return batched(lambda x: (F.dot(W, x) - 1) ** 2)(X)


def caught(X):
    try:
        return F.dot(W, X[0])
    except Exception:
        return W[0]


def in_a_thread(X):
    found = []

    def look():
        try:
            found.append(X[0])
        except Exception:
            found.append(W)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return F.dot(W, found[0])


LOOKING = {  # at elements, beside the rows of all examples
    "an element": lambda X: W[0] * X[0, 0],
    "a row": lambda X: F.dot(W, X[7]),
    "the last rows": lambda X: mean(X[-5:]),
    "a loop": lambda X: F.sum(F.dot(W, x) for x in X),
    "backwards": lambda X: F.sum(F.dot(W, x).tanh() for x in reversed(X)),
    "zip": lambda X: F.mse_loss([F.dot(W, x) for x in X], [x[0] for x in X]),
    "tolist": lambda X: F.dot(W, X.tolist()[3]),
    "flat": lambda X: F.sum(X.flat) * W[0],
    "the transpose": lambda X: F.dot(W, X.T[:, 1]),
    "arithmetic": lambda X: F.dot(W, (2 * X + X)[4]),
    "a function of NumPy": lambda X: np.sum(X[:3] * W[0]) + np.concatenate([X, X])[COUNT, 0],
    "another class": lambda X: F.dot(W, np.asarray(X)[3]),
    "a copy of another class": lambda X: F.dot(W, np.array(X)[3]),
    "a list of it": lambda X: F.dot(W, list(np.asarray(X))[3]),
    "a Tensor of it": lambda X: F.dot(W, Tensor(X)[3].values),
    "a sum of all": lambda X: W[0] * X.sum(),
    "its type": lambda X: W[0] * (X.dtype.kind != "i"),
    "a copy": lambda X: F.dot(W, copy.copy(X)[2]),
    "its own copy": lambda X: F.dot(W, X.copy()[0]),
    "a gradient": lambda X: F.dot(grad(lambda x: F.dot(W, x))(X[0]), W),
    "what is shared": lambda X: batched(lambda x, *, rows: F.dot(rows[0], x) * W[0])(X, rows=X),
    "in the loss": lambda X: batched(lambda x: F.dot(X[0], x) * W[0])(X),
    "in the loss, caught": lambda X: batched(lambda x: caught(X) * x[0])(X),
    "caught on the way": caught,
    "on a thread": in_a_thread,
}


@pytest.mark.parametrize("name", LOOKING)
@pytest.mark.parametrize("before", [False, True])
def test_who_looks_at_elements_gets_them(name, before):
    look = LOOKING[name]

    def function(X):
        return mean(X) + look(X) if before else look(X) + mean(X)

    f = jit(function)
    for i in range(3):
        x = moved(X, i)
        expected = function(x).data
        assert f(x).data == pytest.approx(expected, rel=1e-12)
    assert f._costs.recordings == 1 and f.program


REFUSED = {
    "an element set": (lambda X: X.__setitem__(0, 1.0), "changed an argument"),
    "set in a view": (lambda X: np.asarray(X).__setitem__(0, 1.0), "changed an argument"),
    "sorted": (lambda X: X.sort(), "changed an argument"),
    "text": (lambda X: f"{X}", "has to do with the text of a Value"),
    "pickled": (pickle.dumps, "a copy of a Value"),
    "a number of it": (lambda X: float(X[0, 0]), "float() of a float argument"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_of_elements_is_refused(name):
    act, words = REFUSED[name]

    def function(X):
        act(X)
        return mean(X)

    with pytest.raises(JitError) as error:
        jit(function)(X)
    assert words in str(error.value)


def test_a_large_array_returned_is_its_values():
    f = jit(lambda X: (mean(X), X))
    for i in range(2):
        error, rows = f(moved(X, i))
        assert error.data == pytest.approx(mean(moved(X, i)).data)
        assert [v.data for v in rows[3]] == moved(X, i)[3].tolist()


def test_an_array_kept_from_another_call_is_refused():
    kept = {}

    def function(X):
        kept.setdefault("X", X)
        return mean(X)

    f = jit(function)
    with pytest.raises(JitError, match="changed"):
        f(X)
    with pytest.raises(JitError, match="an array that was passed to another call"):
        print(kept["X"])
    with pytest.raises(JitError, match="an array that was passed to another call"):
        jit(lambda X: mean(X) + kept["X"][0, 0])(X)


def test_the_shape_is_no_look_inside():
    f = jit(lambda X: mean(X) * len(X) * X.shape[1] / X.size * X.ndim + isinstance(X, np.ndarray))
    assert f(X).data == pytest.approx(mean(X).data * 2 + 1)
    assert not f._taken


@pytest.mark.parametrize("make", [np.asfortranarray, np.float32, lambda x: x[::-1], np.copy])
def test_however_an_array_lies_its_rows_are_taken(make):
    f = jit(mean)
    for i in range(3):
        x = make(moved(X, i))
        assert f(x).data == pytest.approx(mean(x).data)
    assert not f._taken


def test_one_array_for_two_arguments_is_one():
    function = batched(lambda x, y: F.dot(x, y) * W[0])
    f = jit(lambda X, Y: function(X, Y) + mean(X))
    for i in range(3):
        x = moved(X, i)
        assert f(x, x).data == pytest.approx((function(x, x) + mean(x)).data)
    assert not f._taken and len(f.last().graph.inputs) == 3


def test_beside_lists_numbers_and_values():
    error = batched(lambda x, y, t, *, scale: F.cross_entropy(x, t) * scale * y)

    def function(rate, X, Y, T, scale):
        return error(X, Y, T, scale=scale) * rate[0] + rate[1]

    f = jit(function)
    for i in range(3):
        x, t = moved(X, i), T[i : i + COUNT]
        given = [0.5 + i, W[0]], x, x[:, 0].tolist(), np.repeat(t, 3)[:COUNT], 0.25 * i
        assert f(*given).data == pytest.approx(function(*given).data, rel=1e-12)
    assert f._costs.recordings == 1


def test_what_is_recorded_does_not_grow_with_the_rows():
    sizes = []
    for count in (COUNT, 50 * COUNT):
        f = jit(mean)
        f(np.resize(X, (count, 3)))
        sizes.append((f.last().graph.size, len(f.last().graph.inputs)))
        assert f"{3 * count:,} inputs" in f.explain()
    assert sizes[0] == sizes[1] and sizes[0][1] == 3


def test_more_large_arrays_than_a_few_are_taken_by_their_elements():
    function = lambda xs: F.sum(F.dot(W, x[0]) for x in xs)  # noqa: E731
    f, xs = jit(function), [X + i for i in range(20)]
    assert f(xs).data == pytest.approx(function(xs).data)
    assert not Arguments((xs,), {}).taken.whole and not f._taken


@pytest.mark.parametrize("backend", backends.ALL)
def test_every_backend_takes_the_columns_of_several_arrays(backend):
    """Of floats and of integers, in two batches of other lengths, with numbers between them."""
    class_error = batched(lambda x, t: F.cross_entropy([F.dot(W, x), W[1] * x[0], W[2]], t))
    error = batched(lambda x, t: (F.dot(W, x) - t / 4) ** 2)

    def function(X, T, scale, Z, U):
        return class_error(X, T) * scale + error(Z, U)

    f = jit(function, backend=backend)
    for i in range(3):
        x, t = moved(X, i), np.roll(T, i).astype("int32")
        given = x, t[:COUNT], 0.5 + i, np.concatenate([x, x])[: 2 * COUNT - 9], t[: 2 * COUNT - 9]
        found = gradients(f(*given))
        assert found == pytest.approx(gradients(function(*given)), rel=1e-11)
    assert f._costs.recordings == 1 and f.program


def gradients(y):
    for w in W:
        w.grad = 0.0
    y.backward()
    return [y.data, *(w.grad for w in W)]


@pytest.mark.parametrize("by_rows", [False, True])
def test_training_is_the_same_to_the_last_bit_as_by_elements(monkeypatch, by_rows):
    X, y = data.moons(600, seed=0)
    y, rows = 2.0 * y - 1.0, np.random.default_rng(0).integers(0, 600, (8, 550))
    losses = []
    for many in (500, 10**9):
        monkeypatch.setattr(whole, "MANY", many)
        model = nn.MLP(2, [6, 1], act="tanh", seed=0)
        error = jit(batched(lambda x, t, model=model: F.hinge_loss([model(x)], [t])))
        with error.training(optim.Adam(model.parameters(), lr=0.05)) as step:
            losses.append(step.many(rows, X, y) if by_rows else step.many(8, X, y))
    assert losses[0] == losses[1]
