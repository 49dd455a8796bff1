from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.lite import efficientnet_lite0
from edgefeat_export.networks.normalisation import LITE
from edgefeat_export.networks.torch_pickle import read_torch_pickle
from edgefeat_export.networks.weights import lite0_file

PHOTOS = Path(__file__).parents[2] / "data" / "photos"

# ImageNet classes (https://image-net.org, in the order every release uses).
CATS = {281, 282, 283, 284, 285}
ESPRESSO = 967
FOREIGN = "These are not EfficientNet-Lite0's weights: give those of its release."
MISSILE = 657


@pytest.fixture(scope="module")
def tensors():
    return read_torch_pickle(lite0_file())


@pytest.fixture(scope="module")
def classifier(tensors):
    return efficientnet_lite0(weights=tensors)


def probabilities(model, name):
    """Class probabilities of one photo, the whole picture stretched."""
    image_bgr = cv2.imread(str(PHOTOS / name))
    image_bgr = cv2.resize(image_bgr, (224, 224), interpolation=cv2.INTER_AREA)
    return model(LITE.apply(image_bgr[None, ..., ::-1]), training=False).numpy()[0]


def test_the_port_recognises_a_cat(classifier):
    scores = probabilities(classifier, "chelsea.jpg")
    assert scores.argmax() in CATS
    assert scores[sorted(CATS)].sum() > 0.9


def test_the_port_recognises_an_espresso(classifier):
    scores = probabilities(classifier, "coffee.jpg")
    assert scores.argmax() == ESPRESSO
    assert scores[ESPRESSO] > 0.85


def test_the_port_is_unsure_about_a_rocket_at_night_but_thinks_of_missiles(classifier):
    scores = probabilities(classifier, "rocket.jpg")
    assert MISSILE in scores.argsort()[-5:]


@pytest.mark.parametrize("name", ["chelsea.jpg", "coffee.jpg"])
def test_padding_is_tensorflows_not_pytorchs(classifier, name):
    # The evidence for "same": padded evenly, as PyTorch does, the classifier is less sure.
    pytorch = with_even_padding(classifier)
    same, even = (probabilities(model, name) for model in (classifier, pytorch))
    best = same.argmax()
    assert even[best] < same[best]
    assert np.abs(even - same).max() > 0.01


def with_even_padding(model):
    """The same network with k//2 zeros on every side of the convolutions that stride."""

    def padded(layer, *args, **kwargs):
        if getattr(layer, "strides", (1, 1)) != (2, 2):
            return layer(*args, **kwargs)
        config = layer.get_config() | {"padding": "valid"}
        twin = type(layer).from_config(config)
        out = twin(keras.layers.ZeroPadding2D(layer.kernel_size[0] // 2)(args[0]))
        twin.set_weights(layer.get_weights())
        return out

    return keras.models.clone_model(model, call_function=padded, clone_function=lambda x: x)


def test_headless_model_ends_in_the_last_feature_map(tensors, classifier):
    headless = efficientnet_lite0(include_top=False, weights=tensors)
    assert headless.output_shape == (None, 7, 7, 1280)
    assert headless.layers[-1].name == "top_activation"
    assert headless.count_params() == 3_413_024
    pixels = LITE.apply(np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8))
    expected = keras.Model(classifier.input, classifier.get_layer("top_activation").output)(pixels)
    np.testing.assert_array_equal(headless(pixels), expected)


def test_layers_are_named_as_in_keras_efficientnet(classifier):
    # 4.652 million parameters is what the paper's authors state for Lite0.
    assert sum(np.prod(w.shape) for w in classifier.trainable_weights) == 4_652_008
    keras_names = {layer.name for layer in keras.applications.EfficientNetB0(weights=None).layers}
    # Fewer than in EfficientNet: no squeeze-and-excitation, no padding layers of their own.
    ours = {layer.name for layer in classifier.layers[1:]}
    assert ours <= keras_names
    assert {"stem_conv", "block1a_dwconv", "block7a_project_bn", "top_conv", "avg_pool"} <= ours


def test_any_size_gives_the_same_layers():
    model = efficientnet_lite0(input_shape=(96, 64, 3), include_top=False)
    assert model.output_shape == (None, 3, 2, 1280)


def test_a_classifier_of_another_width_can_be_built_but_not_filled(tensors):
    assert efficientnet_lite0(classes=10).output_shape == (None, 10)
    with pytest.raises(BackboneError) as caught:
        efficientnet_lite0(classes=10, weights=tensors)
    assert str(caught.value) == (
        "_fc.weight: expected shape (1280, 10) in Keras's axis order for layer predictions, got"
        f" (1280, 1000). {FOREIGN}"
    )


def test_a_missing_tensor_is_named(tensors):
    with pytest.raises(BackboneError) as caught:
        efficientnet_lite0(
            weights={name: value for name, value in tensors.items() if name != "_bn1.bias"}
        )
    assert str(caught.value) == (
        f"_bn1.bias: expected a tensor for layer top_bn, got none among 295. {FOREIGN}"
    )


def test_a_left_over_tensor_is_named(tensors):
    with pytest.raises(BackboneError) as caught:
        efficientnet_lite0(weights={**tensors, "_blocks.0._se_reduce.weight": np.zeros(1)})
    assert str(caught.value) == (
        "expected EfficientNet-Lite0's tensors only, got 1 others, the first"
        f" _blocks.0._se_reduce.weight. {FOREIGN}"
    )


def test_values_that_are_not_numbers_are_refused(tensors):
    with pytest.raises(BackboneError) as caught:
        efficientnet_lite0(weights={**tensors, "_bn1.bias": np.full(1280, np.nan)})
    assert str(caught.value) == (
        "_bn1.bias: expected finite values for layer top_bn, got NaN or infinity. The file is"
        " damaged: fetch it again."
    )
