"""A configuration zone out of whatever the user names: a profile, a file, a device."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jitplab.scenario import NeedUnmet
from softatecc import profiles
from softatecc.config import Configuration
from softatecc.host import DeviceError, Host
from softatecc.packet import ResponseError
from softatecc.transports import NoResponse, open_transport
from softatecc.zones import CONFIG_SIZE


@dataclass(frozen=True, slots=True)
class Source:
    """Where a configuration comes from.

    Attributes:
        name: in one phrase, for a heading.
        configuration: the 128 bytes.
    """

    name: str
    configuration: Configuration


def configuration_from(text: str) -> Source:
    """The configuration a user means.

    Args:
        text: the name of a profile; a file of 128 bytes, or of 256 hex digits, ``#`` begins a comment; or
            the URL of a device, whose four configuration blocks are read.

    Raises:
        ValueError: it is none of them; the sentence says what was tried.
        NeedUnmet: the device does not answer.
    """
    if text in profiles.names():
        return Source(f"profile {text}", Configuration(profiles.load(text).configuration))
    if ":" in text:
        return _from_device(text)
    path = Path(text)
    if not path.exists():
        known = ", ".join(profiles.names())
        raise ValueError(f"{text!r} is no profile ({known}), no file and no device URL; name one of them")
    return Source(f"file {text}", Configuration(_image(path)))


def _from_device(url: str) -> Source:
    try:
        transport = open_transport(url)
    except (NoResponse, OSError) as error:
        raise NeedUnmet(f"{url} cannot be opened: {error}") from None
    try:
        return Source(url, Configuration(Host(transport).read_configuration()))
    except (NoResponse, ResponseError, DeviceError, OSError) as error:
        raise NeedUnmet(f"the configuration of {url} cannot be read: {error}") from None
    finally:
        transport.close()


def _image(path: Path) -> bytes:
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if len(octets) == CONFIG_SIZE:
        return octets
    text = re.sub(r"#.*|0[xX]|[\s,:;{}]", "", octets.decode("ascii", "replace"))
    try:
        image = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{path} is neither 128 bytes nor hex digits; write 256 hex digits") from None
    if len(image) != CONFIG_SIZE:
        raise ValueError(
            f"{path} holds {len(image)} bytes, a configuration has {CONFIG_SIZE}; give all of them"
        )
    return image
