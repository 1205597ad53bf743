"""The documents lead where they say, and what they tell people to type works; CONTRIBUTING.md says how it is marked."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.commands import TINY, Outcome, reviews, rnncli
from tests.docs import documents
from tests.docs.documents import DOCUMENTS, Block, Command
from tests.test_layers import MAY_IMPORT

README = documents.ROOT / "README.md"
FIRST = re.compile(r"runs/(\w+)-default-1")
NO_DATA, NO_RUN = 3, 4
EVERY = pytest.mark.parametrize("document", DOCUMENTS, ids=documents.name)


class Shell:
    """A folder, and a home, in which commands are typed; ``first`` are the commands that make runs of built-in data."""

    def __init__(self, folder: Path, first: dict[str, tuple[str, ...]] | None = None) -> None:
        self.folder, self.first = folder, first or {}
        self.typed: dict[object, Outcome] = {}

    def type(self, words: tuple[str, ...], stdin: str = "", *, piped: bool = True) -> Outcome:
        """Type a command, once however often it is asked for, after those that make the runs that it names.

        What is not ``piped`` is printed as on a terminal.
        """
        for name in FIRST.findall(" ".join(words)):
            if name in self.first:
                self.type(self.first[name])
        asked = (words, stdin, piped)
        if asked not in self.typed:
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(self.folder)
                patch.setenv("HOME", str(self.folder))
                if not piped:
                    patch.setattr("rnncli.cli.terminal.is_terminal", lambda stream: True)
                    patch.setenv("NO_COLOR", "1")
                here = [re.sub("^~", str(self.folder), word) for word in words]
                self.typed[asked] = rnncli(*here, stdin=stdin)
        return self.typed[asked]


@pytest.fixture(scope="session")
def shell(tmp_path_factory) -> Shell:
    """One folder for all documents, so that each command that they show runs once."""
    shown = [
        (command.words, block.added)
        for document in DOCUMENTS
        for block in documents.blocks(document, "console")
        for command in block.commands()
    ]
    first = {words[0]: words + added for words, added in shown if len(words) == 1}
    return Shell(tmp_path_factory.mktemp("documents"), first)


@pytest.fixture(scope="session")
def cells(shell) -> Path:
    """``runs/cells``: three cells with two seeds each on a small file."""
    (shell.folder / "reviews.csv").write_text(reviews(), encoding="utf-8")
    for cell in ("rnn", "lstm", "gru"):
        for seed in (1, 2):
            keys = (*TINY, "evaluation.page=false", f"model.cell={cell}", f"seed={seed}")
            out = f"runs/cells/{cell}-{seed}"
            done = shell.type(("sentiment", "--data", "reviews.csv", "--out", out, *keys))
            assert done.code == 0, done.err
    return shell.folder / "runs/cells"


def test_there_are_documents_and_each_has_a_way_to_it_from_the_readme():
    assert len(DOCUMENTS) > 10
    reached, new = set(), {README}
    while new:
        reached |= new
        ways = {(page.parent / link.split("#")[0]).resolve() for page in new for link in documents.links(page)}
        new = {page for page in ways if page.suffix == ".md" and page.is_file()} - reached
    assert reached == set(DOCUMENTS)


@EVERY
def test_every_link_leads_to_a_file_and_a_heading(document):
    for link in documents.links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in documents.anchors(target), link


@EVERY
def test_commands_on_built_in_data_run_and_print_what_is_shown(document, request):
    shell, found = request.getfixturevalue("shell"), documents.blocks(document, "console")
    for block in found:
        for command in block.commands():
            if "runs/cells" in command.words and "--dry-run" not in block.added:
                request.getfixturevalue("cells")
            check(block, command, shell)


def check(block: Block, command: Command, shell: Shell) -> None:
    """Type one command of a block as it is marked, and hold what it prints against what is shown."""
    piped = command.piped or command.words[0] != "predict"  # other commands print much the same on a terminal
    done = shell.type(command.words + block.added, command.stdin, piped=piped)
    assert done.code == block.code, f"{command.line}\n{done.err}"
    if "--dry-run" not in block.added:
        lacking = documents.missing(command.shown, done.out + done.err)
        assert not lacking, f"{command.line}\nprinted {done.out}{done.err}"


@EVERY
def test_commands_on_own_data_get_as_far_as_missing_it(document, tmp_path):
    shell = Shell(tmp_path)
    for block in documents.blocks(document, "sh"):
        for command in block.commands():
            added = ("--dry-run",) if command.words[0] == "batch" else ()
            wanted = (0,) if command.words[0] == "recipes" else (NO_DATA, NO_RUN)
            done = shell.type(command.words + added)
            assert done.code in wanted, f"{command.line}\n{done.err}"


@EVERY
def test_commands_that_the_text_mentions_are_there_with_their_options(document):
    for words in documents.mentioned(document):
        names = [word for word in words if re.fullmatch("[a-z]+", word)]
        groups = ("recipes", "data", "bench", "runs")
        said = rnncli(*names[: 2 if words[0] in groups else 1], "--help")
        assert said.code == 0, words
        assert all(word.split("=")[0] in said.out for word in words if word.startswith("--")), words


@EVERY
def test_python_compiles_and_its_names_are_there(document):
    for block in documents.blocks(document, "python"):
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom):
                assert node.module
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def test_the_readme_is_short_fits_a_terminal_and_keeps_its_two_commands():
    text = README.read_text(encoding="utf-8")
    assert 120 <= len(text.splitlines()) <= 160
    assert "\npip install . && rnncli sentiment\n" in text
    assert '\npip install ".[test]" && pytest\n' in text
    shown = [line for b in documents.blocks(README, "console") for c in b.commands() for line in c.shown]
    assert max(map(len, shown)) <= 80


def test_every_room_of_the_package_is_explained_to_those_who_contribute():
    table = re.findall(
        r"^\| `(\w+)` \|", (documents.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(table) == sorted(MAY_IMPORT)


def test_output_that_lacks_a_heading_a_column_or_a_key_is_found():
    printed = 'accuracy  model  95 % interval\nf1 macro   0.5  0.1 - 0.7\n{"text": "a"}\n'
    assert not documents.missing(
        ("accuracy  model  95 % interval", "f1 macro   1.0  0.9", '{"text": "b"}', "..."), printed
    )
    assert documents.missing(("accuracy  model  deviation",), printed) == ["deviation"]
    assert documents.missing(("recall macro   0.5  0.1",), printed) == ["recall macro"]
    assert documents.missing(('{"label": "a"}',), printed) == ["label"]
