"""What keeps a jitted function right: tracing, guards, audits, costs."""

import collections
import copy
import functools
import itertools
import os
import sys
import threading
import types

import numpy as np
import pytest
from backends import needs_a_c_compiler, needs_jax
from processes import printed

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, costs, jit
from micrograd.compiler.guards import Guards
from micrograd.compiler.pytree import Arguments, as_value, replaced, results
from micrograd.tensor import Tensor

# Tracing


def test_values_are_their_own_class_again_after_a_trace():
    model = nn.MLP(2, [2, 1], seed=0)
    kept = []

    def loss(x, fail):
        y = model(x)
        if fail:
            kept.append(y)
            raise KeyError("x")
        return y

    f = jit(loss)
    x = Value(1.0)
    f([x, 2.0], 0)
    with pytest.raises(KeyError):
        f([x, 2.0], 1)
    assert {type(v) for v in (*model.parameters(), *kept, x, f([x, 3.0], 0))} == {Value}
    kept[0].backward()
    assert kept[0].grad == 1.0 and repr(kept[0]).startswith("Value(data=")


def test_what_is_refused_stays_refused_when_it_is_caught_inside():
    def loss(x):
        try:
            return x * x.data
        except RuntimeError:
            return x

    with pytest.raises(JitError, match=r"has to do with \.data"):
        jit(loss)(Value(1.0))


def test_other_threads_may_read_and_set_parameters_while_a_function_is_traced():
    w, traced, done = Value(2.0), threading.Event(), threading.Event()

    def loss(x):
        y = w * x
        traced.set()
        assert done.wait(10)
        return y + w

    found = []

    def work():
        traced.wait(10)
        w.grad += w.data
        found.append((repr(w), copy.deepcopy(w).data))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert jit(loss)(3.0).data == 8.0
    thread.join()
    assert found == [("Value(data=2.0, grad=2.0)", 2.0)] and type(w) is Value


