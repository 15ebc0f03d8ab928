"""Functions that let threads, tasks and generators do part of their work, to be run under the jit.

Each is a program as those of learners.py.
"""

import asyncio
import contextvars
import queue
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.pool import ThreadPool

from reliability.learners import descend, moons

import micrograd.functional as F
from micrograd import Value

THREADED = {}


def threaded(program):
    THREADED[program.__name__.replace("_", " ")] = program
    return program


def in_threads(*functions):
    """What functions return, each called by a thread of its own."""
    found: list = [None] * len(functions)

    def work(i):
        try:
            found[i] = functions[i]()
        except Exception as error:
            found[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(functions))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for x in found:
        if isinstance(x, Exception):
            raise x
    return found


def trained(jit, predictions):
    """Steps of training of a model, of which something outside of the call predicts."""
    X, y, model = moons(6, 3)
    loss = jit(lambda: F.mse_loss(predictions(model, X), y))
    while True:
        yield descend(model.parameters(), loss())


@threaded
def a_thread_for_each_sample(jit):
    return trained(jit, lambda model, X: in_threads(*(lambda x=x: model(x) for x in X)))


@threaded
def samples_in_the_order_they_come_back(jit):
    def predictions(model, X):
        with ThreadPoolExecutor(3) as pool:
            futures = {pool.submit(model, x): i for i, x in enumerate(X)}
            done = {futures[future]: future.result() for future in as_completed(futures)}
        return [done[i] for i in range(len(X))]

    return trained(jit, predictions)


@threaded
def a_thread_pool_of_multiprocessing(jit):
    def predictions(model, X):
        with ThreadPool(2) as pool:
            return pool.map(model, X)

    return trained(jit, predictions)


@threaded
def threads_with_the_context_of_the_call(jit):
    def predictions(model, X):
        contexts = [contextvars.copy_context() for _ in X]
        return in_threads(*(lambda c=c, x=x: c.run(model, x) for c, x in zip(contexts, X)))

    return trained(jit, predictions)


@threaded
def asyncio_to_thread(jit):
    async def gathered(model, X):
        return await asyncio.gather(*(asyncio.to_thread(model, x) for x in X))

    return trained(jit, lambda model, X: asyncio.run(gathered(model, X)))


@threaded
def tasks_that_take_turns(jit):
    async def predicted(model, x):
        await asyncio.sleep(0)
        return model(x)

    async def gathered(model, X):
        return await asyncio.gather(*(predicted(model, x) for x in X))

    return trained(jit, lambda model, X: asyncio.run(gathered(model, X)))


@threaded
def a_coroutine_driven_by_hand(jit):
    async def predicted(model, X):
        return [model(x) for x in X]

    def predictions(model, X):
        try:
            predicted(model, X).send(None)
        except StopIteration as end:
            return end.value

    return trained(jit, predictions)


@threaded
def a_generator_driven_by_another_thread(jit):
    def predictions(model, X):
        generator = (model(x) for x in X)
        return in_threads(lambda: list(generator))[0]

    return trained(jit, predictions)


@threaded
def a_generator_driven_by_turns(jit):
    def predictions(model, X):
        generator = (model(x) for x in X)
        found = []
        for i in range(len(X)):
            found += in_threads(lambda: next(generator)) if i % 2 else [next(generator)]
        return found

    return trained(jit, predictions)


@threaded
def a_generator_begun_inside_and_driven_outside(jit):
    w = Value(0.5)

    def terms(x):
        yield w * x
        yield w * w * x

    begun = jit(terms)
    while True:
        w.data += 0.25
        yield F.sum(begun(Value(2.0))).data


@threaded
def a_generator_begun_outside_and_driven_inside(jit):
    w = Value(0.5)
    terms = (w * x for x in range(1, 1000))
    total = jit(lambda x: next(terms) * x)
    while True:
        w.data += 0.25
        yield total(2.0).data


@threaded
def a_worker_that_was_there_before(jit):
    w, tasks, answers = Value(0.5), queue.Queue(), queue.Queue()

    def work():
        for x in iter(tasks.get, None):
            answers.put(w * x)

    def asked(x):
        tasks.put(x)
        return answers.get() + w

    f = jit(asked)
    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            w.data += 0.25
            yield f(2.0).data
    finally:
        tasks.put(None)


