import io

import pytest

from rnncli.data.tables.conll import LOOK, blocks, feature, fill, read_conll
from rnncli.errors import DataError

PLAIN = "-DOCSTART- -X- O\n\n# a note\nEU NNP B-ORG\nrejects VBZ O\n\n\n# # O\nPeter\tNNP   B-PER\n"
CONLLU = (
    "# sent_id = 1\n# text = don't go\n1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tdo\tdo\tAUX\tVB\tMood=Ind|Tense=Pres\t3\taux\t_\t_\n"
    "2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_\n3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n3.1\tx\tx\tX\tX\t_\t_\t_\t_\t_\n\n"
)


def read(text):
    return list(blocks(io.StringIO(text, newline=""), "f.conll"))


def sentences(text):
    return [block.fields for block in read(text) if block.rows]


def test_sentences_are_between_blank_lines_and_comments_and_document_starts_are_no_tokens():
    assert sentences(PLAIN) == [
        [["EU", "NNP", "B-ORG"], ["rejects", "VBZ", "O"]],
        [["#", "#", "O"], ["Peter", "NNP", "B-PER"]],
    ]


def test_the_lines_of_all_blocks_are_the_file():
    for text in (PLAIN, CONLLU, "\n\n" + PLAIN.replace("\n", "\r\n"), PLAIN + "\n\n# the end\n", PLAIN[:-1]):
        assert "".join(line for block in read(text) for line in block.lines) == text


def test_ranges_and_empty_nodes_of_conll_u_are_kept_apart():
    (block,) = read(CONLLU)
    assert block.column(1) == ["do", "n't", "go"]
    assert [block.line(i) for i in range(3)] == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "column", "wanted"),
    [
        ("a  X B-P\nb\tX  O", "3", "a  X N\nb\tX  N"),
        ("a X\r\nb X\r\n\r\n", "3", "a X N\r\nb X N\r\n\r\n"),
        ("a\t\tO\n", "2", "a\tN\tO\n"),
        ("a\tb c\tO\n", "2", "a\tN\tO\n"),
        ("a\n", "4", "a N\n"),
        ("# global.columns = FORM NER\na\tO\n", "ner", "# global.columns = FORM NER\na\tN\n"),
    ],
)
def test_a_column_is_filled_and_the_rest_stays_as_it_was(text, column, wanted):
    assert "".join(fill(block, column, ["N"] * len(block.rows)) for block in read(text)) == wanted


def test_filling_conll_u_leaves_ranges_and_empty_nodes_alone():
    (block,) = read(CONLLU)
    filled = fill(block, "UPOS", ["A", "B", "C"])
    assert filled == CONLLU.replace("AUX", "A").replace("PART", "B").replace("VERB", "C")


def test_a_file_becomes_lists_of_strings_with_the_line_of_each_sentence(tmp_path):
    path = tmp_path / "f.conll"
    path.write_text(PLAIN, encoding="utf-8")
    table = read_conll(path)
    assert table.columns == ["1", "2", "3"]
    assert list(table.values("1")) == [["EU", "rejects"], ["#", "Peter"]]
    assert [table.place(i) for i in range(2)] == [f"{path}:4", f"{path}:8"]


def test_conll_u_columns_have_names_and_features_are_found_by_key(tmp_path):
    path = tmp_path / "f.conllu"
    path.write_text(CONLLU, encoding="utf-8")
    (feats,) = read_conll(path).values("feats")
    assert feature(feats, "Mood") == ["Ind", "_", "_"]
    assert next(iter(read_conll(path).values("upos"))) == ["AUX", "PART", "VERB"]


def test_ideographic_spaces_are_tokens():
    assert sentences("　 O\n中 B-X\n") == [[["　", "O"], ["中", "B-X"]]]


NAMED = "Ada B-PER\nsings O\n\nin O\nOslo B-LOC\n\n"
THREE = NAMED.replace(" ", " X ")
FOUR = NAMED.replace(" ", " _ _ ")
BLANK = "Ada _\nsings _\n\nin _\nOslo _\n\n"
WORDS = ["a cat sees the dog", "the dog sees a cat", "the cat runs", "a dog runs", "the dog sees the cat"]
CLASSES = {"a": "DET", "the": "DET", "cat": "NOUN", "dog": "NOUN", "sees": "VERB", "runs": "VERB"}
SPOKEN = "".join("".join(f"{w} {CLASSES[w]}\n" for w in words.split()) + "\n" for words in WORDS)


@pytest.mark.parametrize(
    ("before", "text"),
    [
        ("# newdoc\n", NAMED),
        ("# newdoc\n", BLANK),
        ("# newdoc\n", SPOKEN),
        ("#newpar\n", "Ada\nsings\n\nOslo\n\n"),
        ("# chapter\n", NAMED),
        ("# 17\n", BLANK),
        ("# stanza\n", SPOKEN),
        ("# sentence 7\n", THREE),
        ("# page twelve\n", THREE),
        ("# id 4f-a\tdomain=dev\n", FOUR),
        ("# text = Oslo\n", FOUR),
        ("# source:\ttale\n", NAMED.replace(" ", "\t")),
        ("# global.columns = A B\n# x\n# y\n", NAMED),
    ],
)
def test_comments_with_as_many_fields_as_tokens_are_comments_wherever_they_stand(before, text):
    wanted = sentences(text)
    assert sentences(before + text) == wanted
    assert sentences(text + before + text + before) == wanted + wanted
    assert sentences("".join(before + part + "\n\n" for part in text.split("\n\n") if part)) == wanted
    assert sentences(before + "\n" + text) == wanted
    whole = text + before + text
    assert "".join(fill(block, "9", ["N"] * len(block.rows)) for block in read(whole)).count(before) == 1


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("# O\n", NAMED),
        ("#oslo B-TAG\n", NAMED),
        ("# _\n", BLANK),
        ("# NOUN\n", SPOKEN),
        ("# #\n", SPOKEN + "# #\nruns VERB\n\n"),
        ("# X O\n", THREE),
        ("# _ _ B-LOC\n", FOUR),
        ("#\tO\n", NAMED.replace(" ", "\t")),
        ("#\n", "Ada\nsings\n\nOslo\n\n"),
        ("#oslo\n", "Ada\nsings\n\nOslo\n\n"),
        ("#id\n", "Ada\nsings\n\nOslo\n\n"),
    ],
)
def test_a_sentence_may_begin_with_the_word_hash_be_it_the_first(line, text):
    token = line.split()
    first, *rest = sentences(text)
    assert sentences(line + text) == [[token, *first], *rest]
    assert sentences(text + line + text) == [first, *rest, [token, *first], *rest]
    assert sentences("# a note of many words\n\n" + line + text) == [[token, *first], *rest]


