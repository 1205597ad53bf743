import os

import pytest

from rnncli.errors import RecipeError, UsageError
from rnncli.recipe import library


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A library of three recipes; the current folder is another, empty one."""
    for name, text in {
        "sentiment/default": "# Tells good from bad.\n# Takes a minute.\n#\n# More.\ntask: sentiment\n",
        "sentiment/rt-polarity": "# One line\n\n# not this\ntask: sentiment\n",
        "tagging/default": "task: tagging\n",
    }.items():
        path = tmp_path / "shelf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "shelf" / "sentiment" / "notes.txt").write_text("no recipe", encoding="utf-8")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "shelf"


def test_the_recipes_of_a_folder_are_found_by_name_with_their_summaries(shelf):
    assert [(recipe.name, recipe.summary) for recipe in library.find(shelf)] == [
        ("sentiment/default", "Tells good from bad. Takes a minute."),
        ("sentiment/rt-polarity", "One line"),
        ("tagging/default", ""),
    ]


def test_recipes_are_shipped_and_each_says_what_it_does():
    shipped = library.find()
    assert "sentiment/default" in [recipe.name for recipe in shipped]
    assert all(recipe.summary and recipe.path.is_file() for recipe in shipped)


def test_every_file_of_the_shipped_folder_is_found():
    files = [path for path in library.folder().rglob("*") if path.is_file()]
    assert files
    assert sorted(files) == sorted(recipe.path for recipe in library.find())


@pytest.mark.parametrize("suffix", ["", ".yaml", ".yml"])
def test_a_shipped_recipe_is_named_with_or_without_its_suffix(shelf, suffix):
    found = library.resolve(f"sentiment/rt-polarity{suffix}", where=shelf)
    assert found == shelf / "sentiment" / "rt-polarity.yaml"


def test_the_task_need_not_be_repeated_where_it_is_known(shelf):
    assert library.resolve("rt-polarity", task="sentiment", where=shelf).name == "rt-polarity.yaml"
    assert library.resolve("tagging/default", task="sentiment", where=shelf).parent.name == "tagging"
    with pytest.raises(RecipeError):
        library.resolve("rt-polarity", where=shelf)


def test_a_file_of_exactly_that_name_wins_over_a_shipped_recipe(shelf):
    os.mkdir("sentiment")
    assert library.resolve("sentiment/default", where=shelf) == shelf / "sentiment" / "default.yaml"
    with open("sentiment/default.yaml", "w", encoding="utf-8") as file:
        file.write("task: mine\n")
    assert library.resolve("sentiment/default", where=shelf) == shelf / "sentiment" / "default.yaml"
    assert library.resolve("sentiment/default.yaml", where=shelf).read_text(encoding="utf-8") == "task: mine\n"


def test_a_folder_of_that_name_does_not_hide_a_shipped_recipe(shelf):
    os.makedirs("sentiment/rt-polarity")
    assert library.resolve("sentiment/rt-polarity", where=shelf).is_file()


@pytest.mark.parametrize(
    ("name", "task", "what"),
    [
        ("sentiment/defalt", "", 'neither a file nor a shipped recipe (did you mean "sentiment/default"?)'),
        (
            "rt-polarty",
            "sentiment",
            'neither a file nor a shipped recipe (did you mean "sentiment/rt-polarity"?)',
        ),
        ("zzz", "", "neither a file nor a shipped recipe"),
        ("x" * 5000, "", "neither a file nor a shipped recipe"),
        ("a\0b", "", "neither a file nor a shipped recipe"),
        ("", "", "neither a file nor a shipped recipe"),
        ("..", "", "a folder, not a recipe"),
    ],
)
def test_a_name_that_is_nothing_suggests_the_nearest(shelf, name, task, what):
    with pytest.raises(RecipeError) as caught:
        library.resolve(name, task=task, where=shelf)
    assert caught.value.message == f"{name}: {what}"
    assert "rnncli recipes list" in caught.value.hint


def test_a_copy_goes_into_a_folder_under_its_own_name_or_to_a_file(shelf, tmp_path):
    original = (shelf / "sentiment" / "default.yaml").read_bytes()
    assert library.copy("sentiment/default", where=shelf).read_bytes() == original
    assert (tmp_path / "here" / "default.yaml").exists()
    target = tmp_path / "mine.yaml"
    assert library.copy("sentiment/default", target, where=shelf) == target
    assert target.read_bytes() == original


def test_a_copy_never_overwrites(shelf, tmp_path):
    target = tmp_path / "mine.yaml"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="there already"):
        library.copy("sentiment/default", target, where=shelf)
    assert target.read_text(encoding="utf-8") == "mine"


def test_a_copy_to_a_folder_that_is_not_there_is_refused(shelf, tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        library.copy("sentiment/default", tmp_path / "none" / "mine.yaml", where=shelf)


def test_the_folder_is_inside_an_installed_package_and_beside_one_in_a_checkout(tmp_path, monkeypatch):
    package = tmp_path / "rnncli"
    (package / "recipe").mkdir(parents=True)
    monkeypatch.setattr(library, "__file__", str(package / "recipe" / "library.py"))
    find_folder = library.folder.__wrapped__
    (tmp_path / "recipes").mkdir()
    assert find_folder() == package / "recipes"  # what lies beside an installed package is not ours
    (tmp_path / "pyproject.toml").touch()
    assert find_folder() == tmp_path / "recipes"
    (package / "recipes").mkdir()
    assert find_folder() == package / "recipes"
