"""Statistics: NumPy arrays in, NumPy arrays out. Pure computation; nothing is stored and nothing is fetched."""

from makegood.engines.statistics.change import Change, decompose_change
from makegood.engines.statistics.control import Limits, binomial_limit, p_limits, u_limits
from makegood.engines.statistics.localise import Cause, Localised, localise
from makegood.engines.statistics.mix import Mix, mix_of
from makegood.engines.statistics.quantiles import Quantile, quantile
from makegood.engines.statistics.running import Judged, judge_periods
from makegood.engines.statistics.shares import wilson

__all__ = [
    "Cause",
    "Change",
    "Judged",
    "Limits",
    "Localised",
    "Mix",
    "Quantile",
    "binomial_limit",
    "decompose_change",
    "judge_periods",
    "localise",
    "mix_of",
    "p_limits",
    "quantile",
    "u_limits",
    "wilson",
]
