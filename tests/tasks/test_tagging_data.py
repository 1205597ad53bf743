"""What is read of tagged sentences: parts, schemes, and files that end in a sentence."""

import csv
import io
import json

import pytest

from rnncli.errors import DataError
from rnncli.tasks.tagging import builtin
from rnncli.tasks.tagging.data import read_corpus
from rnncli.tasks.tagging.schema import RECIPE
from tests.tasks.tagged import conll, fit, recipe


def test_a_column_says_which_part_each_sentence_goes_to(tmp_path):
    lines = [
        json.dumps({"tokens": [f"w{i}"], "tags": ["B-X" if i % 2 else "O"], "part": part})
        for i, part in enumerate(["train"] * 6 + ["validation", "train", "test", "dev"])
    ]
    read = read_corpus(recipe(tmp_path, "\n".join(lines), name="train.jsonl", split_column="part"))
    assert {name: [tokens[0] for tokens in part.tokens()] for name, part in read.parts.items()} == {
        "train": ["w0", "w1", "w2", "w3", "w4", "w5", "w7"],
        "dev": ["w6", "w9"],
        "test": ["w8"],
    }
    text = "".join(f"w{i} X{i % 2} {'dev' if i > 7 else 'train'}\n\n" for i in range(10))
    parts = read_corpus(recipe(tmp_path, text, split_column="3", tag_column="2")).parts
    assert {name: len(part) for name, part in parts.items()} == {"train": 8, "dev": 2}


@pytest.mark.parametrize("column", ["", "3"])
def test_folds_test_each_sentence_once(tmp_path, column):
    text = "".join(f"w{i} X{i % 2} {5 * (i % 3)}\n\n" for i in range(30))
    tested = []
    for fold in range(3):
        parts = read_corpus(recipe(tmp_path, text, folds=3, fold=fold, fold_column=column, tag_column="2")).parts
        words = {name: [tokens[0] for tokens in part.tokens()] for name, part in parts.items()}
        assert sorted(word for part in words.values() for word in part) == sorted(f"w{i}" for i in range(30))
        tested += words["test"]
        if column:
            assert {int(word[1:]) % 3 for word in words["test"]} == {fold}
    assert sorted(tested) == sorted(f"w{i}" for i in range(30))


def test_repairs_are_counted_and_said(tmp_path):
    broken = conll() + "Rara I-PER\nsaid O\n\n"
    notes = " ".join(read_corpus(recipe(tmp_path, broken, dev_fraction=0.1)).notes)
    assert "IOB2" in notes
    assert ": 1 tag breaks the rules of IOB2" in notes


def spoilt(count, tag):
    """Generated sentences with the first ``count`` tags that are O written otherwise."""
    return conll(40).replace(" O\n", f" {tag}\n", count)


@pytest.mark.parametrize("tag", ["0", "o", "Outside", "\u041e", "_", "-", "NONE"])
def test_a_few_odd_tags_are_named_with_their_lines_and_spans_are_kept(tmp_path, tag):
    text = spoilt(2, tag)
    first, second = (at for at, line in enumerate(text.splitlines(), start=1) if line.endswith(f" {tag}"))
    read = read_corpus(recipe(tmp_path, text))
    notes = " ".join(read.notes).replace(f"{tmp_path}/", "")
    assert "tags are spans in IOB2" in notes
    places = f"{tag!a} (train.conll:{first}), {tag!a} (train.conll:{second})"
    assert f"2 tags are not written in IOB2, read as O: {places}" in notes
    plain = read_corpus(recipe(tmp_path, conll(40), name="plain.conll"))
    assert list(read.parts["train"].tags()) == list(plain.parts["train"].tags())


@pytest.mark.parametrize("mark", ["\u00a0", "\u200b", "\u3000", "\ufeff", "\u2009", "\u200e"])
def test_what_cannot_be_seen_behind_a_tag_is_left_out_and_said(tmp_path, mark):
    text = conll(40)
    at = text.index("-PER\n") + len("-PER")
    read = read_corpus(recipe(tmp_path, text[:at] + mark + text[at:]))
    line = text.count("\n", 0, at) + 1
    notes = " ".join(read.notes).replace(f"{tmp_path}/", "")
    assert "tags are spans in IOB2" in notes
    assert "1 tag is read without the invisible characters around" in notes
    assert f"(train.conll:{line})" in notes
    assert {tag[2:] for tags in read.parts["train"].tags() for tag in tags} == {"", "PER", "LOC", "ORG", "TIME"}


