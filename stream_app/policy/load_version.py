"""One published version, from its file."""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path

import msgspec
import orjson

from stream_app.domain.codes import CATEGORY_LENGTH, Icd10Code, published_code
from stream_app.domain.decision import GUIDELINE
from stream_app.domain.vocabulary import CriterionName
from stream_app.policy.faults import FaultList
from stream_app.policy.icd10cm import Icd10Table, TableRow
from stream_app.policy.model import (
    KNOWN_REQUIREMENTS,
    CodeStem,
    DescriptionPhrases,
    DiagnosisRange,
    GuidelineVersion,
    Phrases,
    Requirement,
    Service,
    ServiceName,
)
from stream_app.policy.phrases import is_phrase
from stream_app.policy.strict_yaml import Fields, Item, read_yaml

_KEYS = (
    "guideline",
    "version",
    "effective_from",
    "sections",
    "services",
    "diagnosis_ranges",
    "hematologic_malignancies",
    "undetermined_malignancies",
    "description_phrases",
)


class VersionFile:
    """A version's file, read in two steps: its dates first, since one version ends the other."""

    def __init__(self, path: Path, faults: FaultList) -> None:
        self.name = path.name
        self.fields = read_yaml(path, faults).mapping(_KEYS, optional=["effective_through"])
        self.effective_from = self.fields["effective_from"].day()
        self.effective_through = self._effective_through()
        if self.fields["guideline"].given and self.fields["guideline"].quoted() != GUIDELINE:
            self.fields["guideline"].fault(f'must be "{GUIDELINE}"')
        self._version = self.fields["version"].quoted()
        if self._version and self._version != path.stem:
            self.fields["version"].fault("must be what the file is named after")
        self._sections = tuple(item.text() for item in self.fields["sections"].sequence())

    @property
    def is_dated(self) -> bool:
        """Whether its first day could be read."""
        return self.effective_from != date.min

    def build(self, table: Icd10Table, through: date | None) -> GuidelineVersion:
        """The version.

        Args:
            table: what the ends of its ranges must stand in.
            through: its last day, or the day before the next version; None: open.
        """
        content = GuidelineVersion(
            version=self._version,
            effective_from=self.effective_from,
            effective_through=self.effective_through,
            sections=self._sections,
            services=self._services(),
            diagnosis_ranges=self._ranges(table, through),
            hematologic_malignancies=self._stems("hematologic_malignancies"),
            undetermined_malignancies=self._stems("undetermined_malignancies"),
            description_phrases=self._description_phrases(),
            hash="",
        )
        return msgspec.structs.replace(
            content, effective_through=through, hash=content_hash(content)
        )

    def _effective_through(self) -> date | None:
        item = self.fields["effective_through"]
        if not item.given:
            return None
        through = item.day()
        if through == date.min:
            return None
        if through < self.effective_from:
            item.fault("reversed: before effective_from")
        return through

    def _section(self, fields: Fields) -> str:
        item = fields["section"]
        section = item.text()
        if section and self._sections and section not in self._sections:
            item.fault("cites a heading that `sections` does not name")
        return section

    def _services(self) -> Mapping[ServiceName, Service]:
        services: dict[ServiceName, Service] = {}
        listing = self.fields["services"]
        for item in listing.sequence():
            fields = item.mapping(("service", "procedure_code", "section", "necessary_when"))
            name = fields["service"].choice(ServiceName)
            if name is None:
                continue
            if name in services:
                fields["service"].fault("given twice")
            code = fields["procedure_code"]
            if not code.given and name is not ServiceName.COLLECTION:
                code.fault("this service is known by its code")
            services[name] = Service(
                name=name,
                procedure_code=code.quoted() if code.given else None,
                section=self._section(fields),
                necessary_when=self._requirements(fields["necessary_when"], name),
            )
        for name in ServiceName:
            if listing.given and name not in services:
                listing.fault(f"lacks {name}")
        return services

    def _requirements(self, listing: Item, service: ServiceName) -> tuple[Requirement, ...]:
        known = KNOWN_REQUIREMENTS[service]
        items = listing.sequence(at_least=1 if known else 0)
        if items and not known:
            listing.fault("must be empty: no rule looks at anything for this service")
            return ()
        requirements: dict[CriterionName, Requirement] = {}
        for item in items:
            fields = item.mapping(("criterion", "section"))
            criterion = fields["criterion"].choice(known)
            section = self._section(fields)
            if criterion is None:
                continue
            if criterion in requirements:
                fields["criterion"].fault("given twice")
            requirements[criterion] = Requirement(criterion=criterion, section=section)
        return tuple(requirements.values())

    def _ranges(self, table: Icd10Table, through: date | None) -> tuple[DiagnosisRange, ...]:
        ranges = []
        taken: list[tuple[int, int]] = []
        for item in self.fields["diagnosis_ranges"].sequence():
            fields = item.mapping(("first", "last", "title", "section"), optional=["category"])
            first = self._range_end(fields["first"], table, through)
            last = self._range_end(fields["last"], table, through)
            if first and last:
                span = first.position, last.position
                if first.position > last.position:
                    fields["last"].fault("reversed: stands before `first` in tabular order")
                elif any(span[0] <= end and start <= span[1] for start, end in taken):
                    item.fault("overlaps another range")
                taken.append(span)
            ranges.append(
                DiagnosisRange(
                    first=first.code if first else Icd10Code(""),
                    last=last.code if last else Icd10Code(""),
                    title=fields["title"].text(),
                    category=_category(fields, first, last),
                    section=self._section(fields),
                )
            )
        return tuple(ranges)

    def _range_end(self, item: Item, table: Icd10Table, through: date | None) -> TableRow | None:
        text = item.quoted()
        if not text:
            return None
        code = published_code(text)
        row = table.get(code) if code else None
        if row is None:
            item.fault("is no billable code of the ICD-10-CM table")
        elif self.is_dated and not (
            row.valid_on(self.effective_from) and row.valid_on(through or self.effective_from)
        ):
            item.fault("is not valid throughout this version")
        return row

    def _stems(self, key: str) -> tuple[CodeStem, ...]:
        stems = []
        for item in self.fields[key].sequence():
            fields = item.mapping(("first", "last", "section"))
            first, last = _stem(fields["first"]), _stem(fields["last"])
            if first > last:
                fields["last"].fault("reversed: before `first`")
            elif first != last and not len(first) == len(last) == CATEGORY_LENGTH:
                item.fault("only whole categories make a range; give others one by one")
            stems.append(CodeStem(first=first, last=last, section=self._section(fields)))
        return tuple(stems)

    def _description_phrases(self) -> DescriptionPhrases:
        fields = self.fields["description_phrases"].mapping(DescriptionPhrases.__struct_fields__)
        return DescriptionPhrases(
            **{name: self._phrases(fields[name]) for name in DescriptionPhrases.__struct_fields__}
        )

    def _phrases(self, item: Item) -> Phrases:
        fields = item.mapping(("phrases", "section"))
        phrases = []
        for phrase in fields["phrases"].sequence():
            text = phrase.quoted()
            if text and not is_phrase(text):
                phrase.fault("is no phrase: words set off by one blank, `...`, a `*` at the end")
            phrases.append(text)
        return Phrases(phrases=tuple(phrases), section=self._section(fields))


def content_hash(content: object) -> str:
    """SHA-256 of a structure's canonical JSON."""
    return sha256(
        orjson.dumps(msgspec.to_builtins(content), option=orjson.OPT_SORT_KEYS)
    ).hexdigest()


def _category(fields: Fields, first: TableRow | None, last: TableRow | None) -> str | None:
    item = fields["category"]
    if not item.given:
        return None
    category = item.quoted()
    ends = {row.code[:CATEGORY_LENGTH] for row in (first, last) if row}
    if ends and ends != {category}:
        item.fault("is not the category of both ends")
    return category


def _stem(item: Item) -> str:
    text = item.quoted()
    code = published_code(text)
    if text and code is None:
        item.fault("is not spelt like an ICD-10-CM code")
    return code or ""