def test_two_threads_may_record_at_once():
    w, both = Value(2.0), threading.Barrier(2, timeout=10)

    def loss(x, n):
        both.wait()
        return w * x * n

    f, found = jit(loss), {}
    threads = [
        threading.Thread(target=lambda n=n: found.setdefault(n, f(3.0, n).data)) for n in (1, 2)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {1: 6.0, 2: 12.0} and type(w) is Value


def test_a_float_made_a_value_passes_its_number_on_to_the_bit():
    f = jit(lambda x: Value(x) / 3.0)
    for x in (0.1, -0.0, 5e-324, float("inf")):
        assert repr(f(x).data) == repr(x / 3.0)


# Guards


def test_containers_that_hold_each_other_are_guarded():
    a, b = [1.0], [2.0]
    a.append(b)
    b.append(a)
    f = jit(lambda x: x * a[0] * b[0])
    assert f(1.0).data == 2.0
    a[1] = [3.0, a]
    a[0] = 5.0
    assert f(1.0).data == 10.0


class Strict:
    """Which is like nothing, and does not want to be asked."""

    def __init__(self, k):
        self.k = k

    def __eq__(self, other):
        raise TypeError("not comparable")

    def __getattr__(self, name):
        raise KeyError(name)

    __hash__ = None


def test_objects_are_guarded_whatever_they_say_to_comparisons():
    held = [Strict(1.0)]
    f = jit(lambda x: x * held[0].k)
    assert f(1.0).data == f(1.0).data == 1.0
    held[0] = Strict(2.0)
    assert f(1.0).data == 2.0


def test_numbers_that_are_made_again_are_the_same():
    held = [0.1 + 0.2, "ab" * 2, (1, 2.5)]
    guards = Guards([held])
    held[0], held[2] = 0.1 + 0.2, (1, float("2.5"))
    assert guards.hold() and guards.broken() == ""
    held[2] = (1, 2.0)
    assert not guards.hold()
    held[2] = (1, 2.5)
    assert guards.hold()
    zeros = [0.0]
    guards = Guards([zeros])
    zeros[0] = -0.0
    assert not guards.hold()


def test_states_of_generators_are_taken_just_before_recording():
    rng = np.random.default_rng(0)
    f = jit(lambda x: x * 2 if x > 0 else x * 3 + 0 * rng.bit_generator.state["has_uint32"])
    f(1.0)
    rng.random()
    np.random.rand()
    assert f(-1.0).data == -3.0


# Arguments


def test_arguments_keep_their_classes_and_what_was_one_stays_one():
    xs = [1.0]
    ordered = collections.OrderedDict(a=xs, b=xs)
    given = collections.defaultdict(float, x=1.0), ordered, Tensor([1.0])
    new = replaced(given, as_value)
    assert [type(x) for x in new] == [type(x) for x in given]
    assert new[1]["a"] is new[1]["b"] and new[0]["missing"] == 0.0
    other = collections.OrderedDict(a=[1.0], b=[1.0])
    assert Arguments((ordered,), {}).signature != Arguments((other,), {}).signature


def test_a_list_that_holds_itself_may_be_an_argument():
    xs = [1.0]
    xs.append(xs)
    f = jit(lambda xs: xs[0] * (2 if xs[1] is xs else 3))
    assert f(xs).data == f(xs).data == 2.0


def test_a_list_that_is_returned_twice_counts_once():
    f = jit(lambda x: (lambda xs: (xs, xs, x * 3))([x, x * 2]))
    for x in (1.0, 2.0):
        a, b, c = f(x)
        assert [v.data for v in (*a, *b, c)] == [x, 2 * x, x, 2 * x, 3 * x] and a is b
    assert len(results(f(1.0))) == 3


# Audits


def test_an_audit_says_which_results_may_be_wrong(monkeypatch):
    clock, hidden = itertools.count(), types.SimpleNamespace(k=1.0)
    monkeypatch.setattr("micrograd.compiler.time.monotonic", lambda: next(clock))
    monkeypatch.setitem(sys.modules, KEY, hidden)
    f = jit(lambda x: x * sys.modules[KEY].k)
    for _ in range(5):
        f(1.0)
    hidden.k = 2.0
    with pytest.raises(JitError, match=r"Results of calls 3 to \d\d may be wrong"):
        for _ in range(40):
            f(1.0)
    assert f(1.0).data == 2.0  # recorded anew


KEY = "a module that " + "is not there"


def test_an_audit_looks_at_guards_item_by_item(monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e9)
    held = [1]
    f = jit(lambda x: x * (2.0 if held[0] is True else 3.0))
    assert f(1.0).data == f(1.0).data == 3.0
    held[0] = True
    assert f(1.0).data == 2.0


def test_audits_become_rare(monkeypatch):
    seconds, runs, done = [0.0], [], []

    def clock():
        seconds[0] += 0.05  # a replay reads it twice
        return seconds[0]

    def loss(x):
        seconds[0] += 1.0  # a run takes one
        runs.append(len(done))
        return F.sum((x * i).tanh() for i in range(100))

    monkeypatch.setattr("micrograd.compiler.time.monotonic", clock)
    monkeypatch.setattr("micrograd.compiler.Guards.broken", lambda self: "")
    f = jit(loss)
    while len(done) < 1000:
        done.append(f(1.0))
        seconds[0] += 1.0  # of others, which pays for nothing
    assert runs[:2] == [0, 1] and 2 < len(runs) < 8


def test_a_comparison_decided_by_the_last_digit_is_no_difference():
    f = jit(lambda x: x * 2 if x > 1.0 else x * 3)
    f(2.0)
    way = f._known.popitem()[1].ways[0]
    assert f.audited(Arguments((3.0,), {}), way) and not f.audited(Arguments((0.5,), {}), way)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x ** float("nan"),
        lambda x: x if x > float("inf") * 0 else x * 2,
        lambda x: x + float("nan") * x,
    ],
)
def test_nan_does_the_same_as_another_one(f):
    jitted = jit(f)
    for x in (2.0, 3.0, 4.0):
        assert jitted(x).data == pytest.approx(f(Value(x)).data, nan_ok=True)


# Costs


def spent(count, nodes, signature):
    """What is spent on recordings in so many calls, each of the signature that is given."""
    paid = 0.0
    for i in range(count):
        signature.costs.sleeps()
        account = signature(i)
        if account.can_record():
            account.recorded(nodes, 20)
            paid += costs.price(nodes, 20)
    return paid


def test_what_is_never_called_again_is_soon_not_recorded():
    all_costs = costs.Costs()
    signature = functools.partial(lambda i, c: costs.Account(c), c=all_costs)
    signature.costs = all_costs
    assert 4 * costs.price(500, 20) <= spent(1000, 500, signature) < 0.5 * 1000


