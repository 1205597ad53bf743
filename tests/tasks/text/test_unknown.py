"""Which symbols do not say what stands in the text."""

import numpy as np
import pytest

from rnncli.data.text.codec import Codec
from rnncli.data.text.documents import Document
from rnncli.data.text.encoded import encode
from rnncli.tasks.text.extras.unknown import unsaid
from rnncli.tasks.write.scoring import text_blocks

TEXTS = ["a <unk> of the\n <unk> <unk> kind\n", "\n <unk> of such\n" * 50]


def found(codec, *texts):
    documents = [Document.of(text) for text in texts]
    encoded = encode(codec, documents)
    return encoded, unsaid(codec, documents, encoded.steps.values)


def test_what_a_text_itself_calls_unknown_is_said():
    tokens = ("\n", "a", "of", "the", "kind", "such")
    assert found(Codec("whitespace", tokens), *TEXTS)[1] is None
    encoded, unknown_N = found(Codec("whitespace", tokens[:-1]), *TEXTS)
    assert unknown_N is not None
    assert unknown_N.sum() == 50
    blocks = text_blocks(encoded.steps, encoded.characters_N, encoded.bytes_N, unknown_N)
    assert blocks.counts_KC[:, 3].tolist() == [0, 50]
    assert blocks.counts_KC[:, 1].tolist() == [len(text) for text in TEXTS]


@pytest.mark.parametrize(("unit", "tokens"), [("character", ("a", "<")), ("word", ("a", " a", "<"))])
def test_of_other_units_each_unknown_symbol_is_one_that_is_not_said(unit, tokens):
    encoded, unknown_N = found(Codec(unit, tokens), "a <unk> a")
    assert unknown_N is not None
    assert unknown_N.tolist() == (encoded.steps.values == 0).tolist()
    assert unknown_N.any()


def test_bytes_are_all_known():
    assert found(Codec("byte"), "ÿ")[1] is None
    assert unsaid(Codec("byte"), [], np.zeros(3)) is None
