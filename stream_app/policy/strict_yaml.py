"""YAML read strictly: every key known and given once, every code quoted, every fault located.

Values are read off the node graph and never constructed by the YAML library, so that an
unquoted `38242` or `0123` is seen as it was written before it turns into a number. A reader
that meets a fault notes it and returns a placeholder; the caller discards the whole result
when any fault was noted.
"""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from stream_app.policy.faults import Fault, FaultList

_E = TypeVar("_E", bound=StrEnum)

_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_QUOTES = ("'", '"')
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YES_NO = {"yes": True, "no": False}


class Item:
    """One value in a YAML file, and where it stands."""

    def __init__(
        self, node: Node | None, file: str, line: int, field: str, faults: FaultList
    ) -> None:
        self._node = node
        self._file = file
        self._line = line
        self._faults = faults
        self.field = field

    @property
    def given(self) -> bool:
        """Whether there is a value to read: neither left out nor null."""
        return self._node is not None and self._node.tag != _NULL

    def fault(self, problem: str) -> None:
        """Note what is wrong with this value."""
        self._faults.append(Fault(self._file, self._line, self.field, problem))

    def mapping(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> "Fields":
        """The keys of a mapping, which are all of `required` and any of `optional`."""
        required, optional = tuple(required), tuple(optional)
        found: dict[str, Item] = {}
        if isinstance(self._node, MappingNode):
            for key_node, value_node in self._node.value:
                key = str(key_node.value)
                item = self._child(value_node, key, key_node)
                if key in found:
                    item.fault("duplicate key")
                elif key not in required and key not in optional:
                    item.fault("unknown key")
                found[key] = item
            for key in required:
                if key not in found:
                    self._child(None, key, self._node).fault("missing")
        elif self._node is not None:
            self.fault("must be a mapping of keys to values")
        return Fields(self, found)

    def sequence(self, at_least: int = 1) -> list["Item"]:
        """The elements of a list."""
        if isinstance(self._node, SequenceNode):
            if len(self._node.value) < at_least:
                self.fault("must not be empty")
            return [self._child(node, f"[{i}]", node) for i, node in enumerate(self._node.value)]
        if self._node is not None:
            self.fault("must be a list")
        return []

    def text(self) -> str:
        """Words, quoted or not."""
        node = self._node
        if node is None:
            return ""
        if isinstance(node, ScalarNode) and node.tag == _TEXT and node.value.strip():
            return str(node.value)
        self.fault("must be text (quote what would read as a number, a date or null)")
        return ""

    def quoted(self) -> str:
        """A code or a wording, quoted, so that no YAML reader takes it for a number or a no."""
        node = self._node
        if node is None:
            return ""
        if isinstance(node, ScalarNode) and node.style in _QUOTES and node.value.strip():
            return str(node.value)
        self.fault("must be quoted text")
        return ""

    def day(self) -> date:
        """A calendar date, YYYY-MM-DD."""
        node = self._node
        if node is None:
            return date.min
        if isinstance(node, ScalarNode) and _DAY.fullmatch(node.value):
            try:
                return date.fromisoformat(node.value)
            except ValueError:
                pass
        self.fault("must be a calendar date, YYYY-MM-DD")
        return date.min

    def yes_or_no(self) -> bool:
        """Yes or no, in these words and not quoted."""
        node = self._node
        if node is None:
            return False
        if isinstance(node, ScalarNode) and node.style not in _QUOTES and node.value in _YES_NO:
            return _YES_NO[node.value]
        self.fault("must be yes or no")
        return False

    def choice(self, choices: Iterable[_E]) -> _E | None:
        """One of some members of an enumeration, by its value; None at a fault."""
        choices = tuple(choices)
        node = self._node
        if node is None:
            return None
        if isinstance(node, ScalarNode):
            for choice in choices:
                if node.value == choice.value:
                    return choice
        self.fault("must be one of " + ", ".join(choice.value for choice in choices))
        return None

    def _child(self, node: Node | None, step: str, at: Node) -> "Item":
        joint = "" if step.startswith("[") or not self.field else "."
        line = at.start_mark.line + 1
        return Item(node, self._file, line, f"{self.field}{joint}{step}", self._faults)


class Fields:
    """The values of a mapping by key.

    A key that is not there reads as a silent placeholder: where it was required, its absence is
    noted already.
    """

    def __init__(self, owner: Item, found: dict[str, Item]) -> None:
        self._owner = owner
        self._found = found

    def __getitem__(self, key: str) -> Item:
        item = self._found.get(key)
        return item if item is not None else Item(None, "", 0, key, FaultList())


def read_yaml(path: Path, faults: FaultList) -> Item:
    """The value that a YAML file holds.

    Args:
        path: the file.
        faults: where to note what is wrong, now and while the value is read.
    """
    file = path.name
    node: Node | None = None
    try:
        node = YAML(typ="safe", pure=True).compose(path)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        faults.append(Fault(file, line, "", f"not valid YAML: {error.problem}"))
    except (YAMLError, UnicodeDecodeError) as error:
        faults.append(Fault(file, 0, "", f"not valid YAML: {type(error).__name__}"))
    except OSError as error:
        faults.append(Fault(file, 0, "", f"cannot be read: {error.strerror}"))
    else:
        if node is None:
            faults.append(Fault(file, 0, "", "is empty"))
    return Item(node, file, 1, "", faults)
