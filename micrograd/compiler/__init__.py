"""`jit`: a function of Values recorded once, compiled, and replayed as a program on arrays.

A call of a jitted function goes this way; each step is a file of its name, in passes/ or emit/
where it is indented.

    pytree            the arguments: a signature, and the numbers and Values to be filled in
    guards            is there a recording, and is all that it saw as it was?
      reachable         what a function sees
      sameness          when that is as it was
    │ no                                                            yes: to run
    ├ costs           may it pay to record? Else the function runs in the engine
    ├ trace           the function runs, and all it does is written down or refused
    ├ indices         meanwhile, what stands for the integers of arrays
    ├ whole           for large arrays, as long as nobody looks at their elements
    ├ examples        or for an example of a batch, which is run once for all
    ├   lower         the Values that it made, as ops on ids: a Graph
    ├   pad           reductions of different lengths made alike
    ├   differentiate and the ops of the gradients, so that all below serves both
    ├   fold          chains of additions as sums of products
    ├   split         long sums of several kinds in parts
    ├   group         ops that can be done together, as arrays of ids: a Schedule
    ├   matmul        matrix products among them
    ├   spread        all examples of a batch in place of one; in XLA they are an axis
    ├   layout        an offset in one buffer for each value: a Layout
    ├   numpy, c, xla lines of NumPy, C or jax.numpy
    ├ backends, xla   these, ready to run; build: C by the system's compiler
    ├ mesh            XLA on several devices
    ├ program         these passes in a row, and the compiled forward() and backward()
    ▼
    run               an Executable: fill in, forward(), results as Values; later, backward()
    training          or whole steps, one or many, with the optimizer's update
      steps, xla_steps  in C, in XLA
      shortcut        in C with its guards in one call: addresses
    exported          or the forward part in XLA, as bytes for JAX

`grad` and `gradients` (derivatives) take lower and differentiate alone: the ops of the gradients
become Values (interpret), in the engine or in a trace.

At the second call of a recording, and from time to time, the function is traced once more, and must
have done the same; and the replay must give the numbers of the engine there: an audit.
"""

from __future__ import annotations

import functools
import reprlib
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from ..engine import Value, tape
from ..optim import Optimizer
from ..text import visible
from .audit import Point, Twins, difference, sample
from .backends import BACKENDS, named_backends
from .costs import TRIALS, Account, Costs, replay_cost, step_cost
from .derivatives import grad, gradients
from .errors import ElementsError, ExamplesError, JitError, PlainIntError, TooDeepError
from .examples import batched, check_examples
from .exported import exported
from .guards import Guards
from .indices import of_arrays
from .locks import Lock
from .mesh import check_devices, is_of_several_processes, mesh_of
from .passes.lower import lower
from .pytree import NONE, Arguments, Taken, are_the_same, items_of, replaced, results, with_values
from .report import explanation
from .run import Executable
from .sameness import alike
from .trace import (
    MISSING,
    Fingerprint,
    Input,
    Sample,
    about_floats,
    class_of,
    from_library,
    show,
    traced,
)
from .training import Training
from .whole import Whole, inputs_of, stand_in_for
from .xla import XLA

if TYPE_CHECKING:
    from jax.export import Exported

__all__ = ["Jit", "JitError", "Training", "batched", "grad", "gradients", "jit"]

P = ParamSpec("P")
R = TypeVar("R")
MOST_SIGNATURES, MOST_BRANCHES = 64, 8
AUDITS = 0.05  # of the time spent in calls may go into audits, beside the first of each
FEW_NODES = 5000  # of a batch, which the engine computes also at a first audit
NODE_SECONDS = 2e-5  # what an audit of more is expected to take for each