def test_a_signature_that_pays_is_recorded_after_many_that_did_not():
    all_costs = costs.Costs()
    for _ in range(1000):
        all_costs.sleeps()
        if (odd := costs.Account(all_costs)).can_record():
            odd.recorded(100, 20)
    good = costs.Account(all_costs)
    waited = next(i for i in range(1000) if (all_costs.sleeps(), good.can_record())[1])
    assert waited < 300
    for _ in range(100):
        good.hit(1.0 - costs.replay_cost(1000, 0))
    all_costs.left = 0.0
    assert good.can_record()


def test_what_some_calls_save_is_not_spent_on_the_others():
    all_costs, paid = costs.Costs(), 0.0
    good = costs.Account(all_costs)
    for i in range(4000):
        all_costs.sleeps()
        if i % 2:
            good.hit(0.9)
        elif (odd := costs.Account(all_costs)).can_record():
            odd.recorded(100, 20)
            paid += costs.price(100, 20)
    assert paid <= 4000 * costs.SHARE + costs.POT + costs.FREE * costs.price(100, 20)


def test_replays_that_miss_are_tried_less_and_less():
    account = costs.Account(costs.Costs())
    account.costs.calls = costs.TRIALS + 1
    tried = 0
    for _ in range(1000):
        if account.can_try():
            account.missed(1.0)
            tried += 1
    assert tried <= 1000 * costs.MORE_LUCK + 2 * costs.LUCK
    account.hit(1.0)
    assert account.can_try()


def test_after_many_calls_in_the_engine_the_next_are_not_looked_at():
    all_costs = costs.Costs()
    looked_at = 0
    for _ in range(1000):
        if not all_costs.sleeps():
            looked_at += 1
            all_costs.ran_in_the_engine()
    assert looked_at < 40
    while all_costs.sleeps():
        pass
    all_costs.replayed()
    assert not all_costs.sleeps()


def test_what_is_too_small_to_pay_runs_in_the_engine_after_some_calls():
    w = Value(2.0)
    f = jit(lambda x: w * x)
    assert {f(float(i))._op for i in range(costs.TRIALS)} == {"jit"}
    assert {f(float(i))._op for i in range(200)} == {"*"}


def test_a_function_seen_in_two_states_keeps_both():
    net = types.SimpleNamespace(training=True)
    f = jit(lambda x: x * 2 if net.training else x * 3)
    for i in range(40):
        net.training = i % 4 < 2
        assert f(1.0).data == (2.0 if net.training else 3.0)
    assert f._costs.recordings == 2


# A jitted function as an object


def test_a_copy_of_a_jitted_function_is_one_of_its_own():
    model = nn.MLP(1, [1], seed=0)
    f = jit(model)
    before = f([1.0]).data
    twin = copy.deepcopy({"f": f, "model": model})
    for p in model.parameters():
        p.data = 0.0
    assert twin["f"]([1.0]).data == before and f([1.0]).data == 0.0
    assert twin["f"].function is twin["model"]
    assert copy.copy(f)([1.0]).data == 0.0


def test_attributes_of_the_function_are_those_of_the_jitted_one():
    model = nn.MLP(1, [1], seed=0)
    model.training = True
    f = jit(model)
    assert f.parameters() == model.parameters()
    with f.training(optim.SGD(model.parameters(), lr=0.1)) as step:
        assert step([1.0]) == pytest.approx(f.function([1.0]).data, abs=1)
    with pytest.raises(AttributeError):
        _ = f.nothing


def test_a_jitted_method_is_trained():
    X, y = data.moons(10, seed=0)

    class Net(nn.Module):
        def __init__(self):
            self.body = nn.MLP(2, [2, 1], seed=0)

        @jit
        def loss(self, X):
            """The loss."""
            return F.hinge_loss([self.body(x) for x in X], 2.0 * y - 1)

    net, other = Net(), Net()
    with net.loss.training(optim.SGD(net.parameters(), lr=0.1)) as step:
        first = step(X)
        assert step(X) < first
    assert other.loss(X).data == pytest.approx(first)
    assert Net.loss.__doc__ == "The loss." and "hinge" not in net.loss.name


def test_a_jitted_method_is_copied_with_its_object():
    class Scaled:
        k = 2.0

        @jit
        def __call__(self, x):
            return x * self.k

    scaled = Scaled()
    twin = copy.deepcopy(scaled.__call__)
    scaled.k = 3.0
    assert (twin(1.0).data, scaled(1.0).data, copy.copy(scaled.__call__)(1.0).data) == (2, 3, 3)


