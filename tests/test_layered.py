"""The layout of our own: nothing overlaps, every edge leads to the right, and it is taken."""

import itertools
import random
import sys

import pytest

from micrograd import Value, layout
from micrograd.layered import NODE_GAP, layered
from micrograd.player import step_through


def graph(n, seed):
    """Sizes of nodes, and edges from earlier to later ones."""
    generator = random.Random(seed)
    sizes = [(generator.uniform(10, 200), generator.uniform(10, 90)) for _ in range(n)]
    edges = [(generator.randrange(j), j) for j in range(1, n) for _ in range(2)]
    return sizes, edges


def overlap(a, b):
    (x, y, w, h), (u, v, wide, high) = a, b
    return x < u + wide and u < x + w and y < v + high and v < y + h


@pytest.mark.parametrize("seed", range(8))
def test_nodes_keep_their_distance_and_edges_lead_to_the_right(seed):
    sizes, edges = graph(60, seed)
    places, (w, h) = layered(sizes, edges)
    assert [place[2:] for place in places] == sizes
    assert not any(itertools.starmap(overlap, itertools.combinations(places, 2)))
    assert all(places[i][0] + places[i][2] < places[j][0] for i, j in edges)
    for x, y, wide, high in places:
        assert -1e-9 <= x and x + wide <= w + 1e-9 and -1e-9 <= y and y + high <= h + 1e-9


def test_a_leaf_stands_beside_its_use_and_nodes_near_their_neighbours():
    sizes, chain = [(10.0, 10.0)] * 6, [(0, 1), (1, 2), (2, 3), (4, 3), (5, 1)]
    places, _ = layered(sizes, chain)
    columns = [x for x, *_ in places]
    assert columns[4] == columns[2] and columns[5] == columns[0]
    assert abs(places[1][1] - places[2][1]) <= 10 + NODE_GAP


def boxes_of(player):
    found = player._scene
    assert len(found.arrows) == len(found.flows) == len(found.plates)
    return [(b.x, b.y, b.w, b.h) for b in [*found.boxes, *found.plates]]


@pytest.mark.parametrize("reason", ["too slow", "too large"])
def test_the_player_stands_in_columns_where_graphviz_would_take_too_long(reason, monkeypatch):
    def tangled(*_):
        raise layout.TooTangledError("it did not finish")

    if reason == "too slow":
        monkeypatch.setattr(layout, "picture", tangled)
    else:
        monkeypatch.setattr(sys.modules["micrograd.player.scene"], "MOST_FOR_GRAPHVIZ", 5)
    a = Value(2.0, label="a")
    player = step_through((a * a + a).tanh() * a)
    boxes = boxes_of(player)
    assert not any(itertools.starmap(overlap, itertools.combinations(boxes, 2)))
    assert "microgradPlayer" in player._repr_mimebundle_()[0]["text/html"]