def test_only_the_first_of_many_odd_tags_are_named(tmp_path):
    rows = [{"tokens": ["Oslo", "is", "far"], "tags": ["B-LOC", "O", "O"]} for _ in range(200)]
    for at in range(5):
        rows[at]["tags"][2] = "0"
    text = "\n".join(map(json.dumps, rows))
    notes = " ".join(read_corpus(recipe(tmp_path, text, name="train.jsonl")).notes).replace(f"{tmp_path}/", "")
    assert "'0' (train.jsonl:1), '0' (train.jsonl:2), '0' (train.jsonl:3) and 2 more" in notes


@pytest.mark.parametrize("tag", ["0", "o", "PERSON", "nothing", "Tag"])
def test_spans_among_many_odd_tags_are_refused_with_their_lines(tmp_path, tag):
    text = spoilt(30, tag)
    line = next(at for at, line in enumerate(text.splitlines(), start=1) if line.endswith(f" {tag}"))
    with pytest.raises(DataError) as caught:
        read_corpus(recipe(tmp_path, text))
    assert "of the tags belong to no scheme of spans, though others do" in caught.value.message
    assert f"{tag!a} (" in caught.value.message
    assert f"train.conll:{line})" in caught.value.message
    assert "data.tag_scheme=none" in caught.value.hint
    notes = read_corpus(recipe(tmp_path, text, tag_scheme="none")).notes
    assert "tags are no spans: scored token by token" in notes


@pytest.mark.parametrize("note", ["# newdoc", "# chapter", "# 3", "#newdoc", "# id=7"])
def test_comments_of_two_words_leave_the_scheme_and_documents_as_they_are(tmp_path, note):
    text = "".join(f"{note}\n{part}\n\n" for part in conll(40).strip().split("\n\n"))
    read = read_corpus(recipe(tmp_path, text, dev_fraction=0.1))
    assert any(said.startswith("tags are spans in IOB2") for said in read.notes)
    assert not any("#" in tokens for part in read.parts.values() for tokens in part.tokens())
    starts = {number for part in read.parts.values() for number in part.documents().tolist()}
    assert len(starts) == (40 if "newdoc" in note else 1)


