"""Decisions between symbols of which some are as likely as others."""

import numpy as np

from rnncli.tasks.exporting import Likeliest


def test_choices_are_alike_where_they_are_the_same_or_both_hold_both_to_be_as_likely():
    one = Likeliest(np.array([[0.5, 0.1], [0.3, 0.3000001]]))
    assert one == Likeliest(np.array([[0.4, 0.1], [0.3000001, 0.3]]))
    assert one != Likeliest(np.array([[0.1, 0.4], [0.3, 0.3000001]]))
    assert one != Likeliest(np.array([[0.5, 0.1], [0.301, 0.3]]))
    assert one != Likeliest(one.scores[:1])
    assert Likeliest(np.zeros((0, 3))) == Likeliest(np.zeros((0, 3)))
    never = np.array([-np.inf, 0.0])
    assert Likeliest(never) == Likeliest(never.copy())
