"""What units detect: planted ones come out first, and chance is not told as a finding."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from rnncli.core.cells import Cell
from rnncli.core.inside import observed, rebuilt
from rnncli.core.recurrent import Recurrent
from rnncli.inspection.features import StepsRead, depths, features, quoted
from rnncli.inspection.matching import matches
from rnncli.inspection.units import DirectionStates, direction_use, memories
from rnncli.report.inside import InsideUse
from rnncli.report.inside_tables import detector_table, tables
from rnncli.tasks.inspecting import ReadSteps

NAMES = ("(", ")", "a", "b", "c", "d")
COUNTER, COPY, DEAD = 3, 5, 7


def bracketed(random: np.random.Generator, length: int) -> list[str]:
    """A sequence whose brackets never shut what is not open."""
    found, depth = [], 0
    for name in random.choice(NAMES, length, p=[0.25, 0.2, 0.2, 0.15, 0.1, 0.1]).tolist():
        name = "a" if name == ")" and not depth else name
        depth += (name == "(") - (name == ")")
        found.append(name)
    return found


@pytest.fixture(scope="module")
def planted() -> tuple[InsideUse, StepsRead]:
    """A rnn of relu in which, among units drawn at random, one counts brackets, one copies a name, and one is dead."""
    torch.manual_seed(1)
    core = Recurrent(len(NAMES), 8, cell="rnn", activation="relu")
    weights = core.weights(0, 0)
    with torch.no_grad():
        for unit in (COUNTER, COPY, DEAD):
            weights.weight_ih[unit] = weights.weight_hh[unit] = 0
        weights.weight_ih[COUNTER, :2] = torch.tensor([1.0, -1.0])
        weights.weight_hh[COUNTER, COUNTER] = 1
        weights.weight_ih[COPY, NAMES.index("b")] = 0.5
    random = np.random.default_rng(1)
    steps = [ReadSteps(bracketed(random, int(length)), f"line {length}") for length in random.integers(5, 30, 60)]
    lengths_B = torch.tensor([len(one.names) for one in steps])
    x_BTI = torch.zeros(len(steps), int(lengths_B.max()), len(NAMES))
    for b, one in enumerate(steps):
        x_BTI[b, torch.arange(len(one.names)), [NAMES.index(name) for name in one.names]] = 1
    (part,) = rebuilt(core, observed([core], lambda: core(x_BTI, lengths_B))[core])[0]
    values = {
        name: torch.cat([v[:n] for v, n in zip(value, lengths_B, strict=True)]).numpy()
        for name, value in part.values().items()
    }
    read = StepsRead(steps)
    use = direction_use(DirectionStates(1, "forward", core.cell, values), read, seed=1, tests=8)
    return InsideUse("dev", "core", "rnn", "character", 60, 60, int(lengths_B.sum()), part.off, (use,)), read


def test_a_planted_counter_and_a_planted_copy_come_out_first(planted):
    use, _ = planted
    (_, first, its), (_, second, others) = use.found()[:2]
    assert {first.unit, second.unit} == {COUNTER + 1, COPY + 1}
    told = {first.unit: its, second.unit: others}
    assert told[COUNTER + 1].what == "depth of brackets"
    assert told[COPY + 1].what == '"b"'
    assert all(one.correlation == pytest.approx(1) for one in told.values())
    assert use.directions[0].units[COPY].high == ("b",)
    assert [row[0] for row in detector_table(use).rows][:2] == [its.what, others.what]


def test_a_dead_unit_is_told_and_detects_nothing(planted):
    unit = planted[0].directions[0].units[DEAD]
    assert unit.state == "dead"
    assert unit.detects is not None
    assert not unit.detects.found
    assert planted[0].directions[0].count("dead") == 1


def test_json_gives_the_same_back_and_tables_have_a_cell_for_each_head(planted):
    use = planted[0]
    assert InsideUse.of_dict(use.to_dict()) == use
    assert all(len(row) == len(table.columns) for table in tables(use) for row in table.rows)


def test_chance_is_not_told_as_a_finding():
    """Units that have nothing to do with the text, and stay alike through each of few examples, as real ones do."""
    units, wrong, naive = 12, 0, 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        names = [random.choice(list("abcdefgh"), 12).tolist() for _ in range(24)]
        labels = random.choice(["good", "poor"], 24).tolist()
        steps = [ReadSteps(n, "", {"label": [one] * 12}) for n, one in zip(names, labels, strict=True)]
        h_NH = np.repeat(random.normal(size=(24, units)), 12, 0) + 0.2 * random.normal(size=(288, units))
        states = DirectionStates(1, "forward", Cell("rnn"), {"hidden": h_NH, "h": h_NH.astype(np.float32)})
        detected = [unit.detects for unit in direction_use(states, StepsRead(steps), seed, units).units]
        wrong += any(one.found for one in detected if one)
        naive += any(abs(one.correlation) > 1.96 / math.sqrt(144) for one in detected if one)
    assert wrong <= 5  # of 40 at a level of 5 %
    assert naive > 20  # what counts steps as if they were independent


def test_memory_is_that_of_a_share_1_e():
    f_NH = np.array([[0.5, 0.25, 1.0], [0.5, 0.5, 1.0]])
    found = memories(Cell("lstm"), {"forget": f_NH})
    assert found == pytest.approx([-1 / math.log(0.5), -2 / math.log(0.125), 1e6])
    assert memories(Cell("gru"), {"update": 1 - f_NH}) == pytest.approx(found)
    assert memories(Cell("rnn"), {}) is None


def test_gates_are_counted_where_they_are_shut_and_open():
    values = {
        "reset": np.array([[0.05, 0.95], [0.5, 0.92]]),
        "update": np.full((2, 2), 0.5),
        "candidate": np.array([[-0.95, 0.0], [0.5, -0.05]]),
        "h": np.array([[0.3, 0.2], [0.3, -0.2]], np.float32),
    }
    use = direction_use(DirectionStates(2, "reverse", Cell("gru"), values), StepsRead([ReadSteps(["a", "b"])]), 1, 2)
    assert [(gate.name, gate.low, gate.high) for gate in use.gates] == [
        ("reset", 0.25, 0.5),
        ("update", 0, 0),
        ("candidate", 0.5, 0.25),
    ]
    assert [unit.state for unit in use.units] == ["constant", ""]
    assert [unit.detects for unit in use.units] == [None, None]  # two steps of one example tell of nothing


def test_brackets_quotes_and_the_step_that_was_read_before_are_features():
    assert depths(list("a(b[])]")) == [0, 1, 1, 2, 1, 0, 0]
    assert quoted(["he", '"', "no", '"', "“", "so", "”"]) == [0, 1, 1, 0, 1, 1, 0]
    read = StepsRead([ReadSteps(["not", "bad"], "", {"tag": ["R", "J"]}), ReadSteps(["bad"], "", {"tag": ["J"]})])
    of = {d: {one.name: one.value_N.tolist() for one in features(read, d)} for d in ("forward", "reverse")}
    assert of["forward"]['the step after "not"'] == [0, 1, 0]
    assert of["reverse"]['the step before "bad"'] == [1, 0, 0]
    assert of["forward"]["position from the end"] == [1, 0, 0]
    assert of["forward"]["tag R"] == [1, 0, 0]
    assert "tag J" not in of["forward"]  # the same as the other, the other way round


def test_the_same_span_elsewhere_is_found_first():
    random = np.random.default_rng(3)
    names = [list("abcdef"), list("xabcdy"), ["a"], list("uvwxyz")]
    of_name = {name: random.normal(size=16) for name in "abcdefuvwxyz"}
    h_NH = np.array([of_name[name] for one in names for name in one])
    lit, found = matches(h_NH, StepsRead([ReadSteps(one) for one in names]), h_NH[1:3])
    assert [(one.example, one.begin, one.end) for one in found[:2]] == [(0, 1, 3), (1, 2, 4)]
    assert found[0].strength == pytest.approx(found[1].strength)
    assert found[2].strength < 0.8 * found[1].strength
    assert len(found) == 3  # one is too short
    assert [abs(one.deviations) for one in lit] == sorted((abs(one.deviations) for one in lit), reverse=True)
