"""The page on use elsewhere: its ``bash`` blocks are typed line by line, in order, in one folder."""

import os
import re
import subprocess
import sys

import pytest

from rnncli.export import parity
from tests.commands import own_environment, reviews, rnncli
from tests.docs import documents

PAGE = documents.ROOT / "docs" / "use-elsewhere.md"


def lines():
    """Each line with what is added to its command."""
    for block in documents.blocks(PAGE, "bash"):
        own = {command.line: command for command in block.commands()}
        for line in block.text.splitlines():
            if line.strip() and not line.startswith("#"):
                yield line, own.get(line), block.added


def typed(line, command, added):
    """Type a line: a command of ours in this process, which is quicker, any other by a shell."""
    if command is not None and not command.piped and not re.search(r"&&|>", line):
        done = rnncli(*command.words, *added, stdin=command.stdin)
        return done.code, done.out + done.err
    environment = own_environment() | {"PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"}
    typed = re.sub(r"\brnncli\b", f"{sys.executable} -m rnncli", line)
    done = subprocess.run(["bash", "-c", typed], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_every_command_of_the_page_does_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parity, "SEQUENCES", 20)
    (tmp_path / "reviews.csv").write_text(reviews(), encoding="utf-8")
    found = list(lines())
    assert len(found) > 3
    for line, command, added in found:
        code, said = typed(line, command, added)
        assert code == 0, f"{line}\n{said}"


@pytest.mark.parametrize("heading", ["onnx"])
def test_each_way_out_has_its_section(heading):
    assert heading in documents.anchors(PAGE)
