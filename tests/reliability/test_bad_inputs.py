"""Bad inputs over the whole public API and the command line: each is refused, and changes nothing.

A row is what is tried and, indented below it, the error: exact type and exact message. A … stands
for what is not ours to say, such as an address or a word of one Python or NumPy version.
"""
# ruff: noqa: F401  # it is the rows, which are text, that use most imports

import copy
import math
import operator
import pickle
import re
import shlex
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from micrograd import Value, data, lesson, nn, optim, regression, train, weights
from micrograd import functional as F
from micrograd.__main__ import main
from micrograd.engine import topological_order
from micrograd.expression import ExpressionError, evaluate
from micrograd.function import Function
from micrograd.gradcheck import GradientError, gradcheck, numerical_diff
from micrograd.layout import DrawError
from micrograd.nn import MLP, Layer, Neuron, WeightsError
from micrograd.optim import SGD, Adam, NonFiniteError, Optimizer
from micrograd.player import step_through
from micrograd.tensor import Tensor
from micrograd.viz import GraphTooLargeError, draw_dot, expanded, trace

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from micrograd import plot

CALLS = r"""
# Value: what it is made of

Value()
    TypeError: Value.__init__() missing 1 required positional argument: 'data'
Value('3')
    TypeError: Value() needs a real number, got str '3'
Value(b'1')
    TypeError: Value() needs a real number, got bytes b'1'
Value(None)
    TypeError: Value() needs a real number, got NoneType None
Value([1.0])
    TypeError: Value() needs a real number, got list [1.0]
Value({})
    TypeError: Value() needs a real number, got dict {}
Value(1j)
    TypeError: Value() needs a real number, got complex 1j
Value(Decimal('1'))
    TypeError: Value() needs a real number, got Decimal Decimal('1')
Value(np.array(1.0))
    TypeError: Value() needs a real number, got ndarray array(1.)
Value(float)
    TypeError: Value() needs a real number, got type <class 'float'>
Value(range(3))
    TypeError: Value() needs a real number, got range range(0, 3)
Value(a)
    TypeError: Value() needs a real number, got a Value; use it directly
Value(10**400)
    OverflowError: Value() needs a number within a float's range, got 1000…0000
Value(1, (a,), (1.0, 2.0))
    ValueError: Value() needs a local derivative a child, got 2 for 1

# Value: operators, in Python's own words

a + 'x'
    TypeError: unsupported operand type(s) for +: 'Value' and 'str'
a - None
    TypeError: unsupported operand type(s) for -: 'Value' and 'NoneType'
a * 'x'
    TypeError: can't multiply sequence by non-int of type 'Value'
[1] * a
    TypeError: can't multiply sequence by non-int of type 'Value'
a / {}
    TypeError: unsupported operand type(s) for /: 'Value' and 'dict'
a ** 1j
    TypeError: unsupported operand type(s) for ** or pow(): 'Value' and 'complex'
'x' ** a
    TypeError: unsupported operand type(s) for ** or pow(): 'str' and 'Value'
Decimal(1) + a
    TypeError: unsupported operand type(s) for +: 'decimal.Decimal' and 'Value'
a % 2
    TypeError: unsupported operand type(s) for %: 'Value' and 'int'
a // 2
    TypeError: unsupported operand type(s) for //: 'Value' and 'int'
a @ a
    TypeError: unsupported operand type(s) for @: 'Value' and 'Value'
a ** 10**400
    OverflowError: int too large to convert to float
a + 10**400
    OverflowError: Value() needs a number within a float's range, got 1000…0000
a < 'x'
    TypeError: '<' not supported between instances of 'float' and 'str'
a >= None
    TypeError: '>=' not supported between instances of 'float' and 'NoneType'
sum([a, 'x'])
    TypeError: unsupported operand type(s) for +: 'Value' and 'str'
a[0]
    TypeError: 'Value' object is not subscriptable
len(a)
    TypeError: object of type 'Value' has no len()
a.relu(1)
    TypeError: Value.relu() takes 1 positional argument but 2 were given

# Value: what would drop the gradient

float(a)
    TypeError: float() of a Value would drop its gradient; use value.data
complex(a)
    TypeError: float() of a Value would drop its gradient; use value.data
math.exp(a)
    TypeError: float() of a Value would drop its gradient; use value.data
np.array([a], dtype=float)
    TypeError: float() of a Value would drop its gradient; use value.data
int(a)
    TypeError: int() argument must be a string, a bytes-like object or a real number, not 'Value'
round(a)
    TypeError: type Value doesn't define __round__ method
copy.copy(y)
    TypeError: a computed Value cannot be copied or pickled without the Values it came from;
        keep its .data, or copy the leaves and compute it again
copy.deepcopy([a, y])
    TypeError: a computed Value cannot be copied or pickled without the Values it came from;
        keep its .data, or copy the leaves and compute it again
pickle.dumps(y)
    TypeError: a computed Value cannot be copied or pickled without the Values it came from;
        keep its .data, or copy the leaves and compute it again

# Value: the gradient that backward starts from

y.backward('1')
    TypeError: backward() needs a real number, got str '1'
y.backward(None)
    TypeError: backward() needs a real number, got NoneType None
y.backward([1.0])
    TypeError: backward() needs a real number, got list [1.0]
y.backward(1j)
    TypeError: backward() needs a real number, got complex 1j
y.backward(10**400)
    OverflowError: backward() needs a number within a float's range, got 1000…0000
y.backward(1, 2)
    TypeError: Value.backward() takes from 1 to 2 positional arguments but 3 were given

# F

F.sum(['1'])
    TypeError: Value() needs a real number, got str '1'
F.sum([[1, 2], [3]])
    TypeError: Value() needs a real number, got list [1, 2]
F.sum({'w': 1})
    TypeError: Value() needs a real number, got str 'w'
F.mean([])
    ValueError: mean() needs at least one number, got none
F.mean([None])
    TypeError: Value() needs a real number, got NoneType None
F.dot([1, 2], [1])
    ValueError: dot() needs equal lengths, got 2 and 1
F.dot([1], [None])
    TypeError: Value() needs a real number, got NoneType None
F.dot([1], [1], 'x')
    TypeError: Value() needs a real number, got str 'x'
F.dot([1])
    TypeError: dot() missing 1 required positional argument: 'ys'
F.max([])
    ValueError: max() needs at least one number, got none
F.max(['x'])
    TypeError: Value() needs a real number, got str 'x'
F.logsumexp([])
    ValueError: logsumexp() needs at least one number, got none
F.logsumexp([1j])
    TypeError: Value() needs a real number, got complex 1j
F.softmax([])
    ValueError: softmax() needs at least one number, got none
F.softmax([[1, 2]])
    TypeError: Value() needs a real number, got list [1, 2]
F.mse_loss([1, 2], [1])
    ValueError: mse_loss() needs a target a score, got 2 scores, 1 targets
F.mse_loss(['x'], [1])
    TypeError: Value() needs a real number, got str 'x'
F.mse_loss([1], ['x'])
    TypeError: unsupported operand type(s) for -: 'Value' and 'str'
F.hinge_loss([1], [1, -1])
    ValueError: hinge_loss() needs a target a score, got 1 scores, 2 targets
F.hinge_loss([[1, 2]], [1])
    TypeError: Value() needs a real number, got list [1, 2]
F.binary_cross_entropy_with_logits([1, 2], [1])
    ValueError: binary_cross_entropy_with_logits() needs a target a score,
        got 2 scores, 1 targets
F.binary_cross_entropy_with_logits([None], [1])
    TypeError: Value() needs a real number, got NoneType None
F.cross_entropy([], 0)
    ValueError: cross_entropy() needs at least one number, got none
F.cross_entropy([1, 2], 2)
    IndexError: cross_entropy() needs a target from 0 to 1, got 2
F.cross_entropy([1, 2], -1)
    IndexError: cross_entropy() needs a target from 0 to 1, got -1
F.cross_entropy([1, 2], 0.5)
    TypeError: cross_entropy() needs the index of a class as target, got 0.5
F.cross_entropy([1, 2], None)
    TypeError: cross_entropy() needs the index of a class as target, got None
F.cross_entropy([1, 2], b)
    TypeError: cross_entropy() needs the index of a class as target,
        got Value(data=3.0, grad=0.0)
F.cross_entropy([[1, 2]], ['x'])
    TypeError: cross_entropy() needs the index of a class as target, got 'x'
F.cross_entropy([[1, 2]], [2])
    IndexError: cross_entropy() needs a target from 0 to 1, got 2
F.cross_entropy([[1, 2]], [0, 1])
    ValueError: cross_entropy() needs a target a score, got 1 scores, 2 targets
F.cross_entropy([[1, 2]], 0)
    TypeError: Value() needs a real number, got list [1, 2]
F.accuracy([], [])
    ValueError: accuracy() needs at least one sample, got none
F.accuracy([1], [1, 2])
    ValueError: accuracy() needs a target a score, got 1 scores, 2 targets
F.accuracy([[1, 'x']], [0])
    TypeError: Value() needs a real number, got str 'x'

# Tensor: what it is made of

Tensor()
    TypeError: Tensor.__init__() missing 1 required positional argument: 'data'
Tensor('abc')
    TypeError: Tensor() needs a real number, got str 'abc'
Tensor(None)
    TypeError: Tensor() needs a real number, got NoneType None
Tensor([1, None])
    TypeError: Tensor() needs a real number, got NoneType None
Tensor({1: 2})
    TypeError: Tensor() needs a real number, got dict {1: 2}
Tensor({1})
    TypeError: Tensor() needs a real number, got set {1}
Tensor(x for x in 'ab')
    TypeError: Tensor() needs a real number, got generator <generator ob…>
Tensor(np.array([1j, 2]))
    TypeError: Tensor() needs a real number, got complex 1j
Tensor([1, 10**400])
    OverflowError: Tensor() needs a number within a float's range, got 1000…0000
Tensor([[1, 2], [3]])
    ValueError: a Tensor needs rows of equal length, got [[1, 2], [3]]
Tensor([1, [2]])
    ValueError: a Tensor needs rows of equal length, got [1, [2]]
Tensor.zeros(2, -1)
    ValueError: negative dimensions are not allowed
Tensor.zeros('a')
    TypeError: 'str' object cannot be interpreted as an integer
Tensor.ones(1.5)
    TypeError: 'float' object cannot be interpreted as an integer
Tensor.ones((2, 3))
    TypeError: 'tuple' object cannot be interpreted as an integer
Tensor.randn(2)
    TypeError: Tensor.randn() missing 1 required keyword-only argument: 'seed'
Tensor.randn(2, seed=-1)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got -1
Tensor.randn(2, seed=2**32)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got 4294967296
Tensor.randn(2, seed=None)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got None
Tensor.randn(2, seed='x')
    ValueError: seed is a whole number from 0 to 2**32 - 1, got 'x'
Tensor.randn(2, seed=1.5)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got 1.5

# Tensor: operators; t has the shape (2, 3)

t + 'a'
    TypeError: Tensor() needs a real number, got str 'a'
None * t
    TypeError: Tensor() needs a real number, got NoneType None
t ** 1j
    TypeError: Tensor() needs a real number, got complex 1j
t < 'a'
    TypeError: Tensor() needs a real number, got str 'a'
t / [[1], [2, 3]]
    ValueError: a Tensor needs rows of equal length, got [[1], [2, 3]]
t * [1, 2]
    ValueError: operands could not be broadcast together with shapes (2,3) (2,)…
np.ones((3, 2)) - t
    ValueError: operands could not be broadcast together with shapes (3,2) (2,3)…
t // 2
    TypeError: unsupported operand type(s) for //: 'Tensor' and 'int'
np.ones(3) % t
    TypeError: unsupported operand type(s) for %: 'numpy.ndarray' and 'Tensor'
np.exp(t)
    TypeError: operand 'Tensor' does not support ufuncs (__array_ufunc__=None)
t @ t
    ValueError: @ needs shapes that match, got (2, 3) @ (2, 3)
t @ [1, 2]
    ValueError: @ needs shapes that match, got (2, 3) @ (2,)
t @ 2
    ValueError: @ needs shapes that match, got (2, 3) @ ()
a @ t
    ValueError: @ needs shapes that match, got () @ (2, 3)
t @ 'a'
    TypeError: Tensor() needs a real number, got str 'a'
np.asarray(t, dtype=float)
    TypeError: float() of a Value would drop its gradient; use value.data
float(Tensor(1))
    TypeError: float() argument must be a string or a real number, not 'Tensor'
copy.deepcopy(t + 1)
    TypeError: a computed Value cannot be copied or pickled without the Values it came from;
        keep its .data, or copy the leaves and compute it again

# Tensor: axes, indices, shapes

t.sum(axis=2)
    AxisError: …axis 2 is out of bounds for array of dimension 2
t.max(axis=(0, -3))
    AxisError: …axis -3 is out of bounds for array of dimension 2
t.mean(axis=1.5)
    TypeError: integer argument expected, got float
t.min(axis='0')
    TypeError: 'str' object cannot be interpreted as an integer
t.sum(axis=[0])
    TypeError: 'list' object cannot be interpreted as an integer
t[:, :0].mean(axis=1)
    ValueError: mean() needs at least one number, got none
t[:, :0].max()
    ValueError: max() needs at least one number, got none
t[2]
    IndexError: index 2 is out of bounds for axis 0 with size 2
t[0, 0, 0]
    IndexError: too many indices for array: array is 2-dimensional, but 3 were indexed
t[1.0]
    IndexError: only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer
        or boolean arrays are valid indices
t[a]
    IndexError: only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer
        or boolean arrays are valid indices
t[[True, False, True]]
    IndexError: boolean index did not match indexed array along …0; …2 but …3
operator.setitem(t, 0, 1)
    TypeError: 'Tensor' object does not support item assignment
t.reshape(4, 2)
    ValueError: cannot reshape array of size 6 into shape (4,2)
t.reshape(-1, -1)
    ValueError: can only specify one unknown dimension
t.reshape('a')
    TypeError: 'str' object cannot be interpreted as an integer
t.transpose(0)
    ValueError: axes don't match array
t.transpose(0, 2)
    AxisError: axis 2 is out of bounds for array of dimension 2
t.item()
    ValueError: can only convert an array of size 1 to a Python scalar
len(Tensor(1))
    TypeError: len() of unsized object
list(Tensor(1))
    TypeError: iteration over a 0-d array

# Tensor: numbers put in

setattr(t, 'data', [1, 2, 3])
    ValueError: data needs numbers of shape (2, 3), got shape (3,)
setattr(t, 'data', None)
    ValueError: data needs numbers of shape (2, 3), got shape ()
setattr(t, 'data', [[1, 2, 3], [4, 5, None]])
    TypeError: data needs a real number, got NoneType None
setattr(t, 'data', np.full((2, 3), 1j))
    TypeError: data needs a real number, got complex 1j
setattr(t, 'grad', t.data)
    AttributeError: …grad…
operator.setitem(t.data, 0, 1)
    ValueError: assignment destination is read-only
operator.setitem(t.grad, 0, 1)
    ValueError: assignment destination is read-only
t.backward()
    ValueError: backward() needs a seed of shape (2, 3), got None
t.backward(1.0)
    ValueError: backward() needs numbers of shape (2, 3), got shape ()
t.backward(np.ones((3, 2)))
    ValueError: backward() needs numbers of shape (2, 3), got shape (3, 2)
t.backward([[1, 1, 1], [1, 1, '1']])
    TypeError: backward() needs a real number, got str '1'
Tensor(a).backward([1])
    ValueError: backward() needs numbers of shape (), got shape (1,)

# Function

Function.apply(a)
    NotImplementedError: Function needs a static method forward(ctx, ...)
custom().apply()
    TypeError: Custom needs a Value or a number to compute from, got ()
custom().apply('3')
    TypeError: Custom needs a Value or a number to compute from, got ('3',)
custom().apply([a])
    TypeError: Custom needs a Value or a number to compute from,
        got ([Value(data=2.0, grad=0.0)],)
custom().apply(t)
    TypeError: Custom needs a Value or a number to compute from, got (Tensor([[ 1.,…),)
custom().apply(a, n=3)
    TypeError: Function.apply() got an unexpected keyword argument 'n'
custom(forward='abc').apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers, got str 'abc'
custom(forward=None).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers, got NoneType None
custom(forward=[1.0]).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers, got list [1.0]
custom(forward=()).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers, got tuple ()
custom(forward=(1.0, 1j)).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers, got complex 1j
custom(forward=np.ones(2)).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers,
        got ndarray array([1., 1.])
custom(forward=b).apply(a)
    TypeError: Custom.forward() must return a number or a tuple of numbers,
        got Value Value(data=3.0, grad=0.0)
custom(backward=None).apply(a).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a number
        for argument 0, got NoneType None
custom(backward=[1.0]).apply(a).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a number
        for argument 0, got list [1.0]
custom(backward=(1.0, 'x')).apply(a, b).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a number
        for argument 1, got str 'x'
custom(backward=b).apply(a).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a number
        for argument 0, got Value Value(data=3.0, grad=0.0)
custom(backward=(1.0, 2.0)).apply(a).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a gradient
        for each argument of forward(), 1 in all, got 2
custom(backward=1.0).apply(a, b).backward()
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a gradient
        for each argument of forward(), 2 in all, got 1
custom(backward=lambda grad: 1 / 0).apply(a).backward()
    RuntimeError: backward of 'Custom' failed: division by zero
OnlyForward.apply(a).backward()
    RuntimeError: backward of 'OnlyForward' failed:
        OnlyForward needs a static method backward(ctx, grad)

Value(1, (2,))
    TypeError: Value() needs Values as children, got int 2
Value(1, (a,), 5)
    TypeError: Value() needs an operation's name or a tuple of local derivatives, got int 5
y.backward(a)
    TypeError: backward() needs a real number, got a Value; use its .data
t.backward(t)
    TypeError: backward() needs a real number, got a Value; use its .data
setattr(t, 'data', [[1, 2, 3], [4, 5, b]])
    TypeError: data needs a real number, got a Value; use its .data
F.sum(5)
    TypeError: a list of numbers is needed, got int 5
F.softmax(a)
    TypeError: a list of numbers is needed, got Value Value(data=2.0, grad=0.0)
F.cross_entropy([1, 2], [0, 1])
    TypeError: a list of numbers is needed, got int 1
F.mse_loss(1, 1)
    TypeError: a list of numbers is needed, got int 1
F.hinge_loss([1], [0])
    ValueError: hinge_loss() needs targets -1 and 1, got 0
F.hinge_loss([1], ['x'])
    TypeError: hinge_loss() needs a real number, got str 'x'
F.binary_cross_entropy_with_logits([1], [-1])
    ValueError: binary_cross_entropy_with_logits() needs targets from 0 to 1, got -1
F.binary_cross_entropy_with_logits([1], [math.nan])
    ValueError: binary_cross_entropy_with_logits() needs targets from 0 to 1, got nan
F.binary_cross_entropy_with_logits([1], [None])
    TypeError: binary_cross_entropy_with_logits() needs a real number, got NoneType None
list(regression.logistic_regression([[1, 2]], [-1]))
    ValueError: binary_cross_entropy_with_logits() needs targets from 0 to 1, got -1
custom(forward=10**400).apply(a)
    OverflowError: Custom.forward() needs a number within a float's range, got 1000…0000
custom(backward=10**400).apply(a).backward()
    RuntimeError: backward of 'Custom' failed:
        Custom.backward() needs a number within a float's range, got 1000…0000
SGD(5)
    TypeError: an optimizer needs a list of parameters, such as model.parameters(), got int 5
SGD(small)
    TypeError: an optimizer needs a list of parameters, such as model.parameters(),
        got MLP MLP of [Layer…]
SGD([a, t])
    TypeError: the data of a parameter is one number, parameter 1 is a Tensor
SGD([a], lr=True)
    ValueError: lr is from 0 (excluded) to below inf, got True
Adam([a], betas=0.9)
    ValueError: betas are two numbers, got 0.9
Adam([a], betas=(0.9,))
    ValueError: betas are two numbers, got (0.9,)
Adam([a], betas=(0.9, 0.99, 0.999))
    ValueError: betas are two numbers, got (0.9, 0.99, 0.999)
SGD([unset]).step()
    TypeError: the gradient of parameter 0 is a number, got NoneType None
adam.load_state_dict(None)
    ValueError: the state does not fit: it is no state_dict(), but None
adam.load_state_dict({'steps': 1})
    ValueError: the state does not fit: it is no state_dict(), but {'steps': 1}
adam.load_state_dict({'steps': 1, 'state': 5})
    ValueError: the state does not fit: it is no state_dict(), but {'state': 5, 'steps': 1}
adam.load_state_dict({'steps': -1, 'state': [[0.0], [0.0]]})
    ValueError: the steps of a state are a whole number from 0, got -1
adam.load_state_dict({'steps': 'x', 'state': [[0.0], [0.0]]})
    ValueError: the steps of a state are a whole number from 0, got 'x'
adam.load_state_dict({'steps': 1, 'state': [['x'], [0.0]]})
    TypeError: the state of parameter 0 is a number, got str 'x'
optim.linear(1, 0, 0)
    ValueError: steps is a whole number from 1, got 0
optim.linear(1, 0, -5)
    ValueError: steps is a whole number from 1, got -5
optim.linear(1, math.nan, 5)
    ValueError: end is from 0 to below inf, got nan
optim.cosine(1, 0, None)
    ValueError: steps is a whole number from 1, got None
optim.cosine('x', 0, 5)
    ValueError: start is from 0 to below inf, got 'x'
optim.cosine(-1, 0, 5)
    ValueError: start is from 0 to below inf, got -1
fit(model, [], [])
    ValueError: fit() needs at least one sample, got none
fit(model, X3, Y3, None)
    TypeError: fit() needs an optimizer, got NoneType None
fit(model, X3, Y3, SGD)
    TypeError: fit() needs an optimizer, got type <class '…SGD'>
fit(model, X3, Y3, steps=-1)
    ValueError: steps is a whole number from 0, got -1
fit(model, X3, Y3, steps='5')
    ValueError: steps is a whole number from 0, got '5'
fit(model, X3, Y3, batch_size=0)
    ValueError: batch_size is from 1 to the 4 samples, got 0
fit(model, X3, Y3, batch_size=5)
    ValueError: batch_size is from 1 to the 4 samples, got 5
fit(model, X3, Y3, batch_size=2.5)
    ValueError: batch_size is from 1 to the 4 samples, got 2.5
fit(model, X3, Y3, loss=lambda scores, targets: 5)
    TypeError: fit() needs a loss that gives a Value, got int 5

# gradcheck

gradcheck(Value.exp)
    ValueError: gradcheck() needs an input to differentiate by, got none
gradcheck(Value.exp, '3')
    TypeError: gradcheck() needs numbers, Values or Tensors, got '3'
gradcheck(Value.exp, [1.0])
    TypeError: gradcheck() needs numbers, Values or Tensors, got [1.0]
gradcheck(Value.exp, np.ones(1))
    TypeError: gradcheck() needs numbers, Values or Tensors, got array([1.])
gradcheck(lambda x: x.data, a)
    TypeError: gradcheck() needs a function that returns one Value, got 2.0
gradcheck(lambda x: None, a)
    TypeError: gradcheck() needs a function that returns one Value, got None
gradcheck(lambda x: [x], a)
    TypeError: gradcheck() needs a function that returns one Value,
        got [Value(data=2.0, grad=0.0)]
gradcheck(lambda x: x, Tensor([1, 2]))
    TypeError: gradcheck() needs a function that returns one Value, got Tensor([1., 2.])
gradcheck(5, a)
    TypeError: 'int' object is not callable
gradcheck(math.exp, a)
    TypeError: float() of a Value would drop its gradient; use value.data
gradcheck(lambda x: Value(x.data, (x,), (3.0,)), a)
    GradientError: input 0: backward gives 3, differences give 1, relative error 0.67
gradcheck(Value.log, -1.0)
    GradientError: input 0: backward gives -1, differences give nan, relative error nan
gradcheck(Value.exp, a, eps=0)
    ValueError: gradcheck() needs a positive eps, got 0
gradcheck(Value.exp, a, eps=math.inf)
    ValueError: gradcheck() needs a positive eps, got inf
gradcheck(Value.exp, a, eps='x')
    ValueError: gradcheck() needs a positive eps, got 'x'
gradcheck(Value.exp, a, rtol=math.inf)
    ValueError: gradcheck() needs rtol from 0 to below inf, got inf
gradcheck(Value.exp, a, rtol=math.nan)
    ValueError: gradcheck() needs rtol from 0 to below inf, got nan
gradcheck(Value.exp, a, rtol='x')
    ValueError: gradcheck() needs rtol from 0 to below inf, got 'x'
gradcheck(Value.exp, a, atol=-1)
    ValueError: gradcheck() needs atol from 0 to below inf, got -1
gradcheck(Value.exp, a, atol=None)
    ValueError: gradcheck() needs atol from 0 to below inf, got None
numerical_diff(abs)
    ValueError: numerical_diff() needs an input to differentiate by, got none
numerical_diff(abs, '3')
    TypeError: numerical_diff() needs numbers, Values or Tensors, got '3'
numerical_diff(str, 1.0)
    TypeError: numerical_diff() needs a function that returns one Value, got '1.0001'
numerical_diff(abs, 1.0, eps=-1)
    ValueError: numerical_diff() needs a positive eps, got -1
numerical_diff(abs, 1.0, eps=None)
    ValueError: numerical_diff() needs a positive eps, got None
numerical_diff(abs, 1.0, eps=math.inf)
    ValueError: numerical_diff() needs a positive eps, got inf

# nn: sizes, activations, seeds

MLP(0, [1])
    ValueError: nin is at least 1, got 0
MLP(-1, [1])
    ValueError: nin is at least 1, got -1
MLP('2', [1])
    TypeError: nin is a whole number, got str '2'
MLP(2.0, [1])
    TypeError: nin is a whole number, got float 2.0
MLP(True, [1])
    TypeError: nin is a whole number, got bool True
MLP(2, [])
    ValueError: MLP needs nouts with at least one layer, got none
MLP(2, [0])
    ValueError: nout is at least 1, got 0
MLP(2, [3, -1])
    ValueError: nout is at least 1, got -1
MLP(2, [1.5])
    TypeError: nout is a whole number, got float 1.5
MLP(2, '12')
    TypeError: nout is a whole number, got str '1'
MLP(2, 1)
    TypeError: nouts is a list of sizes, got int 1
MLP(2, None)
    TypeError: nouts is a list of sizes, got NoneType None
MLP(2, {3: 1})
    TypeError: nouts is a list of sizes, got dict {3: 1}
MLP(2, {3})
    TypeError: nouts is a list of sizes, got set {3}
MLP(2, (n for n in [1]))
    TypeError: nouts is a list of sizes, got generator <generator object <genexpr> at …>
MLP(2, np.array([2, 1]))
    TypeError: nouts is a list of sizes, got ndarray array([2, 1])
MLP(2)
    TypeError: MLP.__init__() missing 1 required positional argument: 'nouts'
MLP(2, [1], bias=False)
    TypeError: MLP.__init__() got an unexpected keyword argument 'bias'
MLP(2, [1], act='rleu')
    ValueError: act is one of relu, tanh, sigmoid, softplus, linear, or a function, got 'rleu'
MLP(2, [1], act=None)
    ValueError: act is one of relu, tanh, sigmoid, softplus, linear, or a function, got None
MLP(2, [1], act=['relu'])
    ValueError: act is one of relu, tanh, sigmoid, softplus, linear, or a function, got ['relu']
MLP(2, [3, 1], act=lambda v: v.data)([0, 0])
    TypeError: act is a function that returns a Value, got float 0.0
Neuron(2, act=lambda v: None)([1, 2])
    TypeError: act is a function that returns a Value, got NoneType None
MLP(2, [1], seed=-1)
    ValueError: seed is at least 0, got -1
MLP(2, [1], seed='x')
    TypeError: seed is a whole number, got str 'x'
MLP(2, [1], seed=math.nan)
    TypeError: seed is a whole number, got float nan
MLP(2, [1], seed=[1])
    TypeError: seed is a whole number, got list [1]
Neuron(0)
    ValueError: nin is at least 1, got 0
Neuron(2, 'tanh')
    ValueError: nonlin is True or False, got 'tanh'
Layer(2, 0)
    ValueError: nout is at least 1, got 0
Layer(2, [1])
    TypeError: nout is a whole number, got list [1]
Layer(2, 2, foo=1)
    TypeError: Neuron.__init__() got an unexpected keyword argument 'foo'

# nn: inputs; model is an MLP(3, [2, 1])

model([])
    ValueError: Neuron expects 3 inputs, got 0
model([1, 2])
    ValueError: Neuron expects 3 inputs, got 2
model([1, 2, 3, 4, 5])
    ValueError: Neuron expects 3 inputs, got 5
model(1.0)
    ValueError: Neuron expects 3 inputs, got 1
model(a)
    ValueError: Neuron expects 3 inputs, got 1
model(np.array(1.0))
    ValueError: Neuron expects 3 inputs, got 1
model([[1, 2, 3]])
    ValueError: Neuron expects 3 inputs, got 1
model(np.ones((1, 3)))
    ValueError: Neuron expects 3 inputs, got 1
model(t)
    ValueError: Neuron expects 3 inputs, got 2
model([[1], [2], [3]])
    TypeError: Value() needs a real number, got list [1]
model(['a', 1, 2])
    TypeError: Value() needs a real number, got str 'a'
model([None, 1, 2])
    TypeError: Value() needs a real number, got NoneType None
model({1: 1, 2: 2, 3: 3})
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a dict
model({1, 2, 3})
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a set
model('abc')
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a str
model(bytearray(b'abc'))
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a bytearray
model(x for x in [1, 2, 3])
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a generator
model(None)
    ValueError: Neuron expects 3 inputs in a list, tuple or array, got a NoneType
model(1, 2, 3)
    TypeError: MLP.__call__() takes 2 positional arguments but 4 were given

# Weights

model.load_state_dict(None)
    WeightsError: weights are a mapping of names to numbers, got NoneType
model.load_state_dict([1.0])
    WeightsError: weights are a mapping of names to numbers, got list
small.load_state_dict({})
    WeightsError: weights do not fit: missing layers.0.neurons.0.b, layers.0.neurons.0.w.0,
        unexpected none
small.load_state_dict({**small.state_dict(), 'x': 1})
    WeightsError: weights do not fit: missing none, unexpected x
model.load_state_dict(MLP(3, [2]).state_dict())
    WeightsError: weights do not fit: missing layers.1.neurons.0.b, layers.1.neurons.0.w.0,
        layers.1.neurons.0.w.1, unexpected none
small.load_state_dict(every(math.nan))
    WeightsError: weight 'layers.0.neurons.0.w.0' is nan, not a finite number
small.load_state_dict(every('1'))
    WeightsError: weight 'layers.0.neurons.0.w.0' is '1', not a finite number
small.load_state_dict(every(None))
    WeightsError: weight 'layers.0.neurons.0.w.0' is None, not a finite number
small.load_state_dict(every(True))
    WeightsError: weight 'layers.0.neurons.0.w.0' is True, not a finite number
small.load_state_dict(every(a))
    WeightsError: weight 'layers.0.neurons.0.w.0' is Value(data=2.0, grad=0.0),
        not a finite number
small.load_state_dict({1: 1.0})
    WeightsError: weight 1 is 1.0, not a finite number
weights.write('new.json', {'x': math.inf})
    WeightsError: weight 'x' is inf, not a finite number
weights.write('new.json', [1.0])
    WeightsError: weights are a mapping of names to numbers, got list
small.save('nowhere/new.json')
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere/new.json'
small.save('folder')
    FolderError: …'folder'
small.load('nowhere.json')
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.json'
small.load('folder')
    FolderError: …'folder'
small.load('empty.json')
    WeightsError: cannot load 'empty.json': Expecting value: line 1 column 1 (char 0)
small.load('text.json')
    WeightsError: cannot load 'text.json': Expecting value: line 1 column 1 (char 0)
small.load('binary.json')
    WeightsError: cannot load 'binary.json': 'utf-8' codec can't decode byte 0xff in position 0:
        invalid start byte
small.load('list.json')
    WeightsError: cannot load 'list.json': it is not a micrograd weight file
small.load('another_format.json')
    WeightsError: cannot load 'another_format.json': it is not a micrograd weight file
small.load('later.json')
    WeightsError: cannot load 'later.json': its version is 2, not 1
small.load('nan.json')
    WeightsError: cannot load 'nan.json': it holds NaN
small.load('infinite.json')
    WeightsError: cannot load 'infinite.json': weight 'x' is inf, not a finite number
small.load('text_for_number.json')
    WeightsError: cannot load 'text_for_number.json': weight 'x' is '1', not a finite number
small.load('no_weights.json')
    WeightsError: cannot load 'no_weights.json':
        weights are a mapping of names to numbers, got NoneType
small.load('twice.json')
    WeightsError: cannot load 'twice.json': it holds a name twice
small.load('wrong_checksum.json')
    WeightsError: cannot load 'wrong_checksum.json': its checksum is wrong
small.load('other_names.json')
    WeightsError: weights do not fit: missing layers.0.neurons.0.b, layers.0.neurons.0.w.0,
        unexpected x

# Optimizers

SGD([])
    ValueError: an optimizer needs at least one parameter, got none
SGD([a, b, a])
    ValueError: an optimizer needs each parameter once, got one twice
SGD([a, 1.0])
    TypeError: parameters have .data and .grad, parameter 1 is a float
SGD([None])
    TypeError: parameters have .data and .grad, parameter 0 is a NoneType
SGD(model.state_dict())
    TypeError: parameters have .data and .grad, parameter 0 is a str
SGD(model.named_parameters())
    TypeError: parameters have .data and .grad, parameter 0 is a tuple
SGD([a], lr=0)
    ValueError: lr is from 0 (excluded) to below inf, got 0
SGD([a], lr=-0.1)
    ValueError: lr is from 0 (excluded) to below inf, got -0.1
SGD([a], lr=math.nan)
    ValueError: lr is from 0 (excluded) to below inf, got nan
SGD([a], lr=math.inf)
    ValueError: lr is from 0 (excluded) to below inf, got inf
SGD([a], lr='1')
    ValueError: lr is from 0 (excluded) to below inf, got '1'
SGD([a], lr=None)
    ValueError: lr is from 0 (excluded) to below inf, got None
SGD([a], lr=b)
    ValueError: lr is from 0 (excluded) to below inf, got Value(data=3.0, grad=0.0)
SGD([a], momentum=1)
    ValueError: momentum is from 0 to below 1, got 1
SGD([a], momentum=math.nan)
    ValueError: momentum is from 0 to below 1, got nan
SGD([a], momentum='x')
    ValueError: momentum is from 0 to below 1, got 'x'
SGD([a], weight_decay=-1)
    ValueError: weight_decay is from 0 to below inf, got -1
SGD([a], weight_decay=math.inf)
    ValueError: weight_decay is from 0 to below inf, got inf
SGD([a], nesterov=True)
    TypeError: SGD.__init__() got an unexpected keyword argument 'nesterov'
Adam([a], betas=(1.0, 0.9))
    ValueError: betas[0] is from 0 to below 1, got 1.0
Adam([a], betas=(0.9, -0.1))
    ValueError: betas[1] is from 0 to below 1, got -0.1
Adam([a], betas=(None, 0.9))
    ValueError: betas[0] is from 0 to below 1, got None
Adam([a], eps=-1.0)
    ValueError: eps is from 0 to below inf, got -1.0
Adam([a], eps=math.nan)
    ValueError: eps is from 0 to below inf, got nan
Optimizer([a], 0.1)
    NotImplementedError: Optimizer has no initial_state()
SGD([a], lr=lambda step: -1).step()
    ValueError: lr is from 0 to below inf, got -1
SGD([a], lr=lambda step: math.nan).step()
    ValueError: lr is from 0 to below inf, got nan
SGD([a], lr=lambda step: None).step()
    ValueError: lr is from 0 to below inf, got None
SGD([b, lost]).step()
    NonFiniteError: the gradient of parameter 1 is nan (data 5, grad nan); nothing was changed
Adam([b, lost]).step()
    NonFiniteError: the gradient of parameter 1 is nan (data 5, grad nan); nothing was changed
SGD([steep], lr=1e308).step()
    NonFiniteError: the step of parameter 0 ('steep') is -inf (data 7, grad 100);
        nothing was changed
adam.load_state_dict({'steps': 1, 'state': []})
    ValueError: the state does not fit: Adam keeps 2 numbers for each of 1 parameters
adam.load_state_dict({'steps': 1, 'state': [[0.0, 0.0], [0.0, 0.0]]})
    ValueError: the state does not fit: Adam keeps 2 numbers for each of 1 parameters
adam.load_state_dict(SGD([a]).state_dict())
    ValueError: the state does not fit: Adam keeps 2 numbers for each of 1 parameters
adam.load_state_dict({'steps': 1, 'state': [[math.nan], [0.0]]})
    NonFiniteError: the state of parameter 0 is nan (data 2, grad 0); nothing was changed
optim.linear(1, 0)
    TypeError: linear() missing 1 required positional argument: 'steps'

# Training and regression

fit(model, X3, [1])
    ValueError: fit() needs a target for each sample, got 4 and 1
fit(model, X, Y)
    ValueError: Neuron expects 3 inputs, got 2
fit(MLP(3, [2]), X3, Y3)
    TypeError: Value() needs a real number, got list [Value(data=…), Value(data=…)]
fit(model, X3 * math.nan, Y3)
    NonFiniteError: the gradient of parameter 0 is nan (data …, grad nan); nothing was changed
fit(model, X3, Y3, steps=1.5)
    ValueError: steps is a whole number from 0, got 1.5
list(regression.linear_regression([], []))
    ValueError: a regression needs samples and a target for each, got 0 and 0
list(regression.linear_regression([1, 2], [1]))
    ValueError: a regression needs samples and a target for each, got 2 and 1
list(regression.linear_regression([1], [None]))
    TypeError: unsupported operand type(s) for -: 'Value' and 'NoneType'
list(regression.linear_regression([1], [1], w='x'))
    TypeError: Value() needs a real number, got str 'x'
list(regression.linear_regression([1], [1], lr=-1))
    ValueError: lr is from 0 (excluded) to below inf, got -1
list(regression.linear_regression([1], [1], epochs=0))
    ValueError: epochs is a whole number from 1, got 0
list(regression.linear_regression([1], [1], epochs=1.5))
    ValueError: epochs is a whole number from 1, got 1.5
list(regression.linear_regression([math.nan], [1]))
    NonFiniteError: the gradient of parameter 0 is nan (data 0, grad nan); nothing was changed
list(regression.logistic_regression([[1]], [1]))
    ValueError: dot() needs equal lengths, got 3 and 2
list(regression.logistic_regression([['a', 'b']], [1]))
    TypeError: Value() needs a real number, got str 'a'
list(regression.logistic_regression([[1, 2]], [1], start=()))
    ValueError: an optimizer needs at least one parameter, got none

# Data

data.line(0)
    ValueError: n is a whole number from 1, got 0
data.line(10, noise=math.nan)
    ValueError: noise is a finite number from 0, got nan
data.square(-1)
    ValueError: n is a whole number from 1, got -1
data.square((2, 3))
    ValueError: n is a whole number from 1, got (2, 3)
data.moons(-1)
    ValueError: n is a whole number from 1, got -1
data.moons(1.5)
    ValueError: n is a whole number from 1, got 1.5
data.moons('10')
    ValueError: n is a whole number from 1, got '10'
data.moons(True)
    ValueError: n is a whole number from 1, got True
data.moons(noise=-0.1)
    ValueError: noise is a finite number from 0, got -0.1
data.moons(noise=None)
    ValueError: noise is a finite number from 0, got None
data.moons(seed=-1)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got -1
data.moons(seed=2**32)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got 4294967296
data.moons(seed=None)
    ValueError: seed is a whole number from 0 to 2**32 - 1, got None
data.moons(seed='x')
    ValueError: seed is a whole number from 0 to 2**32 - 1, got 'x'
data.circles(0)
    ValueError: n is a whole number from 1, got 0
data.circles(factor=1)
    ValueError: factor is a number from 0 to below 1, got 1
data.circles(factor=math.nan)
    ValueError: factor is a number from 0 to below 1, got nan
data.circles(factor=None)
    ValueError: factor is a number from 0 to below 1, got None
data.spirals(None)
    ValueError: n is a whole number from 1, got None
data.spirals(turns=math.inf)
    ValueError: turns is a finite number, got inf
data.spirals(turns='x')
    ValueError: turns is a finite number, got 'x'
data.xor(1.5)
    ValueError: n is a whole number from 1, got 1.5
data.xor(noise='x')
    ValueError: noise is a finite number from 0, got 'x'
data.blobs(0)
    ValueError: n is a whole number from 1, got 0
data.blobs(centers=0)
    ValueError: centers is a whole number from 1, got 0
data.blobs(centers=-1)
    ValueError: centers is a whole number from 1, got -1
data.blobs(centers=1.5)
    ValueError: centers is a whole number from 1, got 1.5
data.blobs(noise=math.inf)
    ValueError: noise is a finite number from 0, got inf

# Plots; flat is an MLP(2, [2, 1]), wide an MLP(2, [3])

plot.decision_boundary(flat, [], [])
    ValueError: X holds points, shape (n, 2), got shape (0,)
plot.decision_boundary(flat, X[0], Y)
    ValueError: X holds points, shape (n, 2), got shape (2,)
plot.decision_boundary(flat, X3, Y3)
    ValueError: X holds points, shape (n, 2), got shape (4, 3)
plot.decision_boundary(flat, None, Y)
    ValueError: X holds points, shape (n, 2), got shape ()
plot.decision_boundary(flat, [['a', 'b']], [1])
    ValueError: could not convert string to float: 'a'
plot.decision_boundary(flat, X * math.nan, Y)
    ValueError: X holds finite numbers, got nan
plot.decision_boundary(flat, X, Y[:5], resolution=3)
    ValueError: y holds a label for each of 10 points, got shape (5,)
plot.decision_boundary(flat, X, None, resolution=3)
    ValueError: y holds a label for each of 10 points, got shape ()
plot.decision_boundary(flat, X, ['a'] * 10, resolution=3)
    ValueError: could not convert string to float: 'a'
plot.decision_boundary(flat, X, Y * math.nan, resolution=3)
    ValueError: y holds finite numbers, got nan
plot.decision_boundary(wide, X, Y - 0.5, resolution=3)
    ValueError: y holds classes, whole numbers from 0, got …0.5
plot.decision_boundary(wide, X, 2 * Y - 1, resolution=3)
    ValueError: y holds classes, whole numbers from 0, got -1.0
plot.decision_boundary(flat, X, Y, resolution=1)
    ValueError: resolution is a whole number from 2, got 1
plot.decision_boundary(flat, X, Y, resolution='x')
    ValueError: resolution is a whole number from 2, got 'x'
plot.decision_boundary(flat, X, Y, 'ax', resolution=3)
    TypeError: ax is one matplotlib Axes, got str 'ax'
plot.decision_boundary(flat, X, Y, np.array([None, None]), resolution=3)
    TypeError: ax is one matplotlib Axes, got ndarray array([None, …dtype=object)
plot.decision_boundary(None, X, Y)
    TypeError: 'NoneType' object is not callable
plot.decision_boundary(model, X, Y)
    ValueError: Neuron expects 3 inputs, got 2
plot.decision_boundary(lambda point: 5.0, X, Y)
    TypeError: a picture needs a model that gives a Value or a list of Values, got float 5.0
plot.decision_boundary(lambda point: [], X, Y)
    TypeError: a picture needs a model that gives a Value or a list of Values, got list []
plot.decision_boundary(lambda point: [1.0, 2.0], X, Y)
    TypeError: a picture needs a model that gives a Value or a list of Values,
        got list [1.0, 2.0]
plot.decision_boundary(lambda point: Value(math.nan), X, Y)
    ValueError: the scores are finite numbers, got nan
plot.neuron_maps(None, X)
    TypeError: neuron_maps() needs an MLP, got NoneType None
plot.neuron_maps(flat, X3)
    ValueError: X holds points, shape (n, 2), got shape (4, 3)
plot.neuron_maps(flat, X, layer=2)
    ValueError: layer is a whole number from 0 to 1, got 2
plot.neuron_maps(flat, X, layer=-1)
    ValueError: layer is a whole number from 0 to 1, got -1
plot.neuron_maps(flat, X, layer=1.5)
    ValueError: layer is a whole number from 0 to 1, got 1.5
plot.neuron_maps(flat, X, columns=0)
    ValueError: columns is a whole number from 1, got 0
plot.neuron_maps(flat, X, resolution=0)
    ValueError: resolution is a whole number from 2, got 0
plot.loss_curve(None)
    ValueError: losses are numbers in a list, got shape ()
plot.loss_curve([[1, 2], [3, 4]])
    ValueError: losses are numbers in a list, got shape (2, 2)
plot.loss_curve(['1.5', 'x'])
    ValueError: could not convert string to float: 'x'
plot.loss_curve([a, b])
    TypeError: float() of a Value would drop its gradient; use value.data
plot.loss_curve([1.0], ax=5)
    TypeError: ax is one matplotlib Axes, got int 5
plot.accuracy_curve('abc')
    ValueError: could not convert string to float: 'abc'
plot.accuracy_curve([50])
    ValueError: accuracies are from 0 to 1, got 50.0
plot.accuracy_curve([math.nan])
    ValueError: accuracies are from 0 to 1, got nan

# Drawings

draw_dot(None)
    TypeError: a drawing needs one Value, got NoneType None
draw_dot(2.0)
    TypeError: a drawing needs one Value, got float 2.0
draw_dot([a])
    TypeError: a drawing needs one Value, got list [Value(data=2.0, grad=0.0)]
draw_dot(t)
    TypeError: a drawing needs one Value, got Tensor Tensor([[ 1.,…)
draw_dot(flat, expand=True)
    TypeError: a drawing needs one Value, got MLP MLP of [Layer…]
draw_dot(Value)
    TypeError: a drawing needs one Value, got type <class '…Value'>
trace('y')
    TypeError: a drawing needs one Value, got str 'y'
expanded(None)
    TypeError: a drawing needs one Value, got NoneType None
draw_dot(y, rankdir='UP')
    ValueError: draw_dot() needs rankdir LR, TB, RL or BT, got 'UP'
draw_dot(y, rankdir=None)
    ValueError: draw_dot() needs rankdir LR, TB, RL or BT, got None
draw_dot(y, format='bmpp')
    ValueError: unknown format: 'bmpp' (must be one of …)
draw_dot(y, format=None)
    ValueError: draw_dot() needs a format such as 'svg' or 'png', got None
draw_dot(y, digits=-1)
    ValueError: draw_dot() needs digits from 0, got -1
draw_dot(y, digits='x')
    ValueError: draw_dot() needs digits from 0, got 'x'
draw_dot(y, max_nodes=0)
    ValueError: draw_dot() needs max_nodes from 1, got 0
draw_dot(y, max_nodes=None)
    ValueError: draw_dot() needs max_nodes from 1, got None
draw_dot(y, max_nodes=2)
    GraphTooLargeError: the graph has 3 values and max_nodes is 2;
        draw a part of it, such as one neuron or the loss of one sample
draw_dot(F.sum(map(Value, range(1000))))
    GraphTooLargeError: the graph has 1001 values and max_nodes is 1000;
        draw a part of it, such as one neuron or the loss of one sample
draw_dot(y).pipe('bmpp')
    DrawError: cannot draw: …: Format: "bmpp" not recognized. Use one of: …
draw_dot(y).render('new', format='bmpp')
    DrawError: cannot draw: …: Format: "bmpp" not recognized. Use one of: …
draw_dot(y).render(outfile='folder.png')
    IsADirectoryError: [Errno 21] Is a directory: 'folder.png'

# The player

step_through(None)
    TypeError: step_through() needs one Value, got NoneType None
step_through(t)
    TypeError: step_through() needs one Value, got Tensor Tensor([[ 1.,…)
step_through([y])
    TypeError: step_through() needs one Value, got list [Value(data=6.0, grad=0.0)]
step_through(Value)
    TypeError: step_through() needs one Value, got type <class '…Value'>
step_through(y, 5)
    TypeError: step_through() takes 1 positional argument but 2 were given
step_through(y, max_nodes=2)
    GraphTooLargeError: the graph has 3 values and max_nodes is 2;
        step through a part of it, such as one neuron or the loss of one sample
step_through(y, max_nodes=None)
    ValueError: step_through() needs max_nodes from 1, got None
step_through(y, max_nodes=math.nan)
    ValueError: step_through() needs max_nodes from 1, got nan
step_through(custom(backward=None).apply(a))
    RuntimeError: backward of 'Custom' failed: Custom.backward() must return a number
        for argument 0, got NoneType None
step_through(y).html('nowhere/new.html')
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere/new.html'
step_through(y).html('folder')
    FolderError: …'folder'
step_through(y).frames('text.json')
    FileExistsError: …'text.json'
step_through(y).gif('nowhere/new.gif')
    FileNotFoundError: [Errno 2] No such file or directory: '…nowhere/new.gif'

# Expressions; c has the value 1

evaluated('')
    ExpressionError: the expression is empty
evaluated('# nothing')
    ExpressionError: the expression is empty
evaluate(None, {})
    TypeError: evaluate() needs a text, got NoneType None
evaluate(b'c', {'c': 1})
    TypeError: evaluate() needs a text, got bytes b'c'
evaluate('c', None)
    TypeError: evaluate() needs a mapping of names to numbers, got NoneType None
evaluate('c', [('c', 1)])
    TypeError: evaluate() needs a mapping of names to numbers, got list [('c', 1)]
evaluate('c', {'c': 'x'})
    TypeError: Value() needs a real number, got str 'x'
evaluate('1', {'a b': 1})
    ExpressionError: 'a b' cannot be the name of a number
evaluate('1', {'lambda': 1})
    ExpressionError: 'lambda' cannot be the name of a number
evaluate('1', {5: 1})
    ExpressionError: 5 cannot be the name of a number
evaluated('c +')
    ExpressionError: cannot read 'c +': invalid syntax
evaluated('c c')
    ExpressionError: cannot read 'c c': invalid syntax
evaluated('(c')
    ExpressionError: cannot read '(c': '(' was never closed
evaluated('c)')
    ExpressionError: cannot read 'c)': unmatched ')'
evaluated('1__0')
    ExpressionError: cannot read '1__0': invalid decimal literal
evaluated('c\0')
    ExpressionError: cannot read 'c\x00': source code … null bytes
evaluated('d')
    ExpressionError: 'd' has no value; add one, such as d=1
evaluated('exp')
    ExpressionError: 'exp' has no value; add one, such as exp=1
evaluated('c = d = 1')
    ExpressionError: cannot use 'c = d = 1': write an expression, or name = one
evaluated('c, d = 1, 2')
    ExpressionError: cannot use '…c, d… = (1, 2)': write an expression, or name = one
evaluated('c += 1')
    ExpressionError: cannot use 'c += 1': write an expression, or name = one
evaluated('import os')
    ExpressionError: cannot use 'import os': write an expression, or name = one
evaluated('while 1: c')
    ExpressionError: cannot use 'while 1:\n    c': write an expression, or name = one
evaluated('del c')
    ExpressionError: cannot use 'del c': write an expression, or name = one
evaluated('__import__("os").system("echo")')
    ExpressionError: cannot use "__import__('os').system('echo')": {has}
evaluated('open("/etc/passwd")')
    ExpressionError: cannot use "open('/etc/passwd')": {has}
evaluated('().__class__.__bases__[0]')
    ExpressionError: cannot use '().__class__.__bases__[0]': {has}
evaluated('c.__class__')
    ExpressionError: cannot use 'c.__class__': {has}
evaluated('c.backward()')
    ExpressionError: cannot use 'c.backward()': {has}
evaluated('exec("1")')
    ExpressionError: cannot use "exec('1')": {has}
evaluated('1j')
    ExpressionError: cannot use '1j': {has}
evaluated('"x"')
    ExpressionError: cannot use "'x'": {has}
evaluated('True')
    ExpressionError: cannot use 'True': {has}
evaluated('c < 2')
    ExpressionError: cannot use 'c < 2': {has}
evaluated('c if c else c')
    ExpressionError: cannot use 'c if c else c': {has}
evaluated('lambda: c')
    ExpressionError: cannot use 'lambda…: c': {has}
evaluated('[c]')
    ExpressionError: cannot use '[c]': {has}
evaluated('c[0]')
    ExpressionError: cannot use 'c[0]': {has}
evaluated('c // 2')
    ExpressionError: cannot use 'c // 2': {has}
evaluated('~c')
    ExpressionError: cannot use '~c': {has}
evaluated('f(c)')
    ExpressionError: cannot use 'f(c)': {has}
evaluated('exp(c, c)')
    ExpressionError: cannot use 'exp(c, c)': {has}
evaluated('relu(x=c)')
    ExpressionError: cannot use 'relu(x=c)': {has}
evaluated('(d := 1)')
    ExpressionError: cannot use '(d := 1)': {has}
evaluated('9' * 400)
    ExpressionError: a number in the expression is too large for a float
evaluated('c**-' + '9' * 400)
    ExpressionError: a number in the expression is too large for a float
evaluated('-' * 5000 + 'c')
    ExpressionError: the expression is nested too deeply
evaluated('c+' * 100_000 + 'c')
    ExpressionError: the expression is nested too deeply

# Checks of the lessons: mistakes of who writes one

lesson.check(1)
    TypeError: check() missing 1 required positional argument: 'wanted'
lesson.check(1, 2, hint=5)
    TypeError: a hint is a text, got int 5
lesson.check(1, 1, rel='x')
    ValueError: rel is from 0 to below inf, got 'x'
lesson.check(1, 1, rel=math.nan)
    ValueError: rel is from 0 to below inf, got nan
lesson.check_cases(abs, [])
    ValueError: check_cases() needs at least one case, got none
lesson.check_cases(abs, [5])
    TypeError: a case is (arguments…, wanted), got 5
lesson.check_cases(abs, [()])
    TypeError: a case is (arguments…, wanted), got ()
lesson.check_cases(abs, [(1, 1)], rel=-1)
    ValueError: rel is from 0 to below inf, got -1
lesson.check_cases(abs, None)
    TypeError: 'NoneType' object is not iterable
"""

