"""Arguments that begin with a dash and are texts: ``rnncli predict RUN "-1 star, awful"``."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import islice

from rnncli.errors import UsageError

_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)
"""What can only be meant for an option, known or not: a word of letters behind one dash or two."""


def is_option_like(arg: str) -> bool:
    """Whether an argument can only be meant for an option, known or not."""
    return _OPTION.fullmatch(arg) is not None


def texts_last(args: Sequence[str], options: Mapping[str, int]) -> list[str]:
    """The arguments with all that are no options behind ``--``, in their order.

    ``options`` says of each option how many values follow it. A dash begins an option if it is one of them, or a word
    that looks like one, for which UsageError says how to give it as a text.
    """
    before: list[str] = []
    behind: list[str] = []
    rest = iter(args)
    for arg in rest:
        if arg == "--":
            behind += rest
        elif arg in options:
            before += [arg, *islice(rest, options[arg])]
        elif arg.partition("=")[0] in options:
            before.append(arg)
        elif is_option_like(arg):
            raise _unknown(arg, options)
        else:
            behind.append(arg)
    return [*before, "--", *behind]


def _unknown(arg: str, options: Mapping[str, int]) -> UsageError:
    near = difflib.get_close_matches(arg.partition("=")[0], options, n=1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    return UsageError(
        f"there is no option {arg}{meant}", f"a text that begins with a dash stands behind two: -- {shlex.quote(arg)}"
    )
