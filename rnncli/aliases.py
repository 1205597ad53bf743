"""What other programs call the things that are here: the one table of words that people bring along.

Nothing here is carried out. It is only looked at where a command line or a recipe could not be understood, to say what
to type instead. On the left stands what is here, on the right the words for it, parted by blanks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

KEYS = {
    "seed": "random_state random_seed manual_seed",
    "name": "run_name experiment experiment_name",
    "data.train": "data dataset train_file train_path train_data training_data",
    "data.dev": "valid val validation valid_file validation_file dev_file",
    "data.test": "test_file test_path",
    "data.dev_fraction": "val_split validation_split val_size dev_size",
    "data.test_fraction": "test_size test_split",
    "data.folds": "cv k_fold kfold n_splits cross_validation",
    "data.unit": "tokenizer tokenization",
    "data.lower": "lowercase do_lower_case uncased",
    "data.min_count": "min_freq min_df",
    "data.max_vocabulary": "vocab_size max_vocab max_features vocabulary_size",
    "data.max_length": "max_len maxlen max_seq_length max_seq_len seq_len",
    "data.frequency": "freq",
    "data.lookback": "window_size input_size input_chunk_length context_length seq_len history",
    "data.season": "seasonality season_length seasonal_period seasonal_periods",
    "evaluation.origins": "n_windows num_windows windows",
    "evaluation.step": "stride",
    "train.epochs": "e epoch num_epochs n_epochs num_train_epochs max_epochs",
    "train.batch_size": "b bs batch batchsize train_batch_size per_device_train_batch_size",
    "train.accumulate": "gradient_accumulation_steps accumulation grad_accum",
    "train.optimizer": "optim solver",
    "train.learning_rate": "lr rate step_size eta alpha",
    "train.weight_decay": "wd l2 decay",
    "train.schedule": "scheduler lr_scheduler lr_schedule lr_scheduler_type",
    "train.warmup_steps": "warmup num_warmup_steps",
    "train.clip_norm": "clip grad_clip gradient_clip max_grad_norm clip_grad_norm",
    "train.patience": "early_stopping early_stop early_stopping_patience",
    "train.best_by": "metric monitor metric_for_best_model",
    "model.cell": "model rnn_type cell_type rnn architecture arch",
    "model.layers": "num_layers n_layers nlayers num_hidden_layers depth",
    "model.hidden": "hidden_size hidden_dim hidden_units units d_model dim",
    "model.bidirectional": "bi bidir birnn",
    "model.embedding": "embedding_dim embedding_size emb_dim embed_dim embed_size",
    "model.vectors": "pretrained embeddings glove word2vec fasttext word_vectors",
    "model.dropout": "dropout_rate drop",
    "compute.device": "cuda gpu use_gpu accelerator",
    "compute.precision": "dtype mixed_precision",
    "compute.threads": "num_threads n_jobs num_workers workers cpus",
    "evaluation.resamples": "n_boot bootstrap",
    "decoding.beam": "beam_size num_beams beam_width",
}
"""Keys of a recipe; one that the recipe's own task lacks is not proposed."""

SETTINGS = {
    "compute.device=cuda": "g gpu gpus cuda use_gpu use_cuda",
    "compute.device=cpu": "cpu no_gpu no_cuda use_cpu",
    "compute.device=mps": "mps",
    "compute.precision=fp32": "fp32",
    "compute.precision=fp16": "fp16 half",
    "compute.precision=bf16": "bf16 amp autocast",
    "model.cell=lstm": "lstm use_lstm",
    "model.cell=gru": "gru use_gru",
    "data.lower=false": "cased",
    "evaluation.page=false": "no_plots no_html",
}
"""Settings for which other programs have an option without a value."""

OPTIONS = {
    "--out": "output output_dir out_dir outdir save save_dir save_path output_file log_dir logdir model_dir dest",
    "--recipe": "config config_file cfg conf yaml preset c",
    "--data": "d i train input file path dataset data_path data_dir data_file train_file train_data training_data csv",
    "--dev": "valid val validation validation_file dev_file eval eval_file",
    "--test": "test_file test_data",
    "TEXT": "text texts input inputs file sentence data i",
    "--text-column": "text text_field text_col input_column x",
    "--label-column": "label labels target label_col target_column y",
    "--horizon": "h fh periods pred_len prediction_length forecast_horizon forecast_length output_chunk_length",
    "--time-column": "ds date date_column date_col time time_col timestamp timestamp_column datetime_column",
    "--target-column": "target target_col y value values value_column",
    "--series-column": "series unique_id id id_column id_col item_id",
    "--known": "known_covariates future_covariates futr_exog exog regressors known_columns",
    "--past": "past_covariates hist_exog",
    "--resume": "restore from_checkpoint resume_from_checkpoint continue checkpoint",
    "--dry-run": "dryrun check test_run fast_dev_run",
    "--quiet": "silent no_progress s",
    "--debug": "verbose traceback stacktrace v",
    "--jobs": "workers parallel num_workers n_jobs max_workers",
    "--metric": "metrics by sort",
    "--base": "baseline reference against",
    "--yes": "force f",
    "--html": "page web",
    "--markdown": "md card",
    "--order": "n ngram ngrams",
    "--prompt": "primetext prime start start_text start_string prefix context seed_text",
    "--primer": "midi seed_midi prime_midi",
    "--harmonise": "harmonize melody",
    "--length": "max_tokens max_new_tokens max_length tokens num_tokens n chars characters steps",
    "--temperature": "temp t",
    "--samples": "num_samples num_return_sequences n_samples",
    "--stop": "stop_token stop_string eos end",
    "--help": "help usage ?",
    "RUN": "run run_dir model model_path",
    "SETTING": "set override overrides param params hparams opts",
}
"""Options, of a command that has them; RUN, TEXT and SETTING stand bare, as arguments."""

