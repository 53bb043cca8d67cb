"""How a collection looks in MongoDB: the fields and their names, indexes, the validator, and tests as filters.

A document is stored as plain BSON, so that an operator can read it: `id` is `_id`, the other fields have the names that
their encoding has. A field of the document that is None is left out, so that an index over fields that `exist` holds
exactly those that are not None. Integers are stored with 32 or 64 bits and come back as plain ints.
"""

import re
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

import bson
import msgspec
from bson.codec_options import CodecOptions, TypeDecoder, TypeRegistry
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument
from bson.regex import Regex

from kassa.kit.documents import (
    ANY_END,
    Between,
    CollectionSpec,
    Contains,
    Document,
    Duplicate,
    In,
    Index,
    Test,
    Where,
    Words,
)
from kassa.storage.mongo_lanes import DOCUMENT_REFUSED, DUPLICATE_KEY, Stored, WriteError, is_definite, unavailable
from kassa.storage.naming import checked, with_sort

D = TypeVar("D", bound=Document)

LARGEST = 16_000_000
"""Bytes of a document; MongoDB's own limit is a little higher."""

WORDS = "_words"
"""Where a document has the words of its searched text, each once, with an ordinary index over them: MongoDB's own text
index folds words by rules of its own, and has no beginnings of words."""

OURS = "kassa_"
"""What the names of declared indexes begin with. Others (of an operator, of a shard key) are left alone."""

_KINDS = {
    "string": {"string"},
    "integer": {"int", "long"},
    "number": {"double", "int", "long"},
    "boolean": {"bool"},
    "array": {"array"},
    "object": {"object"},
    "null": {"null"},
}  # fmt: skip
"""JSON's types, and BSON's that stand for them."""


class _PlainInt(TypeDecoder):
    """64-bit integers would come as a class of their own, and show where a field may hold anything."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


CODEC: CodecOptions[Stored] = CodecOptions(type_registry=TypeRegistry([_PlainInt()]))


class IndexShape(NamedTuple):
    """One index as the server lists it."""

    name: str
    key: dict[str, int]
    options: dict[str, Any]

    @classmethod
    def of(cls, listed: Mapping[str, Any]) -> "IndexShape":
        """What `listIndexes` says of one."""
        options = {name: value for name, value in listed.items() if name in ("unique", "partialFilterExpression")}
        return cls(listed["name"], dict(listed["key"]), options)


class Shape(Generic[D]):
    """One collection's declaration in MongoDB's terms."""

    def __init__(self, spec: CollectionSpec[D]) -> None:
        self.spec = spec
        self.collection = checked(spec.name)
        self._fields = {field.name: field for field in msgspec.structs.fields(spec.type)}
        self._id = self._fields["id"].encode_name
        self._names = {name: field.encode_name for name, field in self._fields.items()} | {"id": "_id"}
        optional = [field for field in self._fields.values() if type(None) in typing.get_args(field.type)]
        self._optional = {field.name for field in optional}
        for field in optional:
            if not field.required and field.default is not None:
                raise ValueError(f"{spec.name}: {field.name} may be None, so None must be its default")
        self._nulls = {field.encode_name: None for field in optional if field.required}
        self._unique: dict[tuple[str, ...], str] = {("_id",): "id"}
        self.indexes = [self._index(index) for index in self._declared()]
        if spec.searched:
            self.indexes.append(IndexShape(f"{OURS}words", {WORDS: 1}, {}))
        self.projection = {WORDS: 0} if spec.searched else None

    def name(self, field: str) -> str:
        """What a field is called in MongoDB."""
        try:
            return self._names[field]
        except KeyError:
            raise ValueError(f"documents of {self.collection} have no field {field!r}") from None

    @property
    def unique_texts(self) -> list[str]:
        """Text fields that no two documents have in common, and without a default that one may have silently."""
        alone = {index.fields[0] for index in self.spec.indexes if index.unique and len(index.fields) == 1}
        texts = (str, str | None)
        return ["id", *(name for name in sorted(alone) if self.kind(name) in texts and self._default(name) is None)]

    def kind(self, field: str) -> Any:
        """The declared type of a field."""
        return self._fields[field].type

    def encode(self, document: D) -> RawBSONDocument:
        """The document as it is stored; ValueError if it has integers of more than 64 bits or is too large."""
        fields = msgspec.to_builtins(document, str_keys=True)
        stored = {"_id": fields.pop(self._id), **{name: value for name, value in fields.items() if value is not None}}
        if self.spec.searched:
            stored[WORDS] = list(dict.fromkeys(getattr(document, self.spec.searched).split(" ")))
        try:
            raw = bson.encode(stored)
        except OverflowError as error:
            raise ValueError(f"{self.collection}: an integer has more than 64 bits") from error
        if len(raw) > LARGEST:
            raise ValueError(f"{self.collection}: the document has {len(raw)} bytes, more than {LARGEST}")
        return RawBSONDocument(raw)

    def decode(self, stored: Stored) -> D:
        """The document that was stored."""
        fields = {**self._nulls, **stored}
        fields[self._id] = fields.pop("_id")
        return msgspec.convert(fields, self.spec.type, str_keys=True)

    def refusal(self, error: WriteError) -> Exception:
        """What it means that the server refused a write."""
        if error["code"] == DUPLICATE_KEY:
            index = self._unique.get(tuple(error.get("keyPattern", ())))
            if index is not None:
                return Duplicate(self.collection, index)
        if error["code"] == DOCUMENT_REFUSED or is_definite(error):
            return ValueError(f"{self.collection}: error {error['code']} {_without_values(error.get('errInfo', ''))}")
        return unavailable(self.collection, error)

    def validator(self) -> Stored:
        """The kinds of the top-level fields, and that the required ones are there.

        Not which values an enum has and that there is nothing else: a release that is being replaced keeps writing.
        """
        schema = msgspec.json.schema(self.spec.type)
        definitions = schema.get("$defs", {})
        mine = _resolved(schema, definitions)
        properties: Stored = {}
        for name, property_schema in mine["properties"].items():
            kinds = _kinds(property_schema, definitions)
            if kinds is not None:
                properties["_id" if name == self._id else name] = {"bsonType": sorted(kinds)}
        properties["version"]["minimum"] = 1
        required = {"_id" if name == self._id else name for name in mine["required"] if name not in self._nulls}
        return {
            "$jsonSchema": {"bsonType": "object", "required": sorted({*required, "version"}), "properties": properties}
        }

    def filter(self, where: Where, *more: Stored) -> Stored:
        """The filter that passes what passes all tests."""
        tests = [test for field, value in where.items() for test in self._tests(field, value)]
        return {"$and": [*tests, *more]} if tests or more else {}

    def value(self, field: str) -> Stored:
        """The expression of a field's value; the default where a document has none."""
        return {"$ifNull": [f"${self.name(field)}", {"$literal": self._default(field)}]}

    def with_words(self) -> list[Stored]:
        """What gives stored documents their words, on the server."""
        return [{"$set": {WORDS: {"$setUnion": [{"$split": [f"${self.name(str(self.spec.searched))}", " "]}]}}}]

    def _default(self, field: str) -> str | int | None:
        """What a document has that was stored before the field was there, or without it."""
        default = plain(self._fields[field].default)
        return default if isinstance(default, str | int) else None

    def _tests(self, field: str, test: Test) -> list[Stored]:
        name, default = self.name(field), self._default(field)
        found: Stored
        match test:
            case Between():
                limits = [("$gte", test.at_least), ("$lt", test.below)]
                found = {name: {sign: limit for sign, limit in limits if limit is not None}}
                return [_or_absent(name, found, default, test)] if found[name] else []
            case Contains(text):
                # A pattern ends at the first NUL.
                pattern = re.escape(text).replace("\x00", "\\x00")
                return [_or_absent(name, {name: {"$regex": pattern}}, default, test)]
            case Words():
                if field != self.spec.searched:
                    raise ValueError(f"the words of {field!r} of {self.collection} are in no index")
                return _with_words(test)
            case In(values):
                wanted = [plain(value) for value in values]
            case _:
                wanted = [plain(test)]
        if default is not None and any(value == default for value in wanted):
            wanted.append(None)
        return [{name: wanted[0]} if len(wanted) == 1 else {name: {"$in": wanted}}]

    def _declared(self) -> list[Index]:
        sort = self.spec.sort
        declared = [with_sort(index, sort) for index in self.spec.indexes]
        if sort != "id" and not any(index.fields == (sort,) for index in declared):
            declared.append(Index("sort", (sort,)))
        return [*declared, Index("due", ("due_at", "id"))]

    def _index(self, index: Index) -> IndexShape:
        key = {self.name(field): 1 for field in index.fields}
        options: Stored = {}
        sparse = [field for field in index.fields if field in self._optional]
        if index.unique:
            options["unique"] = True
            self._unique[tuple(key)] = index.name
        if sparse and (index.unique or index.sparse or index.name == "due"):
            options["partialFilterExpression"] = {self.name(field): {"$exists": True} for field in sparse}
        return IndexShape(OURS + checked(index.name), key, options)


