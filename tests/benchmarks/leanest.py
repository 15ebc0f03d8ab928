"""The leanest node class in Python, and programs of one operation a node to hold it against.

Its slots are data, gradient, operands and local slopes, which are known as soon as the data are;
no checks, no names, no edge values. A program takes the class of the numbers it computes with.
"""

import itertools
import math

from benchmarks import transformer

LR = 0.05


class Node:
    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data, operands=(), slopes=()):
        self.data, self.grad, self.operands, self.slopes = data, 0.0, operands, slopes

    def __add__(self, other):
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.data + other.data, (self, other), (1.0, 1.0))

    def __sub__(self, other):
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.data - other.data, (self, other), (1.0, -1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Node) else Node(other)
        return Node(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other):
        other = other if isinstance(other, Node) else Node(other)
        y = self.data / other.data
        return Node(y, (self, other), (1.0 / other.data, -y / other.data))

    def __pow__(self, n):
        return Node(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        y = math.exp(self.data)
        return Node(y, (self,), (y,))

    def log(self):
        return Node(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self):
        return Node(max(self.data, 0.0), (self,), (float(self.data > 0),))

    def backward(self):
        order, seen, stack = [], set(), [self]
        while stack:
            v = stack.pop()
            if v is None:
                order.append(stack.pop())
            elif v not in seen:
                seen.add(v)
                stack += (v, None)
                stack += [child for child in v.operands if child not in seen]
        self.grad = 1.0
        for v in reversed(order):
            for child, slope in zip(v.operands, v.slopes):
                child.grad += slope * v.grad


def products(Value, rows=40, inner=60, columns=40):
    """The sum of the elements of a product of two matrices, forward and backward."""
    a = [[Value(0.01 * i + 0.001 * j) for j in range(inner)] for i in range(rows)]
    b = [[Value(0.01 * i - 0.001 * j) for j in range(columns)] for i in range(inner)]
    total = Value(0.0)
    for row in a:
        for j in range(columns):
            s = Value(0.0)
            for x, other in zip(row, b):
                s = s + x * other[j]
            total = total + s
    total.backward()
    return total.data, a[-1][-1].grad


def transformer_steps(Value, name=transformer.NAMES[0]):
    """A step of gradient descent of the character transformer: a function that returns its loss."""
    w = transformer.weights(Value=Value)
    parameters = [p for matrix in w.values() for row in matrix for p in row]
    tokens = transformer.tokens(name)

    def step():
        keys, values, loss = [], [], Value(0.0)
        for i, (token, target) in enumerate(itertools.pairwise(tokens)):
            x = [t + p for t, p in zip(w["token"][token], w["position"][i])]
            x = transformer.added(x, attention(w, normed(x), keys, values))
            up = [h.relu() for h in linear(w["up"], normed(x))]
            x = transformer.added(x, linear(w["down"], up))
            loss = loss - shares(linear(w["logits"], x))[target].log()
        loss = loss / (len(tokens) - 1)
        for p in parameters:
            p.grad = 0.0
        loss.backward()
        for p in parameters:
            p.data -= LR * p.grad
        return loss.data

    return step


def attention(w, x, keys, values):
    query = linear(w["query"], x)
    keys.append(linear(w["key"], x))
    values.append(linear(w["value"], x))
    size, mixed = transformer.CHANNELS // transformer.HEADS, []
    for start in range(0, transformer.CHANNELS, size):
        head = slice(start, start + size)
        weights = shares([dot(query[head], key[head]) / size**0.5 for key in keys])
        mixed += [dot(weights, column) for column in zip(*(value[head] for value in values))]
    return linear(w["out"], mixed)


def shares(scores):
    top = max(x.data for x in scores)
    powers = [(x - top).exp() for x in scores]
    total = added_up(powers)
    return [power / total for power in powers]


def normed(x):
    scale = (dot(x, x) / len(x) + transformer.NORM_EPS) ** -0.5
    return [scale * xi for xi in x]


def linear(matrix, x):
    return [dot(row, x) for row in matrix]


def dot(xs, ys):
    return added_up(x * y for x, y in zip(xs, ys))


def added_up(terms):
    terms = iter(terms)
    total = next(terms)
    for x in terms:
        total = total + x
    return total
