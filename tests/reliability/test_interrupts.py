"""Ctrl-C at any moment: a second try gives the exact result, and no step is ever done by half.

A KeyboardInterrupt comes before a bytecode drawn at random; or from a timer, as Ctrl-C comes.
"""

import gc
import math
import random
import signal
import sys
import threading
import time

import pytest

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import jit
from micrograd.engine import topological_order
from micrograd.function import Function
from micrograd.train import History, fit

THEME = "Interrupts"

pytestmark = pytest.mark.slow


class BeforeABytecode:
    """Calls functions, each with a KeyboardInterrupt before any one of the bytecodes it runs."""

    def __init__(self, rng, rehearsal):
        self.rng, self.length = rng, self.run(rehearsal, math.inf)

    def __call__(self, f):
        """Whether f was interrupted."""
        until = self.rng.randint(1, self.length)
        try:
            return self.run(f, until) >= until
        except KeyboardInterrupt:
            return True

    def run(self, f, until):
        """How many bytecodes were run, the one before which the interrupt came included."""
        count = 0

        def trace(frame, event, arg):
            nonlocal count
            if event == "call":
                if in_the_progress_bar(frame) or frame.f_code.co_filename == threading.__file__:
                    return None  # a lock of Python's own would stay held, as it does for no Ctrl-C
                frame.f_trace_lines, frame.f_trace_opcodes = False, True
            elif event == "opcode":
                count += 1
                if count == until:
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # else 3.12 has no events for bytecodes
        sys.settrace(trace)
        try:
            f()
        finally:
            sys.settrace(before)
        return count


class FromATimer:
    """Calls functions, each with a KeyboardInterrupt at any moment of about the time it takes."""

    def __init__(self, rng, rehearsal):
        # And a little longer: a signal needs some time to come.
        self.rng, self.seconds = rng, min(seconds(rehearsal) for _ in range(3)) + 1e-4

    def __call__(self, f):
        """Whether f was interrupted."""
        fired, over = False, False

        def interrupt(signum, frame):
            nonlocal fired
            if not over and not in_the_progress_bar(frame):
                fired = True
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, self.rng.uniform(1e-6, self.seconds))
            f()
            over = True
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGALRM, before)
        return fired


def seconds(f):
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def in_the_progress_bar(frame):
    """Whether a frame is in code of tqdm, whose finalizers would swallow an interrupt."""
    while frame and not frame.f_globals.get("__name__", "").startswith("tqdm"):
        frame = frame.f_back
    return bool(frame)


@pytest.fixture(autouse=True)
def no_call_backs_of_the_collector():
    """An interrupt in what the collector calls would be swallowed, and Hypothesis has it call."""
    theirs, gc.callbacks[:] = gc.callbacks[:], []
    yield
    gc.callbacks[:] = theirs


no_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timer")
ctrl_c = pytest.mark.parametrize(
    "ctrl_c", [BeforeABytecode, pytest.param(FromATimer, marks=no_timer)], ids=lambda c: c.__name__
)


# Backward: graphs as their leaves and their last node.


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x + y, x * y

    @staticmethod
    def backward(ctx, gs, gp):
        x, y = ctx.saved_tensors
        return gs + gp * y, gs + gp * x


def operators():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += 1 + c - a / b
    d += 3 * d + (b - a).relu() ** c.sigmoid()
    return [a, b], (c - d).tanh() + 10.0 / (c - d) ** 2


def fused():
    xs = [Value(x) for x in (0.5, -1.0, 2.0, 2.0)]
    ys = [F.max(xs), F.logsumexp(xs), *F.softmax(xs), F.dot(xs, xs, xs[0])]
    return xs, F.mean(ys) * F.cross_entropy(ys, 1) + F.sum(xs)


def several_outputs():
    x, y = Value(0.7), Value(-1.2)
    for _ in range(5):
        s, p = SumAndProduct.apply(x, y)
        u, v = SumAndProduct.apply(s.tanh(), p)
    return [x, y], u * v + s


def network():
    model = nn.MLP(2, [4, 1], act="tanh", seed=0)
    return model.parameters(), F.mse_loss([model(x) for x in X], Y)


X, Y = [[2.0, 3.0], [-1.0, 0.5], [0.0, -2.0]], [1.0, -1.0, 0.5]


def compiled():
    model = nn.MLP(2, [4, 1], act="tanh", seed=0)
    return model.parameters(), jit(lambda: F.mse_loss([model(x) for x in X], Y))() * 1


GRAPHS = {
    "operators": operators,
    "fused operations": fused,
    "operations with several outputs": several_outputs,
    "an MLP": network,
    "a compiled MLP": compiled,
}


@ctrl_c
@pytest.mark.parametrize("graph", GRAPHS)
def test_backward_tried_again_is_exact(graph, ctrl_c, fresh_seed, tries, score):
    n, (leaves, y) = tries(200, 5_000), GRAPHS[graph]()
    seen = leaves if graph == "a compiled MLP" else []
    inner = [*seen, *(v for v in topological_order(y) if v._prev)]
    interrupted = ctrl_c(random.Random(fresh_seed), y.backward)

    def gradients_anew():
        zero_grad(leaves)
        y.backward()
        return [x.grad for x in leaves]

    right = gradients_anew()
    right_inside, exact, halfway = [v.grad for v in inner], 0, 0
    for _ in range(n):
        zero_grad(leaves)
        while not interrupted(y.backward):
            zero_grad(leaves)
        halfway += [v.grad for v in inner] != right_inside
        exact += gradients_anew() == right
    score(
        "Ctrl-C in backward, then zero_grad and backward again",
        "every gradient exact",
        "in {exact:,} of {tries:,} tries, {halfway:,} of them halfway",
        hurt="who stops a cell and runs it again",
        peer="wrong in 23 to 35 % of tries",
        exact=exact,
        tries=n,
        halfway=halfway,
    )
    assert exact == n
    assert halfway > n / 50, "too few interrupts came halfway to say anything"


