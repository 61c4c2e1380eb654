"""Load batches of photos with NVIDIA DALI, which decodes JPEGs on a GPU, or on the CPU where there is no GPU.

Files that DALI does not decode as Pillow does (other formats, CMYK, a truncated JPEG) are decoded by ``batches``. All
other pixels differ from Pillow's by about 1 of 255, so a model may be trained with one and answer with the other. DALI
does not notice damage in the middle of a JPEG and returns what it can decode; remove such files first, by ``curate
--verify``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whereshot.foundation.errors import ImageError, InputError, require
from whereshot.photos import batches, images, picture_bytes, preprocess
from whereshot.photos.photo import Photo, PhotoLike

if TYPE_CHECKING:
    from whereshot.photos.augment import AugmentSettings

_END = b"\xff\xd9"
_TAIL = 64 * 1024  # the end mark of a JPEG is searched in these last bytes; other data may follow it


class Dali:
    """The Loader by DALI. ``device`` is "gpu", "cpu", or None for a GPU where there is one."""

    def __init__(self, device: str | None = None, threads: int = 2) -> None:
        """Raises MissingExtraError without DALI, InputError for a device that this machine does not have."""
        self._dali = require("nvidia.dali", extra="dali")
        require("nvidia.dali.fn", extra="dali")
        if device not in (None, "cpu", "gpu"):
            raise InputError(f"device must be 'cpu' or 'gpu'; got {device!r}")
        gpus = _gpus(self._dali)
        if device == "gpu" and not gpus:
            raise InputError("device 'gpu' cannot be used here; DALI finds none")
        self.device = device or ("gpu" if gpus else "cpu")
        self._threads = threads
        self._pipelines: dict[tuple[int, str], Any] = {}

    def __call__(
        self,
        sources: Sequence[PhotoLike | None],
        settings: preprocess.Preprocess,
        *,
        batch_size: int = 16,
        order: NDArray[np.int64] | None = None,
        random_crops: Sequence[int] | None = None,
        augment: AugmentSettings | None = None,
    ) -> Iterator[batches.Batch]:
        """Yield the batches of photos in ``order``; see ``batches.Loader``."""
        for chunk in batches.chunked(len(sources), batch_size, order):
            found: list[NDArray[np.uint8] | str | None] = [None] * len(chunk)
            asked: list[tuple[int, bytes, preprocess.View]] = []
            drawing: dict[int, np.random.Generator] = {}
            for place, row in enumerate(chunk):
                data = _whole_jpeg(sources[row])
                if data is not None:
                    if random_crops is not None:
                        drawing[place] = batches.generator(random_crops, int(row))
                    asked.append((place, data, _view(data, settings, drawing.get(place), augment)))
            for (place, _, view), resized in zip(asked, self._resized(asked, settings, batch_size), strict=True):
                if resized is not None:
                    crops = view.cut(resized)
                    found[place] = batches.augmented(crops, augment, drawing[place]) if drawing else crops
            loaded = [
                batches.load(sources[row], settings, random_crops, int(row), augment)
                if crops is None
                else crops
                if isinstance(crops, str)
                else batches.Loaded(crops)
                for row, crops in zip(chunk, found, strict=True)
            ]
            yield from batches.joined(chunk, loaded, settings)

    def _resized(
        self, asked: list[tuple[int, bytes, preprocess.View]], settings: preprocess.Preprocess, batch_size: int
    ) -> list[NDArray[np.uint8] | None]:
        """Return the resized box (h, w, 3) of each view; None for all where DALI does not decode one of them."""
        if not asked:
            return []
        key = (batch_size, settings.interpolation)
        if key not in self._pipelines:
            self._pipelines[key] = self._build(*key)
        pipeline = self._pipelines[key]
        pipeline.feed_input("data", [np.frombuffer(data, np.uint8) for _, data, _ in asked])
        pipeline.feed_input("start", [np.array(view.box[1::-1], np.float32) for _, _, view in asked])
        pipeline.feed_input("end", [np.array(view.box[:1:-1], np.float32) for _, _, view in asked])
        pipeline.feed_input("size", [np.array(view.size[::-1], np.float32) for _, _, view in asked])
        try:
            (resized,) = pipeline.run()
        except RuntimeError:  # DALI does not say which picture failed
            del self._pipelines[key]
            return [None] * len(asked)
        resized = resized.as_cpu() if self.device == "gpu" else resized
        return [np.array(resized.at(number)) for number in range(len(asked))]

    def _build(self, batch_size: int, interpolation: str) -> Any:
        fn, types = self._dali.fn, self._dali.types
        pipeline = self._dali.Pipeline(
            batch_size,
            num_threads=self._threads,
            device_id=0 if self.device == "gpu" else None,
            prefetch_queue_depth=1,  # the external source gives batches of the size that is fed
            exec_dynamic=True,
        )
        with pipeline:
            data = fn.external_source(name="data", dtype=types.UINT8, ndim=1)
            start, end, size = (fn.external_source(name=name, dtype=types.FLOAT, ndim=1) for name in _PLACES)
            picture = fn.decoders.image(
                data,
                device="mixed" if self.device == "gpu" else "cpu",
                output_type=types.RGB,
                jpeg_fancy_upsampling=True,
            )
            kind = types.INTERP_CUBIC if interpolation == "bicubic" else types.INTERP_LINEAR
            pipeline.set_outputs(
                fn.resize(picture, size=size, roi_start=start, roi_end=end, interp_type=kind, antialias=True)
            )
        pipeline.build()
        return pipeline


_PLACES = ("start", "end", "size")


def _gpus(dali: Any) -> int:
    try:
        return int(dali.backend.GetCudaVersion() > 0 and _device_count())
    except (RuntimeError, AttributeError):
        return 0


def _device_count() -> int:
    import ctypes

    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    return count.value if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0


def _whole_jpeg(photo: PhotoLike | None) -> bytes | None:
    """Return the bytes of a picture that DALI decodes as Pillow does."""
    source = photo.source if isinstance(photo, Photo) else photo
    if not isinstance(source, (str, Path, bytes)):
        return None
    try:
        data = picture_bytes.contents(source)
        if images.is_plain_jpeg(data) and _END in data[-_TAIL:]:
            return data
    except ImageError:
        pass  # batches.load gives the reason
    return None


def _view(
    data: bytes,
    settings: preprocess.Preprocess,
    rng: np.random.Generator | None,
    augment: AugmentSettings | None,
) -> preprocess.View:
    size = Photo(data).size
    if rng is None:
        return preprocess.fixed_view(size, settings)
    crop = preprocess.RandomCrop() if augment is None else augment.crop
    return preprocess.random_view(size, settings, preprocess.draw_crop(crop, rng))
