"""The rows of a page: cells, records and the pages that a long one runs over to.

https://www.sqlite.org/fileformat2.html, "B-tree Pages" and "Record Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin_sql.image import Image

__all__ = ["BROKEN", "Row", "children_of", "is_inner", "is_leaf", "rows_of"]

Row = tuple[int, tuple[Any, ...]]
"""A row's number and its values."""
BROKEN: Row = (-1, ())
"""Stands for a row that cannot be read."""

_INNER, _LEAF = 0x05, 0x0D
_FIRST = 100
"""Bytes of the file's header, before what the first page has as a page."""
_WIDTHS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_FAULTS = (IndexError, ValueError, struct.error)


def is_leaf(image: Image, number: int) -> bool:
    """Whether the page holds rows of a table."""
    return _places(image, number, _LEAF, 8) is not None


def is_inner(image: Image, number: int) -> bool:
    """Whether the page leads to other pages of a table."""
    return _places(image, number, _INNER, 12) is not None


def children_of(image: Image, number: int) -> list[int]:
    """The pages that an inner page leads to, in their order."""
    page = image.page(number)
    places = [*(_places(image, number, _INNER, 12) or ()), _start(number) + 8]
    return [struct.unpack_from(">I", page, place)[0] for place in places if place + 4 <= image.usable]


def rows_of(image: Image, number: int) -> Iterator[Row]:
    """The rows of a leaf, each that cannot be read as :data:`BROKEN`."""
    page = image.page(number)
    for place in _places(image, number, _LEAF, 8) or ():
        try:
            yield _row(image, page, place)
        except _FAULTS:
            yield BROKEN


def _start(number: int) -> int:
    return _FIRST if number == 1 else 0


def _places(image: Image, number: int, kind: int, head: int) -> tuple[int, ...] | None:
    """Where the cells of a page begin; None where it is of another kind, or has more than it could hold."""
    page, start = image.page(number), _start(number)
    if not page or page[start] != kind:
        return None
    (count,) = struct.unpack_from(">H", page, start + 3)
    if start + head + 2 * count > image.usable:
        return None
    return struct.unpack_from(f">{count}H", page, start + head)


def _row(image: Image, page: bytes, place: int) -> Row:
    length, place = _varint(page, place)
    number, place = _varint(page, place)
    return _signed(number), _values(_payload(image, page, place, length), image.encoding)


def _payload(image: Image, page: bytes, place: int, length: int) -> bytes:
    """The record of a cell, with what runs over to other pages."""
    usable = image.usable
    if length > usable * image.count:
        raise ValueError("the record is longer than the file")
    here, least = usable - 35, (usable - 12) * 32 // 255 - 23
    if length > here:
        local = least + (length - least) % (usable - 4)
        here = local if local <= here else least
        data = [page[place : place + here]]
        data.extend(_overflow(image, int.from_bytes(page[place + here : place + here + 4]), length - here))
        payload = b"".join(data)
    else:
        payload = page[place : place + length]
    if len(payload) != length:
        raise ValueError("the record is cut")
    return payload


def _overflow(image: Image, number: int, left: int) -> Iterator[bytes]:
    while left > 0 and (page := image.page(number)):
        number = int.from_bytes(page[:4])
        part = page[4 : 4 + min(left, image.usable - 4)]
        left -= len(part)
        yield part


def _values(record: bytes, encoding: str) -> tuple[Any, ...]:
    end, place = _varint(record, 0)
    at, values = end, []
    while place < end:
        kind, place = _varint(record, place)
        value, at = _value(record, at, kind, encoding)
        values.append(value)
    if place != end or at != len(record):
        raise ValueError("the record's parts do not add up")
    return tuple(values)


def _value(record: bytes, at: int, kind: int, encoding: str) -> tuple[Any, int]:
    """A value of the type that a record's header says, and where the next begins."""
    if kind == 0:
        return None, at
    if kind in {8, 9}:
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", record, at)[0], at + 8
    width = _WIDTHS.get(kind) or (kind - 12) // 2
    part = record[at : at + width]
    if len(part) != width or kind in {10, 11}:
        raise ValueError("a value is cut")
    if kind < 7:
        return int.from_bytes(part, signed=True), at + width
    return (part.decode(encoding) if kind % 2 else part), at + width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next begins."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
