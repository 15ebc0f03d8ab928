"""How neural networks learn, one number at a time: a scalar engine and what a course puts on top."""

from .engine import Value

__all__ = ["Value"]
