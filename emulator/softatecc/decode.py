"""A configuration image in words, for people who would rather not count bits."""

from softatecc.config import Configuration
from softatecc.fields import KeyType, WriteRule
from softatecc.slots import Slot
from softatecc.zones import SLOT_COUNT

_CLOCKS = {0x00: "M0", 0x05: "M1", 0x0D: "M2"}
_SECURE_BOOT_MODES = ("off", "FullBoth", "FullSig", "FullDig")


def decode(configuration: Configuration) -> str:
    """The whole zone, one line for each setting and each slot.

    Args:
        configuration: any 128 bytes; reserved values are shown as numbers.
    """
    slots = (Slot.of(configuration, number) for number in range(SLOT_COUNT))
    lines = [*_part(configuration), *_options(configuration), *(_slot_line(slot) for slot in slots)]

    return "\n".join(lines) + "\n"


def _line(label: str, *parts: str) -> str:
    return f"{label:<17}{', '.join(parts)}"


def _part(configuration: Configuration) -> list[str]:
    mode = configuration.chip_mode
    clock = _CLOCKS.get(mode.clock_divider, f"divider {mode.clock_divider}")
    return [
        _line("serial number", configuration.serial_number.hex()),
        _line("revision copy", configuration.rev_num.hex()),
        _line(
            "interface",
            "I2C" if configuration.i2c_enable else "single wire",
            f"address 0x{configuration.i2c_address:02x} (7-bit)",
            f"clock {clock}",
            f"watchdog {'long' if mode.long_watchdog else 'short'}",
            f"TTL levels {_on(mode.ttl_enable)}",
        ),
        _line("AES", _on(configuration.aes_enable)),
        _line(
            "locks",
            f"configuration {_locked(configuration.config_locked)}",
            f"data and OTP {_locked(configuration.data_locked)}",
        ),
        _line("counters", str(configuration.counter(0)), str(configuration.counter(1))),
        _line("user extra", f"{configuration.user_extra:02x}", f"address {configuration.user_extra_add:02x}"),
    ]


def _options(configuration: Configuration) -> list[str]:
    match, use_lock = configuration.count_match, configuration.use_lock
    permission, boot = configuration.volatile_key_permission, configuration.secure_boot
    options, (iv_place, iv) = configuration.chip_options, configuration.kdf_iv
    formats = (
        f"length {entry.template_length} position {entry.public_position}"
        for entry in configuration.x509_format
    )
    return [
        _line("count match", _of_slot(match.enabled, match.slot)),
        _line("use lock", _of_slot(use_lock.enabled, use_lock.slot)),
        _line("latch permission", _of_slot(permission.enabled, permission.slot)),
        _line(
            "secure boot",
            _SECURE_BOOT_MODES[boot.mode],
            f"digest in slot {boot.digest_slot}",
            f"key in slot {boot.public_key_slot}",
            f"latch {_on(boot.persist_enable)}",
            f"random nonce {_on(boot.rand_nonce)}",
        ),
        _line(
            "KDF",
            f"IV {iv.hex()} at {iv_place}",
            f"AES {_on(options.kdf_aes_enable)}",
            f"protection {options.kdf_protection}",
        ),
        _line("ECDH", f"protection {options.ecdh_protection}"),
        _line("I/O protection", _of_slot(options.io_protection_key_enable, options.io_protection_key)),
        _line(
            "self test",
            f"at power-up {_on(options.power_on_self_test)}",
            f"first failure forgotten {_on(options.auto_clear_first_fail)}",
        ),
        _line("X509 formats", *formats),
    ]


def _slot_line(slot: Slot) -> str:
    does = _private(slot) if slot.key.private else _data(slot)
    demands = [
        phrase
        for phrase, applies in (
            ("limited use", slot.config.limited_use),
            ("no MAC", slot.config.no_mac),
            ("random nonce required", slot.key.req_random),
            (f"authorized by slot {slot.key.auth_key}", slot.key.req_auth),
            ("needs the latch", slot.key.persistent_disable),
            (f"X509 format {slot.key.x509_id}", slot.key.x509_id != 0),
            ("lockable", slot.key.lockable),
            ("LOCKED", slot.locked),
        )
        if applies
    ]
    words = f"{slot.config.value:04X} {slot.key.value:04X}"

    return _line(f"slot {slot.number}", f"{words}  {'; '.join(does + demands)}")


def _private(slot: Slot) -> list[str]:
    uses = [
        phrase
        for phrase, applies in (
            ("signs external", slot.config.external_sign),
            ("signs internal", slot.config.internal_sign),
            ("ECDH", slot.config.ecdh),
            (f"ECDH into slot {slot.number | 1}", slot.config.ecdh and slot.config.ecdh_to_slot),
            ("GenKey", slot.config.genkey_allowed),
            (f"PrivWrite under slot {slot.config.write_key}", slot.config.priv_write_allowed),
            ("public key computable", slot.key.pub_info),
        )
        if applies
    ]
    return [f"{_kind(slot.key.key_type)} private key", *uses]


def _data(slot: Slot) -> list[str]:
    config = slot.config
    if config.encrypt_read and config.is_secret:
        read = f"read under slot {config.read_key}"
    elif config.encrypt_read or config.is_secret:
        read = "never read"
    else:
        read = "clear read"
    write = {
        WriteRule.ALWAYS: "clear write",
        WriteRule.PUB_INVALID: "written while invalid",
        WriteRule.NEVER: "never written",
        WriteRule.ENCRYPT: f"written under slot {config.write_key}",
    }[config.write_rule]
    validated = [f"validated by slot {config.read_key}"] if slot.is_public_p256 and slot.key.pub_info else []
    kind = "P-256 public key" if slot.is_public_p256 else _kind(slot.key.key_type)

    return [kind, read, write, *validated]


def _kind(key_type: int) -> str:
    known = {KeyType.P256: "P-256", KeyType.AES: "AES key", KeyType.DATA: "data"}
    return {int(code): word for code, word in known.items()}.get(key_type, f"key type {key_type}")


def _on(flag: bool) -> str:  # noqa: FBT001 - the flag is the subject
    return "on" if flag else "off"


def _locked(flag: bool) -> str:  # noqa: FBT001 - the flag is the subject
    return "locked" if flag else "unlocked"


def _of_slot(enabled: bool, slot: int) -> str:  # noqa: FBT001 - the flag is the subject
    return f"on, slot {slot}" if enabled else "off"
