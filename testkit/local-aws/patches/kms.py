"""KMS."""

import base64

import ministack.services.kms as kms
from ministack.core.responses import error_response_json as error

from patches import patch


@patch("kms-message-limit")
def kms_message_limit() -> None:
    """Sign and Verify take at most 4,096 bytes: longer messages are hashed by the caller and given as DIGEST."""

    def checked(call):
        def patched(data):
            if len(base64.b64decode(data.get("Message") or "")) > 4096:
                return error(
                    "ValidationException",
                    "1 validation error detected: Value at 'message' failed to satisfy constraint: "
                    "Member must have length less than or equal to 4096",
                    400,
                )
            return call(data)

        return patched

    kms._sign, kms._verify = checked(kms._sign), checked(kms._verify)
