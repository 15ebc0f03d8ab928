"""Plots: the boundary, the curves and the maps hold what they should."""

import matplotlib
import numpy as np
import pytest

from micrograd import Value, data, nn

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from micrograd import plot


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_the_boundary_is_where_the_score_is_zero():
    X, y = data.square(50)
    ax = plot.decision_boundary(lambda x: Value(x[0] + x[1] - 1), X, 2 * y - 1)
    line = ax.collections[1].get_paths()[0].vertices
    assert line.sum(axis=1) == pytest.approx(np.ones(len(line)), abs=1e-6)
    points = ax.collections[-1]
    assert len(points.get_offsets()) == 50 and len(np.unique(points.get_facecolors(), axis=0)) == 2


def test_scores_of_next_to_nothing_are_pale():
    X, y = data.square(50)
    ax = plot.decision_boundary(lambda x: Value(0.001 * x[0]), X, 2 * y - 1)
    assert ax.collections[0].get_clim() == (-1.0, 1.0)


def test_several_outputs_are_coloured_by_the_largest():
    X, y = data.blobs(30)
    centre = [(-1.0, -1.0), (1.0, -1.0), (0.0, 1.0)]

    def model(x):
        return [Value(-((x[0] - a) ** 2) - (x[1] - b) ** 2) for a, b in centre]

    ax = plot.decision_boundary(model, X, y, resolution=41)
    regions = [c for c in ax.collections[:-1] if len(c.get_facecolor())]
    for region, (a, b) in zip(regions, centre):
        inside = [region.get_paths()[0].contains_point(point) for point in centre]
        assert inside == [point == (a, b) for point in centre]
    corners = np.vstack([path.vertices for path in regions[0].get_paths()])
    between = corners[np.abs(corners[:, 0]) < 1e-9]  # of the first and the second: x = 0, no stairs
    assert len(between) > 5


def test_the_legend_says_what_the_colours_stand_for():
    X, y = data.moons(10)
    ax = plot.decision_boundary(nn.MLP(2, [1], seed=0), X, 2 * y - 1, resolution=5)
    shown = [
        (t.get_text(), h.get_color())
        for t, h in zip(ax.get_legend().get_texts(), ax.get_legend().legend_handles)
    ]
    assert shown == [("-1", plot.CLASS_COLORS[0]), ("1", plot.CLASS_COLORS[1])]
    assert ax.figure.get_facecolor()[3] == 1


def test_a_figure_is_written_whole_in_the_format_of_its_suffix(tmp_path):
    figure = plot.loss_curve([1.0, 0.5]).figure
    for name, start in (("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")):
        plot.save(figure, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)


def test_a_given_axes_is_drawn_into():
    ax = plt.figure().add_subplot()
    X, y = data.moons(10)
    assert plot.decision_boundary(nn.MLP(2, [1], seed=0), X, y, ax, resolution=5) is ax
    assert plot.loss_curve([1.0, 0.5], ax) is ax


def test_curves_hold_the_numbers():
    assert plot.loss_curve([3.0, 2.0]).lines[0].get_ydata().tolist() == [3, 2]
    assert plot.accuracy_curve([0.5, 1.0]).lines[0].get_ydata().tolist() == [50, 100]


@pytest.mark.parametrize("layer, neurons", [(0, 5), (1, 9), (2, 1)])
def test_there_is_a_map_for_each_neuron(layer, neurons):
    model = nn.MLP(2, [5, 9, 1], seed=0)
    figure = plot.neuron_maps(model, data.moons(20)[0], layer=layer, resolution=6)
    assert sum(ax.get_title() != "" for ax in figure.axes) == neurons


def test_a_dead_neuron_is_marked():
    model = nn.MLP(2, [2, 1], seed=0)
    model.layers[0].neurons[1].b.data = -100.0
    figure = plot.neuron_maps(model, data.moons(20)[0], resolution=6)
    assert [ax.get_title() for ax in figure.axes[:2]] == ["0", "1 (dead)"]