INSTEAD = {
    "results go to stdout: > FILE writes them into a file": "output out output_file out_file o save",
    "rnncli --version says the version": "version V",
}
"""What takes the place of options that a command does not have."""

TRAIN = "train"
"""Stands for training in ``Elsewhere.typed``: which command does it, what follows must tell."""


@dataclass(frozen=True)
class Elsewhere:
    """What to type for a command of another program: ``typed``, behind which comes what was typed behind it.

    A place in it, ``{}``, is for the first word that followed; ``blank`` stands there where none did. ``why`` is what
    is to be said where the thing is not here; nothing else that was typed is kept then.
    """

    typed: str
    words: str
    why: str = ""
    blank: str = "RUN"


COMMANDS = (
    Elsewhere(TRAIN, "train fit learn training start execute trainer"),
    Elsewhere("run --resume {}", "resume continue restart"),
    Elsewhere("evaluate {}", "eval test score evaluation validate metrics"),
    Elsewhere("predict {}", "infer inference prediction apply use transcribe"),
    Elsewhere("write {}", "generate generation sample complete compose improvise harmonise harmonize"),
    Elsewhere("serve {}", "server deploy api daemon"),
    Elsewhere("submit {}", "submission kaggle"),
    Elsewhere("weights show FILE", "import keras"),
    Elsewhere("runs list", "ls list history experiments status"),
    Elsewhere("runs rm {}", "rm remove delete del"),
    Elsewhere("runs show {}", "show info describe summary"),
    Elsewhere("report {}", "card html plot view page open"),
    Elsewhere("compare {}", "diff comparison leaderboard", blank="runs"),
    Elsewhere("batch", "sweep grid multirun many"),
    Elsewhere("doctor", "env check diagnose devices collect-env system"),
    Elsewhere("recipes list", "recipe models presets examples configs"),
    Elsewhere("recipes copy", "init new create template copy config"),
    Elsewhere("bench core", "benchmark speed"),
    Elsewhere("bench step", "profile"),
    Elsewhere("features", "extract preprocess encode featurize"),
    Elsewhere("ngram", "lm kenlm language-model"),
    Elsewhere("data check", "dataset datasets stats explore"),
    Elsewhere(
        "batch {} --set train.learning_rate=1e-3,3e-3",
        "tune search hpo optimize hyperopt optuna",
        "there is no tuning by itself; a batch runs every combination of the values that you name",
        blank="RECIPE",
    ),
    Elsewhere(
        "export {} --out model",
        "convert onnx save torchscript quantize package",
        "an exported model runs with numpy and onnxruntime alone; a run itself is a folder that can be moved",
    ),
    Elsewhere(
        "run {}/recipe.yaml data.train=FILE --from {}",
        "finetune fine-tune fine_tune retrain adapt transfer update",
        "a new run begins with the best model of another and learns from further data",
    ),
    Elsewhere(
        "report {} --open",
        "gui ui dashboard tensorboard wandb mlflow",
        "there is no dashboard; each run has a page, and evaluation.tensorboard=true writes events for TensorBoard",
    ),
    Elsewhere(
        "doctor",
        "install upgrade download pull login",
        "there is nothing to fetch; doctor says what is there and what is missing",
    ),
    Elsewhere("--install-completion", "completion completions autocomplete", "the shell's completion is an option"),
)
"""Commands of other programs; the words for tasks stand in their specs (:attr:`rnncli.tasks.base.TaskSpec.also`)."""

ACTIONS = {
    "list": "ls all",
    "rm": "delete remove del clean prune",
    "show": "info view cat get print describe open",
    "copy": "cp new init create clone",
    "validate": "check lint test verify",
    "check": "stats info inspect show validate describe look",
    "core": "layer layers recurrent kernel kernels",
    "step": "train training steps profile",
}
"""Commands of a group, such as the ``list`` of ``runs list``."""


def meant(word: str, table: Mapping[str, str], among: Iterable[str] | None = None) -> str:
    """What ``word`` is called here by ``table``, if it is one of those ``among`` which to choose; else nothing."""
    found = (ours for ours, theirs in table.items() if word.lower().replace("-", "_") in theirs.split())
    known = None if among is None else set(among)
    return next((ours for ours in found if known is None or ours in known), "")


def elsewhere(word: str) -> Elsewhere | None:
    """The entry of a command of another program."""
    return next((one for one in COMMANDS if word.lower() in one.words.split()), None)
