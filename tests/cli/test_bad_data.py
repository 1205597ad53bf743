"""Files that cannot be read, or not be learnt from."""

import pytest

from tests.cli.bad import WHOLE, Bad, try_it
from tests.commands import TINY, reviews, rnncli

DATA = 3
OWN = "sentiment --data x.csv"
THESE = "sentiment --data reviews.csv"
NUMBERS = " 0.5" * 8


def csv(text: str | bytes) -> dict[str, str | bytes]:
    return {"x.csv": text}


def vectors(text: str) -> dict[str, str | bytes]:
    return {"v.vec": text}


UNREADABLE = (
    Bad("a missing file", "sentiment --data review.csv", DATA, ("review.csv", 'did you mean "reviews.csv"?')),
    Bad("a name that a script left empty", "sentiment --data=", 2, ("--data", "no file")),
    Bad("a missing folder", "sentiment --data a/b/c.csv", DATA, ("a/b/c.csv",)),
    Bad("an empty file", OWN, DATA, ("x.csv", "empty"), csv("")),
    Bad("blank lines alone", OWN, DATA, ("x.csv", "blank"), csv("\n\n")),
    Bad("a header alone", OWN, DATA, ("x.csv", "no rows"), csv("text,label\n")),
    Bad("a row too short", OWN, DATA, ("x.csv:3", "1 field"), csv("text,label\na,b\nc\n")),
    Bad("an open quote", OWN, DATA, ("x.csv:2", "quote"), csv('text,label\n"a,b\nc,d\n')),
    Bad("two columns of one name", OWN, DATA, ("x.csv:1", '"text"'), csv("text,text\na,b\n")),
    Bad("a binary file", OWN, DATA, ("x.csv:2", "binary"), csv(b"text,label\na\x00b,c\n")),
    Bad(
        "mixed encodings",
        OWN,
        DATA,
        ("x.csv:3", "utf-8"),
        csv("text,label\nein schöner Tag für Käse,a\n".encode() + "schön für Käse,b\n".encode("latin-1")),
    ),
    Bad("an unknown encoding", f"{THESE} data.encoding=utf9", DATA, ("utf9", "reviews.csv")),
    Bad("an unknown kind of file", "sentiment --data x.xlsx", DATA, ("x.xlsx", ".csv"), {"x.xlsx": b"PK"}),
    Bad("broken Parquet", "sentiment --data x.parquet", DATA, ("x.parquet", "Parquet"), {"x.parquet": b"PAR1 PAR1"}),
    Bad("broken JSON", "sentiment --data x.jsonl", DATA, ("x.jsonl:2",), {"x.jsonl": '{"text": "a"}\n{"te\n'}),
    Bad("a repository that is empty", "sentiment --data empty", DATA, ("empty",)),
    Bad("a source without a file", "run sentiment/own-data data.source=file", DATA, ("data.train",)),
    Bad("missing word vectors", f"{THESE} model.vectors=no.vec", DATA, ("no.vec",)),
    Bad(
        "vectors with NaN",
        f"{THESE} model.vectors=v.vec",
        DATA,
        ("v.vec:2", "nan"),
        vectors(f"film{NUMBERS}\nbad nan{NUMBERS[4:]}\n"),
    ),
    Bad("vectors cut short", f"{THESE} model.vectors=v.vec", DATA, ("v.vec:2",), vectors(f"film{NUMBERS}\nbad 1\n")),
)
UNFIT = (
    Bad("one class alone", OWN, DATA, ("x.csv", '"pos"', "two are needed"), csv("text,label\n" + "fine,pos\n" * 10)),
    Bad("empty texts alone", OWN, DATA, ("x.csv", "no row"), csv("text,label\n,a\n,b\n")),
    Bad(
        "labels that are NaN",
        "sentiment --data x.jsonl",
        DATA,
        ("x.jsonl", "no row"),
        {"x.jsonl": '{"text": "a", "label": NaN}\n' * 3},
    ),
    Bad("a missing column", f"{THESE} --text-column review", DATA, ("review", "text, label")),
    Bad("columns without telling names", OWN, DATA, ("x.csv", "--text-column", "a, b, c"), csv("a,b,c\n1,2,3\n")),
    Bad("two columns of texts", OWN, DATA, ("x.csv", "text, review"), csv("text,review,label\na,b,c\n")),
    Bad(
        "a label for every text",
        OWN,
        DATA,
        ("x.csv", "1,200 different labels"),
        csv("text,label\n" + "".join(f"t{i},{i}\n" for i in range(1200))),
    ),
    Bad("a class too small", OWN, DATA, ('"rare"', "2"), csv(reviews() + "x,rare\ny,rare\n")),
    Bad("no dev part", f"{THESE} data.dev_fraction=0", DATA, ("data.dev_fraction",)),
    Bad("no train part", f"{THESE} data.dev_fraction=.5 data.test_fraction=.6", DATA, ("data.test_fraction",)),
    Bad(
        "another number of folds",
        f"{OWN} data.folds=3 data.fold_column=fold",
        DATA,
        ("fold", "2 folds", "data.folds=2"),
        csv("text,label,fold\n" + "a b,x,0\nc d,y,1\n" * 9),
    ),
    Bad(
        "folds that are no numbers",
        f"{OWN} data.folds=2 data.fold_column=fold",
        DATA,
        ("x.csv:3", '"second"'),
        csv("text,label,fold\na,x,1\nb,y,second\n"),
    ),
    Bad("more folds than examples", f"{OWN} data.folds=9", DATA, ("9",), csv("text,label\n" + "a,x\nb,y\nc,x\nd,y\n")),
    Bad(
        "an unknown word for a split",
        f"{OWN} data.split_column=part",
        DATA,
        ("x.csv:3", '"later"'),
        csv("text,label,part\na,x,train\nb,y,later\n"),
    ),
    Bad(
        "a label that training lacks",
        f"{THESE} data.test=x.csv",
        DATA,
        ("x.csv:3", '"neutral"', "negative, positive"),
        csv("text,label\nfine,positive\nso,neutral\n"),
    ),
    Bad("a test part without texts", f"{THESE} data.test=x.csv", DATA, ("x.csv", "text"), csv("a,label\nx,positive\n")),
    Bad("data to check that are missing", "data check sentiment/own-data data.train=no.csv", DATA, ("no.csv",)),
)
USED = (
    Bad(
        "an unknown label",
        "evaluate run --data x.csv",
        DATA,
        ("x.csv:2", '"neutral"'),
        csv("text,label\nso,neutral\n"),
        WHOLE,
    ),
    Bad("a missing file", "evaluate run --data no.csv", DATA, ("no.csv",), damage=WHOLE),
    Bad("no label column", "evaluate run --data x.csv", DATA, ("x.csv",), csv("text,other,more\na,b,c\n"), WHOLE),
    Bad("an unknown split", "evaluate run --split tset", 2, ("tset", "train, dev, test"), damage=WHOLE),
    Bad("a split of one file", "evaluate run --data reviews.csv --split train", 2, ("train",), damage=WHOLE),
    Bad("no texts to predict", "predict run x.csv", DATA, ("x.csv", "a, b"), csv("a,b\n1,2\n"), WHOLE),
    Bad("nothing to predict", "predict run x.txt", DATA, ("x.txt", "empty"), {"x.txt": ""}, WHOLE),
    Bad("no such file to predict", "predict run no.csv", DATA, ("no.csv", "no such file"), damage=WHOLE),
)