@overload
def jit(function: Callable[P, R], *, backend: str = "numpy", devices: Any = None) -> Jit[P, R]: ...
@overload
def jit(
    *, backend: str = "numpy", devices: Any = None
) -> Callable[[Callable[P, R]], Jit[P, R]]: ...
def jit(
    function: Callable[P, R] | EllipsisType = ...,
    *more: Any,
    backend: str = "numpy",
    devices: Any = None,
) -> Jit[P, R] | Callable[[Callable[P, R]], Jit[P, R]]:
    """The function, made fast: it gives the same Values, and they pass the same gradients back.

    Without a function, what decorates one: @jit, or @jit(backend="c").

    The first call with arguments of some shapes is recorded and compiled; later ones replay it.
    Floats in the arguments may differ from call to call, and are Values inside the function, and so
    are the integers of an array, which may select by F.take() or be targets of F.cross_entropy();
    where the function wants them as plain ints, they belong to the shapes, as all other ints, bools
    and strings do. Leaves from before the call are read at each call.
    Where a comparison comes out otherwise, or something that the function can see has changed, it
    is recorded again, as long as that may pay; else it runs in the engine.

    A replay is audited at the second call and from time to time: the function runs again, and must
    do the same; and the engine's results and gradients there must be those of the replay, in a
    training also what the optimizer's step leads to. They may differ by a relative 1e-9, or by what
    rounding is found to do to them. Of `batched` examples 16 stand for all, in audit and replay;
    where rows are constants, as of data that is not among the arguments, and there are too many,
    numbers are compared only once there is time for it.

    `backend` is what it becomes: "numpy", a program that reads as a person would have written it,
    or "c", loops that the system's compiler makes a library of, in a fraction of a second; it is
    kept in the user's cache folder for the next time. C adds up every sum in its order: single
    operations and sums have the engine's bits. Squares, slopes of tanh, several softmaxes that go
    back together, and gradients of several kinds of sums may differ from them by the last digits.
    It is the faster the smaller arrays are: a step of small networks takes a tenth to a third of
    the time that it takes in NumPy. Large matrix products go block by block, in the same order:
    with layers of 256 neurons it is the faster for 100 examples, and NumPy for 10,000.
    Raises JitError where there is no C compiler, with how to get one.

    "xla" is for what is large: the same graph as a pure function of jax.numpy, which f.program
    shows, with all examples of batched() as one axis of its arrays; JAX compiles it for the
    processor, or for the GPU or TPU that it finds, in float64. Choose it for these, for several
    devices, and from some 100,000 examples on: its program does not grow with them, while compiling
    for NumPy or C takes some 20 s and 4 GB for a million. On one processor its steps are no
    quicker; its compiler takes from a few tenths of a second to many seconds for each shape, and a
    call has some 30 µs of its own. Numbers agree with the engine's to some 1e-13, not to the bit:
    XLA adds in any order, and may round a product and a sum at once; its functions err by some
    units of the last digit, and numbers below 2.2e-308 are zero there; on a GPU or TPU its algebra
    may also make x of log(exp(x)) and of (x + 1e9) - 1e9. With a Function of one's own, a program
    is NumPy's, which f.explain() says; with devices it raises JitError. JAX's settings are left as
    they are, and change nothing here. Raises JitError without JAX, which pip install
    'micrograd-lessons[xla]' brings, and inside a function that JAX traces.

    `devices` spread the examples of batched() over several devices in XLA: a number n, the first n
    of jax.devices(), a list of devices, or a jax.sharding.Mesh, whose first axis takes them. Each
    device has all parameters and its part of the examples; where these do not divide, the last one
    fills up and counts once. A step adds loss and gradients of all up in one all-reduce; it takes
    one more where a sum is to be known first, as for the logarithm of a mean. What is not of
    examples is done by all of them. f.explain() says what each has. Large arrays, of 1,000 numbers
    or more, lie on the devices by their rows. Losses differ by the last digits from those of one.

    After jax.distributed.initialize(), jax.devices() are those of all processes, on one machine or
    many: then each process makes the same calls, in the same order, with the same seeds and the
    whole arrays (a np.memmap will do), and copies its own rows to its own devices. All get the same
    losses and parameters. Each call and step compares a digest of parameters, arguments and the
    optimizer, and raises JitError in all of them where one has others. A process that is killed
    ends the others with an error, within the heartbeat_timeout_seconds that initialize() takes. One
    that ends earlier than the others, by itself or by an exception, leaves them waiting for it, and
    waits for them at its own end, for at most shutdown_timeout_seconds, which initialize() takes
    too (300). To evaluate on one process alone, use a second jit(loss) without devices.

    Raises JitError for what a replay could not do, and where an audit finds a difference. Else a
    jitted function differs from the function in this only:

    =========================  ====================================================================
    numbers in arguments       floats, and the integers of arrays, are Values inside, also to
                               isinstance(), type() and math functions
    identity                   results, and lists or arrays among the arguments, are new objects
    printing, random draws     happen when it is recorded or audited; a draw from a watched
                               generator is refused
    True, 1 and 1.0            are one and the same in lists, dicts and variables that it sees
    zeros                      a sum of products that are all -0.0 may be 0.0 in NumPy and XLA;
                               -0.0 + 0.0 is -0.0 in XLA
    infinities                 nothing goes back from a gradient through a sign, or what a ReLU or a
                               maximum chose by; in the engine zero does, and may meet an infinity
    what no guard sees         (the clock, files, the environment, names put together by the
                               function, what methods of other libraries look at, other threads) is
                               found by an audit, so perhaps late; the error says since which call
                               results may be wrong
    =========================  ====================================================================
    """
    if more:
        raise TypeError(
            'jit() takes one function, and all else by its name, as backend="c": got also '
            f"{type(more[0]).__name__} {reprlib.repr(more[0])}"
        )
    if isinstance(function, EllipsisType):
        return lambda function: Jit(function, backend, devices)
    return Jit(function, backend, devices)


