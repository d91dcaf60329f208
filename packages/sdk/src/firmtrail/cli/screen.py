"""What output is written to: its width, its colours, and the block characters that it can show."""

from __future__ import annotations

import os
import re
import shutil
from typing import TextIO

import attrs

_BOLD, _CYAN, _PLAIN = "\x1b[1m", "\x1b[36m", "\x1b[0m"
_PARTS = " ▏▎▍▌▋▊▉"
_HEIGHTS = " ▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = " .:-=+*#"
_BLOCKS = re.compile("[▁-▏]+")

_MAX_CELL = 40
_BAR = 12


@attrs.frozen
class Screen:
    """A terminal, or whatever else reads the output."""

    #: characters a line; None: no terminal, and so nothing is cut
    width: int | None = None
    has_colours: bool = False
    #: whether its encoding has block characters
    has_blocks: bool = True

    @classmethod
    def of(cls, stream: TextIO) -> Screen:
        """Look at a stream. NO_COLOR (no-color.org) and TERM=dumb turn colours off."""
        is_terminal = stream.isatty()
        return cls(
            width=shutil.get_terminal_size().columns if is_terminal else None,
            has_colours=is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
            has_blocks=_can_show(_HEIGHTS + _PARTS, stream.encoding or "utf-8"),
        )

    def cut(self, text: str) -> str:
        """Shorten a cell on a terminal; an id of 36 characters stays whole."""
        return text if self.width is None or len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 1]}{self.ellipsis}"

    @property
    def ellipsis(self) -> str:
        return "…" if self.has_blocks else "~"

    def bar(self, share: float) -> str:
        """Draw a share of 0 to 1 as a bar of 12 characters."""
        if not self.has_blocks:
            return ("#" * round(share * _BAR)).ljust(_BAR)
        whole, eighths = divmod(round(share * _BAR * 8), 8)
        return f"{'█' * whole}{_PARTS[eighths] if eighths else ''}".ljust(_BAR)

    def sparkline(self, shares: list[float]) -> str:
        """Draw shares as characters of this height; none is empty, and however few there are show."""
        heights = _HEIGHTS if self.has_blocks else _ASCII_HEIGHTS
        top = len(heights) - 1
        return "".join(heights[0 if share == 0 else max(1, round(share * top))] for share in shares)

    def heading(self, line: str) -> str:
        return f"{_BOLD}{line}{_PLAIN}" if self.has_colours else line

    def line(self, line: str) -> str:
        """Colour the bars of a line."""
        return _BLOCKS.sub(rf"{_CYAN}\g<0>{_PLAIN}", line) if self.has_colours else line


def _can_show(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
