"""How neural networks learn, one number at a time: a scalar engine and a course on top."""

from .engine import Value

__all__ = ["Value"]