def plain(value: Any) -> Any:
    """The value of an enum's member; anything else as it is."""
    return value.value if isinstance(value, Enum) else value


def _with_words(test: Words) -> list[Stored]:
    found: list[Stored] = [{WORDS: {"$in": [_pattern(word) for word in group]}} for group in test.groups]
    return found if test.but is None else [*found, {"$nor": [{"$and": _with_words(test.but)}]}]


def _pattern(word: str) -> Any:
    """A word, or a pattern that the index knows the beginning of."""
    return Regex("^" + re.escape(word.removesuffix(ANY_END))) if word.endswith(ANY_END) else word


def _or_absent(name: str, found: Stored, default: str | int | None, test: Between | Contains) -> Stored:
    return {"$or": [found, {name: None}]} if _passes(default, test) else found


def _passes(default: Any, test: Between | Contains) -> bool:
    if isinstance(test, Contains):
        return isinstance(default, str) and test.text in default
    limits = [limit for limit in (test.at_least, test.below) if limit is not None]
    if default is None or any(isinstance(limit, str) != isinstance(default, str) for limit in limits):
        return False
    return test.holds(default)


def _without_values(told: Any) -> Any:
    """What the server says of a document that it refuses, without what is in it."""
    if isinstance(told, list):
        return [_without_values(each) for each in told]
    if not isinstance(told, Mapping):
        return told
    return {name: _without_values(each) for name, each in told.items() if not name.startswith("considered")}


def _resolved(schema: Stored, definitions: Stored) -> Stored:
    while "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _kinds(schema: Stored, definitions: Stored) -> set[str] | None:
    """BSON's kinds that a value may have; None: any."""
    schema = _resolved(schema, definitions)
    several = schema.get("anyOf")
    if several is not None:
        kinds = [_kinds(each, definitions) for each in several]
        return None if None in kinds else {kind for each in kinds if each for kind in each}
    if "enum" in schema:
        return {"string"} if all(isinstance(value, str) for value in schema["enum"]) else None
    return _KINDS.get(schema.get("type", ""))