class Recorded:
    """One way through a function: its replay, and what must be as it was for it to hold."""

    def __init__(self, replay, guards, asked, did, call, arguments, backend):
        self.replay, self.guards, self.asked, self.did = replay, guards, asked, did
        self.seen = seen_elsewhere(arguments, guards)
        self.call_cost = replay_cost(did.nodes, len(guards.kept))
        self.step_cost = step_cost(did.nodes, len(guards.kept), backend)
        self.checked_at, self.audits, self.seconds = call, 0, 0.0
        self.slow_steps = 0  # of trainings, since one was a shortcut

    def fits(self, arguments, guards_hold):
        """Whether the guards hold, and attributes of Values that were asked for are the same."""
        if self.guards not in guards_hold:
            guards_hold[self.guards] = self.guards.hold()
        return (
            guards_hold[self.guards]
            and (not self.seen or self.seen == seen_elsewhere(arguments, self.guards))
            and (not self.asked or self.finds_the_same(arguments))
        )

    def cost(self, training):
        """Of a replay, in a training or not: its steps may all be slow, for want of a shortcut."""
        return self.step_cost if training and self.slow_steps < TRIALS else self.call_cost

    def result(self, arguments):
        return self.replay.result(arguments)

    def finds_the_same(self, arguments):
        return all(
            alike(getattr(arguments.values[v] if type(v) is int else v, name, MISSING), found)
            for v, name, found in self.asked
        )


def seen_elsewhere(arguments, guards):
    """The Values among the arguments, with None for those that a function sees only there.

    The others are themselves inside, so that the function may tell them from others.
    """
    known = guards.values
    return [v if v._x is None and id(v) in known else None for v in arguments.values]


class Signature:
    """What is known of calls with arguments of some shapes."""

    def __init__(self, costs: Costs) -> None:
        self.account, self.too_deep = Account(costs), False
        self.ways: list[Recorded] = []  # the latest first


