"""NeuMF on a graphics processor: the same steps as the compiled loops, by PyTorch, an epoch at a time there.

PyTorch is needed for nothing else, so it is imported where it is used.
"""

from typing import Any

import numpy as np

from shared.recommenders.ncf_adam import Weights
from shared.recommenders.sampling import ITEM_BITS, Samples

CUDA = "cuda"


def check_cuda() -> None:
    """Raise ValueError, with what to do, unless PyTorch is there and sees a processor that speaks CUDA."""
    try:
        import torch  # noqa: PLC0415 - gigabytes that only this needs
    except ImportError as error:
        raise ValueError(
            "device cuda needs PyTorch: pip install 'recleak[cuda]', or leave device out"
        ) from error
    if not torch.cuda.is_available():
        raise ValueError(f"PyTorch {torch.__version__} finds no CUDA device here; leave device out")


class TorchTrainer:
    """Weights and the state of Adam on a device; used as `ncf.Trainer` is.

    Gradients of vectors are dense and Adam moves every row in every step, which a device with a terabyte a
    second does as fast as it finds the rows. Sums are added in no fixed order there: no two runs give the
    same bytes.
    device  as PyTorch names it
    """

    def __init__(self, weights: Weights, *, batch_size: int, learning_rate: float, device: str) -> None:
        import torch  # noqa: PLC0415 - gigabytes that only this needs

        self._torch: Any = torch
        self._batch_size = batch_size
        self._device = device
        tensors: list[Any] = [torch.tensor(array, device=device).requires_grad_() for array in weights]
        self._weights: Any = Weights(*tensors)
        self._adam = torch.optim.Adam(tensors, lr=learning_rate, fused=device == CUDA)

    def step(self, samples: Samples) -> None:
        """Take one step a batch of samples, see `Sampler`; nothing comes back from the device meanwhile."""
        on_device = self._torch.from_numpy(samples).to(self._device)
        users, items = on_device >> 33, (on_device >> 1) & ITEM_BITS
        labels = (on_device & 1).float()
        for start in range(0, len(samples), self._batch_size):
            batch = slice(start, start + self._batch_size)
            self._adam.zero_grad(set_to_none=True)
            loss = self._torch.nn.functional.binary_cross_entropy_with_logits(
                self._logits(users[batch], items[batch]), labels[batch]
            )
            loss.backward()
            self._adam.step()

    def finish(self) -> Weights:
        """Bring the weights back."""
        return Weights(*(np.ascontiguousarray(tensor.detach().cpu().numpy()) for tensor in self._weights))

    def _logits(self, users: Any, items: Any) -> Any:  # noqa: ANN401 - tensors of a library that may be absent
        w, cat = self._weights, self._torch.cat
        n = len(w.w1)
        p, q = w.users[users], w.items[items]
        h1 = (cat([p[:, :n], q[:, :n]], 1) @ w.w1.T + w.b1).relu()
        h2 = (h1 @ w.w2.T + w.b2).relu()
        return cat([p[:, n:] * q[:, n:], h2], 1) @ w.w3 + w.b3
