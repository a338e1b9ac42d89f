"""How the registry says no: AWS's exception name and one sentence."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """Exception shapes of the AWS IoT control plane that a store can raise.

    Evidence: document - the service model that AWS publishes with botocore 1.44.5.
    """

    CERTIFICATE_STATE = "CertificateStateException"
    CONFLICTING_UPDATE = "ConflictingResourceUpdateException"
    DELETE_CONFLICT = "DeleteConflictException"
    INVALID_REQUEST = "InvalidRequestException"
    LIMIT_EXCEEDED = "LimitExceededException"
    MALFORMED_POLICY = "MalformedPolicyException"
    RESOURCE_ALREADY_EXISTS = "ResourceAlreadyExistsException"
    RESOURCE_NOT_FOUND = "ResourceNotFoundException"
    VERSION_CONFLICT = "VersionConflictException"
    VERSIONS_LIMIT_EXCEEDED = "VersionsLimitExceededException"


class RegistryError(ValueError):
    """A request the registry refuses.

    Attributes:
        code: the exception AWS would answer with.
        resource_arn: what was in the way, for RESOURCE_ALREADY_EXISTS.
        resource_id: its id or name.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        resource_arn: str | None = None,
        resource_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.resource_arn = resource_arn
        self.resource_id = resource_id


def not_found(message: str) -> RegistryError:
    """The answer for a name nobody knows."""
    return RegistryError(ErrorCode.RESOURCE_NOT_FOUND, message)


def already_exists(message: str, *, arn: str | None = None, id: str | None = None) -> RegistryError:  # noqa: A002
    """The answer for a name already taken, by the resource with this ARN and id."""
    return RegistryError(ErrorCode.RESOURCE_ALREADY_EXISTS, message, resource_arn=arn, resource_id=id)
