"""Matrices in few bits: how far they are off, and that files give back what was put into them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rnncli.data.rounding import (
    FORMS,
    GROUP,
    RoundedMatrix,
    metadata,
    packed,
    read_matrix,
    read_metadata,
    round_rows,
    rows_of,
    unpacked,
)

NUMBERS = st.floats(-(2.0**100), 2.0**100, width=32)
SMALL = st.floats(-100, 100, width=32)
unhurried = settings(deadline=None, derandomize=True)


def matrices(numbers: st.SearchStrategy[float], most: int = 70) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=most), elements=numbers)


@unhurried
@given(matrices(NUMBERS), st.sampled_from([4, 8]), st.booleans())
def test_a_number_is_off_by_half_a_scale_at_most_and_zero_stays_zero(matrix_RC, bits, grouped):
    codes, scales = round_rows(matrix_RC, bits, grouped=grouped)
    columns = np.arange(matrix_RC.shape[1]) // GROUP if grouped else np.zeros(matrix_RC.shape[1], int)
    scales = scales.astype(np.float64)[:, columns]
    assert (np.abs(matrix_RC - codes * scales) <= scales * (0.5 + 1e-9)).all()
    assert np.abs(codes.astype(int)).max() <= (127 if bits == 8 else 7)
    assert not codes[matrix_RC == 0].any()


@unhurried
@given(matrices(SMALL))
def test_a_scale_is_the_largest_of_its_row_by_127_as_plain_numpy_says(matrix_RC):
    codes, scales = round_rows(matrix_RC, 8)
    wanted = np.abs(matrix_RC).max(1).astype(np.float64) / 127
    assert scales.shape == (len(matrix_RC), 1)
    # Two bytes hold eleven bits of a number, and those near nothing in steps of 6e-8.
    assert (scales[:, 0] >= wanted).all()
    assert (scales[:, 0] <= wanted * (1 + 2**-10) + 6e-8).all()
    large = wanted > 1e-4
    assert (np.abs(codes).max(1)[large] == 127).all()


@unhurried
@given(matrices(SMALL), st.sampled_from([4, 8]))
def test_what_is_rounded_already_is_rounded_to_itself(matrix_RC, bits):
    once = rows_of(*round_rows(matrix_RC, bits, grouped=bits == 4))
    again = rows_of(*round_rows(once, bits, grouped=bits == 4))
    np.testing.assert_allclose(again, once, rtol=2**-9, atol=1e-6)


@unhurried
@given(arrays(np.int8, array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=9), elements=st.integers(-8, 7)))
def test_codes_of_four_bits_come_out_of_their_bytes_as_they_went_in(codes_RC):
    found = packed(codes_RC)
    assert found.nbytes == len(codes_RC) * -(-codes_RC.shape[1] // 2)
    np.testing.assert_array_equal(unpacked(found, codes_RC.shape[1]), codes_RC)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(5, 3), (1, 1), (4, 6, 3), (3, 0), (0, 3)])
def test_a_file_gives_back_the_matrix_that_it_was_given(form, shape):
    weight = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    one = RoundedMatrix.of(weight, form)
    ((name, (told, sizes)),) = read_metadata(metadata({"w": one})).items()
    found = read_matrix(told, sizes, one.arrays())
    assert name == "w"
    assert found.value().dtype == np.float32
    np.testing.assert_array_equal(found.value(), one.value())
    assert found.value().shape == shape
    off = {"fp16": 2**-11, "int8": 0.5 / 127 * 1.001, "int4": 0.5 / 7 * 1.001}[form]
    assert (np.abs(found.value() - weight) <= off * np.abs(weight).max(initial=0) + 1e-7).all()


def test_rows_of_eight_bits_take_a_byte_a_number_and_two_a_row():
    one = RoundedMatrix.of(np.random.default_rng(1).normal(size=(50, 100)).astype(np.float32), "int8")
    assert sum(array.nbytes for array in one.arrays().values()) == 50 * (100 + 2)
    half = RoundedMatrix.of(np.random.default_rng(1).normal(size=(50, 100)).astype(np.float32), "int4")
    assert sum(array.nbytes for array in half.arrays().values()) == 50 * (50 + 4 * 2)


def test_scales_beyond_two_bytes_take_four():
    weight = np.array([[1e30, 0.0], [1.0, 2.0]], np.float32)
    one = RoundedMatrix.of(weight, "int8")
    assert one.arrays()[":scales"].dtype == np.float32
    np.testing.assert_allclose(one.value(), weight, rtol=0.01)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_is_refused(form, bad):
    with pytest.raises(ValueError, match="infinite"):
        RoundedMatrix.of(np.array([[1.0, bad]], np.float32), form)


@pytest.mark.parametrize(
    "told",
    ["[]", '{"w": 3}', '{"w": {"form": "int2", "shape": [1, 2]}}', '{"w": {"form": "int8", "shape": [1]}}', "{"],
)
def test_a_file_that_says_something_else_is_refused(told):
    with pytest.raises(ValueError):  # noqa: PT011 - some are of json itself
        read_metadata({"rounded": told})


@pytest.mark.parametrize(
    "arrays",
    [
        {":codes": np.zeros((2, 3), np.int8)},
        {":codes": np.zeros((2, 4), np.int8), ":scales": np.zeros((2, 1), np.float16)},
        {":codes": np.zeros((2, 3), np.uint8), ":scales": np.zeros((2, 1), np.float16)},
        {":codes": np.zeros((2, 3), np.int8), ":scales": np.full((2, 1), np.nan, np.float16)},
    ],
)
def test_codes_and_scales_that_are_not_of_the_matrix_are_refused(arrays):
    with pytest.raises(ValueError, match="scale"):
        read_matrix("int8", (2, 3), arrays)
