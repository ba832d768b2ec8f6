import pynvml
import pytest

from idemtui.doctor.gpu import Software, check_gpus, installed
from idemtui.server.devices import DevicesError, Driver, Gpu, GpuProcess, NvmlReader

GB = 1_000_000_000
CUDA = Software("2.13.0", "13.0", "0.32.0")


class Told(NvmlReader):
    """A driver as a test says it is; None for a machine without one."""

    def __init__(self, driver: Driver | None, gpus: int = 1) -> None:
        self._driver, self._gpus = driver, gpus

    def driver(self) -> Driver:
        if self._driver is None:
            raise DevicesError("no GPU can be seen: NVML says 'NVML Shared Library Not Found'")
        return self._driver

    def read(self) -> list[Gpu]:
        one = Gpu("GPU-0", 0, "H200", 141 * GB, 21 * GB, (GpuProcess(5_000_007, 20 * GB),))
        return [one] * self._gpus


def test_this_machine_s_own_torch_is_read_without_importing_it() -> None:
    import torch

    assert installed().torch == torch.__version__
    assert installed().torch_cuda == torch.version.cuda


def test_a_gpu_server_shows_what_is_free_and_who_else_is_there() -> None:
    check = check_gpus(Told(Driver("580.12", "13.0")), CUDA)
    assert check.level == "ok"
    assert "driver 580.12 (CUDA 13.0), torch 2.13.0 for CUDA 13.0, vLLM 0.32.0; GPU 0 H200: 120" in check.what
    assert check.what.endswith("free, in use by somebody: a process 20 GB (process 5000007)")


def test_a_driver_that_is_too_old_is_said_with_what_to_do() -> None:
    check = check_gpus(Told(Driver("550.54", "12.4")), CUDA)
    assert (check.level, "too old" in check.what) == ("bad", True)
    assert check.advice == "Update the driver to one for CUDA 13.0, or install a torch for CUDA 12.4."


@pytest.mark.parametrize(
    ("software", "level", "said"),
    [
        (Software("2.13.0+cpu", None, None), "bad", "this torch has no CUDA"),
        (Software("2.13.0", "12.8", None), "warn", "transformers draws"),
        (Software("2.13.0", "12.8", "0.32.0"), "ok", "free"),
    ],
)
def test_what_is_not_installed_is_named(software: Software, level: str, said: str) -> None:
    check = check_gpus(Told(Driver("580.12", "13.0")), software)
    assert (check.level, said in check.what) == (level, True)


def test_without_a_driver_runs_go_to_the_cpu() -> None:
    check = check_gpus(Told(None), CUDA)
    assert (check.level, check.what.endswith("runs go to the CPU")) == ("ok", True)


def test_a_gpu_that_the_driver_lost_is_named() -> None:
    class Lost(Told):
        def read(self) -> list[Gpu]:
            return [*super().read(), Gpu("lost-1", 1, "cannot be read", 0, 0, trouble="NVML says 'GPU is lost' of it")]

    check = check_gpus(Lost(Driver("580.12", "13.0")), CUDA)
    assert (check.level, check.what.endswith("; GPU 1 cannot be used: NVML says 'GPU is lost' of it")) == ("warn", True)


def test_nvml_tells_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlSystemGetCudaDriverVersion", lambda: 12080)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: b"570.1")
    assert NvmlReader().driver() == Driver("570.1", "12.8")


def test_a_missing_compiler_is_said_before_the_first_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idemtui.doctor.gpu.compiler_trouble", lambda: "there is no C compiler (gcc or clang)")
    check = check_gpus(Told(Driver("580.12", "13.0")), CUDA)
    assert (check.level, check.what.endswith("and there is no C compiler (gcc or clang)")) == ("bad", True)
    assert check.advice.startswith("Install both (build-essential and python3-dev")
    assert check_gpus(Told(Driver("580.12", "13.0"), gpus=0), CUDA).level == "ok"
