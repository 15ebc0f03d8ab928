"""`batched`: the mean of a loss over examples, and one recording of one example for all."""

import functools
import math

import numpy as np
import pytest
from backends import others
from reliability.beside_the_engine import engine

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, batched, grad, jit
from micrograd.function import Function
from micrograd.tensor import Tensor

COUNT, COLUMNS, CLASSES = 12, 3, 4
W = [[Value(x) for x in row] for row in np.random.RandomState(0).uniform(-1, 1, (CLASSES, COLUMNS))]
FLAT = [w for row in W for w in row]
X = np.random.RandomState(1).uniform(-1, 1, (COUNT, COLUMNS))
Y = np.random.RandomState(2).uniform(-1, 1, COUNT)
T = np.random.RandomState(3).randint(0, CLASSES, COUNT)
TEXTS = np.random.RandomState(4).randint(0, CLASSES, (COUNT, 5))
SIGNS = np.where(Y > 0, 1, -1)
MODEL = nn.MLP(COLUMNS, [5, 4, CLASSES], seed=0)


class Twice(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return 2 * x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return 2 * y * grad, 2 * x * grad


class Both(Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y, x - y

    @staticmethod
    def backward(ctx, plus, minus):
        return plus + minus, plus - minus


def logits(x):
    return [F.dot(row, x) for row in W]


def text_loss(text):
    rows = F.take(W, text[:-1])
    return F.cross_entropy([logits(row) for row in rows], text[1:])


def attention(text):
    rows = F.take(W, text)
    shares = F.softmax([F.dot(rows[-1], row) for row in rows])
    return F.sum(F.dot(shares, column).tanh() for column in zip(*rows))


def growing(text):
    rows, losses = F.take(W, text), []
    for i in range(1, len(rows)):
        shares = F.softmax([F.dot(rows[i], row) for row in rows[:i]])
        mixed = [F.dot(shares, column) for column in zip(*rows[:i])]
        losses.append(F.cross_entropy(logits(mixed), text[i]))
    return F.mean(losses)


ONCE = {  # a loss of an example, and what it is mapped over; one example is recorded
    "squares": (lambda x, y: (F.dot(W[0], x) - y) ** 2, (X, Y)),
    "a bias": (lambda x, y: (F.dot(W[0], x, W[1][0]) - y) ** 2, (X, Y)),
    "by hand": (lambda x, y: (sum(w * v for w, v in zip(W[0], x)) - y) ** 2, (X, Y)),
    "a model": (lambda x, t: F.cross_entropy(MODEL(x), t), (X, T)),
    "a model and -1 and 1": (lambda x, s: (1 - s * MODEL(x)[0]).relu(), (X, SIGNS)),
    "hinge loss": (lambda x, s: F.hinge_loss([MODEL(x)[0]], [s]), (X, SIGNS)),
    "zeros and ones": (
        lambda x, t: F.binary_cross_entropy_with_logits([F.dot(W[0], x)], [t]),
        (X, T % 2),
    ),
    "only classes": (lambda t: F.cross_entropy(FLAT, t), (T,)),
    "only rows": (lambda t: F.sum(F.take(W, t)).tanh(), (T,)),
    "a text": (text_loss, (TEXTS,)),
    "attention": (attention, (TEXTS,)),
    "a growing text": (growing, (TEXTS,)),
    "lists": (lambda x, y: (F.dot(W[0], x) - y) ** 2, (X.tolist(), Y.tolist())),
    "a list of classes": (lambda x, t: F.cross_entropy(logits(x), t), (X.tolist(), T.tolist())),
    "tuples": (lambda x, y: F.dot(W[0], x) * y, (tuple(map(tuple, X.tolist())), tuple(Y))),
    "a list of arrays": (lambda x: F.dot(W[0], x).exp(), (list(X),)),
    "dicts": (lambda e: F.dot(W[0], e["x"]) * e["y"], ([{"x": x, "y": y} for x, y in zip(X, Y)],)),
    "nested": (lambda e: F.dot(W[0], e[0]) * e[1][0], ([(list(x), (y, 1)) for x, y in zip(X, Y)],)),
    "Values": (lambda w: F.dot(w, [1.0, -2.0, 0.5]).tanh(), (W,)),
    "Values and numbers": (lambda w, x: F.dot(w, x).tanh(), (W, X[:CLASSES])),
    "a Tensor": (lambda w, x: F.dot(w.values, x).tanh(), (Tensor(W), X[:CLASSES])),
    "the same Values": (lambda w, x: F.dot(w, x) * W[0][1], ([W[0]] * COUNT, X)),
    "a Value of all": (lambda x: F.max([F.dot(row, x) for row in W]), (X,)),
    "reductions": (
        lambda x: F.logsumexp(logits(x)) * F.mean(logits(x)) + F.sum([*W[0], *x]) * F.max(x),
        (X,),
    ),
    "shares": (lambda x: F.dot(F.softmax(logits(x)), W[0] + W[1][:1]), (X,)),
    "powers": (
        lambda x: (F.dot(x, x) + 1.0) ** -0.5 * W[0][0] ** 2 + 2.0 ** (W[0][1] * x[0]),
        (X,),
    ),
    "what is shared": (lambda x: F.sum(w * w for w in FLAT) * F.dot(W[0], x), (X,)),
    "nothing of the example": (lambda x: F.sum(w * w for w in FLAT), (X,)),
    "a constant": (lambda x: W[0][0] * 0.0 + 3.0, (X,)),
    "the example alone": (lambda x: x[0] * x[1], (X,)),
    "a Function": (lambda x, y: Twice.apply(F.dot(W[0], x), y).tanh(), (X, Y)),
    "a Function of two": (lambda x, y: F.dot(Both.apply(F.dot(W[0], x), y), W[1][:2]), (X, Y)),
    "outer products": (lambda x: F.sum(a * b for a in W[0] for b in x), (X,)),
    "integers as numbers": (lambda x: F.dot(W[0], x) / 4, (TEXTS[:, :3],)),
    "two axes": (lambda x: F.sum(F.dot(W[0], row).tanh() for row in x), (X.reshape(4, 3, 3),)),
    "a range": (lambda i: F.dot(W[0], [i, 1, 0.5 * i]), (range(5),)),
    "classes that are all one": (lambda x, t: F.cross_entropy(logits(x), t), (X, T * 0)),
    "in float32": (lambda x, y: F.dot(W[0], x) * y, (X.astype("float32"), Y.astype("float32"))),
}
ALL = {  # where examples differ by more than numbers: all are recorded
    "a branch": (lambda x: F.dot(W[0], x) if x[0] > 0 else F.dot(W[1], x), (X,)),
    "a branch of all": (lambda x: F.dot(W[0], x) if W[0][0] > 0 else F.dot(W[1], x), (X,)),
    "a constant's branch": (
        lambda x, i: F.dot(W[0], x) if i > 5 else x[0],
        (X, list(range(COUNT))),
    ),
    "the best of all": (lambda x: max(logits(x), key=lambda v: v + 0.0), (X,)),
    "ragged": (lambda x: F.sum(w * v for w, v in zip(FLAT, x)), ([[0.5] * n for n in (1, 2, 3)],)),
    "words": (lambda x, c: F.dot(W[0] if c == "a" else W[1], x), (X[:3], ["a", "b", "a"])),
    "truths": (lambda x, c: F.dot(W[0] if c else W[1], x), (X, Y > 0)),
    "a plain int": (lambda x, t: F.dot(W[t], x), (X, T)),
    "a count": (lambda n: F.sum(W[0][0].tanh() for _ in range(n + 1)), (T,)),
    "a key": (lambda x, t: F.dot({0: W[0], 1: W[1]}.get(t, W[2]), x), (X, T.tolist())),
    "mixed": (lambda x: F.sum(np.ravel(x)), ([W[0][0], [W[0][1]], 2.0],)),
}


def seen(f, *args):
    """The number and the gradients of what f makes of its arguments, or its error."""
    parameters = [*FLAT, *MODEL.parameters()]
    for p in parameters:
        p.grad = 0.0
    try:
        y = f(*args)
        y.backward()
    except Exception as error:
        return type(error), str(error)
    return [y.data, *(p.grad for p in parameters)]


def same(found, expected):
    if isinstance(expected, tuple) or isinstance(found, tuple):
        return found == expected
    return found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def moved(x, by):
    """Other examples of the same structure."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fiu":
        return np.roll(x, by, axis=0) * (1 if x.dtype.kind in "iu" else 1 + 0.01 * by)
    return x


@pytest.mark.parametrize("name", [*ONCE, *ALL])
@pytest.mark.parametrize("more", ["alone", "in a loss"])
def test_a_batch_is_the_mean_of_its_examples(name, more):
    loss, arrays = (ONCE | ALL)[name]
    f, decay = batched(loss), 0.01 * (more != "alone")

    def by_hand(*arrays):
        y = F.mean([loss(*rows) for rows in zip(*(getattr(x, "values", x) for x in arrays))])
        return y + decay * F.dot(FLAT, FLAT) if decay else y

    def whole(*arrays):
        y = f(*arrays)
        return y + decay * F.dot(FLAT, FLAT) if decay else y

    jitted = jit(whole if decay else f)
    for i in range(4):
        given = [moved(x, i) for x in arrays]
        if name != "a Tensor":
            assert same(seen(whole, *given), seen(by_hand, *given))
        assert same(seen(jitted, *given), seen(whole, *given)), i
    assert jitted._costs.recordings <= (1 if name in ONCE else 4)
    known = [arguments for arguments in jitted._taken.values() if not arguments[1]]
    assert bool(known) == (name in ALL and name != "a branch of all")


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "name"), others(ONCE))
def test_other_backends_give_it_too(backend, name):
    loss, arrays = ONCE[name]
    f = jit(batched(loss), backend=backend)
    for i in range(3):
        given = [moved(x, i) for x in arrays]
        assert same(seen(f, *given), seen(batched(loss), *given)), i


@pytest.mark.parametrize(
    "name", ["a model", "a text", "reductions", "zeros and ones", "a growing text"]
)
@pytest.mark.parametrize("count", [1, 2, 3, 300])
def test_there_may_be_any_number_of_examples(name, count):
    loss, arrays = ONCE[name]
    rows = np.random.RandomState(5).randint(0, COUNT, count)
    arrays = [x[rows] for x in arrays]
    f = batched(loss)
    assert same(seen(jit(f), *arrays), seen(f, *arrays))


def test_a_recording_does_not_grow_with_the_data():
    loss, (x, t) = ONCE["a model"]
    programs = []
    for count in (1000, 5000):
        rows = np.arange(count) % COUNT
        f = jit(batched(loss))
        f(x[rows], t[rows])
        programs.append(len(f.last().differentiated.ops))
    assert programs[0] == programs[1]


def test_several_batches_in_one_function_may_be_of_several_lengths():
    one, other = ONCE["a model"][0], ONCE["squares"][0]

    def function(x, t, y):
        near = batched(one)(x[:5], t[:5])
        return near * batched(other)(x, y) + batched(other)(x[5:], y[5:]) * 2.0 + near.tanh()

    f = jit(function)
    for i in range(3):
        arrays = [moved(a, i) for a in (X, T, Y)]
        assert same(seen(f, *arrays), seen(function, *arrays))
    assert f._costs.recordings == 1 and not f._taken


def test_a_batch_of_what_was_computed():
    def function(x, y):
        rows = [[v * W[0][0] for v in row] for row in x]
        return batched(lambda row, t: (F.dot(row, W[1]) - t) ** 2)(rows, y) + rows[0][0]

    f = jit(function)
    for i in range(3):
        arrays = [moved(a, i) for a in (X, Y)]
        assert same(seen(f, *arrays), seen(function, *arrays))
    assert not f._taken


def test_a_batch_inside_a_batch():
    def inner(x, rows):
        return batched(lambda row: (F.dot(row, x) * W[0][0]).tanh())(rows)

    f = batched(inner)
    arrays = X, np.stack([X[:4]] * COUNT)
    assert same(seen(jit(f), *arrays), seen(f, *arrays))


def test_keyword_arguments_are_the_same_for_all_examples():
    f = batched(lambda x, *, scale, power: (F.dot(W[0], x) * scale) ** power)
    jitted = jit(f)
    for scale in (0.5, 2.0):
        settings = {"scale": scale, "power": 2}
        expected = seen(functools.partial(f, **settings), X)
        assert same(seen(functools.partial(jitted, **settings), X), expected)
    assert jitted._costs.recordings == 1


def kept_in_a_list(x, y):
    scores = []

    def one(row, t):
        scores.append(F.dot(W[0], row))
        return (scores[-1] - t) ** 2

    return batched(one)(x, y) + F.mean(scores) * len(scores)


def counted(x, y):
    count = 0

    def one(row, t):
        nonlocal count
        count += 1
        return F.dot(W[0], row) * t * count

    return batched(one)(x, y) * count


def kept_in_a_cell(x, y):
    last = None

    def one(row, t):
        nonlocal last
        last = F.dot(W[0], row)
        return last * t

    return batched(one)(x, y) * last


def numbered(x, y):
    numbers = iter(range(len(x)))
    return batched(lambda row, t: F.dot(W[next(numbers) % 4], row) * t)(x, y)


def kept_in_what_is_shared(x, y):
    kept = []

    def one(row, t, kept):
        kept.append(F.dot(W[0], row))
        return kept[-1] * t

    return batched(one)(x, y, kept=kept) * len(kept)


@pytest.mark.parametrize(
    "function", [kept_in_a_list, counted, kept_in_a_cell, numbered, kept_in_what_is_shared]
)
def test_what_is_kept_from_one_example_to_the_next_is_that_of_all(function):
    f = jit(function)
    for i in range(3):
        arrays = [moved(a, i) for a in (X, Y)]
        try:
            found = f(*arrays)
        except JitError:
            continue
        assert found.data == pytest.approx(function(*arrays).data, rel=1e-12)


def test_rows_changed_inside_are_refused():
    def one(row):
        row[0] = row[1] * 2
        return F.dot(W[0], row)

    for x in (X.copy(), X.tolist()):
        with pytest.raises(JitError, match="changed an argument"):
            jit(batched(one))(x)


@pytest.mark.parametrize("at", [0, 5, COUNT - 1])
def test_an_index_out_of_range_in_any_example_is_an_error_and_nothing_is_forgotten(at):
    loss, (x, t) = ONCE["a model"]
    f = jit(batched(loss))
    f(x, t)
    wrong = t.copy()
    wrong[at] = CLASSES
    for _ in range(3):
        with pytest.raises(IndexError, match="a target from 0 to 3, got 4"):
            f(x, wrong)
    assert same(seen(f, x, t), seen(batched(loss), x, t))
    assert f._costs.recordings == 1


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("name", ["a model", "a bias", "hinge loss", "zeros and ones"])
def test_numbers_that_are_not_finite_go_where_they_go_in_the_engine(name, bad):
    loss, (x, *rest) = ONCE[name]
    x = x.copy()
    x[3, 1] = bad
    f = batched(loss)
    assert same(seen(jit(f), x, *rest), seen(f, x, *rest))


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("name", ["a model", "a model and -1 and 1", "a text"])
def test_training_by_batches_makes_the_steps_of_the_engine(name, many):
    loss, arrays = ONCE[name]
    parameters = [*FLAT, *MODEL.parameters()] if "text" not in name else FLAT
    start = [p.data for p in parameters]
    losses = []
    for kind in (engine, jit):
        for p, x in zip(parameters, start):
            p.data = x
        with kind(batched(loss)).training(optim.Adam(parameters, lr=0.05)) as step:
            losses.append([step(*(moved(a, i) for a in arrays)) for i in range(10)])
    for p, x in zip(parameters, start):
        p.data = x
    assert losses[1] == pytest.approx(losses[0], rel=1e-9)


@pytest.mark.parametrize("loss", [F.hinge_loss, F.mse_loss, F.binary_cross_entropy_with_logits])
def test_fit_records_one_example_where_the_loss_is_a_mean(loss):
    from micrograd import train

    points, y = data.moons(40, seed=0)
    y = 2 * y - 1 if loss is F.hinge_loss else y
    runs = []
    for jitted in (False, True):
        model = nn.MLP(2, [6, 1], seed=0)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        settings = {"loss": loss, "steps": 12, "progress": False, "jit": jitted}
        runs.append(train.fit(model, points, y, optimizer, **settings))
    assert runs[1].losses == pytest.approx(runs[0].losses, rel=1e-9)
    assert runs[1].accuracies == runs[0].accuracies


def test_grad_goes_through_a_batch():
    loss = batched(lambda x, y: (x * x - y) ** 2)

    def function(w, x, y):
        return loss([w * v for v in x], y)

    expected = grad(grad(function, 0), 0)(0.7, Y, Y).data
    assert jit(grad(grad(function, 0), 0))(0.7, Y, Y).data == pytest.approx(expected)


BAD = [
    (lambda: batched(3), TypeError, "batched() needs a function, got int 3"),
    (batched(abs), ValueError, "a batched function needs arrays of examples, got no arg"),
    (lambda: batched(abs)([]), ValueError, "needs at least one example, got none"),
    (lambda: batched(abs)(np.zeros((0, 3))), ValueError, "needs at least one example, got none"),
    (
        lambda: batched(F.dot)([1], [1, 2]),
        ValueError,
        "equally many examples in each argument, got",
    ),
    (lambda: batched(abs)(3), TypeError, "it needs lists or arrays, got int 3"),
    (lambda: batched(abs)("ab"), TypeError, "it needs lists or arrays, got str 'ab'"),
    (lambda: batched(abs)({1: 2}), TypeError, "it needs lists or arrays, got dict {1: 2}"),
    (lambda: batched(abs)(np.array(3.0)), TypeError, "it needs lists or arrays, got ndarray"),
    (lambda: batched(abs)(Value(1)), TypeError, "it needs lists or arrays, got a Value"),
    (lambda: batched(list)(X), TypeError, "returns a Value for an example, got list ["),
    (lambda: batched(print)(Y[:2]), TypeError, "returns a Value for an example, got NoneType None"),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD)
@pytest.mark.parametrize("kind", ["engine", "jit"])
def test_what_cannot_be_batched_gets_a_sentence(call, error, words, kind):
    with pytest.raises(error) as found:
        call() if kind == "engine" else jit(call)()
    assert words in str(found.value)