@threaded
def numbers_prepared_by_threads(jit):
    w = Value(0.5)
    f = jit(lambda xs: F.dot([w] * 3, in_threads(*(lambda k=k: k * 0.5 for k in range(3)))) * xs[0])
    while True:
        w.data += 0.25
        yield f([2.0, 1.0]).data


@threaded
def a_parameter_read_by_another_thread(jit):
    w = Value(0.5)
    f = jit(lambda x: x * in_threads(lambda: w.data)[0])
    while True:
        w.data += 0.25
        yield f(2.0).data


@threaded
def a_parameter_set_by_another_thread(jit):
    w = Value(0.5)

    def doubled(x):
        in_threads(lambda: setattr(w, "data", w.data * 2))
        return w * x

    f = jit(doubled)
    for _ in range(20):
        yield f(2.0).data


@threaded
def a_gradient_set_by_another_thread(jit):
    w = Value(0.5)

    def counted(x):
        in_threads(lambda: setattr(w, "grad", w.grad + 1.0))
        return w * x

    f = jit(counted)
    while True:
        yield f(2.0).data, w.grad


@threaded
def backward_in_another_thread(jit):
    w, scale = Value(0.5), Value(2.0)

    def slope():
        scale.grad = 0.0
        (scale * scale * w.data).backward()
        return scale.grad

    f = jit(lambda x: w * x * in_threads(slope)[0])
    while True:
        w.data += 0.25
        yield f(2.0).data


@threaded
def a_jitted_function_in_a_thread_of_another(jit):
    w = Value(0.5)
    inner = jit(lambda x: (w * x).tanh())
    outer = jit(lambda x: in_threads(lambda: inner(x))[0] + w)
    while True:
        w.data += 0.25
        yield outer(2.0).data


@threaded
def a_jitted_function_that_calls_itself_in_a_thread(jit):
    w = Value(0.5)

    def power(x, n):
        return w * x if n == 0 else in_threads(lambda: jitted(x, n - 1))[0] * w

    jitted = jit(power)
    while True:
        w.data += 0.25
        yield jitted(Value(2.0), 2).data


@threaded
def a_jitted_function_of_plain_numbers_in_a_thread(jit):
    w = Value(0.5)
    inner = jit(lambda x: w * x)
    outer = jit(lambda x: in_threads(lambda: inner(3.0))[0] * x)
    while True:
        w.data += 0.25
        yield outer(2.0).data


@threaded
def a_thread_that_keeps_the_best_so_far(jit):
    w, best = Value(0.5), []

    def f(x):
        in_threads(lambda: best.append(w.data))
        return w * x

    f = jit(f)
    for _ in range(20):
        w.data += 0.25
        yield f(2.0).data, len(best)


@threaded
def a_result_that_another_thread_reads(jit):
    w, seen = Value(0.5), []

    def f(x):
        y = w * x
        in_threads(lambda: seen.append(y.data))
        return y

    f = jit(f)
    for _ in range(20):
        w.data += 0.25
        yield f(2.0).data, seen[-1]


@threaded
def a_branch_taken_by_another_thread(jit):
    w = Value(-0.5)
    f = jit(lambda x: x * 2 if in_threads(lambda: w * x > 0)[0] else x * 3)
    for _ in range(20):
        w.data += 0.25
        yield f(2.0).data


@threaded
def a_branch_on_a_parameter_taken_by_another_thread(jit):
    w = Value(-0.5)
    f = jit(lambda x: x * 2 if in_threads(lambda: w > 0)[0] else x * 3)
    for _ in range(20):
        w.data += 0.25
        yield f(2.0).data


@threaded
def locks_and_a_thread_of_its_own_numbers(jit):
    w, lock, local = Value(0.5), threading.RLock(), threading.local()

    def f(x):
        with lock:
            local.k = x * w
            return local.k + in_threads(lambda: getattr(local, "k", 1.0))[0]

    f = jit(f)
    while True:
        w.data += 0.25
        yield f(2.0).data
