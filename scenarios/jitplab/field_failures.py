"""Failures seen in the field, by number: what happened, where it was told, and which scenarios play it.

Rules of this file:
1. Every row names the scenarios that play it, or says why none does; a test holds it to that.
2. The evidence is public: issues and pull requests by repository and number, write-ups by what they are.
   The threads were read as excerpts unless the row says otherwise; open one before leaning on it.
3. The words are ours. What was measured says where the measurement is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldFailure:
    """One failure that people met.

    Attributes:
        number: stays with the failure for good.
        what: what went wrong, in one sentence.
        evidence: where it was told, or by what it was measured.
        scenarios: names of the scenarios that play it.
        left_out: why none does, or what of it none plays; ``None`` where all of it is played.
    """

    number: int
    what: str
    evidence: str
    scenarios: tuple[str, ...] = ()
    left_out: str | None = None


FIELD_FAILURES: Final[tuple[FieldFailure, ...]] = (
    FieldFailure(
        1,
        "The root's public key is read from the wrong slot; the rebuilt signer carries a wrong authority key "
        "identifier.",
        "StackOverflow 65735301; MicrochipTech/mbedtls-examples#9 (both read in full)",
        (
            "wrong-slot-root-key",
            "root-key-from-an-erased-slot",
            "root-key-from-a-zeroed-slot",
            "root-key-computed-from-the-devices",
            "key-computed-where-there-is-none",
            "private-slot-read",
        ),
    ),
    FieldFailure(
        2,
        "Writing and reading a certificate leave its authority key identifier alone.",
        "MicrochipTech/cryptoauthlib#108",
        ("template-identifier-is-not-replaced",),
    ),
    FieldFailure(
        3,
        "The authority key identifier is filled with the subject's own.",
        "MicrochipTech/cryptoauthlib#370",
        (
            "authority-identifier-is-the-subjects",
            "device-identifier-is-its-own",
        ),
    ),
    FieldFailure(
        4,
        "The device certificate is rebuilt with another serial number source, or another key, than it was "
        "issued with.",
        "MicrochipTech/mbedtls-examples#1; kmwebnet/ECC608-Provision#6",
        (
            "serial-number-is-not-the-hash",
            "serial-source-is-another",
            "key-and-certificate-differ",
        ),
    ),
    FieldFailure(
        5,
        "After an upgrade of cryptoauthlib the certificates come out wrong or not at all (3.7.1 to 3.7.8: "
        "is_genkey inverted; from 3.7.9: 72 bytes hashed for the authority key identifier).",
        "MicrochipTech/cryptoauthlib#410; measured with the sdists",
        (
            "library-inverts-is-genkey",
            "identifier-of-72-bytes",
            "later-format-and-an-older-library",
        ),
    ),
    FieldFailure(
        6,
        "The length of the certificate buffer is never set; what happens to lie there is too small.",
        "MicrochipTech/cryptoauthlib#109, #151",
        ("certificate-buffer-is-too-small",),
    ),
    FieldFailure(
        7,
        "An issue date beyond 2031, or a lifetime beyond 31 years, does not fit a compressed certificate.",
        "MicrochipTech/cryptoauthlib#416; arduino-libraries/ArduinoECCX08#41",
        (
            "issue-year-past-2031",
            "later-format-and-an-older-library",
            "date-past-utctime",
        ),
    ),
    FieldFailure(
        8,
        "Minutes and seconds of the issue date are lost; the certificate cannot be rebuilt.",
        "Microchip's note on the compressed certificate definition (Atmel-8974)",
        ("minutes-are-lost",),
    ),
    FieldFailure(
        9,
        "A serial number that begins with 00, or has 21 bytes, breaks the definition.",
        "the zero-touch kit's issues 3 and 21",
        (
            "serial-number-with-a-leading-zero",
            "serial-number-of-21-bytes",
        ),
    ),
    FieldFailure(
        10,
        "The definition is for another template or chain than the chip was provisioned with (TrustFLEX and "
        "Trust&GO confused).",
        "iot-middleware pull request 173; aws/amazon-freertos#3033",
        (
            "definition-of-another-product",
            "chain-id-is-another",
        ),
    ),
    FieldFailure(
        11,
        "The signer's common name does not end in the four digits that the signer id replaces.",
        "MicrochipTech/cryptoauthlib#137",
        ("signer-name-without-its-id",),
    ),
    FieldFailure(
        12,
        "Extensions stand in another order, or the name differs, from what the definition was made of.",
        "the custom certificate rules of Microchip's Trust Platform Design Suite",
        (
            "extensions-in-another-order",
            "organization-is-spelt-otherwise",
        ),
    ),
    FieldFailure(
        13,
        "The signer's dates are not stored in the chip; a definition in read-only memory cannot be updated "
        "with them.",
        "MicrochipTech/cryptoauthlib#34, #77, #142",
        ("signer-dates-are-not-stored",),
        left_out="No chip or broker sees that a definition lies in read-only memory.",
    ),
    FieldFailure(
        14,
        "Stray bytes stand between the certificates of the chain (mbedTLS -0x7780).",
        "MicrochipTech/cryptoauthlib#137; MicrochipTech/mbedtls-examples#5",
        ("stray-bytes-between-the-certificates",),
    ),
    FieldFailure(
        15,
        "The device sends its own certificate and no CA's.",
        "aws-iot-device-sdk-cpp#10, -java-v2#140; MQTTnet#1079; coreMQTT#160; esp-idf#4443; "
        "ArduinoBearSSL pull request 44",
        ("signer-left-out",),
    ),
    FieldFailure(
        16,
        "The own root is used as trust anchor for the server's certificate (mbedTLS -0x2700).",
        "esp-aws-iot#48; m5stack#93",
        ("own-root-as-server-trust",),
    ),
    FieldFailure(
        17,
        "The first connection is always dropped, and the client does not try again.",
        "aws-iot-device-sdk-python-v2#102, -cpp-v2#110; jitp-sample-scripts#5",
        (
            "client-does-not-come-back",
            "client-comes-back-too-early",
        ),
    ),
    FieldFailure(
        18,
        "The close after CONNECT (mbedTLS -0x7880) is taken for a timeout.",
        "aws/amazon-freertos#549, #687, #3411",
        (
            "client-does-not-come-back",
            "wrong-slot-root-key",
        ),
    ),
    FieldFailure(
        19,
        "The certificate stays PENDING_ACTIVATION: the template's role lacks a permission.",
        "write-ups that found it in CloudTrail",
        ("role-lacks-permission",),
    ),
    FieldFailure(
        20,
        "Only the first thing can be provisioned; the second one meets a conflict of resources.",
        "aws-iot-device-sdk-python-v2#531; aws-iot-device-client#439",
        ("only-the-first-thing-works",),
    ),
    FieldFailure(
        21,
        "A parameter that the template needs is absent from the certificate's subject.",
        "AWS IoT developer guide, just-in-time provisioning",
        ("parameter-not-in-the-subject",),
    ),
    FieldFailure(
        22,
        "The thing's name is illegal: a common name with dots or spaces.",
        "aws-iot-device-sdk-embedded-C#343; AWS IoT API reference, CreateThing",
        ("illegal-thing-name",),
    ),
    FieldFailure(
        23,
        "The client id is not the thing's name that the policy's variable asks for.",
        "aws-iot-device-sdk-js#261, -cpp-v2#110",
        ("client-id-is-not-the-thing-name",),
    ),
    FieldFailure(
        24,
        "The policy lacks Subscribe or Receive; the client is hung up on, or hears nothing.",
        "aws/amazon-freertos#1119, #1842; aws-iot-device-sdk-cpp-v2#167",
        (
            "subscribe-is-not-allowed",
            "receive-is-not-allowed",
        ),
    ),
    FieldFailure(
        25,
        "A new certificate at every boot is a new registration at every boot.",
        "aws-iot-device-sdk-embedded-C#635",
        ("a-new-certificate-at-each-boot",),
    ),
    FieldFailure(
        26,
        "The wrong level was registered: the root instead of the CA that issues.",
        "AWS's own note; the zero-touch kit's issue 17",
        (
            "ca-registered-at-the-wrong-level",
            "root-sent-instead-of-the-signer",
        ),
    ),
    FieldFailure(
        27,
        "No server name is sent, or the CA is registered in two accounts where only one may have it.",
        "picow-iot#3; aws-iot-device-sdk-python#301; aws-cli#7591",
        (
            "sni-missing-where-it-is-required",
            "sni-missing-for-a-shared-ca",
            "sni-missing-for-a-shared-certificate",
            "server-name-of-another-account",
            "ca-belongs-to-another-account",
        ),
    ),
    FieldFailure(
        28,
        "The verification certificate, or the registration code in it, is wrong.",
        "forge#728",
        (
            "verification-names-another-code",
            "verification-by-another-key",
            "verification-is-missing",
        ),
    ),
    FieldFailure(
        29,
        "An expiry of 9999, or beyond 2038, breaks describe-ca-certificate in clients.",
        "boto/botocore#2564, #2927",
        (
            "end-date-is-rendered",
            "expiry-of-9999-as-issued",
        ),
        left_out="The definition's side is played; what clients make of the date is theirs.",
    ),
    FieldFailure(
        30,
        "The device's clock is not set.",
        "aws-iot-device-sdk-embedded-C#1587, -cpp-v2#221",
        ("device-clock-is-unset",),
    ),
    FieldFailure(
        31,
        "QoS 2, or a will with QoS 2, ends the connection.",
        "espMqttClient#116; mqtt_client#232",
        ("qos-2-is-not-spoken", "will-of-qos-2"),
    ),
    FieldFailure(
        32,
        "Retain needs iot:RetainPublish, in a will too.",
        "aws-iot-device-sdk-python-v2#113, -js-v2#133, -embedded-C#1747",
        (
            "retain-is-not-allowed",
            "retained-will-is-not-allowed",
        ),
    ),
    FieldFailure(
        33,
        "Two clients with one id take turns; a payload above 128 KB ends the connection.",
        "aws-iot-device-sdk-python-v2#236, -cpp-v2#110",
        (
            "duplicate-client-id",
            "payload-is-too-large",
        ),
    ),
    FieldFailure(
        34,
        "An RSA key below 2048 bits or an unsupported algorithm: the key is not valid.",
        "AWS re:Post",
        ("ca-key-is-too-short",),
    ),
    FieldFailure(
        35,
        "Key and certificate do not belong together.",
        "aws-iot-device-sdk-embedded-C#1766; aws-crt-python#141",
        ("key-and-certificate-differ",),
    ),
    FieldFailure(
        36,
        "A slot is locked or configured otherwise (library status 0xF4); AES is not enabled (0xD2).",
        "MicrochipTech/cryptoauthlib#25, #56, #229, #280",
        (
            "certificate-slot-cannot-be-rewritten",
            "configuration-of-another-product",
            "secret-slot-read-in-clear",
            "private-key-asked-for-in-a-data-slot",
            "data-zone-left-unlocked",
        ),
        left_out="AES (0xD2) is left out: onboarding asks the chip for none.",
    ),
    FieldFailure(
        37,
        "The bus, slot or serial number in the PKCS#11 library's 0.conf is wrong.",
        "MicrochipTech/cryptoauthlib#161, #208, #328, #396",
        ("pkcs11-names-another-slot",),
        left_out="A wrong bus or address meets no chip at all, and that is told before anything else.",
    ),
    FieldFailure(
        38,
        "The CA is INACTIVE, its automatic registration is off, or there are more than ten of one subject.",
        "AWS IoT API reference",
        (
            "ca-is-inactive",
            "auto-registration-is-disabled",
            "an-eleventh-ca-of-one-subject",
        ),
    ),
    FieldFailure(
        39,
        "The TLS security level or a cipher ends the handshake; gaps in TLS 1.3.",
        "aws-iot-device-sdk-embedded-C#1898; esp-aws-iot#179",
        left_out="Levels and ciphers are the TLS libraries' and their builds'; ours would show its own.",
    ),
    FieldFailure(
        40,
        "ESP32 and ATECC608: MQTTRecvFailed, the same symptom from another cause.",
        "FreeRTOS forum 17293",
        left_out="The close of wrong-slot-root-key and of signer-left-out, told without its cause.",
    ),
    FieldFailure(
        41,
        "The template says 3000-12-31, the library renders an expiry of 0 years as 9999-12-31.",
        "measured with cryptoauthlib 20260505",
        ("end-date-is-rendered",),
    ),
    FieldFailure(
        42,
        "The signer's public key is read from the wrong slot; its key and identifier and that of the "
        "device certificate's issuer are wrong.",
        "measured with cryptoauthlib 20260505",
        (
            "signer-key-from-the-wrong-slot",
            "signer-key-from-an-empty-slot",
        ),
    ),
    FieldFailure(
        43,
        "The private key is generated anew after the certificate was issued.",
        "no public thread; it follows from the commands",
        ("key-made-anew-after-issuing",),
    ),
    FieldFailure(
        44,
        "The slots of the two compressed certificates are swapped (10 and 12).",
        "no public thread; it follows from the definitions",
        ("compressed-slots-swapped",),
    ),
)
