"""Toy datasets: shapes, labels, seeds, and the points of scikit-learn."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_circles, make_moons

from micrograd import data

TWO_CLASSES = [data.square, data.moons, data.circles, data.spirals, data.xor]


@pytest.mark.parametrize("dataset", [*TWO_CLASSES, data.blobs], ids=lambda d: d.__name__)
@pytest.mark.parametrize("n", [1, 7, 100])
def test_points_are_labelled_and_the_same_for_a_seed(dataset, n):
    X, y = dataset(n, seed=3)
    assert (X.shape, X.dtype, y.shape, y.dtype.kind) == ((n, 2), float, (n,), "i")
    again, other = dataset(n, seed=3), dataset(n, seed=4)
    assert (X == again[0]).all() and (y == again[1]).all() and (X != other[0]).any()


@pytest.mark.parametrize("dataset", TWO_CLASSES, ids=lambda d: d.__name__)
def test_two_classes_are_0_and_1_in_about_equal_numbers(dataset):
    y = dataset(100)[1]
    assert set(y) == {0, 1} and 40 <= y.sum() <= 60


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [99, 100])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_moons_and_circles_are_those_of_scikit_learn(seed, n, noise):
    X, y = make_moons(n, noise=noise or None, random_state=seed)
    assert all(map(np.array_equal, data.moons(n, noise, seed), (X, y)))
    X, y = make_circles(n, noise=noise or None, factor=0.5, random_state=seed)
    assert all(map(np.array_equal, data.circles(n, noise, 0.5, seed), (X, y)))


def test_the_digits_are_those_of_scikit_learn_and_their_file_is_small():
    X, y = data.digits()
    theirs = load_digits()
    assert np.array_equal(16 * X, theirs.data) and np.array_equal(y, theirs.target)
    assert (X.dtype, y.dtype.kind) == (float, "i")
    assert (data.FILES / "digits.npz").stat().st_size < 100_000


def test_the_line_is_4x_plus_3():
    X, y = data.line(1000, noise=0.01, seed=1)
    assert np.polyfit(X, y, 1) == pytest.approx([4, 3], abs=0.01)
    assert 0 <= X.min() and X.max() < 1 and np.std(y - 4 * X - 3) == pytest.approx(0.01, rel=0.1)


def test_the_square_is_halved_by_its_diagonal():
    X, y = data.square(500)
    assert ((X.sum(axis=1) >= 1) == y).all() and 0 <= X.min() and X.max() < 1


def test_xor_is_1_where_the_signs_differ():
    X, y = data.xor(500, noise=0.1)
    assert ((X[:, 0] * X[:, 1] < 0) == y).all()


def test_blobs_have_as_many_classes_as_centers():
    X, y = data.blobs(90, centers=5, noise=0.0)
    assert sorted(set(y)) == [0, 1, 2, 3, 4] and len(np.unique(X.round(9), axis=0)) == 5


def test_spiral_arms_wind_once_around_the_origin():
    X, y = data.spirals(200, noise=0.0, turns=1.0)
    arm = X[y == 0][np.argsort(np.hypot(*X[y == 0].T))]
    angle = np.unwrap(np.arctan2(arm[:, 1], arm[:, 0]))
    assert angle[-1] - angle[0] == pytest.approx(2 * np.pi * 0.9)


def test_first_names_are_small_letters_each_name_once_the_most_frequent_first():
    names = data.first_names()
    assert (len(names), len(set(names))) == (5163, 5163)
    assert names[:3] == ["james", "john", "robert"] and max(map(len, names)) == 11
    assert all(name.isascii() and name.isalpha() and name.islower() for name in names)


def test_lists_of_names_are_the_callers_own():
    data.first_names().clear()
    assert data.first_names()
