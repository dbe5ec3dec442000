"""The detector in a file."""

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from makegood.engines.statistics.detection import kernels
from makegood.engines.statistics.detection.signals import Open
from makegood.engines.statistics.detection.tables import Reader

if TYPE_CHECKING:
    from makegood.engines.statistics.detection.detector import Detector

_PLAIN: Final = ("sampled", "next_case", "seen", "now", "day", "next_fit", "fitted", "raised", "case_ids", "total_mass",
                 "apart", "level")  # fmt: skip
_ARRAYS: Final = ("ex_t", "ex_rows", "case_t", "case_rows", "case_x", "case_news", "taken", "strength", "inverse_shape",
                  "spread", "total_spread", "today")  # fmt: skip
_SAMPLE: Final = ("times", "rows", "hashes")
_LAYOUT: Final = repr((kernels.CELL, kernels.SLICE, kernels.ROW))
_RATES: Final = ("base", "cases", "width", "usually")
_RATE_ARRAYS: Final = ("rows_at", "delays", "first", "told")


def save(detector: "Detector", path: str | os.PathLike[str]) -> None:
    target = Path(path)
    meta: dict[str, Any] = {
        "dimensions": detector.dimensions, "days": detector.one_false_alarm_in, "layout": _LAYOUT,
    }  # fmt: skip
    arrays: dict[str, Any] = {}
    if detector.begun:
        reader, rates, sample = detector.reader, detector.rates, detector.sample
        meta |= {name: getattr(detector, name) for name in _PLAIN}
        meta |= {
            "order": reader.dimensions, "exposed": reader.exposed, "origin": reader.origin,
            "values": [list(values) for values in reader.values], "signals": detector.signals, "share": sample.share,
            "rates": {name: getattr(rates, name) for name in _RATES},
        }  # fmt: skip
        arrays = {f"state_{name}": rows for name, rows in detector.state.arrays(detector.oldest_bin).items()}
        arrays |= {f"own_{name}": getattr(detector, name) for name in _ARRAYS}
        arrays |= {f"sample_{name}": getattr(sample, name) for name in _SAMPLE}
        arrays |= {f"rates_{name}": getattr(rates, name) for name in _RATE_ARRAYS}
        arrays |= {f"effects_{d}": effect for d, effect in enumerate(rates.effects)}
        arrays |= {f"counts_{d}": counts for d, counts in enumerate(rates.counts)}
        arrays |= {f"told_of_{d}": told_of for d, told_of in enumerate(rates.told_of)}
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, meta=np.frombuffer(msgspec.json.encode(meta, enc_hook=np.generic.item), np.uint8), **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)


def load(kind: "type[Detector]", path: str | os.PathLike[str]) -> "Detector":
    with np.load(path, allow_pickle=False) as kept:
        try:
            meta = msgspec.json.decode(kept["meta"].tobytes())
            detector = kind(meta["dimensions"], one_false_alarm_in=meta["days"])
            same = meta["layout"] == _LAYOUT
            if same and "order" in meta:
                detector.lay_out(Reader(meta["order"], meta["exposed"], datetime.fromisoformat(meta["origin"])))
                _fill(detector, meta, kept)
        except (KeyError, msgspec.MsgspecError) as problem:
            raise ValueError(f"{path} does not hold a detector of this version.") from problem
    if not same:
        raise ValueError(f"{path} does not hold a detector of this version.")
    return detector


def _fill(detector: "Detector", meta: dict[str, Any], kept: Any) -> None:
    for name in _PLAIN:
        setattr(detector, name, meta[name])
    detector.reader.name(meta["values"])
    detector.signals = msgspec.convert(meta["signals"], list[Open])
    detector.lay_slices({tuple(pair) for pair in meta["apart"]})
    detector.state.restore({name[6:]: kept[name] for name in kept.files if name.startswith("state_")})
    for name in _ARRAYS:
        setattr(detector, name, kept[f"own_{name}"])
    for name in _SAMPLE:
        setattr(detector.sample, name, kept[f"sample_{name}"])
    detector.sample.share = meta["share"]
    for name, value in meta["rates"].items():
        setattr(detector.rates, name, value)
    for name in _RATE_ARRAYS:
        setattr(detector.rates, name, kept[f"rates_{name}"])
    detector.rates.effects = [kept[f"effects_{d}"] for d in range(detector.reader.exposed)]
    detector.rates.counts = [kept[f"counts_{d}"] for d in range(len(detector.reader.dimensions))]
    detector.rates.told_of = [kept[f"told_of_{d}"] for d in range(len(detector.rates.told_of))]
