"""`cg-trans-03 policy`: the versions of the guideline that are held as data."""

import difflib
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import click
import msgspec
import orjson

from stream_app.cli.options import settings_option
from stream_app.domain.codes import Icd10Code, dotted
from stream_app.policy.load import load_policies
from stream_app.policy.model import CodeStem, DiagnosisRange, GuidelineVersion, Policies
from stream_app.settings import Settings

json_option = click.option("--json", "for_machines", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """List, show and compare the versions of the guideline held as data.

    The version that applies is chosen by each line's date of service, never by today's date.
    """


@command.command("list")
@json_option
@settings_option
def list_(for_machines: bool, settings: Settings) -> None:
    """List the versions and the dates of service they apply to."""
    versions = load_policies(settings.policy_dir).versions
    if for_machines:
        _print_json([_summary(version) for version in versions])
        return
    click.echo(f"{'version':<12}{'from':<12}{'through':<12}{'ranges':>6}  content hash")
    for version in versions:
        click.echo(
            f"{version.version:<12}{version.effective_from!s:<12}"
            f"{version.effective_through or 'open'!s:<12}{len(version.diagnosis_ranges):>6}  "
            f"{version.hash[:16]}"
        )


@command.command()
@click.argument("version")
@json_option
@settings_option
def show(version: str, for_machines: bool, settings: Settings) -> None:
    """Show one VERSION: services and their criteria, listed diagnoses, phrases."""
    policies = load_policies(settings.policy_dir)
    chosen = _version(policies, version)
    if for_machines:
        _print_json(msgspec.to_builtins(chosen))
        return
    for line in _shown(chosen, _listed(chosen, policies, chosen.effective_from)):
        click.echo(line)


@command.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Date on which codes are compared.  [default: the first day of NEW]",
)
@json_option
@settings_option
def diff(old: str, new: str, on: datetime | None, for_machines: bool, settings: Settings) -> None:
    """Compare two versions: what changed from OLD to NEW.

    Codes gained and lost are those valid on one date that only one of the two lists: what the
    change of ranges comes to for a claim of that day.
    """
    policies = load_policies(settings.policy_dir)
    before, after = _version(policies, old), _version(policies, new)
    day = on.date() if on else after.effective_from
    changes = _changes(before, after, policies, day)
    if for_machines:
        _print_json(changes)
        return
    for line in _differences(changes, day):
        click.echo(line)


def _version(policies: Policies, name: str) -> GuidelineVersion:
    names = [version.version for version in policies.versions]
    if name in names:
        return policies.versions[names.index(name)]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise click.UsageError(f"no version '{name}' is held; {hint}")


def _summary(version: GuidelineVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "effective_from": version.effective_from,
        "effective_through": version.effective_through,
        "diagnosis_ranges": len(version.diagnosis_ranges),
        "hash": version.hash,
    }


def _listed(version: GuidelineVersion, policies: Policies, day: date) -> list[str]:
    """Codes valid on a day that a version lists, dotted, in tabular order."""
    table = policies.icd10cm
    spans = [
        (table[listed.first].position, table[listed.last].position)
        for listed in version.diagnosis_ranges
    ]
    return [
        dotted(row.code)
        for row in table.rows
        if row.valid_on(day) and any(first <= row.position <= last for first, last in spans)
    ]


def _shown(version: GuidelineVersion, listed: Sequence[str]) -> Iterable[str]:
    through = f"through {version.effective_through}" if version.effective_through else "and on"
    yield f"CG-TRANS-03, version {version.version}"
    yield f"dates of service: {version.effective_from} {through}"
    yield f"content hash: {version.hash}"
    for service in version.services.values():
        yield ""
        yield f"{service.name.replace('_', ' ')}, code {service.procedure_code or 'none listed'}"
        yield f"  section: {service.section}"
        yield "  medically necessary: " + ("when all of" if service.necessary_when else "never")
        for requirement in service.necessary_when:
            yield f"    {requirement.criterion.replace('_', ' '):<40}  {requirement.section}"
    yield ""
    yield f"listed diagnoses (tabular order; {len(listed)} codes valid on {version.effective_from})"
    for listed_range in version.diagnosis_ranges:
        yield f"  {_range(listed_range):<16}  {listed_range.title}"
    yield ""
    yield "hematologic malignancies (what a transplant may have treated)"
    yield f"  {_stems(version.hematologic_malignancies)}"
    yield f"  neither held for nor against: {_stems(version.undetermined_malignancies)}"
    yield ""
    yield "phrases looked for in descriptions"
    for name, phrases in msgspec.to_builtins(version.description_phrases).items():
        yield f"  {name.replace('_', ' ')}: {', '.join(phrases['phrases'])}"


def _changes(
    before: GuidelineVersion, after: GuidelineVersion, policies: Policies, day: date
) -> dict[str, Any]:
    old, new = ([_range(r) for r in version.diagnosis_ranges] for version in (before, after))
    had, has = (_listed(version, policies, day) for version in (before, after))
    return {
        "old": before.version,
        "new": after.version,
        "ranges_removed": [r for r in old if r not in new],
        "ranges_added": [r for r in new if r not in old],
        "on": day,
        "codes_gained": [code for code in has if code not in had],
        "codes_lost": [code for code in had if code not in has],
        "other_fields_changed": [
            field
            for field in (
                "services", "hematologic_malignancies", "undetermined_malignancies",
                "description_phrases",
            )
            if _plain(before, field) != _plain(after, field)
        ],
    }  # fmt: skip


def _plain(version: GuidelineVersion, field: str) -> Any:
    return msgspec.to_builtins(getattr(version, field))


def _differences(changes: dict[str, Any], day: date) -> Iterable[str]:
    yield f"from {changes['old']} to {changes['new']}"
    for heading, sign, codes in (
        ("ranges no longer printed so", "-", changes["ranges_removed"]),
        ("ranges printed instead", "+", changes["ranges_added"]),
        (f"codes lost (valid on {day}, listed only before)", "-", changes["codes_lost"]),
        (f"codes gained (valid on {day}, listed only now)", "+", changes["codes_gained"]),
    ):
        yield ""
        yield f"{heading}: {len(codes) or 'none'}"
        for code in codes:
            yield click.style(f"  {sign} {code}", fg="green" if sign == "+" else "red")
    others = [name.replace("_", " ") for name in changes["other_fields_changed"]]
    yield ""
    yield f"services, malignancies and phrases: {', '.join(others) or 'unchanged'}"


def _range(listed: DiagnosisRange) -> str:
    first, last = dotted(listed.first), dotted(listed.last)
    return first if first == last else f"{first}-{last}"


def _stems(stems: Iterable[CodeStem]) -> str:
    spelt = ((dotted(Icd10Code(stem.first)), dotted(Icd10Code(stem.last))) for stem in stems)
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in spelt)


def _print_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2))
