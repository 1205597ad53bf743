"""Tagging as people type it: their files in, the same files with tags out."""

import csv
import io
import json
import re

import pytest

import rnncli as face
from rnncli.data.text.tagschemes import SCHEMES, read_spans
from tests.cli.test_terminal import in_a_terminal, plain
from tests.commands import rnncli
from tests.tasks.tagged import conll

TINY = (
    "model.hidden=12",
    "model.embedding=8",
    "model.characters=6",
    "model.affixes=4",
    "train.epochs=2",
    "train.batch_size=8",
    "train.learning_rate=0.02",
    "evaluation.resamples=20",
    "compute.threads=1",
    "compute.device=cpu",
    "evaluation.page=false",
)
LONGER = (
    *(key for key in TINY if not key.startswith("train.epochs")),
    "train.epochs=30",
    "train.patience=0",
    "train.ema=0",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on three files of columns word, length, tag."""
    here = tmp_path_factory.mktemp("tagging")
    sentences = conll(260, columns=3).split("\n\n")
    for name, part in {"train": sentences[:200], "dev": sentences[200:230], "test": sentences[230:260]}.items():
        (here / f"{name}.conll").write_text("\n\n".join(part) + "\n\n", encoding="utf-8")
    files = [f"--{name}={here / name}.conll" for name in ("dev", "test")]
    columns = ("--token-column", 1, "--tag-column", 3)
    done = rnncli("tagging", "--data", here / "train.conll", *files, *columns, "--out", here / "run", *TINY, "--json")
    assert done.code == 0, done.err
    (here / "report.json").write_text(done.out, encoding="utf-8")
    return here


def test_the_report_has_scores_of_spans_tokens_and_sentences(folder):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert {"precision", "recall", "f1", "accuracy", "unknown_accuracy", "sentence_accuracy"} <= set(report["metrics"])
    assert report["examples"] == 30
    assert {row["label"] for row in report["per_class"]} == {"PER", "LOC", "ORG", "TIME"}
    assert set(report["baselines"]) == {"most frequent tag", "linear crf"}
    assert set(report["reach"]["shares"]) == {"forward", "reverse"}
    notes = " ".join(report["notes"])
    assert "IOB2" in notes
    assert "conlleval" in notes


def test_a_conll_file_comes_back_with_its_tags_filled_and_all_else_as_it_was(folder):
    text = (
        "-DOCSTART- -X- O\r\n\r\n# a note = 1\r\n"
        + "\r\n".join(conll(5, columns=3).split("\n"))
        + "\r\n# here it all ends"
    )
    (folder / "new.conll").write_bytes(text.encode())
    done = rnncli("predict", folder / "run", folder / "new.conll")
    assert done.code == 0, done.err
    lines = list(zip(text.split("\r\n"), done.out.replace("\r\n", "\n").split("\n"), strict=True))
    for before, after in lines:
        if re.fullmatch(r"\S+ \d+ \S+", before):
            assert after.split(" ")[:2] == before.split(" ")[:2]
        else:
            assert after == before
    tags = [after.split(" ")[2] for before, after in lines if re.fullmatch(r"\S+ \d+ \S+", before)]
    assert len(set(tags)) > 2


@pytest.mark.parametrize("note", ["# chapter 3", "# id\tdomain=x y", "#newdoc of novel", "# sentence 7", "# text = x"])
def test_comments_with_as_many_fields_as_tokens_come_back_as_they_were(folder, note):
    text = "".join(f"{note}\n{part}\n\n" for part in conll(4, columns=3).strip().split("\n\n"))
    (folder / "noted.conll").write_text(text, encoding="utf-8")
    done = rnncli("predict", folder / "run", folder / "noted.conll")
    assert done.code == 0, done.err
    pairs = list(zip(text.split("\n"), done.out.split("\n"), strict=True))
    assert [after for before, after in pairs if before.startswith("#")] == [note] * 4
    assert [after.split(" ")[:2] for _, after in pairs] == [before.split(" ")[:2] for before, _ in pairs]
    assert rnncli("predict", folder / "run", "-", stdin=text).out == done.out


def test_a_file_of_another_width_is_filled_in_its_own_column_of_tags(folder):
    words = ["Rara", "met", "Noma", "in", "Wenback", "."]
    expected = rnncli("predict", folder / "run", "-", stdin=json.dumps({"tokens": words})).lines[0]["tags"]
    for before, behind in (("# id 7\tdomain=x", "_ _"), ("# newdoc", "x"), ("# text = Rara", "NNP B-NP")):
        text = f"{before}\n" + "".join(f"{word} {behind} _\n" for word in words)
        filled = f"{before}\n" + "".join(f"{word} {behind} {tag}\n" for word, tag in zip(words, expected, strict=True))
        (folder / "wide.txt").write_text(text, encoding="utf-8")
        assert rnncli("predict", folder / "run", folder / "wide.txt").out == filled
        assert rnncli("predict", folder / "run", "-", stdin=text).out == filled
    (folder / "bare.conll").write_text("\n".join(words), encoding="utf-8")
    added = rnncli("predict", folder / "run", folder / "bare.conll").out.splitlines()
    assert added == [f"{word} {tag}" for word, tag in zip(words, expected, strict=True)]


def test_the_rows_of_a_table_are_sentences_and_words_a_row_are_refused(folder):
    (folder / "new.csv").write_text("id,tokens\n7,Rara met Noma .\n8,Noma left .\n", encoding="utf-8")
    rows = rnncli("predict", folder / "run", folder / "new.csv").lines
    assert [(row["id"], len(row["tokens"]), len(row["tags"])) for row in rows] == [("7", 4, 4), ("8", 3, 3)]
    stdin = (folder / "new.csv").read_text(encoding="utf-8")
    assert rnncli("predict", folder / "run", "-", stdin=stdin).lines == rows
    done = rnncli("predict", folder / "run", "-", stdin="n,Word,POS\n" + "1,Rara,N\n" * 30)
    assert done.code == 3
    assert 'a row for each word in column "Word"' in done.err
    few = "Sentence #,Word,POS\nSentence: 1,Rara,N\n,met,V\nSentence: 2,Noma,N\n"
    (folder / "few.csv").write_text(few, encoding="utf-8")
    for source, stdin in ((folder / "few.csv", ""), ("-", few)):
        rows = rnncli("predict", folder / "run", source, stdin=stdin).lines
        assert [row["tokens"] for row in rows] == [["Rara", "met"], ["Noma"]]
    for words in ('"[""Rara"", ""met""]"', "\"['Rara', 'met']\""):
        (folder / "few.csv").write_text(f"tokens\n{words}\n", encoding="utf-8")
        assert rnncli("predict", folder / "run", folder / "few.csv").lines[0]["tokens"] == ["Rara", "met"]


def test_the_word_hash_and_a_header_are_told_apart_in_prediction(folder):
    text = "Word Length Tag\n# 1 O\nRara 4 O\n\n# 1 O\n"
    done = rnncli("predict", folder / "run", "-", "--format", "conll", stdin=text)
    assert done.code == 0, done.err
    assert [line.rpartition(" ")[0] for line in done.out.splitlines()] == ["Word Length", "# 1", "Rara 4", "", "# 1"]
    assert done.out.startswith("Word Length Tag\n")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "Word Tag\n" + text, "train.conll:1: read as the names of the columns"),
        (lambda text: text.replace(" O\n", " 0\n", 1), "1 tag is not written in IOB2, read as O: '0' ("),
        (lambda text: text.replace(" O\n", " O\u00a0\n", 1), "1 tag is read without the invisible characters around"),
        (lambda text: "# newdoc\n" + text.replace("\n\n", "\n\n# newdoc\n", 9), "tags are spans in IOB2"),
        (lambda text: "# O\n" + text, "tags are spans in IOB2"),
    ],
)
def test_slips_in_a_file_of_tags_are_said_and_spans_are_kept(tmp_path, change, says):
    (tmp_path / "train.conll").write_text(change(conll(60)), encoding="utf-8")
    done = rnncli("data", "check", "tagging/own-data", f"data.train={tmp_path / 'train.conll'}")
    assert done.code == 0, done.err
    said = " ".join((done.out + done.err).split())
    assert "tags are spans in IOB2" in said
    assert says in said


def test_spans_among_many_odd_tags_end_in_a_sentence(tmp_path):
    (tmp_path / "train.conll").write_text(conll(60).replace(" O\n", " 0\n"), encoding="utf-8")
    done = rnncli("data", "check", "tagging/own-data", f"data.train={tmp_path / 'train.conll'}")
    assert done.code == 3
    assert "belong to no scheme of spans" in done.err
    assert "Traceback" not in done.err


def test_predictions_by_stream_by_file_and_by_sentence_are_the_same(folder):
    text = (folder / "test.conll").read_text(encoding="utf-8")
    by_file = rnncli("predict", folder / "run", folder / "test.conll").out
    assert rnncli("predict", folder / "run", "-", stdin=text).out == by_file
    rows = rnncli("predict", folder / "run", folder / "test.conll", "--json").lines
    tags = [[line.split(" ")[2] for line in block.split("\n")] for block in by_file.strip().split("\n\n")]
    assert [row["tags"] for row in rows] == tags
    objects = "\n".join(json.dumps({"tokens": row["tokens"], "id": i}) for i, row in enumerate(rows))
    again = rnncli("predict", folder / "run", "-", stdin=objects + "\n").lines
    assert [(row["id"], row["tags"]) for row in again] == [(i, row["tags"]) for i, row in enumerate(rows)]
    for row in rows:
        spans = [(span["type"], span["start"], span["end"]) for span in row["spans"]]
        assert spans == [(s.kind, s.start, s.end) for s in read_spans(row["tags"], SCHEMES["IOB2"])[0]]


def test_plain_sentences_give_json_lines_or_the_form_asked_for(folder):
    (row,) = rnncli("predict", folder / "run", "Rara met Noma.").lines
    assert row["tokens"] == ["Rara", "met", "Noma", "."]
    assert len(row["tags"]) == len(row["probabilities"]) == 4
    columns = rnncli("predict", folder / "run", "Rara met Noma.", "--format", "conll").out
    assert [line.split("\t")[0] for line in columns.splitlines()] == ["Rara", "met", "Noma", ".", ""]
    words = rnncli("predict", folder / "run", "Rara met Noma.", "--format", "text").out
    assert [word.split("/")[0] for word in words.split()] == ["Rara", "met", "Noma", "."]
    assert rnncli("predict", folder / "run", "a", "--format", "xml").code == 2


def test_a_terminal_shows_spans_in_colour_and_whole_sentences(folder):
    sentence = "Halralin moved to Wenback on Sunday , said Ms Rara Noma of the editor 's report on bridges ."
    command = ["predict", "run", sentence, "Rara \x1b[2J met Noma ."]
    shown, code = in_a_terminal(command, folder)
    assert code == 0, shown
    spans = [span["type"] for row in rnncli("predict", folder / "run", *command[2:]).lines for span in row["spans"]]
    assert spans
    assert len(re.findall(r"\x1b\[3\d(?:;1)?m\[", shown)) == len(spans)
    words = re.sub(r"[\[ ]|PER\]|LOC\]|ORG\]|TIME\]|\s", "", plain(shown))
    assert words == sentence.replace(" ", "") + "Rara␛2JmetNoma."
    assert all(len(line) <= 80 for line in plain(shown).splitlines())
    colourless, _ = in_a_terminal(command, folder, NO_COLOR="1")
    assert plain(colourless) == plain(shown)
    assert "\x1b[3" not in colourless


def test_another_labelled_file_is_scored_and_unseen_tags_are_said(folder):
    done = rnncli("evaluate", folder / "run", "--data", folder / "test.conll", "--json")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert done.json["metrics"]["f1"]["value"] == report["metrics"]["f1"]["value"]
    (folder / "odd.conll").write_text("Rara 4 B-DISH\nate 3 O\n", encoding="utf-8")
    odd = rnncli("evaluate", folder / "run", "--data", folder / "odd.conll", "--json").json
    assert any(re.search(r"odd\.conll:1: .*S-DISH", note) for note in odd["notes"])
    assert odd["metrics"]["recall"]["value"] == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a 1 O\nb 1\n", "stdin:2: 2 columns where line 1 has 3"),
        ('{"tokens": 3}\n', "stdin:1: "),
        ("{\n", "stdin:1: not JSON"),
    ],
)
def test_bad_streams_end_in_a_sentence_with_the_line(folder, text, says):
    done = rnncli("predict", folder / "run", "-", stdin=text)
    assert done.code == 3
    assert says in done.err
    assert "Traceback" not in done.err


def test_a_conll_u_column_and_a_key_of_its_features_are_learnt_and_filled(tmp_path):
    words = [
        ["the", "DET", "_"],
        ["dogs", "NOUN", "Number=Plur"],
        ["bark", "VERB", "Mood=Ind"],
        ["dog", "NOUN", "Number=Sing"],
    ]
    sentence = "".join(
        f"{i}\t{w}\t_\t{pos}\t_\t{feats}\t0\troot\t_\t_\n" for i, (w, pos, feats) in enumerate(words, start=1)
    )
    rest = "\t_" * 8
    text = f"# text = x\n1-2\tthedogs{rest}\n{sentence}\n" * 24
    (tmp_path / "train.conllu").write_text(text, encoding="utf-8")
    for column in ("upos", "feats.Number"):
        out = tmp_path / column
        done = rnncli(
            "tagging", "--data", tmp_path / "train.conllu", "--tag-column", column, "--out", out, *LONGER, "--json"
        )
        assert done.code == 0, done.err
        assert done.json["metrics"]["accuracy"]["value"] > 0.9
        blank = text.replace("\tNOUN\t", "\t_\t") if column == "upos" else re.sub(r"Number=\w+", "_", text)
        (tmp_path / "new.conllu").write_text(blank, encoding="utf-8")
        assert rnncli("predict", out, tmp_path / "new.conllu").out == text


def test_the_data_of_a_tagging_recipe_is_described(folder):
    done = rnncli("data", "check", "tagging/own-data", f"data.train={folder / 'train.conll'}", "--json")
    titles = [table["title"] for table in done.json["tables"]]
    assert any("spans" in title for title in titles)
    assert any("several tags" in title for title in titles)
    assert any("equal sentences" in title for title in titles)


def test_a_datasets_folder_with_class_labels_is_read(tmp_path):
    import datasets

    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=["O", "B-PER", "I-PER"])),
        }
    )
    rows = {"tokens": [["Rara", "Ka", "left"]] * 30, "ner_tags": [[1, 2, 0]] * 30}
    path = tmp_path / "repository"
    path.mkdir()
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path / "train.parquet")
    done = rnncli("tagging", "--data", path, "--out", tmp_path / "run", *TINY, "--json")
    assert done.code == 0, done.err
    assert [row["label"] for row in done.json["per_class"]] == ["PER"]


def test_a_table_of_sentences_keeps_its_columns_and_tells_spans_by_character(folder):
    text = 'id,sentence\n007,"Rara met  Noma, in Wenback."\n8,\n9,"Halralin moved\nto Wenback."\n'
    (folder / "kept.csv").write_text(text, encoding="utf-8", newline="")
    done = rnncli("predict", folder / "run", folder / "kept.csv", "--to", "csv")
    assert done.code == 0, done.err
    assert "1 row without a prediction: 1 empty sentence" in done.err
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    assert [row["id"] for row in rows] == ["007", "8", "9"]
    assert list(rows[0]) == ["id", "sentence", "tokens", "tags", "probabilities", "spans"]
    assert rows[1]["tags"] == rows[1]["spans"] == ""
    spans = [(row, span) for row in rows if row["spans"] for span in json.loads(row["spans"])]
    assert spans
    for row, span in spans:
        assert row["sentence"][span["start_char"] : span["end_char"]] == span["text"]
        words = json.loads(row["tokens"])[span["start"] : span["end"]]
        assert span["text"].split() == words or "".join(words) == re.sub(r"\s", "", span["text"])
    found = rnncli("predict", folder / "run", folder / "kept.csv").lines
    assert [row["tags"] for row in found] == [json.loads(row["tags"] or "[]") for row in rows]
    assert face.load(folder / "run").predict(folder / "kept.csv") == found
    assert face.load(folder / "run").predict([{"id": row["id"], "sentence": row["sentence"]} for row in rows]) == found
    assert found[0]["spans"] == rnncli("predict", folder / "run", found[0]["sentence"]).lines[0]["spans"]


def test_a_table_of_a_word_a_row_has_a_tag_in_each(folder):
    words = ["Rara", "met", "Noma", ".", "Noma", "left", "."]
    starts = ["Sentence: 1", "", "", "", "Sentence: 2", "", ""]
    text = "Sentence #,Word,n\n" + "".join(
        f"{s},{w},0{n}\n" for n, (s, w) in enumerate(zip(starts, words, strict=True))
    )
    (folder / "words.csv").write_text(text, encoding="utf-8")
    done = rnncli("predict", folder / "run", folder / "words.csv", "--to", "tsv")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out), delimiter="\t"))
    assert [(row["Word"], row["n"]) for row in rows] == [(word, f"0{n}") for n, word in enumerate(words)]
    sentences = rnncli("predict", folder / "run", folder / "words.csv").lines
    assert [row["tag"] for row in rows] == [tag for row in sentences for tag in row["tags"]]
    assert sentences == face.load(folder / "run").predict(folder / "words.csv")


def test_running_text_is_cut_into_sentences_that_are_slices_of_it(folder):
    text = "Rara met Dr. Noma\nin Wenback. Did she?  “Yes.” 3.5 per cent left.\n\nHalralin moved to Wenback on Sunday\n"
    rows = rnncli("predict", folder / "run", "-", "--format", "paragraphs", stdin=text).lines
    assert [row["text"] for row in rows] == [
        "Rara met Dr. Noma\nin Wenback.",
        "Did she?",
        "“Yes.”",
        "3.5 per cent left.",
        "Halralin moved to Wenback on Sunday",
    ]
    for row in rows:
        assert text[row["offset"] :].startswith(row["text"])
        assert all(row["text"][span["start_char"] : span["end_char"]] == span["text"] for span in row["spans"])
    (folder / "running.txt").write_text(text, encoding="utf-8")
    out = folder / "tagged.conll"
    typed = ("--format", "paragraphs", "--to", "conll", "--out", out)
    assert rnncli("predict", folder / "run", folder / "running.txt", *typed).code == 0
    blocks = out.read_text(encoding="utf-8").strip().split("\n\n")
    assert [[line.split("\t") for line in block.split("\n")] for block in blocks] == [
        [list(pair) for pair in zip(row["tokens"], row["tags"], strict=True)] for row in rows
    ]