@pytest.mark.parametrize(
    ("text", "data", "says"),
    [
        ("", {}, "the file is empty"),
        ("\n\n# only a remark\n", {}, "holds no tokens"),
        ("a O\nb B-X c\n", {}, "train.conll:2: 3 columns where line 1 has 2"),
        ("a\tO\nb O\n", {}, "train.conll:2: 1 column where line 1 has 2"),
        ("a O\n\nb\n", {}, "train.conll:3: 1 column"),
        ("a\tO\nb\t\n\n", {}, 'train.conll:2: "b" has no tag'),
        ("a\nb\n", {}, "cannot hold both words and tags"),
        ("a O\nb B-X\n", {"token_column": "3"}, 'train.conll:1: no column "3"'),
        ("a O\nb B-X\n", {"tag_column": "ner"}, 'train.conll:1: no column "ner"'),
        ("a O\nb B-X\n", {"token_column": "2"}, "cannot hold both"),
        ("a O\nb B-X\n", {"feature_columns": ["7"]}, 'train.conll:1: no column "7"'),
        ("a O\nb B-X\n", {"document_column": "story"}, 'train.conll:1: no column "story" (data.document_column)'),
        ("a O\n\nb B-X\n", {"context": 5}, "train.conll:1: no part can be drawn from a single document"),
        ("a N\nb V\n", {"tag_scheme": "IOB2"}, "train.conll:1: tags that are not written in IOB2"),
        ("a O\n\nb O\n\nc O\n\n" * 10, {}, "train.conll:1: the training part has only the tag O"),
        ("a O\n\n" * 10, {"dev_fraction": 0.0}, "data.dev_fraction is 0"),
        ("a O\n\nb B-X\n", {"dev": "missing.conll"}, "missing.conll: no such file"),
        ("a O\n\nb B-X\n", {"train": "no.conll"}, "no.conll: no such file"),
        ("a O\n\nb B-X\n", {"folds": 5}, "there are 2 examples, too few for 5 folds"),
        ("a O\n\nb B-X\n\n" * 5, {"folds": 2, "fold_column": "3"}, 'no column "3" (data.fold_column)'),
        ("a O 1\n\nb B-X x\n", {"folds": 2, "fold_column": "3", "tag_column": "2"}, 'train.conll:3: "x" is not the'),
        ("a O train\n\nb B-X late\n", {"split_column": "3", "tag_column": "2"}, 'train.conll:3: "late" names no split'),
        ("a O dev\n\nb B-X test\n", {"split_column": "3", "tag_column": "2"}, "there is no train part"),
        ("a O\n\n" * 9, {"dev_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
        ("a O\0\nb B-X\n", {}, "train.conll:1: a NUL byte"),
        ("a O\nb B-X\n", {"encoding": "utf-99"}, 'no encoding called "utf-99"'),
    ],
)
def test_bad_files_end_in_a_sentence_with_file_and_line(tmp_path, text, data, says):
    with pytest.raises(DataError) as caught:
        fit(recipe(tmp_path, text, **data))
    assert says in caught.value.message.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"tokens": ["a", "b"], "tags": ["O"]}', "train.jsonl:1: 2 words but 1 in column tags"),
        ('{"words": [], "tags": []}', "no sentence has words"),
        ('{"tokens": ["a"], "tags": ["O"], "ner_tags": ["O"]}', "which column holds the tags? several"),
        ('{"tokens": ["a"]}', "which column holds the tags?"),
        ('{"tokens": ["a"], "tags": [null]}', '"a" has no tag'),
        ("[1]", "train.jsonl:1: a JSON int"),
    ],
)
def test_bad_json_lines_end_in_a_sentence(tmp_path, line, says):
    with pytest.raises(DataError) as caught:
        read_corpus(recipe(tmp_path, line + "\n", name="train.jsonl"))
    assert says in caught.value.message