COMMANDS = r"""
''
    micrograd: argument demo | draw | lessons: invalid choice: '' (choose from {commands}){help}
--nonsense
    micrograd: the following arguments are required: demo | draw | lessons{help}
dmeo
    micrograd: argument demo | draw | lessons: invalid choice: 'dmeo'
        (choose from {commands}){help}

demo cube
    micrograd demo: argument what: invalid choice: 'cube' (choose from {demos}){help}
demo line square
    micrograd: unrecognized arguments: square{help}
demo --nonsense
    micrograd: unrecognized arguments: --nonsense{help}
demo --data mars
    micrograd demo: argument --data: invalid choice: 'mars' (choose from {datasets}){help}
demo --data
    micrograd demo: argument --data: expected one argument{help}
demo --optimizer adagrad
    micrograd demo: argument --optimizer: invalid choice: 'adagrad' (choose from {optimizers}){help}
demo --hidden 16,x
    micrograd demo: argument --hidden: '16,x' is not a list of sizes, such as 16,16{help}
demo --hidden 0
    micrograd demo: argument --hidden: '0' is not a list of sizes, such as 16,16{help}
demo --hidden 16,
    micrograd demo: argument --hidden: '16,' is not a list of sizes, such as 16,16{help}
demo --hidden ''
    micrograd demo: argument --hidden: '' is not a list of sizes, such as 16,16{help}
demo --steps 0
    micrograd demo: argument --steps: '0' is not a whole number from 1 to 10**9{help}
demo --steps 1.5
    micrograd demo: argument --steps: '1.5' is not a whole number from 1 to 10**9{help}
demo --steps many
    micrograd demo: argument --steps: 'many' is not a whole number from 1 to 10**9{help}
demo --steps 99999999999999999999
    micrograd demo: argument --steps: '99999999999999999999' is not
        a whole number from 1 to 10**9{help}
demo --lr 0
    micrograd demo: argument --lr: '0' is not a number above 0{help}
demo --lr -1
    micrograd demo: argument --lr: '-1' is not a number above 0{help}
demo --lr nan
    micrograd demo: argument --lr: 'nan' is not a number above 0{help}
demo --lr 1e999
    micrograd demo: argument --lr: '1e999' is not a number above 0{help}
demo --lr x
    micrograd demo: argument --lr: 'x' is not a number above 0{help}
demo --seed -1
    micrograd demo: argument --seed: '-1' is not a whole number from 0 to 2**32 - 1{help}
demo --seed 4294967296
    micrograd demo: argument --seed: '4294967296' is not a whole number from 0 to 2**32 - 1{help}
demo --out text.json
    micrograd: cannot make the folder text.json: File exists
demo --out text.json/sub
    micrograd: cannot make the folder text.json/sub: Not a directory
demo --save folder
    micrograd: cannot write folder: it is a folder
demo --save text.json/new
    micrograd: cannot make the folder text.json: File exists
demo --save folder/../moons.png
    micrograd: cannot write the weights to folder/../moons.png: a picture goes there
demo line --jit
    micrograd: --jit is for the network, not for line
demo line --hidden 3
    micrograd: --hidden is for the network, not for line
demo square --save new.json
    micrograd: --save is for the network, not for square
demo --lr 1e300 --optimizer sgd
    micrograd: the training went out of bounds, try a smaller --lr:
        the gradient of parameter 0 is nan (data …, grad nan); nothing was changed
demo line --lr 1e300
    micrograd: the training went out of bounds, try a smaller --lr:
        the step of parameter 0 is -inf (data …, grad …); nothing was changed

draw
    micrograd draw: the following arguments are required: expression{help}
draw ''
    micrograd: the expression is empty
draw 'a +' a=1
    micrograd: cannot read 'a +': invalid syntax
draw 'a*b' a=1
    micrograd: 'b' has no value; add one, such as b=1
draw -a a=1
    micrograd: unrecognized arguments: -a{help}
draw a a=x
    micrograd draw: argument name=number: 'a=x' is not name=number, such as a=2{help}
draw a a
    micrograd draw: argument name=number: 'a' is not name=number, such as a=2{help}
draw a 2=a
    micrograd draw: argument name=number: '2=a' is not name=number, such as a=2{help}
draw a a=1 a=2
    micrograd: a name was given two numbers
draw 1 None=1
    micrograd: 'None' cannot be the name of a number
draw a a=1 -o graph.pdf
    micrograd draw: argument -o/--out: 'graph.pdf' ends in neither .png nor .svg{help}
draw a a=1 -o folder.png
    micrograd: cannot write folder.png: it is a folder
draw a a=1 -o text.json/graph.png
    micrograd: cannot make the folder text.json: File exists
draw '__import__("os").system("echo")'
    micrograd: cannot use "__import__('os').system('echo')": {has}
draw 'a.__class__' a=1
    micrograd: cannot use 'a.__class__': {has}
draw 'import os'
    micrograd: cannot use 'import os': write an expression, or name = one
draw {many}
    micrograd: the graph has 1199 values and max_nodes is 1000;
        draw a part of it, such as one neuron or the loss of one sample

lessons here
    micrograd: unrecognized arguments: here{help}
lessons --port x
    micrograd lessons: argument --port: 'x' is not a whole number from 1 to 65535{help}
lessons --port 0
    micrograd lessons: argument --port: '0' is not a whole number from 1 to 65535{help}
lessons --port 65536
    micrograd lessons: argument --port: '65536' is not a whole number from 1 to 65535{help}
"""

