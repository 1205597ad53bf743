"""What tasks share, against what it says."""

from torch import nn

from rnncli.data import splits
from rnncli.recipe.schema import CoreSection
from rnncli.tasks.common.checks import overlaps
from rnncli.tasks.common.core import recurrent
from rnncli.train.optimize import parameter_groups


def test_a_core_has_the_shape_of_its_section():
    core = recurrent(5, CoreSection(cell="lstm", hidden=7, layers=2, initial_state="learnt"))
    assert (core.cell.kind, core.input_size, core.hidden_size, core.layers, core.directions) == ("lstm", 5, 7, 2, 2)
    assert core.learnt_initial_state


def test_every_parameter_is_in_one_group_and_biases_do_not_decay():
    model = nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3))
    decaying, others = parameter_groups(model)
    assert [p.shape for p in decaying["params"]] == [(3, 2)]
    assert len(others["params"]) == 3
    assert others["weight_decay"] == 0.0


def test_equal_examples_are_counted_within_and_across_parts():
    prints = {"train": splits.fingerprints(["a", "b", "a"]), "test": splits.fingerprints(["b", "c"])}
    table = overlaps("texts", prints)
    assert (table.title, table.columns) == ("equal texts", ("where", "texts"))
    assert table.rows == (("within train", "1"), ("within test", "0"), ("test also in train", "1"))