def test_words_and_comments_that_begin_with_hash_stand_side_by_side():
    text = "# newdoc\n# O\n# O\nOslo B-LOC\n\n# newdoc\nAda B-PER\n\n# O\n"
    found = [block for block in read(text) if block.rows]
    assert [block.column(0) for block in found] == [["#", "#", "Oslo"], ["Ada"], ["#"]]
    assert [block.begins_document() for block in found] == [True, True, False]


def test_a_file_of_nothing_but_hashes_keeps_its_words():
    assert sentences("#one O\n\n#two O\n") == [[["#one", "O"]], [["#two", "O"]]]


def test_no_more_than_a_bounded_number_of_lines_is_read_ahead():
    taken = 0

    def lines():
        nonlocal taken
        for taken in range(1, 20 * LOOK):
            yield "# chapter\n" if taken % 3 == 1 else f"w{taken} O\n" if taken % 3 == 2 else "\n"

    for block in blocks(lines(), "f.conll"):
        assert taken <= max(LOOK, block.start + len(block.lines))
        assert len(block.fields) == 1


def test_lines_are_not_waited_for_where_nothing_is_in_doubt():
    def lines():
        yield from ("# newdoc\n", "Ada B-PER\n", "\n", "# newdoc\n")
        raise AssertionError

    assert next(blocks(lines(), "f.conll")).column(0) == ["Ada"]


@pytest.mark.parametrize(
    "header",
    ["Word Tag", "token label", "WORDS NER_TAGS", "Form UPOS", "word entity", "text label", "TOKEN NE-COARSE-LIT"],
)
def test_a_first_line_of_names_is_a_header_and_kept_as_it_was(header, tmp_path):
    for text in (NAMED, SPOKEN, BLANK):
        assert sentences(f"{header}\n{text}") == sentences(f"{header}\n\n{text}") == sentences(text)
    filled = "".join(fill(block, "2", ["N"] * len(block.rows)) for block in read(f"# x y z\n{header}\nAda O\n"))
    assert filled == f"# x y z\n{header}\nAda N\n"
    (tmp_path / "f.conll").write_text(f"{header}\n{NAMED}", encoding="utf-8")
    table = read_conll(tmp_path / "f.conll")
    assert table.notes == (f"{tmp_path / 'f.conll'}:1: read as the names of the columns, not as a word",)
    assert [table.place(i)[-2:] for i in range(2)] == [":2", ":5"]


@pytest.mark.parametrize("line", ["word O", "Token B-LOC", "word X", "the label", "Word Tag"])
def test_a_first_word_that_only_looks_like_a_header_is_kept(line):
    text = "" if line == "Word Tag" else NAMED
    assert sentences(f"{line}\n{text}")[0][0] == line.split()


@pytest.mark.parametrize(
    ("text", "place"),
    [("a B-X\nb\n", "f.conll:2: 1 column where line 1 has 2"), ("a\tO\nb O\n", "f.conll:2: 1 column")],
)
def test_ragged_columns_name_file_and_line(text, place):
    with pytest.raises(DataError) as caught:
        read(text)
    assert caught.value.message.startswith(place)


def test_a_file_without_tokens_is_refused(tmp_path):
    path = tmp_path / "f.conll"
    path.write_text("\n# nothing\n", encoding="utf-8")
    with pytest.raises(DataError, match="holds no tokens"):
        read_conll(path)


def test_the_real_files_have_as_many_sentences_as_they_say(real_data):
    chunks = read_conll(real_data / "tagging/conll2000/test.txt")
    assert len(chunks) == 2012
    words = read_conll(real_data / "tagging/ewt/en_ewt-ud-test.conllu")
    assert len(words) == 2077
    assert sum(map(len, words.values("form"))) == 25094


def test_comments_as_wide_as_tokens_are_told_once(tmp_path):
    path = tmp_path / "f.conll"
    path.write_text("".join(f"# part{i}\n# newdoc\nAda B-PER\nmet O\n\n" for i in range(3)), encoding="utf-8")
    assert read_conll(path).notes == (f'{path}: 3 lines are comments and no words, "# part0" in line 1 the first',)
    path.write_text("# a longer comment\n# newdoc\nAda B-PER\nmet O\n", encoding="utf-8")
    assert read_conll(path).notes == ()


def test_the_word_hash_may_have_a_tag_of_its_own_in_capitals():
    text = "".join(f"{first}Ada NNP\nmet VBD\n\n" for first in ("", "# SYM\n", "# remark\n") * 4)
    assert [["#", "SYM"] in tokens for tokens in sentences(text)] == [False, True, False] * 4
    assert sum(map(len, sentences(text))) == 28
