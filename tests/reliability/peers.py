"""What PyTorch does where ours is probed, if it is installed: beside ours, in the same run."""

import importlib.util

from scoreboard import HERE

HAS_TORCH = importlib.util.find_spec("torch") is not None


def pytorch(probe, otherwise=""):
    """For a line of the scoreboard: what PyTorch does, or else what was seen on the field."""
    if not HAS_TORCH:
        return {"peer": otherwise}
    import torch

    try:
        found = probe(torch)
    except Exception as error:
        text = " ".join(str(error).split())
        found = f"{type(error).__name__}: {text[:60]}{'…' * (len(text) > 60)}"
    return {"peer": f"PyTorch: {found}", "measured": HERE}
