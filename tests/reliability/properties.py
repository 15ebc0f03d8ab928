"""Properties, tried on what Hypothesis draws: one half the same in every run, one half new."""

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from reliability.graphs import graph

FIXED_SEED = 20261121

thorough = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))

graphs = st.randoms(use_true_random=False).map(graph)


def holds(check, *strategies, count, fresh_seed):
    """Calls `check` on `count` draws; Hypothesis reports the simplest case on which it fails."""
    for a_seed in (FIXED_SEED, fresh_seed):
        tried = settings(thorough, max_examples=count // 2)(given(*strategies)(check))
        seed(a_seed)(tried)()
