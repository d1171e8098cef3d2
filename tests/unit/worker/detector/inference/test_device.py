import pytest
import torch

from worker.detector.inference.device import DeviceUnavailable, choose_device


@pytest.mark.parametrize("requested", ["gpu", "", "cuda:x", "cuda:-1", "tpu", "CPU", "meta"])
def test_an_unknown_device_is_refused(requested: str) -> None:
    with pytest.raises(DeviceUnavailable, match=r"not available.*auto, cpu, cuda, cuda:N, mps"):
        choose_device(requested)


def test_absent_gpu_is_refused() -> None:
    """An absent gpu is refused and never replaced by the cpu."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0

    with pytest.raises(DeviceUnavailable, match=f"'cuda:{count}' is not available: .* sees {count} CUDA"):
        choose_device(f"cuda:{count}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_on_a_machine_without_it_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="sees 0 CUDA"):
        choose_device("cuda")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has an MPS device")
def test_mps_on_a_machine_without_it_is_refused() -> None:
    with pytest.raises(DeviceUnavailable, match="no MPS device"):
        choose_device("mps")


def test_auto_takes_the_best_device_and_says_why() -> None:
    chosen = choose_device("auto")

    if torch.cuda.is_available():
        assert (chosen.name, chosen.reason) == ("cuda:0", torch.cuda.get_device_name(0))
    elif torch.backends.mps.is_available():
        assert chosen.name == "mps"
    else:
        assert chosen.name == "cpu"
        assert chosen.reason.startswith(("no GPU found; ", "no CUDA or MPS device found; "))


def test_the_cpu_is_taken_as_asked_and_says_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")

    chosen = choose_device("cpu")

    assert (chosen.name, chosen.reason) == ("cpu", "as asked; 3 threads")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_cuda_means_the_first_card() -> None:
    assert choose_device("cuda").name == "cuda:0"
