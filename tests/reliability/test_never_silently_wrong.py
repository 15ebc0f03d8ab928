"""Under the jit a program gives the engine's numbers, or a JitError that names the way out."""

import re

import pytest
import reliability.differentiating
import reliability.tinkering  # noqa: F401
from reliability.beside_the_engine import outcome
from reliability.hiding import PROBES
from reliability.learners import LEARNERS

from micrograd.compiler import jit

THEME = "The jit"

CALLS = 40
# The call at which a program is refused; all others give the engine's numbers.
REFUSED = {
    "exponents_of_an_argument": 1,
    "a_cache_that_is_appended_to": 1,
    "a_cache_in_a_dict": 1,
    "a_state_kept_in_the_model": 1,
    "dropout_inside": 1,
    "noise_without_a_seed": 1,
    "losses_collected_inside": 1,
    "numbers_collected_inside": 1,
    "calls_counted_by_a_global": 1,
    "calls_counted_by_nonlocal": 1,
    "calls_counted_on_the_function": 1,
    "loss_printed_inside": 1,
    "the_best_kept_inside": 1,
    "settings_in_a_default_dict": 1,
    "weights_made_when_first_needed": 1,
    "a_cache_as_default": 1,
    "a_step_between_forward_and_backward": 2,
    "samples_in_a_pool_of_threads": 1,
    "a_global_by_its_name": 2,
    "a_global_by_eval": 2,
    "a_variable_of_the_environment": 2,
    "a_file": 2,
    "a_file_within_many_steps": 1,
    "a_seed_drawn_from": 1,
    "an_iterator_that_is_held": 1,
    "a_generator_behind_a_closure_of_the_library": 1,
    "read by a descriptor taken before": 2,
    "a_computed_value_kept_in_a_hidden_place": 1,
    "a_computed_value_read_later": 1,
    "a_state_in_a_hidden_place": 2,
    "a_computed_value_in_a_cache": 3,
    "a_value_computed_in_another_thread": 1,
    "a_value_computed_in_another_context": 1,
    "the_answer_itself_from_another_thread": 1,
    "an_argument_changed_inside": 1,
    "an_argument_sorted_inside": 1,
    "an_array_changed_inside": 1,
    "an_array_of_integers_changed_inside": 1,
    "an_object_changed_inside": 1,
    "a_tensor_changed_inside": 1,
    "data_changed_before_going_back": 1,
    "data_of_an_argument_changed_before_going_back": 1,
    "noise_on_every_example": 1,
    "a_number_for_each_example_from_outside": 1,
    "a_state_that_examples_change": 1,
    "a_gradient_kept_from_the_call_before": 1,
    "data_read_inside_of_what_is_differentiated": 1,
    "draws_inside_of_what_is_differentiated": 1,
    "backward_of_a_gradient_after_data_changed": 5,
    "dropout_with_a_generator_of_ones_own_inside": 1,
    "a_cache_of_features_by_int": 1,
    "a_cell_that_keeps_its_state": 1,
    "a_counter_by_an_object": 1,
    "a_history_printed_inside": 1,
    "a_logarithm_by_numpy": 1,
    "a_rate_in_a_format": 1,
}
REPLAYED = {  # of what is read, what a comparison guards, or what is no number
    *("accuracy of scores", "accuracy of rows", "sorted", "argmax", "a comparison of arrays"),
    *("hasattr", "the clipped target of a loss", "numpy.exp", "isinstance float"),
}
DOCUMENTED = {"a number in a number made a bool"}  # in the table of what stays different
WATCHED = {  # generators and iterators, where the function sees them
    *("random.random", "numpy.random", "a counter", "a generator", "the number of a new object"),
}
WAY_OUT = re.compile(
    "do it outside|pass|compute it inside|compare (it )?with|use |return |go back first"
)


def refused_at(name):
    """The call at which a program is refused, or None."""
    if name.startswith("a number from "):
        return 1 if name.removeprefix("a number from ") in WATCHED else 2
    if "read by " in name and name.split("read by ")[1] not in REPLAYED:
        return REFUSED.get(name, 1)
    return REFUSED.get(name)


@pytest.mark.parametrize("name", [*LEARNERS, *PROBES])
def test_a_program_gives_the_engines_numbers_or_is_refused(name, score):
    found = outcome({**LEARNERS, **PROBES}[name], jit, CALLS)
    call = refused_at(name)
    if name in DOCUMENTED:
        assert found in ("silent at 5", "same")  # if there is no audit just then
        return
    assert found.split(":")[0] == (f"JitError at {call}" if call else "same")
    assert not call or WAY_OUT.search(found)
    score(
        f"{len(LEARNERS)} programs of learners and {len(PROBES)} probes of hidden state under jit",
        "the engine's numbers or a JitError; 0 silently wrong",
        "{same} the engine's, {first} refused at the first call, {later} at the second or third",
        hurt="a learner, who would publish the wrong number",
        same=not call,
        first=call == 1,
        later=(call or 0) > 1,
    )