PHRASES = {
    "{has}": (
        "an expression has numbers, names, + - * / ** and "
        "abs, cos, exp, log, relu, sigmoid, sin, softplus, sqrt, tanh"
    ),
    "{help}": " (see … --help)",
    "{commands}": "…demo…draw…lessons…",
    "{demos}": "…network…line…square…",
    "{datasets}": "…moons…circles…spirals…xor…blobs…square…",
    "{optimizers}": "…adam…sgd…",
    "{many}": "+".join(["2"] * 600),
}

WEIGHT_FILE = '{"format": "micrograd weights", "version": 1, "weights": '
FILES = {
    "empty.json": b"",
    "text.json": b"no weights",
    "binary.json": b"\xff\xfe",
    "list.json": b"[]",
    "another_format.json": b'{"format": "safetensors"}',
    "later.json": b'{"format": "micrograd weights", "version": 2, "weights": {}}',
    "nan.json": (WEIGHT_FILE + '{"x": NaN}}').encode(),
    "infinite.json": (WEIGHT_FILE + '{"x": 1e999}}').encode(),
    "text_for_number.json": (WEIGHT_FILE + '{"x": "1"}}').encode(),
    "no_weights.json": b'{"format": "micrograd weights", "version": 1}',
    "twice.json": (WEIGHT_FILE + '{"x": 1, "x": 2}}').encode(),
    "wrong_checksum.json": (WEIGHT_FILE + '{"x": 1}, "sha256": "0"}').encode(),
}

