"""What suits which device, told by what TensorFlow says of it."""

import pytest

from galaxy_morphology.networks.devices import best_precision, should_use_xla


@pytest.mark.parametrize(
    ("capability", "precision"),
    [
        (None, "float32"),
        ((6, 1), "float32"),
        ((7, 5), "mixed_float16"),
        ((8, 0), "mixed_bfloat16"),
        ((9, 0), "mixed_bfloat16"),
    ],
)
def test_precision_and_xla_follow_the_device(
    capability: tuple[int, int] | None, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    cards = [] if capability is None else ["card"]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: cards)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda card: {"compute_capability": capability},
    )
    assert best_precision() == precision
    assert should_use_xla() == (capability is not None)
