"""Find the lines of text in a picture with the detector of RapidOCR."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray


class TextDetector:
    """Finds lines of text with the detector of a ``rapidocr.RapidOCR``.

    It finds what RapidOCR finds, to the last bit, but prepares the pixels in a tenth of the time.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._detector = engine._load_det_model()

    def detect(self, pixels: NDArray[np.uint8]) -> tuple[list[NDArray[np.uint8]], NDArray[np.float64]]:
        """Return the crops of the lines in a picture (height, width, 3) in BGR, and their corners (n, 4, 2)."""
        from rapidocr.utils.process_img import apply_vertical_padding, map_boxes_to_original

        engine, detector = self._engine, self._detector
        bounded, steps = engine.preprocess_img(pixels)
        padded, steps = apply_vertical_padding(bounded, steps, engine.width_height_ratio, engine.min_height)
        prepared = detector.get_preprocess()
        resized = prepared.resize(padded)
        if resized is None:  # too low for the detector, with detector_limit "max"
            return [], np.zeros((0, 4, 2))
        values = normalised(resized, prepared.scale, tuple(prepared.mean), tuple(prepared.std))
        boxes, _ = detector.postprocess_op(detector.session(values), padded.shape[:2])
        if not len(boxes):
            return [], np.zeros((0, 4, 2))
        boxes = detector.sorted_boxes(boxes)
        crops = engine.crop_text_regions(padded, boxes)
        return crops, map_boxes_to_original(np.asarray(boxes, float), steps, *pixels.shape[:2])


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
