"""Find the lines of text in a picture with the detector of RapidOCR, where the look says that there may be some."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whereshot.evidence import text_look
from whereshot.evidence.text_look import Area
from whereshot.foundation.onnx_session import open_session
from whereshot.foundation.package_data import read_bytes

if TYPE_CHECKING:
    import onnxruntime


class TextDetector:
    """Finds lines of text with the detector of a ``rapidocr.RapidOCR``.

    Without the look, it finds what RapidOCR finds, to the last bit, but prepares the pixels in a tenth of the time.
    With the look (``looks_first``), it sees only the areas of a picture that may have text.
    """

    def __init__(self, engine: Any, *, looks_first: bool = False) -> None:
        self._engine, self._looks_first = engine, looks_first
        self._detector = engine._load_det_model()

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the crops of the lines in a picture (height, width, 3) in BGR, and their corners (n, 4, 2)."""
        from rapidocr.utils.process_img import apply_vertical_padding, map_boxes_to_original

        engine, detector = self._engine, self._detector
        bounded, steps = engine.preprocess_img(pixels)
        padded, steps = apply_vertical_padding(bounded, steps, engine.width_height_ratio, engine.min_height)
        resized = detector.get_preprocess().resize(padded)
        if resized is None:  # too low for the detector, with detector_limit "max"
            return [], np.zeros((0, 4, 2))
        is_looked_at = self._looks_first and resized.shape[0] <= text_look.MOST_ENLARGED * padded.shape[0]
        areas = self._look(resized) if is_looked_at else [Area(0, 0, resized.shape[1], resized.shape[0])]
        boxes, _ = detector.postprocess_op(self._text_map(resized, areas), padded.shape[:2]) if areas else ([], [])
        if not len(boxes):
            return [], np.zeros((0, 4, 2))
        boxes = detector.sorted_boxes(boxes)
        crops = engine.crop_text_regions(padded, boxes)
        return crops, map_boxes_to_original(np.asarray(boxes, float), steps, *pixels.shape[:2])

    @functools.cached_property
    def _features(self) -> onnxruntime.InferenceSession:
        """The network that gives the features for the look."""
        return open_session(read_bytes(text_look.INT8_DETECTOR))

    def _look(self, pixels: NDArray[np.uint8]) -> list[Area]:
        """Return the areas of a picture, as large as the detector sees it, that may have text."""
        values = self._normalised(text_look.shrunk(pixels))
        (features,) = self._features.run([text_look.FEATURES], {self._features.get_inputs()[0].name: values})
        rows, columns = (side // text_look.CELL_PX for side in pixels.shape[:2])
        return text_look.areas_of(text_look.text_map(features)[:rows, :columns])

    def _text_map(self, pixels: NDArray[np.uint8], areas: Sequence[Area]) -> NDArray[np.float32]:
        """Return the probability of text of each pixel of the areas (1, 1, height, width), 0 for the other pixels."""
        found = np.zeros((1, 1, *pixels.shape[:2]), np.float32)
        for left, top, right, bottom in areas:
            own = found[:, :, top:bottom, left:right]
            np.maximum(own, self._detector.session(self._normalised(pixels[top:bottom, left:right])), out=own)
        return found

    def _normalised(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        how = self._detector.get_preprocess()
        return normalised(pixels, how.scale, tuple(how.mean), tuple(how.std))


def normalised(
    pixels: NDArray[np.uint8], scale: float, mean: tuple[float, ...], std: tuple[float, ...]
) -> NDArray[np.float32]:
    """Return (pixels · scale - mean) / std, as a network takes it: (1, 3, height, width).

    ``pixels`` are (height, width, 3); mean and std have a number for each channel.
    """
    values = np.empty((1, 3, *pixels.shape[:2]), np.float32)
    for channel, table in enumerate(_tables(scale, mean, std)):
        np.take(table, pixels[:, :, channel], out=values[0, channel], mode="clip")
    return values


@functools.cache
def _tables(scale: float, mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the normalised value of each of the 256 values of a pixel, by channel (3, 256)."""
    levels = np.arange(256, dtype=np.float32)[:, None] * scale
    return np.asarray(((levels - np.array(mean)) / np.array(std)).astype(np.float32).T.copy(), np.float32)
