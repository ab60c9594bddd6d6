"""What a function is told by its environment, read once and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields


class SettingsError(RuntimeError):
    """The environment lacks settings; names every missing one."""


@dataclass(frozen=True)
class Settings:
    """Names of the stack's resources. Each field is read from the variable ``STRATOCUBE_<FIELD>``."""

    cubes_table: str
    grids_table: str
    builds_table: str
    activities_table: str
    work_bucket: str
    """Plans, task lists and other files of a build; expire by lifecycle."""
    cube_bucket: str
    """Products: COGs, STAC, pictures."""
    state_machine_arn: str
    allowed_hosts: tuple[str, ...] = ()
    """Hosts STAC searches and scene assets may be read from, comma separated; ``*.example.org`` names all below."""
    allowed_buckets: tuple[str, ...] = ()
    """S3 buckets scenes may be read from, comma separated."""
    secret_prefix: str = ""
    """What the names of this stack's secrets begin with, such as ``stratocube/``."""
    arrivals_table: str = ""
    """Empty for a stack that takes no notice of scenes that arrive."""
    sizing: str = ""
    """How large the functions are, as :class:`stratocube.costs.sizing.Sizing` reads it; empty for the defaults."""
    prices: str = ""
    """Prices in place of the list's, as JSON; empty for none."""
    bucket_prefix: str = ""
    """What names of buckets that are made on request begin with."""
    require_tls: bool = True
    """Whether such buckets refuse requests without TLS: ``false`` for an emulator."""

    items_table: str = ""
    """Empty for a stack whose published items are found in S3 only."""
    items_topic: str = ""
    """ARN of the SNS topic that is told of published and deleted items; empty for none."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Settings from environment variables.

        Raises:
            SettingsError: when required variables are missing or empty, naming all of them.
        """
        required = [f for f in fields(cls) if f.default is MISSING]
        missing = [_variable(f.name) for f in required if not env.get(_variable(f.name), "").strip()]
        if missing:
            raise SettingsError(f"these environment variables are missing or empty: {', '.join(missing)}")
        return cls(
            **{f.name: env[_variable(f.name)].strip() for f in required},
            allowed_hosts=_names(env.get(_variable("allowed_hosts"), "")),
            allowed_buckets=_names(env.get(_variable("allowed_buckets"), "")),
            secret_prefix=env.get(_variable("secret_prefix"), "").strip(),
            arrivals_table=env.get(_variable("arrivals_table"), "").strip(),
            sizing=env.get(_variable("sizing"), "").strip(),
            prices=env.get(_variable("prices"), "").strip(),
            items_table=env.get(_variable("items_table"), "").strip(),
            items_topic=env.get(_variable("items_topic"), "").strip(),
            bucket_prefix=env.get(_variable("bucket_prefix"), "").strip(),
            require_tls=env.get(_variable("require_tls"), "").strip().lower() != "false",
        )


def _variable(field_name: str) -> str:
    return f"STRATOCUBE_{field_name.upper()}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
