"""Secrets that the service manager hands over as files, which other processes cannot see: https://systemd.io/CREDENTIALS/"""

from collections.abc import Iterable, Mapping
from pathlib import Path

_DIRECTORY = "CREDENTIALS_DIRECTORY"


def names_of_credentials(environment: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """List the credentials that were handed over; the second result says why they cannot be listed."""
    directory = environment.get(_DIRECTORY)
    try:
        return sorted(file.name for file in Path(directory).iterdir()) if directory else [], []
    except FileNotFoundError:
        return [], []
    except OSError as e:
        return [], [f"{_DIRECTORY}: cannot list the credentials in {directory}: {e.strerror}"]


def with_credentials(environment: Mapping[str, str], names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Complete the environment by the credentials of these names; the second result says what is wrong with them.

    A variable that holds something wins over a credential. A credential that is not there, or empty, is not set.
    """
    merged, wrong = dict(environment), []
    directory = environment.get(_DIRECTORY)
    for name in names if directory else ():
        if merged.get(name, "").strip():
            continue
        file = Path(directory or "") / name
        try:
            text = file.read_text(encoding="utf-8-sig").strip()
        except FileNotFoundError:
            continue
        except OSError as e:
            wrong.append(f"{name}: cannot read the credential {file}: {e.strerror}")
            continue
        except UnicodeDecodeError:
            wrong.append(f"{name}: the credential {file} is not text")
            continue
        if len(text.splitlines()) > 1:
            wrong.append(f"{name}: the credential {file} must be one line")
        elif text:
            merged[name] = text
    return merged, wrong


def misplaced(name: str, variables: Mapping[str, str]) -> str | None:
    """Return an error where a setting's name is that of a secret, saying where it belongs; else None.

    Args:
        name: the name of the setting, in any spelling.
        variables: the environment variable of each secret, by a word in the name; the first match counts.
    """
    name = name.lower()
    if not any(word in name for word in ("token", "secret", "hash_key")):
        return None
    variable = next(variable for word, variable in variables.items() if word in name)
    return (
        "secrets are no settings, because those are shown around, copied and committed: put it into the environment "
        f"variable {variable} or a systemd credential of that name, and take it out here"
    )
