"""What holds for every graph: backward passes add up, and order and repetition change nothing."""

import numpy as np
import pytest
from hypothesis import strategies as st
from reliability.graphs import Graph
from reliability.programs import programs, run
from reliability.properties import graphs, holds
from reliability.reference import gradient_error

from micrograd import Value
from micrograd.tensor import Tensor

THEME = "Numbers"

pytestmark = pytest.mark.slow

HURT = "who adds up losses, splits a batch or runs a cell twice"
ANY = st.integers(0, 2**32 - 1)


@pytest.fixture
def always(fresh_seed, tries, score):
    """A function that tries a property, on so many draws, and puts it on the scoreboard."""

    def always(name, check, *strategies, short=300):
        count = tries(short, 5_000)
        holds(check, *strategies, count=count, fresh_seed=fresh_seed)
        score(name, f"on all of {count:,} draws", "holds", hurt=HURT)

    return always


def passed(graph, seed=1.0):
    """Its leaves as Values, and all that it computes from them, after a backward pass."""
    leaves = [Value(x) for x in graph.leaves]
    numbers = graph.numbers(leaves)
    numbers[-1].backward(seed)
    return leaves, numbers


def gradients(values):
    return [v.grad for v in values]


def bits(values):
    return [(v.data.hex(), v.grad.hex()) for v in values]


def equal(graph, found, right):
    """Whether gradients of a graph's leaves are the same, but for the order of additions."""
    return gradient_error(graph, found, right, 1e-12) <= 1e-12


def test_a_graph_built_twice_is_the_same_to_the_last_bit(always):
    def check(graph):
        assert bits(passed(graph)[1]) == bits(passed(graph)[1])

    always("a graph built twice is the same to the last bit", check, graphs)


def test_backward_twice_doubles_the_leaves_and_repeats_the_rest(always):
    def check(graph):
        leaves, numbers = passed(graph)
        once, computed = gradients(leaves), numbers[len(leaves) :]
        inner = gradients(computed)
        numbers[-1].backward()
        assert equal(graph, [x / 2 for x in gradients(leaves)], once)
        assert gradients(computed) == inner

    always("a second backward doubles the gradients of leaves, and of leaves only", check, graphs)


def test_losses_over_shared_numbers_add_up(always):
    def check(graph, pick):
        leaves, numbers = passed(graph)
        k = pick % len(numbers)
        numbers[k].backward()
        total = Graph(graph.leaves, (*graph.steps, ("+", (len(numbers) - 1, k))))
        assert equal(total, gradients(leaves), gradients(passed(total)[0]))

    always("two losses over shared numbers have the gradients of their sum", check, graphs, ANY)


def test_backward_is_linear_in_the_gradient_it_starts_from(always):
    def check(graph, seed, exponent):
        once, power = passed(graph)[1], 2.0**exponent
        found = gradients(passed(graph, seed)[0])
        assert equal(graph, [x / seed for x in found], gradients(once[: len(found)]))
        assert gradients(passed(graph, -power)[1]) == [-power * x for x in gradients(once)]

    always(
        "backward is linear in its seed, to the last bit for powers of two",
        check,
        graphs,
        st.floats(-1e6, -1e-6) | st.floats(1e-6, 1e6),
        st.integers(-20, 20),
    )


def test_the_order_in_which_parts_were_computed_does_not_matter(always):
    def check(graph, rng):
        other, place = reordered(graph, rng)
        numbers, others = passed(graph)[1], passed(other)[1]
        assert bits(numbers) == bits(others[i] for i in place)

    always("the order of independent steps changes no bit", check, graphs, st.randoms())


def reordered(graph, rng):
    """The same steps in another order, operands first, and where each number went."""
    todo = dict(enumerate(graph.steps, len(graph.leaves)))
    place, steps = {i: i for i in range(len(graph.leaves))}, []
    while todo:
        ready = [
            i for i, (_, xs) in todo.items() if all(type(x) is float or x in place for x in xs)
        ]
        i = rng.choice(ready)
        name, xs = todo.pop(i)
        place[i] = len(place)
        steps.append((name, tuple(x if type(x) is float else place[x] for x in xs)))
    return Graph(graph.leaves, tuple(steps)), [place[i] for i in range(len(place))]


def test_the_order_in_which_parts_are_added_does_not_matter(always):
    def check(graph, rng):
        *steps, (name, operands) = graph.steps
        shuffled = Graph(graph.leaves, (*steps, (name, tuple(rng.sample(operands, len(operands))))))
        (leaves, numbers), (others, other_numbers) = passed(graph), passed(shuffled)
        assert numbers[-1].data == other_numbers[-1].data
        assert equal(graph, gradients(others), gradients(leaves))

    always(
        "the order of the terms of the last sum changes no gradient", check, graphs, st.randoms()
    )


def test_a_tensor_computes_what_numpy_computes(always):
    def check(drawn):
        program, inputs = drawn
        y, expected = run(program, [Tensor(x) for x in inputs]), run(program, inputs)
        assert type(y) is (Tensor if isinstance(expected, np.ndarray) else Value)
        assert np.shape(y.data) == np.shape(expected)
        np.testing.assert_allclose(y.data, expected, rtol=1e-11, atol=1e-11)

    always("a Tensor has NumPy's shapes and numbers", check, programs(), short=600)