@pytest.mark.parametrize(
    ("dev", "data", "says"),
    [
        ("a x y O\n", {}, "dev.conll:1: 4 columns where train.conll has 2"),
        ("a\n", {"tag_column": "2"}, 'dev.conll:1: no column "2", which train.conll has'),
    ],
)
def test_parts_that_are_not_alike_are_refused(tmp_path, dev, data, says):
    (tmp_path / "dev.conll").write_text(dev, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_corpus(recipe(tmp_path, dev="dev.conll", **data))
    assert says in caught.value.message


def by_words(suffix, separator=","):
    """Generated sentences, a word a row, the sentence named at its first word."""
    rows = [["Sentence #", "Word", "Tag"]]
    for number, (tokens, tags) in enumerate(builtin.generate()[:60], start=1):
        rows += [[f"Sentence: {number}" * (at == 0), *pair] for at, pair in enumerate(zip(tokens, tags, strict=True))]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return {"text": text.getvalue(), "name": f"train.{suffix}"}


@pytest.mark.parametrize("file", [by_words("csv"), by_words("tsv", "\t"), by_words("csv", ";"), by_words("tab", "\t")])
def test_rows_of_words_are_read_as_the_sentences_that_they_make(tmp_path, file):
    found = read_corpus(recipe(tmp_path, **file))
    plain = read_corpus(recipe(tmp_path, name="plain.conll"))
    for name, part in plain.parts.items():
        assert list(found.parts[name].tokens()) == list(part.tokens())
        assert list(found.parts[name].tags()) == list(part.tags())
    assert any("rows of words make 60 sentences" in note for note in found.notes)


@pytest.mark.parametrize("form", [str, json.dumps])
@pytest.mark.parametrize("name", ["train.csv", "train.jsonl"])
def test_lists_that_were_saved_as_text_are_read_as_lists(tmp_path, form, name):
    rows = [{"tokens": form(tokens), "tags": form(tags)} for tokens, tags in builtin.generate()[:60]]
    text = io.StringIO()
    csv.writer(text).writerows([rows[0], *(row.values() for row in rows)])
    lines = text.getvalue() if name.endswith("csv") else "\n".join(map(json.dumps, rows))
    found = read_corpus(recipe(tmp_path, lines, name=name))
    plain = read_corpus(recipe(tmp_path, name="plain.conll"))
    assert list(found.parts["train"].tokens()) == list(plain.parts["train"].tokens())
    assert list(found.parts["train"].tags()) == list(plain.parts["train"].tags())


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.conll", "a\tO\n\tO\nb\tO\n", "a.conll:2: an empty word in column 1"),
        ("a.conll", "\ta\tO\n\tb\tB-X\n", "a.conll:1: an empty word in column 1"),
        ("a.csv", "sentence,word,tag\n1,a,O\n1,,O\n2,b,O\n2,c,O\n", "a.csv:3: an empty word in column word"),
        ("a.csv", "sentence,word,tag\n1,a,O\n1,b,\n2,c,O\n2,d,O\n", 'a.csv:3: "b" has no tag'),
        ("a.csv", "word,tag\n" + "a,O\nb,B-X\n" * 20, "a.csv: each row is a single word"),
        ("a.csv", "tokens,tags\n\"['a' 'b']\",\"['O' 'O']\"\n", "a.csv:2: ['a' 'b'] in column"),
        ("a.jsonl", '{"tokens": ["a", ""], "tags": ["O", "O"]}\n', "a.jsonl:1: an empty word"),
    ],
)
def test_words_that_are_not_there_and_words_that_nothing_groups_are_named(tmp_path, name, text, says):
    with pytest.raises(DataError) as caught:
        read_corpus(recipe(tmp_path, text, name=name))
    assert says in caught.value.message.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda line: f"{line}\t" if line else line,
        lambda line: f"{line}\t\t" if line else line,
        lambda line: f"{line}\t" if line.endswith("O") else line,
        lambda line: f"{line}\t" if "B-" in line else line,
    ],
)
def test_empty_columns_at_the_end_of_lines_are_left_out(tmp_path, change):
    plain = conll().replace(" ", "\t")
    changed = "\n".join(map(change, plain.split("\n")))
    found, expected = read_corpus(recipe(tmp_path, changed)), read_corpus(recipe(tmp_path, plain, name="plain.conll"))
    assert list(found.parts["train"].tags()) == list(expected.parts["train"].tags())
    assert list(found.parts["train"].tokens()) == list(expected.parts["train"].tokens())
    wide = changed.split("\n")[0].endswith("\t")
    assert any("nothing in column" in note for note in found.notes) == wide


def test_a_file_of_too_few_sentences_is_named(tmp_path):
    with pytest.raises(DataError, match=r"^train\.conll:1: there is 1 example, too few"):
        read_corpus(recipe(tmp_path, "<html> <body>\n"))


def test_bytes_of_another_encoding_are_refused_with_their_line(tmp_path):
    (tmp_path / "train.conll").write_bytes(b"a O\n\xff\xfe\xfa O\n")
    with pytest.raises(DataError, match=r"train\.conll:2: "):
        read_corpus(RECIPE(data={"root": str(tmp_path), "train": "train.conll"}))


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: t.rstrip("\n"), lambda t: "\n\n" + t])
def test_line_ends_and_blank_lines_do_not_matter(tmp_path, change):
    plain = read_corpus(recipe(tmp_path, conll(), name="plain.conll"))
    changed = read_corpus(recipe(tmp_path, change(conll()), name="changed.conll"))
    assert list(plain.parts["train"].tokens()) == list(changed.parts["train"].tokens())
    assert list(plain.parts["train"].tags()) == list(changed.parts["train"].tags())


def test_a_file_without_ends_of_sentences_is_refused_with_what_ends_one(tmp_path):
    (tmp_path / "a.conll").write_text("Ada B-PER\nmet O\n" * 90)
    with pytest.raises(DataError, match=r"a\.conll:1: the file is a single sentence of 180 words") as caught:
        read_corpus(RECIPE(data={"train": "a.conll", "root": str(tmp_path)}))
    assert caught.value.hint == "a blank line ends a sentence"
