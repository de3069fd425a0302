"""Energy used while something runs, as the machine's own counters tell it."""

import ctypes
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Counters of processor packages (Intel and AMD RAPL) and NVIDIA GPUs, read twice.

    They count whole packages and GPUs: what else runs there is counted too.
    """

    def __init__(self, powercap: Path = POWERCAP):
        """Read the counters for the first time."""
        self._powercap = powercap
        self._start = self._read()

    def joules(self) -> dict[str, float]:
        """Return the joules since the meter was made, by counter; empty where nothing is readable."""
        now = self._read()
        found = {}
        for name, (value, span) in now.items():
            if name in self._start:
                used = value - self._start[name][0]
                found[name] = round(used + span if used < 0 else used, 3)  # RAPL counts round and round
        return found

    def _read(self) -> dict[str, tuple[float, float]]:
        return self._packages() | _gpus()

    def _packages(self) -> dict[str, tuple[float, float]]:
        found = {}
        for folder in sorted(self._powercap.glob("intel-rapl:*")):
            if folder.name.count(":") > 1:
                continue  # a part of a package
            try:
                value, span = (int((folder / name).read_text()) / 1e6 for name in ("energy_uj", "max_energy_range_uj"))
                found[(folder / "name").read_text().strip()] = (value, span)
            except (OSError, ValueError):
                continue  # readable by root alone on most machines
        return found


def _gpus() -> dict[str, tuple[float, float]]:
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return {}
    count, found = ctypes.c_uint(), {}
    if library.nvmlInit_v2() or library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return {}
    for index in range(count.value):
        handle, energy = ctypes.c_void_p(), ctypes.c_ulonglong()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
            continue
        if not library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(energy)):
            found[f"gpu-{index}"] = (energy.value / 1000, 0.0)  # millijoules
    library.nvmlShutdown()
    return found
