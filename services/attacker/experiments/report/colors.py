"""Colors of values: two diverging scales that color-blind readers can tell apart, and text that contrasts.

The anchors follow ColorBrewer's RdBu and PRGn (Brewer, Harrower and others, colorbrewer2.org).
"""

from dataclasses import dataclass

Rgb = tuple[float, float, float]

_RED_TO_BLUE = (
    "#b2182b", "#d6604d", "#f4a582", "#fddbc7", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac",
)  # fmt: skip
_PURPLE_TO_GREEN = (
    "#762a83", "#9970ab", "#c2a5cf", "#e7d4e8", "#f7f7f7", "#d9f0d3", "#a6dba0", "#5aae61", "#1b7837",
)  # fmt: skip
_DARK, _LIGHT = "#000000", "#ffffff"  # one of the two always contrasts by 4.58 or more


@dataclass(frozen=True)
class Scale:
    """Colors of the values from `low` to `high`; what lies outside has the color of the end."""

    low: float
    high: float
    anchors: tuple[str, ...]
    name: str

    def color(self, value: float) -> str:
        """Give the color of a value, as #rrggbb."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        place = share * (len(self.anchors) - 1)
        left = min(int(place), len(self.anchors) - 2)
        between = zip(_rgb(self.anchors[left]), _rgb(self.anchors[left + 1]), strict=True)
        return _hex(tuple(a + (b - a) * (place - left) for a, b in between))


SEPARATION = Scale(0.0, 1.0, _RED_TO_BLUE, "0.5 = chance; below it, separation read the wrong way round")
"""For AUC and balanced accuracy: white at chance."""
DIFFERENCE = Scale(-0.5, 0.5, _PURPLE_TO_GREEN, "ours minus published")
"""For differences of two of them."""


def text_color(background: str) -> str:
    """Choose dark or light text, whichever contrasts more."""
    return max((_DARK, _LIGHT), key=lambda color: contrast(color, background))


def contrast(one: str, other: str) -> float:
    """Measure the contrast of two colors, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: str) -> Rgb:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(color: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)
