"""Read settings and secrets from environment variables."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from bot.credentials import misplaced

PREFIX = "PLATFORM_SYNC_"
FEWEST_CHARACTERS = 16
"""For secrets that the operator chooses; a shorter one could be guessed."""

LISTS = ("allowed_hosts", "audit_hours", "include", "exclude")  # written as comma-separated values
# Kubernetes sets these in each container for a service called platform-sync:
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_OF_KUBERNETES = re.compile(r"(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_[0-9]+_[A-Z]+(?:_(?:PROTO|PORT|ADDR))?)?)")
_OF_ANOTHER_SERVICE = re.compile(rf"[A-Z0-9_]+_{_OF_KUBERNETES.pattern}")  # platform-sync-<something>
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://\S+|[0-9.]+|[0-9a-fA-F:]+|tcp|udp|sctp", re.ASCII)


def merge_environment(
    values: dict[str, Any],
    environment: Mapping[str, str],
    sections: Mapping[str, type[BaseModel]],
    secrets: tuple[str, ...],
    variables_of_secrets: Mapping[str, str],
) -> list[str]:
    """Override the file's values by PLATFORM_SYNC_<SECTION>__<KEY>; return errors for variables that name no key.

    ``variables_of_secrets`` is as in `misplaced`.
    """
    wrong = []
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in secrets:
            continue
        name, _, key = variable.removeprefix(PREFIX).lower().partition("__")
        section = sections.get(name)
        if section is None or key not in section.model_fields:
            if not _is_of_kubernetes(variable.removeprefix(PREFIX), text):
                form = f"the form is {PREFIX}<SECTION>__<KEY>, as in {PREFIX}HTTP__PORT"
                wrong.append(f"{variable}: no such setting; {misplaced(variable, variables_of_secrets) or form}")
            continue
        inside = values.setdefault(name, {})
        if isinstance(inside, dict):
            inside[key] = [part.strip() for part in text.split(",")] if key in LISTS else text
    return wrong


def _is_of_kubernetes(name: str, text: str) -> bool:
    if _OF_KUBERNETES.fullmatch(name):
        return True
    # PLATFORM_SYNC_HTTP_PORT=9000 is a misspelt setting; of a service the variable holds an address.
    is_address = _ADDRESS.fullmatch(text) and not (name.endswith("_PORT") and text.isdigit() and "SERVICE" not in name)
    return bool(_OF_ANOTHER_SERVICE.fullmatch(name) and is_address and "__" not in name)


def read_secret(
    environment: Mapping[str, str], variable: str, *, fewest: int = 1
) -> tuple[SecretStr | None, str | None]:
    """Read a secret, stripped of blanks; the second result is an error that does not quote it.

    Args:
        environment: the environment variables.
        variable: the name of the secret's variable.
        fewest: the minimum number of characters.
    """
    text = environment.get(variable, "").strip().strip("\ufeff").strip()
    if not text:
        return None, None
    if not text.isprintable():
        return None, f"{variable}: must be one line, without control characters"
    if len(text) < fewest:
        return None, f"{variable}: must have at least {fewest} characters, as `openssl rand -base64 32` makes them"
    return SecretStr(text), None
