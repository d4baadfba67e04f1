"""The tokens of protobuf's text format, with the place of each for error messages."""

import re

from caffe_lite.errors import PrototxtError

# A number includes every letter, digit and dot after it, so that `3x3` or `1.2.3` is one bad
# number rather than two tokens. A quote that starts no complete string falls through to `bad`.
_TOKEN = re.compile(
    r"""(?:[ \t\r\n\v\f]++|\#[^\n]*+)*+
    (?: (?P<name>[A-Za-z_][A-Za-z0-9_]*+)
      | (?P<number>\.?[0-9](?:[eE][+-]|[A-Za-z0-9_.])*+)
      | (?P<string>"(?:[^"\\\n]|\\[^\n])*+"|'(?:[^'\\\n]|\\[^\n])*+')
      | (?P<symbol>[{}<>\[\]:;,.\-])
      | (?P<end>\Z)
      | (?P<bad>.)
    )""",
    re.VERBOSE | re.DOTALL,
)


class Tokens:
    """A cursor over the tokens of `text`: `kind`, `value` and `start` describe the current one.

    `kind` is name, number, string, symbol, end or bad; `value` is the token as written ("" at the
    end of the text); `start` is its offset in characters.
    """

    __slots__ = ("_counted", "_next", "file", "kind", "start", "text", "value")

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self._next = 0
        self._counted = (0, 1, 0)
        self.advance()

    def advance(self) -> None:
        found = _TOKEN.match(self.text, self._next)
        if found is None or found.lastgroup is None:  # the last two alternatives match anything
            raise self.error("unreadable text", self._next)
        self.kind = found.lastgroup
        self.value = found[self.kind]
        self.start = found.start(self.kind)
        self._next = found.end()
        if self.kind == "bad":
            raise self.error(self._complaint())

    def take(self, symbol: str) -> bool:
        """Advance past `symbol` if it is the current token; return whether it was."""
        if self.value != symbol:
            return False
        self.advance()
        return True

    def shown(self) -> str:
        """The current token as an error message quotes it."""
        if self.kind == "end":
            return "the end of the file"
        value = self.value if len(self.value) <= 40 else self.value[:37] + "..."
        value = value.encode("utf-8", "backslashreplace").decode()  # bytes that are not UTF-8
        return value if self.kind == "string" else f'"{value}"'

    def _place(self, offset: int) -> tuple[int, int]:
        """Line and column of `offset`. Counts on from the last place, so that warnings of a whole
        text take linear time."""
        at, line, start = self._counted if self._counted[0] <= offset else (0, 1, 0)
        newlines = self.text.count("\n", at, offset)
        if newlines:
            line += newlines
            start = self.text.rindex("\n", at, offset) + 1
        self._counted = (offset, line, start)
        return line, offset - start + 1

    def peek(self) -> str:
        """The token after the current one, as written."""
        found = _TOKEN.match(self.text, self._next)
        return found[found.lastgroup] if found and found.lastgroup else ""

    def error(self, message: str, at: int | None = None) -> PrototxtError:
        """A `PrototxtError` placed at the offset `at`, or at the current token."""
        return PrototxtError(message, self.file, *self._place(self.start if at is None else at))

    def _complaint(self) -> str:
        if self.value in "\"'":
            return f"the string that starts here has no closing {self.value} on its line"
        if self.value == "+":
            return (
                'unexpected "+"; numbers take no plus sign, and adjacent strings join without one'
            )
        if self.value == "/":
            return 'unexpected "/"; comments start with #'
        if "\udc80" <= self.value <= "\udcff":
            return "unexpected byte that is not UTF-8 text; only comments may hold such bytes"
        return f"unexpected character {self.value!r}"
