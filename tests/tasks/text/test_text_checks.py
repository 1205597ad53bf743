"""What a person is told of texts before training on them."""

import json

from rnncli.tasks.text.data import read_corpus
from rnncli.tasks.text.extras import checks
from rnncli.tasks.text.schema import RECIPE

LINES = [f"line {i} says that {i * i} is its square, and that is all" for i in range(300)]


def checked(folder, train, test, document="file", **data):
    for name, lines in (("train.txt", train), ("test.txt", test)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    data = {"root": str(folder), "train": "train.txt", "test": "test.txt", "document": document} | data
    recipe = RECIPE(data=data)
    corpus = read_corpus(recipe)
    return {table.title: table for table in checks.tables(recipe, corpus)}, [a.says for a in checks.findings(corpus)]


def test_sizes_and_tokens_are_counted(tmp_path):
    tables, found = checked(tmp_path, ["a b a b a"] * 40, ["a b z"] * 4, unit="whitespace", document="line")
    (sizes,) = [table for title, table in tables.items() if title.startswith("sizes")]
    assert sizes.rows[-1][1:] == ("4", "24", "24", "16", "3", "4  25.00 %")
    frequent = tables["most frequent tokens"]
    assert [row[0] for row in frequent.rows] == ["a", "b", "'\\n'"]
    assert tables["equal documents"].rows[0] == ("within train", "35")
    assert any("of kinds that train lacks: z" in says for says in found)


def test_documents_of_test_that_train_has_are_told(tmp_path):
    tables, found = checked(tmp_path, LINES[:200], LINES[190:], document="line")
    again = tables["equal documents"].rows[-2]
    assert again[0] == "test also in train"
    assert found == [f"{again[1]} of the 110 documents of test ({int(again[1]) / 1.1:.0f} %) are also in train"]
    assert 5 <= int(again[1]) <= 10


def test_lines_of_test_that_train_has_are_told(tmp_path):
    tables, found = checked(tmp_path, LINES[:200], LINES[100:], dev_fraction=0.01)
    assert "of the 200 long lines of test" in found[0]
    assert tables["lines of 40 characters or more that train has too"].rows[-1][:2] == ("test", "200")
    assert checked(tmp_path, LINES[:200], LINES[200:])[1] == []


def test_signs_of_a_wrong_encoding_and_markup_are_told(tmp_path):
    odd = ["caf\u00c3\u00a9 \ufffd and <b>more</b> &amp; more"] * 60
    _, found = checked(tmp_path, [*odd, *LINES], LINES[:20])
    assert [says for says in found if "was lost" in says]
    assert [says for says in found if "utf-8 that was read as latin-1" in says]
    assert [says for says in found if "such as </p>" in says]
    marked = [f"{line} <unk> {json.dumps(line)}" for line in LINES]
    assert checked(tmp_path, marked, ["it says that all is line"] * 30)[1] == []