class Jit(Generic[P, R]):
    """A jitted function."""

    # Its own state; in __dict__ are the attributes of the function, and those that users set.
    __slots__ = (
        "__dict__", "__weakref__", "_audit_seconds", "_costs", "_defect", "_known", "_latest",
        "_mesh", "_seconds", "_taken", "backend", "devices", "function", "lock",
    )  # fmt: skip

    def __init__(
        self, function: Callable[P, R], backend: str = "numpy", devices: Any = None
    ) -> None:
        if not callable(function):
            raise TypeError(f"jit() needs a function, got {type(function).__name__} {function!r}")
        if backend not in tuple(BACKENDS):
            raise ValueError(f"backend is {named_backends()}, got {backend!r}")
        functools.update_wrapper(self, function, updated=())
        check_devices(devices, backend)
        self.function, self.backend, self.devices = function, backend, devices
        self._mesh = None  # as soon as there is a recording
        self.lock = Lock()
        self.forget()

    def forget(self) -> None:
        """Drop all recordings."""
        self._known: OrderedDict[tuple, Signature] = OrderedDict()
        self._latest: Executable | JitError | None = None
        self._defect: JitError | None = None
        self._costs, self._seconds, self._audit_seconds = Costs(), 0.0, 0.0
        self._taken: dict[tuple, Taken] = {}  # how arguments are taken, by their shapes

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if tape.get() is None and not self.sleeps():
            found = self.run(Arguments(args, kwargs), Executable.fill, Recorded.result)
            if found is not None:
                return found
        values, named = with_values(args, kwargs)  # or inside another one: a part of it
        return self.function(*values, **named)

    def __getattr__(self, name):
        if name in Jit.__slots__:  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self.function, name)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A jitted method."""
        return self if instance is None else JitMethod(self, instance)

    def __reduce__(self):
        # A copy begins without recordings.
        return type(self), (self.function, self.backend, self.devices)

    def training(self, optimizer: Optimizer) -> Training:
        """A whole step of training at once, to be used in a `with` statement:

            with f.training(optimizer) as step:
                loss = step(X, y)

        step(…) takes the arguments of the function, lets the optimizer make one step against the
        gradients of what it returns, and gives that back as a float; of several Values, the first
        is the loss. The parameters' data and gradients are up to date whenever they are read.
        Meanwhile the optimizer's parameters are a tuple, since they stay the same.
        Warns if the loss depends on none of the parameters; some may be without a gradient.
        step.many(n, …) makes n steps at once, in less time.
        """
        return Training(self, optimizer)

    def export(
        self, parameters: Iterable[Value] = (), platforms: Sequence[str] | None = None
    ) -> Exported:
        """The forward part of the last call in XLA as a jax.export.Exported, for its shapes.

        exported.call(p, x) takes float64 arrays: the data of `parameters`, in their order, and all
        numbers of the arguments, first the floats, then the arrays, each row by row. Other leaves
        are constants as they are now. It returns an array of what the function returns, and whether
        all comparisons came out as they did; if not, the function would have gone another way.
        bytes = exported.serialize() hold it; jax.export.deserialize(bytes) needs JAX, with
        jax_enable_x64, and nothing of this package; XLA's algebra may make x of log(exp(x)) there.
        `platforms` are those it is for, as ("cpu", "cuda", "tpu"); unless they are given, the one
        that is here.
        """
        self.last()
        return exported(self._latest, parameters, platforms)  # type: ignore[arg-type]

    @property
    def program(self) -> str:
        """The program of the last call, as source code."""
        program = self.last()
        return program.code.listing(program.graph.nodes)

    def explain(self) -> str:
        """What became of the recording of the last call, as a table: each pass, each group."""
        return explanation(self.last())

    def last(self):
        if self._latest is None:
            raise JitError(f"{self.name} was not called yet: there is no recording of it")
        if isinstance(self._latest, JitError):
            raise self._latest
        return self._latest.program

    @property
    def name(self) -> str:
        return visible(getattr(self.function, "__name__", "a jitted function"))

    def __repr__(self):
        return f"<jit of {self.name}>"

    def sleeps(self) -> bool:
        """Whether a call goes to the engine without more ado."""
        return self._costs.sleeps()

    def looped(self, calls: int) -> None:
        """Takes note of so many more replays by a loop that asked nobody."""
        self._costs.looped(calls)

    def run(
        self,
        arguments: Arguments,
        fill: Callable,
        use: Callable,
        training: Training | None = None,
    ) -> Any:
        """What use(way, arguments) gives, called under the lock after the forward pass.

        `fill` sets the leaves of a replay, given the arguments. None where the engine is to run,
        also for a call that came, by a signal, in the middle of another one of this thread.
        """
        if self.lock.is_held_here():
            return None
        if self._defect:
            raise self._defect
        start = time.monotonic()
        if (taken := self._taken.get(arguments.shapes)) is not None:
            arguments.take(taken)
        try:
            with np.errstate(all="ignore"):
                for _ in range(3):  # at most: known, audited, once more
                    with self.lock.held:
                        way = self.way(arguments, fill, training)
                        if way and not self.is_due(way):
                            self._costs.replayed()
                            return use(way, arguments)
                    if way is None:
                        goes_on = self.recorded(arguments, training)
                    else:
                        goes_on = self.audited(arguments, way, fill, training)
                    if not goes_on:
                        break
            self._costs.ran_in_the_engine()
            return None
        finally:
            self._seconds += time.monotonic() - start

    def way(self, arguments, fill, training):
        """The way through the function that a call takes, its replay run; None for a new one."""
        known = self._known.get(arguments.signature)
        if known is None or not known.account.can_try():
            return None
        if len(self._known) > 1:
            self._known.move_to_end(arguments.signature)
        guards_hold: dict[Guards, bool] = {}
        for i, way in enumerate(known.ways):
            if self._costs.pays(way.cost(training)) and way.fits(arguments, guards_hold):
                fill(way.replay, arguments)
                if way.replay.run(arguments):
                    if i:
                        known.ways.insert(0, known.ways.pop(i))
                    known.account.hit(1.0 - way.cost(training))
                    self._latest = way.replay
                    return way
                known.account.missed(way.cost(training) / 2)  # forward only
        return None

    def recorded(self, arguments, training):
        """Whether a new way through the function was recorded.

        What fails for whole arrays, for one example, or for arrays of integers as inputs, is tried
        again with their elements, with all examples, and with plain ints.
        """
        taken, self._mesh = arguments.taken, self._mesh or mesh_of(self.devices)
        try:
            return self.newly_recorded(arguments, training)
        except ElementsError as error:
            if error.arrays.isdisjoint(taken.whole):
                raise
            taken = taken._replace(whole=taken.whole - error.arrays)
        except ExamplesError:
            taken = taken._replace(one_example=False, whole=NONE)
        except Exception as error:
            everything = arguments.integers()
            if taken.static == everything:
                if (words := about_floats(error)) and (arguments.floats or arguments.arrays):
                    raise JitError(f"{self.name} could not be recorded: {words}") from error
                raise
            wanted = error.arrays if isinstance(error, PlainIntError) else everything
            taken = taken._replace(static=taken.static | wanted, whole=taken.whole - wanted)
        arguments.take(taken)
        found = self.recorded(arguments, training)
        self._taken[arguments.shapes] = arguments.taken
        return found

    def newly_recorded(self, arguments, training):
        known = self._known.get(arguments.signature) or Signature(self._costs)
        if known.too_deep or not (known.account.can_record() and self.may_pay(known, training)):
            if not known.too_deep:
                self._latest = JitError(
                    f"{self.name} ran in the engine, where that is faster: it is too small, or its "
                    "comparisons, integers or surroundings differ too often to be recorded"
                )
            return False
        roots = self.roots(arguments)
        fitting = (way.guards for way in known.ways if way.fits(arguments, {}))
        guards = next(fitting, None) or Guards(roots)
        modules = len(sys.modules)
        answer, trace, leaves, inputs, wholes, did, _ = self.traced(arguments, guards)
        try:
            if len(sys.modules) != modules:  # imported inside for the first time
                guards = Guards(roots)
            returned = results(answer)
            if wanted := of_arrays(returned):
                raise PlainIntError(wanted)
            check_examples(trace, returned)
            graph = lower(returned, trace, leaves, inputs, wholes)
            made = Executable(graph, answer, leaves, self.lock, self.backend, self._mesh)
            if trace.of_an_example:  # do the others go the same way?
                with self.lock.held:
                    made.fill(arguments)
                    if not made.run(arguments):
                        raise ExamplesError
        except TooDeepError as error:
            known.too_deep, self._latest = True, error
        except BaseException:
            for v in trace:
                show(v)
            raise
        index = {v: i for i, v in enumerate(arguments.values)}
        asked = [(index.get(v, v), name, found) for v, name, found in trace.asked]
        with self.lock.held:
            self._known[arguments.signature] = known
            lines = 0 if known.too_deep else sum(map(len, made.program.code.lines.values()))
            known.account.recorded(did.nodes, lines)
            if not known.too_deep:
                call, backend = self._costs.calls, self.backend
                way = Recorded(made, guards, asked, did, call, arguments, backend)
                known.ways.insert(0, way)
                self._latest = made
            del known.ways[MOST_BRANCHES:]
            while len(self._known) > MOST_SIGNATURES:
                self._known.popitem(last=False)
        return not known.too_deep

    def roots(self, arguments):
        """From where a call gets at all that it sees."""
        return [self.function, *arguments.objects]

    def may_pay(self, known, training):
        """Whether what is known of a signature speaks for one more recording."""
        return all(self._costs.pays(way.cost(training)) for way in known.ways)

    def traced(self, arguments, guards):
        """What the function returns for stand-ins of its arguments, and all that it did.

        In the end, a function that traces it again, with a Sample of batches.
        """
        taken = arguments.taken
        seen = seen_elsewhere(arguments, guards)
        stand_ins = {v: v if itself else like(v) for v, itself in zip(arguments.values, seen)}
        inputs: list[Value] = []

        def stand_in(x):
            if isinstance(x, Value):
                return stand_ins[x]
            inputs.append(Input(x))
            return inputs[-1]

        arrays = [stand_in_for(x, number, taken) for number, x in enumerate(arguments.arrays)]
        wholes = [x for x in arrays if isinstance(x, Whole)]
        made = dict(zip(map(id, arguments.arrays), arrays))
        given = replaced((arguments.args, arguments.kwargs), stand_in, made)
        for x in arrays:
            inputs += inputs_of(x)
        before, drawn = items_of(given), guards.drawn()
        originals = {stand_in: v for v, stand_in in stand_ins.items() if stand_in is not v}
        again = functools.partial(
            traced,
            lambda: self.function(*given[0], **given[1]),
            originals,
            inputs,
            guards.values.values(),
            taken.one_example,
        )
        answer, trace = again()
        changed = guards.broken()
        if guards.drawn() != drawn:
            changed = "the state of a random number generator"
        if not are_the_same(items_of(given), before):
            changed = "an argument"
        leaves = list(stand_ins.values())
        try:
            if touched := frozenset(x.number for x in wholes if x.is_touched()):
                raise ElementsError(touched)
            if changed:
                raise JitError(
                    f"{self.name} changed {changed} while it was recorded; a replay would not: "
                    "do it outside the jitted function, and pass or return what is needed"
                )
            did = Fingerprint(trace, [*leaves, *inputs], items_of(answer), guards.values)
        except JitError:
            for v in trace:  # which may live on
                show(v)
            raise
        return answer, trace, leaves, inputs, wholes, did, again

    def is_due(self, way):
        """Whether to run the function once more: does it still do what was recorded?"""
        if way.checked_at == self._costs.calls:
            return False
        return not way.audits or (not self.in_step and self._seconds >= self.next_audit(way))

    @property
    def in_step(self) -> bool:
        """Whether other processes make the same calls: then no clock decides what is done."""
        return self._mesh is not None and is_of_several_processes(self._mesh)

    def is_settled(self, way):
        """Whether a way was audited, and there is nothing to ask but whether guards hold."""
        return bool(way.audits and not way.asked and not any(way.seen) and way.step_cost < 1.0)

    def next_audit(self, way):
        """After how many seconds spent in calls these have paid for one more audit."""
        return (self._audit_seconds + way.seconds) / AUDITS

    def audited(self, arguments, way, fill=None, training=None):
        """Whether a way may be replayed: True. Raises JitError where the function left it.

        False where it went another way since a comparison is decided by the last digit.
        """
        if way.guards.broken():  # item by item, so that True is not 1
            with self.lock.held:
                for known in self._known.values():
                    known.ways = [other for other in known.ways if other is not way]
            return self.recorded(arguments, training)
        start = time.monotonic()
        data = [v.data for v in way.replay.leaves(arguments.values)]
        answer, trace, leaves, *_, did, again = self.traced(arguments, way.guards)
        wrong = None
        if did == way.did and (rows := self.rows(way, trace)) is not None:
            if trace.of_an_example:
                answer, trace = again(Sample(rows, arguments.arrays))
            point = Point(way.replay, arguments, fill or Executable.fill, rows, training)
            twins = Twins(trace, results(answer), point.seeds)
            leaves = way.replay.leaves(leaves)
            wrong = difference(point, twins, leaves, data)
        way.seconds = time.monotonic() - start
        self._audit_seconds += way.seconds if way.audits else 0.0
        way.audits += 1
        first, last = way.checked_at + 1, self._costs.calls
        way.checked_at = last
        if wrong:
            self._known = OrderedDict()
            what = wrong.words(way.replay.leaves(arguments.values), self.roots(arguments))
            why = "That is a defect of the compiler; please report it, with the function"
            if isinstance(way.replay.program.code, XLA) and twins.hold_tiny_numbers():
                why = "XLA takes numbers below 2.2e-308 for zero: use backend='c'"
            self._defect = JitError(
                f"{self.name}: {what}. {why}. Results since call {first - (way.audits == 1)} may "
                "be wrong; in this one, no parameter was changed. Call the function without jit"
            )
            raise self._defect
        if did == way.did:
            return True
        if did.parted_at_a_turn(way.did):
            return False
        self._known = OrderedDict()  # no shortcut that was taken before holds
        raise JitError(
            f"{self.name} does something else than when it was recorded, and not because of its "
            "arguments: it looks at what jit does not see, such as a clock, chance, a file or the "
            f"environment. Results of {calls(first, last)} may be wrong. Do that outside, and pass "
            "what comes of it"
        )

    def rows(self, way, trace):
        """Which rows of batches an audit computes, see `sample`; None where all are too dear."""
        if not trace.of_an_example:
            return {}
        found = sample(way.replay.program.graph, way.audits)
        spent = self._audit_seconds + NODE_SECONDS * way.did.nodes
        is_cheap = not self.in_step and spent <= AUDITS * self._seconds
        if found is None and (way.did.nodes <= FEW_NODES or is_cheap):
            return {}  # all of them
        return found


def like(v):
    """Another leaf with its data and label, and of its class if that is the user's."""
    kind = class_of(v)
    made = Value.__new__(Value if from_library(kind.__module__) else kind)
    Value.__init__(made, v.data, label=v.label)
    return made


def calls(first, last):
    return f"call {last}" if first == last else f"calls {first} to {last}"


class JitMethod:
    """A jitted function, bound to an object."""

    def __init__(self, jitted: Jit, instance: Any) -> None:
        self.jitted, self.instance = jitted, instance

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.jitted(self.instance, *args, **kwargs)

    def training(self, optimizer: Optimizer) -> Training:
        """As of a jitted function."""
        return Training(self.jitted, optimizer, self.instance)

    def __reduce__(self):
        return type(self), (self.jitted, self.instance)

    def __getattr__(self, name):
        return getattr(self.jitted, name)
