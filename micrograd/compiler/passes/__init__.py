"""The passes: each a function that returns something new, in a file of its name."""
