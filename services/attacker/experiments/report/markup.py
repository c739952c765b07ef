"""HTML and SVG as values: plain text is escaped when it enters, markup is not escaped twice."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Attribute = str | float | int | bool | None


def tag(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Make an element; a child that is not markup is text.

    attributes  `class_` and `for_` lose the last underscore, other underscores become dashes; None and False
                leave the attribute out, True gives it no value; numbers have at most two decimals
    """
    shown = Markup("").join(_attribute(key, value) for key, value in attributes.items())
    return (
        Markup("<")
        + name
        + shown
        + Markup(">")
        + Markup("").join(children)
        + Markup("</")
        + name
        + Markup(">")
    )


def join(parts: Iterable[str], between: str = "") -> Markup:
    """Put pieces behind one another; text is escaped."""
    return escape(between).join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, n_row_heads: int = 1) -> Markup:
    """Make a table in a box of its own that scrolls sideways; the first columns name the row."""
    top = tag("thead", tag("tr", *(tag("th", one, scope="col") for one in head)))
    body = [
        tag(
            "tr",
            *(tag("th", one, scope="row") for one in row[:n_row_heads]),
            *(tag("td", one) for one in row[n_row_heads:]),
        )
        for row in rows
    ]
    return tag("div", tag("table", top, tag("tbody", *body)), class_="wide", tabindex="0")


def figure(caption: str, *parts: str, class_: str | None = None) -> Markup:
    """Put drawings or a table above their caption."""
    return tag("figure", *parts, tag("figcaption", caption), class_=class_)


def details(summary: str, *parts: str) -> Markup:
    """Hide parts until somebody asks for them; print shows them."""
    return tag("details", tag("summary", summary), *parts)


def _attribute(key: str, value: Attribute) -> Markup:
    if value is None or value is False:
        return Markup("")
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return Markup(" ") + name
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return Markup(' {}="{}"').format(name, "0" if text == "-0" else text)
