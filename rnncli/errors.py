"""What a person can get wrong, as exceptions that carry one sentence, a hint and an exit code.

Everything here is shown as ``message`` and, where there is one, ``hint`` on a line of its own; never as a traceback.
Anything else that escapes is a defect of the program and ends with exit code 1.
"""


class UserError(Exception):
    """Something the user can mend: ``message`` is one sentence, ``hint`` what to type or do next."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(UserError):
    """A command line that cannot be carried out."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be run; ``message`` holds one line for each problem found."""

    exit_code = 2


class DataError(UserError):
    """Data that cannot be read or cannot be learnt from."""

    exit_code = 3


class RunError(UserError):
    """A run directory or a checkpoint that cannot be written, read or continued."""

    exit_code = 4


class TrainingError(UserError):
    """Training that cannot go on, such as a loss that is no longer a number."""

    exit_code = 1


class Interrupted(UserError):  # noqa: N818 - it is an ending, not an error
    """Stopped by the user after the state was saved."""

    exit_code = 130


class BatchError(UserError):
    """Some runs of a batch failed; the others are done."""

    exit_code = 5
