"""What nvidia-ml-py would say, for a lab server in its own process: put this folder first in PYTHONPATH.

GPUs stand in the JSON file that $FAKE_NVML names: uuid, name, total, used, utilization, power (watts), temperature,
processes [[pid, bytes], …].
"""

# ruff: noqa: N802
import json
import os
from pathlib import Path
from types import SimpleNamespace

NVML_TEMPERATURE_GPU = 0


class NVMLError(Exception):
    pass


def _gpus():
    return json.loads(Path(os.environ["FAKE_NVML"]).read_text())


def nvmlInit():
    pass


def nvmlShutdown():
    pass


def nvmlDeviceGetCount():
    return len(_gpus())


def nvmlDeviceGetHandleByIndex(index):
    return _gpus()[index]


def nvmlDeviceGetUUID(gpu):
    return gpu["uuid"]


def nvmlDeviceGetName(gpu):
    return gpu["name"]


def nvmlDeviceGetMemoryInfo(gpu):
    return SimpleNamespace(total=gpu["total"], used=gpu["used"])


def nvmlDeviceGetComputeRunningProcesses(gpu):
    return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in gpu["processes"]]


def nvmlDeviceGetUtilizationRates(gpu):
    return SimpleNamespace(gpu=gpu["utilization"])


def nvmlDeviceGetPowerUsage(gpu):
    return gpu["power"] * 1000


def nvmlDeviceGetTemperature(gpu, sensor):
    return gpu["temperature"]