X, Y = data.moons(10)
X3, Y3 = np.ones((4, 3)), [1, -1, 1, -1]
AxisError = getattr(np, "exceptions", np).AxisError
FolderError = PermissionError if sys.platform == "win32" else IsADirectoryError


class OnlyForward(Function):
    @staticmethod
    def forward(ctx, x):
        return x


def custom(forward=1.0, backward=1.0):
    """A Function of the name Custom that returns these, or what they give if they are functions."""

    def answer(result):
        return staticmethod(lambda ctx, *args: result(*args) if callable(result) else result)

    return type("Custom", (Function,), {"forward": answer(forward), "backward": answer(backward)})


def every(x):
    return dict.fromkeys(MLP(1, [1]).state_dict(), x)


def evaluated(text):
    return evaluate(text, {"c": 1.0})


def world():
    """What the rows use, new for each."""
    a, b, lost, steep = Value(2.0), Value(3.0), Value(5.0), Value(7.0, label="steep")
    lost.grad, steep.grad = math.nan, 100.0
    unset = Value(0.0)
    unset.grad = None
    model = MLP(3, [2, 1], seed=0)
    return {
        "a": a,
        "b": b,
        "y": a * b,
        "lost": lost,
        "steep": steep,
        "unset": unset,
        "t": Tensor([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]]),
        "model": model,
        "small": MLP(1, [1], seed=0),
        "flat": MLP(2, [2, 1], seed=0),
        "wide": MLP(2, [3], seed=0),
        "adam": Adam([a]),
        "fit": partial(fit, SGD(model.parameters())),
    }


