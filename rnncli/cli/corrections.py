"""What was probably meant by a command line that cannot be understood, and how it is typed here.

Nothing is carried out in its place: what a person gets is a sentence, and the line to type.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rnncli import aliases, tasks
from rnncli.cli.dashes import is_option_like
from rnncli.cli.words import exists, is_data, is_named_data, is_recipe
from rnncli.recipe import library
from rnncli.recipe.outline import nearest

if TYPE_CHECKING:
    from rnncli.cli.keys import RecipeKeys

TASK = "TASK"
"""Stands for the name of a task where the line does not tell which."""
NEAR = 0.75
"""How alike a misspelt option must be."""
OF_EVERY_TASK = {
    **dict.fromkeys(("--data", "--dev", "--test", "--recipe", "--out", "-o", "--from", "--resume"), True),
    **dict.fromkeys(("--dry-run", "--json", "--quiet", "-q", "--debug", "--help"), False),
}
"""The options of every task, and whether each takes a value."""


@dataclass(frozen=True)
class CommandShape:
    """A command: its words, its options and how many values each takes, the names of its arguments."""

    words: tuple[str, ...]
    options: Mapping[str, int]
    arguments: Collection[str] = ()


@dataclass
class TypedLine:
    """What to type, without the program's name, and what was wrong; a line that ``ends`` here is not looked at again.

    ``typed`` is empty where nobody can know; ``next`` then says what else may help.
    """

    typed: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    next: str = ""
    ends: bool = False


def command(word: str, rest: Sequence[str], known: Collection[str]) -> TypedLine:
    """The line meant by the command ``word``, which is none of those ``known``, and what was typed behind it."""
    also = {other: name for name in tasks.names() for other in tasks.spec(name).also}
    found = aliases.elsewhere(word)
    if word.lower() in also:
        task = also[word.lower()]
        return TypedLine([task, *rest], [f"what you call {word} is the task {task}"])
    if found is not None:
        return _elsewhere(word, found, rest)
    is_object = "=" in word or is_recipe(word) or is_data(word)
    if is_object and (at := next((i for i, other in enumerate(rest) if other in known), None)) is not None:
        return TypedLine([rest[at], word, *rest[:at], *rest[at + 1 :]], [f"the command {rest[at]} comes before {word}"])
    if is_recipe(word):
        return TypedLine(["run", word, *rest], [f"{word} is a recipe, and no command"])
    if "/" not in word and (near := nearest(word, known)):
        return TypedLine([near, *rest], [_no_command(word)])
    if Path(word).is_dir() and (Path(word) / "run.json").is_file():
        return TypedLine(["runs", "show", word, *rest], [f"{word} is a run, and no command"], ends=True)
    if is_data(word):
        return _some_task(["--data", word, *rest], f"{word} is data, and no command")
    if "=" in word:
        return _some_task([word, *rest], f"{word} is a setting, and no command")
    others = (*also, *(other for one in aliases.COMMANDS for other in one.words.split()))
    if near := nearest(word, others):
        line = command(near, rest, known)
        line.reasons.insert(0, _no_command(word))
        return line
    return TypedLine(reasons=[_no_command(word)], next="rnncli --help lists the commands")


def action(group: str, word: str, rest: Sequence[str], known: Collection[str]) -> TypedLine:
    """The same of a command of a group, such as ``runs``."""
    if meant := aliases.meant(word, aliases.ACTIONS, known) or nearest(word, known):
        return TypedLine([group, meant, *rest], [f'{group} has no command "{word}"'])
    if len(known) == 1 and not word.startswith("-"):
        only = next(iter(known))
        return TypedLine([group, only, word, *rest], [f"{group} is a group of commands, of which {only} is one"])
    names = ", ".join(known)
    return TypedLine(
        reasons=[f'{group} has no command "{word}"'], next=f"rnncli {group} COMMAND, where COMMAND is {names}"
    )


def misplaced(args: Sequence[str], known: Collection[str]) -> TypedLine:
    """The line meant by one that begins with options of a command, which come behind it."""
    at = next((i for i, arg in enumerate(args) if arg in known), None)
    if at is None:
        what = f"{args[0]} stands before any command"
        return TypedLine(reasons=[what], next="rnncli --help lists the tasks and the commands")
    return TypedLine([args[at], *args[:at], *args[at + 1 :]], [f"{args[0]} belongs behind the command {args[at]}"])


def arguments(shape: CommandShape, args: Sequence[str]) -> TypedLine | None:
    """The line meant by the arguments of a command; None where nothing is wrong with their form."""
    return _Arguments(shape, args).read()


class _Arguments:
    """Reads the arguments of one command once, from left to right, into a line that can be understood."""

    def __init__(self, shape: CommandShape, args: Sequence[str]) -> None:
        self.shape, self.args, self.rest = shape, args, deque(args)
        self.line = TypedLine([*shape.words])
        self.task = shape.words[0] if shape.words[0] in tasks.names() else ""
        self.sets = "overrides" in shape.arguments
        self.wants_recipe = "recipe" in shape.arguments
        self.early: list[str] = []
        self.keyed: list[str] = []
        self.places = 0

    def read(self) -> TypedLine | None:
        while self.rest and not self.line.ends:
            word = self.rest.popleft()
            if word == "--":
                self.line.typed += [word, *self.rest]
                break
            if word.startswith("-") and len(word) > 1 and not word[1].isdigit():
                self._option(word)
            else:
                self._word(word)
        if self.early and not self.line.ends:
            self.line.typed += self.early
            if not self.wants_recipe:
                self.line.reasons.append("the recipe comes before its settings")
        if self.keyed and not self.line.ends:
            several = len(self.keyed) > 1
            names = f"{', '.join(self.keyed[:-1])} and {self.keyed[-1]}" if several else self.keyed[0]
            what = "are no options but keys of the recipe" if several else "is no option but a key of the recipe"
            self.line.reasons.append(f"{names} {what}")
        return self.line if self.line.reasons else None

    @cached_property
    def keys(self) -> RecipeKeys:
        """The keys of the recipe that the line is about."""
        from rnncli.cli.keys import RecipeKeys

        if self.shape.words == (TASK,):
            return RecipeKeys.of_task(tasks.names()[0])  # for what all of them have
        named = [word for word in self.args if not word.startswith("-") and "=" not in word]
        return RecipeKeys.of_task(self.task) if self.task else RecipeKeys.of_recipe(named[0] if named else "")

    def _option(self, word: str) -> None:
        if "inputs" in self.shape.arguments and not is_option_like(word):
            self.line.typed.append(word)
            return
        name, equals, value = word.partition("=")
        options = self.shape.options
        known = name if name in options else word[:2] if not word.startswith("--") and word[:2] in options else ""
        if known:
            self.line.typed.append(word)
            for _ in range(min(options[known], len(self.rest)) if not equals and word == known else 0):
                self.line.typed.append(self.rest.popleft())
            return
        given = value if equals else None
        bare = name.lstrip("-")
        if ours := aliases.meant(bare, aliases.OPTIONS, (*options, *self._bare())):
            self._renamed(name, ours, given)
            return
        if self._settable() and self._setting(name, bare, given):
            return
        if near := nearest(name, options, NEAR):
            self._renamed(name, near, given)
        elif "inputs" in self.shape.arguments:
            self.line.typed.append(word)  # perhaps a text that begins with a dash
        else:
            self._unknown(name)

    def _bare(self) -> tuple[str, ...]:
        """What stands without an option in this command."""
        places = {"run": "RUN", "runs": "RUN", "inputs": "TEXT"}
        found = [place for name, place in places.items() if name in self.shape.arguments]
        found += ["SETTING"] if self.sets else []
        return (*found, *(("--recipe",) if self.wants_recipe else ()))

    def _settable(self) -> bool:
        return self.sets or "--set" in self.shape.options

    def _renamed(self, name: str, ours: str, given: str | None) -> None:
        """Put another option in its place, with its value."""
        bare = ours not in self.shape.options
        takes = bare or self.shape.options[ours]
        value = self._value(given) if takes else None
        if takes and value is None:
            value = ours.lstrip("-").upper()
        if bare:
            self.line.reasons.append(f"{name} is not wanted: {value} stands by itself")
            self.wants_recipe = self.wants_recipe and ours != "--recipe"
        else:
            self.line.reasons.append(f"there is no option {name}, but {ours}")
        self.line.typed += [one for one in ("" if bare else ours, value) if one]

    def _setting(self, name: str, bare: str, given: str | None) -> bool:
        """Put a setting in its place, if the option is one."""
        keys = self.keys
        key = keys.exact(bare) or keys.alike(bare)
        switch = aliases.meant(bare, aliases.SETTINGS)
        if not key and switch and keys.exact(switch.partition("=")[0]):
            number = given if given is not None else self.rest[0] if self.rest and self.rest[0].isdigit() else ""
            if number and given is None:
                self.rest.popleft()
            self._put(f"{switch}:{number}" if number and number.isdigit() and ":" not in switch else switch, name)
            return True
        if bare.startswith("no") and not key and keys.is_switch(negated := keys.meant(bare[2:].lstrip("-_"))):
            self._put(f"{negated}=false", name)
            return True
        key = key or keys.meant(bare)
        if not key:
            return False
        self._put(f"{key}={keys.value(key, self._value(given, only=keys.switches(key)))}", name)
        return True

    def _put(self, setting: str, name: str) -> None:
        if not self.sets:
            self.line.typed.append("--set")
        self.keyed.append(name)
        self.line.typed.append(setting)

    def _value(self, given: str | None, only: Collection[str] = ()) -> str | None:
        """The value of an option: its own, or the next word if it can be one."""
        if given is not None:
            return given
        following = self.rest[0] if self.rest else "-"
        fits = not only or following.lower() in only
        is_option = following.startswith("-") and not following[1:2].isdigit()
        return self.rest.popleft() if fits and not is_option and following != "=" else None

    def _unknown(self, name: str) -> None:
        own = " ".join(self.shape.words)
        more = "; a key of the recipe is set as in train.epochs=3" if self._settable() else ""
        advice = aliases.meant(name.lstrip("-"), aliases.INSTEAD) or f"rnncli {own} --help lists the options{more}"
        self.line = TypedLine(reasons=[f"there is no option {name}"], next=advice, ends=True)

    def _word(self, word: str) -> None:
        if "--set" in self.shape.options and "=" in word and not exists(word):
            self.line.reasons.append(f"settings of a batch stand behind --set, and {word} by itself")
            self.line.typed += ["--set", word]
        elif not self.sets:
            if self.places and "--data" in self.shape.options and is_data(word) and not word.startswith("data."):
                self.line.reasons.append(f"data is named with --data, and {word} stands by itself")
                self.line.typed.append("--data")
            self.places += 1
            self.line.typed.append(word)
        elif joined := self._joined(word):
            self.line.reasons.append("a setting is one word without blanks, key=value")
            self._settle(joined)
        elif "=" in word:
            self._settle(word)
        elif self.wants_recipe:
            self._recipe(word)
        elif self.task:
            self._stray(word)
        else:
            self.line.typed.append(word)

    def _settle(self, setting: str) -> None:
        """A setting where it may stand, behind the recipe, by the name that its key has here."""
        name, _, value = setting.partition("=")
        name = name.strip()
        is_alias = aliases.meant(name.rpartition(".")[2], aliases.KEYS) and not self.keys.exact(name)
        if is_alias and (key := self.keys.meant(name)):
            self.line.reasons.append(f"the key {name} is called {key}")
            setting = f"{key}={value}"
        (self.early if self.wants_recipe else self.line.typed).append(setting)

    def _joined(self, word: str) -> str:
        """A setting that was typed in several words, as one; empty where there is none."""
        following = self.rest[0] if self.rest else ""
        if following == "=" and "=" not in word:
            self.rest.popleft()
            return f"{self._key(word)}={self.rest.popleft() if self.rest else ''}"
        if following.startswith("=") and "=" not in word:
            return f"{self._key(word)}{self.rest.popleft()}"
        is_plain = bool(following) and "=" not in following and not following.startswith("-")
        if word.endswith("=") and is_plain and not is_data(following) and word.count("=") == 1:
            return f"{self._key(word[:-1])}={self.rest.popleft()}"
        if "=" in word or exists(word):
            return ""
        name, colon, value = word.partition(":")
        if colon and value and "." in name and self.keys.exact(name):
            return f"{name}={value}"
        is_key = word.replace(".", "").isidentifier() and not is_recipe(word, self.task)
        if is_plain and is_key and aliases.elsewhere(word) is None:
            key = self.keys.exact(word) or self.keys.alike(word)
            return f"{key}={self.rest.popleft()}" if key else ""
        return ""

    def _key(self, word: str) -> str:
        return self.keys.exact(word) or self.keys.meant(word) or word

    def _recipe(self, word: str) -> None:
        own = self.shape.words
        self.wants_recipe = False
        if word in tasks.names() and not exists(word) and own == ("run",):
            self.line = TypedLine([word, *self.early, *self.rest], [f"{word} is a task, and a command of its own"])
            self.early = []
            self.rest.clear()
        elif own == ("run",) and (Path(word) / "run.json").is_file():
            self.line = TypedLine([*own, "--resume", word], [f"{word} is a run, and run takes a recipe"], ends=True)
        elif is_named_data(word) or Path(word).is_dir():
            kind = "a folder, perhaps of data" if Path(word).is_dir() else "data"
            said = f"{word} is {kind}, and {' '.join(own)} takes a recipe"
            others = [*self.early, *self.rest]
            if own == ("run",):
                self.line = _some_task(["--data", word, *others], said)
            else:
                self.line = _some_task([f"data.train={word}", *others], said, (*own, f"{TASK}/own-data"))
        else:
            near = "" if is_recipe(word) or exists(word) else library.near(word, others=tasks.recipe_folders())
            self.line.reasons += [f'there is no recipe {word} (did you mean "{near}"?)'] if near else []
            self.line.typed.append(near or word)

    def _stray(self, word: str) -> None:
        """A word of a task's command that is no setting."""
        found = aliases.elsewhere(word)
        given = any(one == "--data" or one.startswith("--data=") for one in self.args)
        if word == "help" and len(self.args) == 1:
            self.line = TypedLine([*self.shape.words, "--help"], ["help is an option of a command"], ends=True)
        elif is_recipe(word, self.task):
            self.line.typed += ["--recipe", word]
            self.line.reasons.append(f"a recipe is named with --recipe, and {word} stands by itself")
        elif found is not None and found.typed == aliases.TRAIN and not exists(word):
            self.line.reasons.append(f"{self.task} trains by itself, without {word}")
        elif is_data(word) and not given:
            self.line.typed += ["--data", word]
            self.line.reasons.append(f"data is named with --data, and {word} stands by itself")
        elif is_data(word):
            said = f"--data takes one file or folder, and {word} is another"
            self.line = TypedLine(
                reasons=[said], next=f"--dev {word} or --test {word}, or --data FOLDER with all of them", ends=True
            )
        elif " " in word.strip():
            said = f"{self.task} trains, and a run of it predicts texts"
            self.line = TypedLine(["predict", "RUN", word], [said], ends=True)
        else:
            self.line.typed.append(word)


