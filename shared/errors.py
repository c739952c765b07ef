"""The one tree of errors that RecLeak raises on purpose.

RecLeakError
  BadInput               the caller gave something that cannot be used
    NotFound             ... a name or id that does not exist
    Conflict             ... something that the present state does not allow
  Unauthorized           a key is missing or wrong
  TooManyRequests        a client asked more often than it may
  TargetError            the recommender under attack failed us
    TargetUnreachable    ... no answer, or none in time
    TargetBrokeContract  ... an answer that is not what the contract promises
  ServiceError           a service of RecLeak failed its client
    ServiceUnreachable   ... no answer, or none in time
    ServiceBrokeContract ... an answer that is not what the contract promises
  StorageFailed          an artefact or a row could not be written or read (disk full, damaged file)
  JobFailed              a background job ended without a result
    JobStopped           ... because somebody asked it to stop
    WorkerDied           ... because its process was killed or ran out of memory
"""


class RecLeakError(Exception):
    """Anything RecLeak raises on purpose; its text is one sentence that says what to do."""


class BadInput(RecLeakError):
    """The caller gave something that cannot be used."""


class NotFound(BadInput):
    """A name or id that does not exist."""


class Conflict(BadInput):
    """The request is sound but the present state does not allow it."""


class Unauthorized(RecLeakError):
    """A key is missing or wrong."""


class TooManyRequests(RecLeakError):
    """A client asked more often than it may; it may ask again after `retry_after_s` seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[type["TooManyRequests"], tuple[str, float]]:
        return (TooManyRequests, (str(self), self.retry_after_s))


class TargetError(RecLeakError):
    """The recommender under attack failed us."""


class TargetUnreachable(TargetError):
    """No answer, or none in time."""


class TargetBrokeContract(TargetError):
    """An answer that is not what the contract promises."""


class ServiceError(RecLeakError):
    """A service of RecLeak failed its client."""


class ServiceUnreachable(ServiceError):
    """No answer, or none in time."""


class ServiceBrokeContract(ServiceError):
    """An answer that is not what the contract promises."""


class StorageFailed(RecLeakError):
    """An artefact or a row could not be written or read."""


class JobFailed(RecLeakError):
    """A background job ended without a result."""


class JobStopped(JobFailed):
    """A background job ended because somebody asked it to stop."""


class WorkerDied(JobFailed):
    """A background job ended because its process was killed or ran out of memory."""