def zero_grad(leaves):
    for x in leaves:
        x.grad = 0.0


# Training: a run is a model and an optimizer, and must always be after some number of whole steps.

STEPS = 4
OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "Adam": lambda p: optim.Adam(p, lr=optim.cosine(0.1, 0.01, STEPS)),
}


class Run:
    """A model in training."""

    def __init__(self, optimizer):
        self.model = nn.MLP(2, [4, 1], act="tanh", seed=0)
        self.optimizer = OPTIMIZERS[optimizer](self.model.parameters())
        self.history = History()

    def backward(self):
        self.optimizer.zero_grad()
        loss = F.mse_loss([self.model(x) for x in X], Y)
        loss.backward()
        return loss.data

    def state(self):
        return self.model.state_dict(), self.optimizer.state_dict()


def second_step(run):
    """The second step itself, when all before it is done."""
    run.backward()
    run.optimizer.step()
    run.backward()
    return run.optimizer.step


def training(run):
    """All steps, by fit."""

    def training():
        args = run.model, X, Y, run.optimizer
        run.history = fit(*args, loss=F.mse_loss, steps=STEPS, progress=False)

    return training


HURT = "who stops a training to look at it, and goes on"
BETWEEN_STEPS = (
    "parameters never of two steps; exact in the end",
    "of {tries:,} tries, {whole:,} between two steps, {exact:,} exact",
)
INTERRUPTED = {"optimizer.step()": second_step, "fit()": training}


@ctrl_c
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("call", INTERRUPTED)
def test_training_stops_between_two_steps_and_goes_on_exactly(
    call, optimizer, ctrl_c, fresh_seed, tries, score
):
    n, run = tries(200, 5_000), Run(optimizer)
    right, losses = [run.state()], []
    for _ in range(STEPS):
        losses.append(run.backward())
        run.optimizer.step()
        right.append(run.state())

    interrupted = ctrl_c(random.Random(fresh_seed), INTERRUPTED[call](Run(optimizer)))
    whole = exact = 0
    for _ in range(n):
        run = Run(optimizer)
        while not interrupted(INTERRUPTED[call](run)):
            run = Run(optimizer)
        whole += run.state() == right[run.optimizer.steps]
        assert run.history.losses == losses[: len(run.history.losses)]
        assert len(run.history.losses) == len(run.history.accuracies)
        while run.optimizer.steps < STEPS:
            run.backward()
            run.optimizer.step()
        exact += run.state() == right[STEPS]
    score(
        f"Ctrl-C in {call}, then on", *BETWEEN_STEPS, hurt=HURT, tries=n, whole=whole, exact=exact
    )
    assert (whole, exact) == (n, n)


@ctrl_c
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("many", [False, True], ids=["step by step", "many steps"])
def test_a_compiled_training_stops_between_two_steps(
    many, optimizer, ctrl_c, fresh_seed, tries, score
):
    n, model = tries(200, 5_000), nn.MLP(2, [4, 1], act="tanh", seed=0)
    start = model.state_dict()
    loss = jit(lambda: F.mse_loss([model(x) for x in X], Y))

    def anew():
        model.load_state_dict(start)
        return OPTIMIZERS[optimizer](model.parameters())

    def trained(optimizer, many=many):
        with loss.training(optimizer) as step:
            while optimizer.steps < STEPS:
                step.many(STEPS - optimizer.steps) if many else step()
                yield model.state_dict()

    right = [start, *trained(anew(), many=False)]
    interrupted = ctrl_c(random.Random(fresh_seed), lambda: [*trained(anew())])
    whole = exact = 0
    for _ in range(n):
        own = anew()
        while not interrupted(lambda: [*trained(own)]):  # noqa: B023
            own = anew()
        whole += model.state_dict() == right[own.steps]
        exact += [model.state_dict(), *trained(own)][-1] == right[-1]
        exact -= any(type(p) is not Value for p in own.parameters)
    what = "Ctrl-C in a compiled training" + ", in many steps at once" * many
    score(f"{what}, then on", *BETWEEN_STEPS, hurt=HURT, tries=n, whole=whole, exact=exact)
    assert (whole, exact) == (n, n)


# Loading.


@ctrl_c
def test_loaded_weights_are_the_old_or_the_new_ones(ctrl_c, fresh_seed, tries, score):
    n, model = tries(200, 5_000), nn.MLP(2, [16, 1])
    old, new = (nn.MLP(2, [16, 1], seed=seed).state_dict() for seed in (0, 1))
    interrupted = ctrl_c(random.Random(fresh_seed), lambda: model.load_state_dict(new))
    whole = 0
    for _ in range(n):
        model.load_state_dict(old)
        while not interrupted(lambda: model.load_state_dict(new)):
            model.load_state_dict(old)
        whole += model.state_dict() in (old, new)
    score(
        "Ctrl-C in load_state_dict()",
        "the old weights or the new ones",
        "{whole:,} of {tries:,}",
        hurt="who stops a cell that loads a model",
        whole=whole,
        tries=n,
    )
    assert whole == n
