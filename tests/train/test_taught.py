"""Examples with what teachers say of them: batches of either kind, each example once."""

import numpy as np
import pytest

from rnncli.data import batching
from rnncli.errors import RunError
from rnncli.tasks.teaching import SoftTargets, in_order, joined, mean
from rnncli.train.taught import TaughtExamples

MOST = {"max_examples": 4, "max_tokens": 1000, "seed": 3, "epoch": 2}


class Counted:
    """Examples that are their own numbers."""

    def __init__(self, count, name):
        self.lengths, self.name = np.arange(1, count + 1), name

    def __len__(self):
        return len(self.lengths)

    def batch(self, indices):
        return [(self.name, int(i)) for i in indices]

    def place(self, index):
        return f"{self.name}:{index}"


def targets(count, first=0):
    return SoftTargets.of([np.array([[first + i, 0.0]] * (1 + i % 3)) for i in range(count)])


def test_batches_hold_examples_of_one_kind_with_what_was_said_of_them():
    examples = TaughtExamples(Counted(10, "own"), Counted(7, "further"), joined([targets(10), targets(7, 100)]))
    plan, seen = examples.plan(**MOST), []
    for k in range(len(plan)):
        batch = examples.batch(plan[k])
        assert {name for name, _ in batch.own} == {"own" if batch.labelled else "further"}
        for (name, number), said_TK in zip(batch.own, batch.said_BTK.numpy(), strict=True):
            assert said_TK[0, 0] == number + (100 if name == "further" else 0)
        seen += batch.own
    assert sorted(seen) == sorted([("own", i) for i in range(10)] + [("further", i) for i in range(7)])
    assert len(examples) == len(examples.lengths) == 17
    assert [examples.place(i) for i in (9, 10)] == ["own:9", "further:0"]


def test_batches_are_those_of_the_task_where_no_further_examples_are_there():
    own = Counted(23, "own")
    ours, theirs = TaughtExamples(own, None, targets(23)).plan(**MOST), batching.shuffled(own.lengths, **MOST)
    assert ours.order.tolist() == theirs.order.tolist()
    assert ours.offsets.tolist() == theirs.offsets.tolist()


def test_plans_are_functions_of_seed_and_epoch():
    examples = TaughtExamples(Counted(10, "own"), Counted(7, "further"), targets(17))
    assert examples.plan(**MOST).order.tolist() == examples.plan(**MOST).order.tolist()
    assert examples.plan(**MOST).order.tolist() != examples.plan(**MOST | {"epoch": 3}).order.tolist()


def test_what_is_kept_is_what_was_said_and_holds_no_pickle(tmp_path):
    said = targets(5)
    said.save(tmp_path / "said.npz")
    found = SoftTargets.load(tmp_path / "said.npz")
    assert found.rows_PK.tolist() == said.rows_PK.tolist()
    assert found.offsets.tolist() == said.offsets.tolist()
    with np.load(tmp_path / "said.npz", allow_pickle=False) as arrays:
        assert set(arrays) == {"rows", "offsets"}
    (tmp_path / "said.npz").write_bytes(b"PK no arrays")
    with pytest.raises(RunError, match=r"said\.npz"):
        SoftTargets.load(tmp_path / "said.npz")


def test_teachers_are_averaged_by_the_names_of_outcomes():
    one = SoftTargets.of([np.array([[0.2, 0.8]])])
    other = in_order(SoftTargets.of([np.array([[0.4, 0.6]])]), ["b", "a"], ["a", "b"])
    np.testing.assert_allclose(mean([one, other]).rows_PK, [[0.4, 0.6]], rtol=1e-6)


def test_an_outcome_that_only_the_teacher_has_is_left_out_and_the_rest_scaled():
    said = SoftTargets.of([np.array([[0.5, 0.3, 0.2]])])
    np.testing.assert_allclose(in_order(said, ["x", "a", "b"], ["a", "b", "c"]).rows_PK, [[0.6, 0.4, 0]], rtol=1e-6)