@pytest.mark.parametrize("bad", [*UNREADABLE, *UNFIT], ids=lambda bad: bad.name)
def test_bad_data_end_in_one_sentence_and_leave_no_run(bad, here, trained):
    (here / "empty").mkdir()
    overrides = TINY if "check" not in bad.command else ()
    try_it(bad, here, trained, overrides)


@pytest.mark.parametrize("bad", USED, ids=lambda bad: bad.name)
def test_bad_data_for_a_finished_run_end_in_one_sentence(bad, here, trained):
    try_it(bad, here, trained)


def test_vectors_of_another_size_say_which_embedding_fits(here, trained):
    command = f"{THESE} model.vectors=v.vec"
    words = ("v.vec:1", "3 numbers", "model.embedding=3")
    try_it(Bad("", command, DATA, words, vectors("bad 1 2 3\n")), here, trained, TINY)


def test_a_text_of_a_hundred_thousand_characters_is_cut_and_counted(here):
    long = "word " * 20_000 + ",positive\n" + "wide " * 20_000 + ",negative\n"
    (here / "x.csv").write_text(reviews() + long, encoding="utf-8")
    done = rnncli("sentiment", "--data", "x.csv", *TINY, "data.test=reviews.csv", "--json")
    assert done.code == 0, done.err
    assert "2 training texts cut after 500 units (data.max_length)" in done.json["notes"]


def test_a_text_of_a_hundred_thousand_characters_is_predicted(trained):
    done = rnncli("predict", trained, "-", stdin="x" * 100_000 + "\n" + "good " * 20_000 + "\n")
    assert done.code == 0, done.err
    assert [len(row["text"]) for row in done.lines] == [100_000, 100_000]


@pytest.mark.parametrize("line", ['{"review": "x"}', '{"text": 3}', '{"text": null}'])
def test_a_json_line_without_a_text_is_named_and_the_lines_before_it_are_answered(line, trained):
    done = rnncli("predict", trained, "-", stdin=f'fine\n{{"text": "good"}}\n{line}\nlater\n')
    assert done.code == DATA
    assert [row["text"] for row in done.lines] == ["fine", "good"]
    assert "error stdin:3: " in done.err
    assert '"text"' in done.err


def test_rows_that_cannot_be_used_are_counted_by_reason(here):
    (here / "x.csv").write_text(reviews() + "\n,positive\nlone text,\n" + reviews().splitlines()[1] + "\n")
    done = rnncli("sentiment", "--data", "x.csv", *TINY, "--json")
    assert done.code == 0, done.err
    assert done.json["dropped"] == {"empty row": 1, "empty text": 1, "no label": 1, "duplicate": 1}


def test_a_dev_part_of_one_class_trains_though_its_roc_is_not_defined(here):
    (here / "dev.csv").write_text("text,label\nfine,positive\ngood,positive\n")
    done = rnncli("sentiment", "--data", "reviews.csv", "data.dev=dev.csv", *TINY, "train.best_by=roc_auc", "--json")
    assert done.code == 0, done.err
    assert done.json["metrics"]["accuracy"]["value"] is not None
