"""How the registry says no: AWS's exception name and one sentence."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """Exception shapes of the AWS IoT control plane that a store can raise.

    Evidence: document - the service model that AWS publishes with botocore 1.44.5.
    """

    CERTIFICATE_STATE = "CertificateStateException"
    DELETE_CONFLICT = "DeleteConflictException"
    INVALID_REQUEST = "InvalidRequestException"
    LIMIT_EXCEEDED = "LimitExceededException"
    MALFORMED_POLICY = "MalformedPolicyException"
    RESOURCE_ALREADY_EXISTS = "ResourceAlreadyExistsException"
    RESOURCE_NOT_FOUND = "ResourceNotFoundException"
    VERSIONS_LIMIT_EXCEEDED = "VersionsLimitExceededException"


class RegistryError(ValueError):
    """A request the registry refuses.

    Attributes:
        code: the exception AWS would answer with.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def not_found(message: str) -> RegistryError:
    """The answer for a name nobody knows."""
    return RegistryError(ErrorCode.RESOURCE_NOT_FOUND, message)


def already_exists(message: str) -> RegistryError:
    """The answer for a name already taken."""
    return RegistryError(ErrorCode.RESOURCE_ALREADY_EXISTS, message)
