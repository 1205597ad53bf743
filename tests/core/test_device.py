"""Choices of device and precision on machines that are described here, not had."""

import json
import warnings
from types import SimpleNamespace

import pytest
import torch

from rnncli.core.device import choose, inventory
from rnncli.errors import UsageError

PLAIN = {"tf32": True, "deterministic": False, "threads": 2}


@pytest.fixture
def machine(monkeypatch):
    """Describe a machine: how many CUDA devices of which capability, and whether mps is there."""

    def describe(cuda=0, capability=(9, 0), mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Fast One")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
        monkeypatch.setattr(
            torch.cuda,
            "get_device_properties",
            lambda index: SimpleNamespace(
                name="Fast One", major=capability[0], minor=capability[1], total_memory=80 * 2**30
            ),
        )
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91000)

    describe()
    return describe


@pytest.fixture
def _settings_restored():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.allow_tf32 = True


def test_without_a_gpu_the_choice_is_the_cpu_in_fp32_and_says_why(machine):
    placement = choose("auto", "auto", **PLAIN)
    assert placement.device == torch.device("cpu")
    assert placement.reasons == ("cpu (no CUDA device found)", "fp32 (lower precision is slower on a CPU)")
    assert placement.describe() == "cpu, fp32, 2 threads"


def test_a_gpu_is_taken_in_bf16_where_it_has_it(machine):
    machine(cuda=2)
    placement = choose("auto", "auto", **PLAIN)
    assert (placement.device, placement.precision) == (torch.device("cuda:0"), "bf16")
    assert placement.dtype == torch.bfloat16
    assert placement.reasons == ("cuda:0 (Fast One found)", "bf16 (compute capability 9.0 has it)")
    assert placement.describe() == "cuda:0 (Fast One), bf16, 2 threads"


def test_an_older_gpu_computes_in_fp32(machine):
    machine(cuda=1, capability=(7, 5))
    placement = choose("cuda", "auto", **PLAIN)
    assert placement.precision == "fp32"
    assert placement.reasons == ("fp32 (compute capability 7.5 has no bf16)",)


def test_what_the_user_chose_needs_no_reason(machine):
    machine(cuda=2)
    placement = choose("cuda:1", "fp16", **PLAIN)
    assert (placement.device, placement.precision, placement.reasons) == (torch.device("cuda:1"), "fp16", ())


def test_mps_is_used_only_when_asked_for(machine):
    machine(mps=True)
    automatic = choose("auto", "auto", **PLAIN)
    assert automatic.device.type == "cpu"
    assert "mps is used only when asked for" in automatic.reasons[0]
    assert choose("mps", "auto", **PLAIN).device.type == "mps"


@pytest.mark.parametrize(
    ("device", "precision", "cuda", "message"),
    [
        ("cuda", "auto", 0, "no CUDA device"),
        ("cuda:1", "auto", 0, "no CUDA device"),
        ("mps", "auto", 0, "mps"),
        ("cuda:7", "auto", 1, "only cuda:0"),
        ("cuda:7", "auto", 4, "only cuda:0 to cuda:3"),
        ("tpu", "auto", 0, "'tpu'"),
        ("cuda:x", "auto", 1, "'cuda:x'"),
        ("cpu", "fp8", 0, "'fp8'"),
    ],
)
def test_what_is_not_here_is_refused_with_a_hint(machine, device, precision, cuda, message):
    machine(cuda=cuda)
    with pytest.raises(UsageError, match=message) as caught:
        choose(device, precision, **PLAIN)
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_what_keeps_cuda_from_starting_is_told_and_not_warned_about(machine, monkeypatch):
    def broken() -> bool:
        warnings.warn("The NVIDIA driver on your system is too old", stacklevel=1)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", broken)
    assert "driver on your system is too old" in choose("auto", "auto", **PLAIN).reasons[0]
    with pytest.raises(UsageError, match="too old"):
        choose("cuda", "auto", **PLAIN)
    assert "too old" in inventory()["cuda trouble"]


def test_no_thread_count_is_torchs_own_and_says_so(machine):
    placement = choose("cpu", "fp32", tf32=True, deterministic=False, threads=0)
    assert placement.threads == torch.get_num_threads()
    assert "torch's own choice" in placement.reasons[-1]


@pytest.mark.usefixtures("_settings_restored")
def test_apply_makes_the_device_the_current_one(machine, monkeypatch):
    machine(cuda=2)
    set_to = []
    monkeypatch.setattr(torch.cuda, "set_device", set_to.append)
    choose("cuda:1", "fp32", **PLAIN).apply()
    assert set_to == [torch.device("cuda:1")]


@pytest.mark.usefixtures("_settings_restored")
def test_apply_sets_threads_tf32_and_deterministic_kernels(machine, monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    choose("cpu", "fp32", tf32=True, deterministic=True, threads=2).apply()
    assert torch.get_num_threads() == 2
    assert torch.get_float32_matmul_precision() == "high"
    assert torch.backends.cudnn.allow_tf32
    assert torch.are_deterministic_algorithms_enabled()
    choose("cpu", "fp32", tf32=False, deterministic=False, threads=1).apply()
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.are_deterministic_algorithms_enabled()


def test_autocast_lowers_products_only_where_the_precision_does(machine):
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with choose("cpu", precision, **PLAIN).autocast():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_the_inventory_is_plain_data(machine):
    machine(cuda=1)
    facts = json.loads(json.dumps(inventory()))
    assert facts["cuda devices"] == [
        {"name": "Fast One", "device": "cuda:0", "memory GiB": 80.0, "capability": "9.0", "bf16": True}
    ]
    assert facts["torch"] == torch.__version__
    machine()
    assert inventory()["cuda devices"] == []