def _elsewhere(word: str, found: aliases.Elsewhere, rest: Sequence[str]) -> TypedLine:
    behind = zip(("", *rest), rest, strict=False)
    first = next((one for before, one in behind if not one.startswith("-") and not before.startswith("--")), "")
    if found.typed == aliases.TRAIN:
        return _training(word, first, rest)
    if found.why:
        return TypedLine(found.typed.replace("{}", first or found.blank).split(), [found.why], ends=True)
    command = found.typed.removesuffix(" {}")
    said = [f"what you call {word} is rnncli {command}"]
    if command != found.typed and (not first or (command == "predict" and Path(first).suffix)):
        return TypedLine([*command.split(), found.blank, *rest], said, ends=True)
    return TypedLine([*command.split(), *rest], said)


def _training(word: str, first: str, rest: Sequence[str]) -> TypedLine:
    """The line meant by a command that trains: a task's own, or ``run`` with a recipe."""
    others = list(rest)
    if first:
        others.remove(first)
    also = {other: name for name in tasks.names() for other in (name, *tasks.spec(name).also)}
    said = f"what you call {word} is a task's own command, or run with a recipe"
    if first in also:
        return TypedLine([also[first], *others], [said])
    if first and is_recipe(first):
        return TypedLine(["run", first, *others], [said])
    return _some_task(["--data", first, *others] if first and is_data(first) else list(rest), said)


def _some_task(args: Sequence[str], reason: str, words: Sequence[str] = (TASK,)) -> TypedLine:
    """A line of which nobody knows the task; what all tasks take is read nonetheless."""
    names = tasks.names()
    read = _Arguments(CommandShape((TASK,), OF_EVERY_TASK, ("overrides",)), args).read() if words == (TASK,) else None
    if read is not None and not read.ends:
        args, reason = read.typed[1:], "; ".join((reason, *read.reasons))
    known = f"where {TASK} is {', '.join(names[:-1])} or {names[-1]}"
    return TypedLine([*words, *args], [reason], next=known, ends=True)


def _no_command(word: str) -> str:
    return f'there is no command "{word}"'