def fit(usual, model, X, y, *optimizer, steps=3, **settings):
    return train.fit(model, X, y, *(optimizer or [usual]), steps=steps, progress=False, **settings)


def state(things):
    """All numbers of a world, and all that its folder holds."""
    numbers = {name: numbers_of(thing) for name, thing in things.items()}
    return repr(numbers), {p: p.is_file() and p.read_bytes() for p in Path().rglob("*")}


def numbers_of(thing):
    if isinstance(thing, Value):
        return [(v.data, v.grad) for v in topological_order(thing)]
    if isinstance(thing, Tensor):
        return thing.tolist(), thing.grad.tolist()
    if isinstance(thing, nn.Module):
        return thing.state_dict()
    return thing.state_dict() if isinstance(thing, Optimizer) else None


def rows(table):
    """What is tried and what is said, from a table's text."""
    table = re.sub(r"\n {8}", " ", table)
    for phrase, text in PHRASES.items():
        table = table.replace(phrase, text)
    return re.findall(r"^(\S.*)\n    (.*)$", table, re.MULTILINE)


def matches(said, wanted):
    return re.fullmatch(".*".join(map(re.escape, wanted.split("…"))), said, re.DOTALL)


ROWS = [*rows(CALLS), *rows(COMMANDS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    weights.write(folder / "other_names.json", {"x": 1.0})
    for name in ("folder", "folder.png"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    yield
    plt.close("all")


@pytest.fixture
def refused(score):
    """Counts a row as refused."""
    probe, found = "bad inputs refused, type and message exact", f"{{n}} of {len(ROWS)}"
    return lambda: score(probe, "≥ 150, 0 silent", found, n=1)


@pytest.mark.parametrize("call, error", rows(CALLS), ids=[call for call, _ in rows(CALLS)])
def test_a_bad_call_is_refused_and_changes_nothing(call, error, here, refused):
    kind, message = error.split(": ", 1)
    things = world()
    before = state(things)
    with pytest.raises(Exception) as caught:
        eval(call, globals(), things)
    assert type(caught.value) is eval(kind) and matches(str(caught.value), message), caught.value
    assert state(things) == before and not plt.get_fignums()
    refused()


@pytest.mark.parametrize(
    "command, sentence", rows(COMMANDS), ids=[command[:60] for command, _ in rows(COMMANDS)]
)
def test_a_bad_command_gets_a_sentence_and_writes_nothing(command, sentence, here, refused, capsys):
    before = state({})
    try:
        code = main(shlex.split(command))
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if line and "training:" not in line]
    assert (code, out, len(said)) == (2, "", 1) and matches(said[0], sentence), said
    assert state({}) == before
    refused()


def test_the_table_is_long_and_names_nothing_twice():
    assert len(ROWS) >= 150 and len(dict(ROWS)) == len(ROWS)
    assert CALLS.count("\n    ") - CALLS.count("\n        ") == len(rows(CALLS))
    assert COMMANDS.count("\n    ") - COMMANDS.count("\n        ") == len(rows(COMMANDS))
