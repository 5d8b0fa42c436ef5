"""What a target must be given before it can be drilled: printed for its owner, run when told so."""

from importlib import import_module
from typing import Any

from firemarshal import kinds, target
from firemarshal.bad_input import BadInput, did_you_mean
from firemarshal.project import Project

Json = dict[str, Any]


def prepare(
    project: Project, name: str, wanted: str, apply: bool, remove: bool, admin: str
) -> list[str]:
    """The lines to print for one system of a target, or all that the lab does not make.

    With `apply` it is run, all of a system's or nothing, and they say what was done; BadInput
    when it could not be.
    """
    profile = project.target(name)
    lines = []
    for system in _chosen(profile, wanted):
        table = system.model_dump(mode="json")
        module = import_module(kinds.module_of(table, "granting"))
        if apply:
            configuration = {"target": name, "drill": "prepare", "system": table}
            lines += module.apply(configuration, remove, admin)
        else:
            lines += [*_told(module, table, name, remove), ""]
    if not apply:
        again = f"firemarshal prepare --target {name}{' --remove' if remove else ''} --apply"
        lines.append(f"-- Nothing was run. To run it on the primary: {again}")
    return lines


def _chosen(profile: target.Target, wanted: str) -> list[target.System]:
    own = [one for one in profile.systems if not one.lab and _can_be_prepared(one)]
    found = [one for one in own if wanted in ("", one.name)]
    if found:
        return found
    known = [one.name for one in own]
    what = f"no system {wanted!r} to prepare" if wanted else "no system to prepare"
    cure = did_you_mean(wanted, known) or f"these can be: {', '.join(known) or 'none'}"
    where = f"target {profile.name!r}"
    raise BadInput(what, where=where, cure=f"{cure}; the lab prepares its own")


def _can_be_prepared(system: target.System) -> bool:
    return target.find_spec_safely(kinds.module_of(system.model_dump(), "granting"))


def _told(module: Any, table: Json, name: str, remove: bool) -> list[str]:
    purpose = "takes it away again" if remove else "is the least that drills need"
    lines = [f"-- System {table['name']!r} of target {name!r}: what {purpose}. On the primary, as"]
    lines.append("-- an administrator, in the database that the application uses.")
    for one in module.wanted(table, remove):
        lines += [f"-- {one.why}"] if one.why else []
        lines.append(f"{one.text};")
    return lines if remove else [*lines, *(f"-- {one}" for one in module.hints(table))]