def test_what_is_returned_beside_the_loss_has_its_gradient_at_infinity_too():
    def both(x):
        h = x.log()
        return h * 2, h, x.sqrt() * h

    for function in (both, jit(both), jit(both)):
        x = Value(0.0)
        y, h, _ = function(x)
        y.backward()
        assert (h.grad, x.grad) == (2.0, float("inf"))


def test_a_pool_inside_may_call_the_function_itself():
    def f(x, depth):
        if not depth:
            return x * 2
        found = []
        t = threading.Thread(target=lambda: found.append(g(1.0, 0).data))
        t.start()
        t.join(10)
        return x * Value(found[0])

    g = jit(f)
    assert g(3.0, 1).data == 6.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_beside_a_busy_jit_does_not_hang():
    assert printed(FORK).split() == ["0"] * 20


FORK = """
import os, signal, threading
from micrograd import Value
from micrograd.compiler import jit
from micrograd.compiler.trace import lock

w = Value(2.0)
f = jit(lambda x: (w * x).tanh())
f(1.0)
held = threading.Event()

def hold():
    with f.lock.held, lock.held:
        held.set()
        threading.Event().wait()

threading.Thread(target=hold, daemon=True).start()
held.wait()
for _ in range(20):
    child = os.fork()
    if not child:
        signal.alarm(20)
        f(0.5).backward()
        jit(lambda x: w * x)(1.0)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
os._exit(0)
"""


@functools.lru_cache
def third(n):
    return Value(n / 3)


def test_constants_may_be_kept_in_a_cache():
    f = jit(lambda x, n: x * third(n))
    for i in range(12):
        assert f(float(i), i % 2).data == i * (i % 2 / 3)


def refuses(x):
    raise ValueError(f"bad {x}")


def asserts(x):
    assert x < 0, f"not below zero: {x}"


def chooses(x):
    return F.cross_entropy([x, x], x)


ERRORS = [
    (refuses, ValueError, "bad Value"),
    (asserts, AssertionError, "not below zero: Value"),
    (chooses, TypeError, "needs the index of a class as target, got a Value of"),
]


@pytest.mark.parametrize("function, error, words", ERRORS, ids=lambda x: getattr(x, "__name__", ""))
@pytest.mark.parametrize("x", [1.0, Value(1.0)], ids=["a float", "a Value"])
def test_an_error_may_show_a_value(function, error, words, x):
    with pytest.raises(error, match=words):
        jit(function)(x)


def test_a_text_of_a_value_is_printed_and_then_refused(capsys):
    with pytest.raises(JitError, match="the text of a Value"):
        jit(lambda x: print("x is", x) or x * 2)(1.0)
    assert capsys.readouterr().out == "x is Value(data=1.0, grad=0.0)\n"


@pytest.mark.parametrize(
    ("backend", "size", "is_replayed"),
    [
        ("numpy", 1, False),
        ("numpy", 20, True),
        pytest.param("c", 1, True, marks=needs_a_c_compiler),
        pytest.param("xla", 1, False, marks=needs_jax),
    ],
)
def test_steps_are_replayed_where_that_is_faster(backend, size, is_replayed):
    weights = [Value(0.1 * i) for i in range(size)]
    f = jit(lambda x: (F.sum(w * x for w in weights) - 1.0) ** 2, backend=backend)
    with f.training(optim.SGD(weights, lr=0.01)) as step:
        losses = [step(0.5) for _ in range(3 * costs.TRIALS)]
        assert (step.shortcut is not None) == is_replayed and losses[-1] < losses[0]


@needs_a_c_compiler
def test_steps_for_which_there_is_no_shortcut_are_soon_the_engines():
    w = Value(0.5)
    f = jit(lambda n: (w * n - 1.0) ** 2, backend="c")
    with f.training(optim.SGD([w], lr=0.01)) as step:
        for i in range(6 * costs.TRIALS):
            step(i % 3)
    with pytest.raises(JitError, match="it is too small"):
        f.explain()


def test_calls_as_small_as_these_are_not():
    f = jit(lambda x: (x * 3.0 - 1.0) ** 2)
    for _ in range(3 * costs.TRIALS):
        f(0.5)
    with pytest.raises(JitError, match="it is too small"):
        f.explain()
