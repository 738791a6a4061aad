"""Everything Cardiograph raises on purpose.

    CardiographError            exit code 1: the world did not play along
    ├── HubError                the Hub, or what stands for it
    │   ├── HubUnreachable
    │   └── TokenRefused
    ├── CardUnreadable          one card; becomes a row in `failures`
    ├── VerdictInvalid          one answer of a judge; becomes a row in `failures`
    ├── JudgeError              a judge model's server
    │   ├── JudgeNotStarted     a server that the run should start did not come up
    │   ├── JudgeUnreachable    no server answers any more
    │   ├── JudgeRefused        it refuses: unknown model, key not accepted, context too short
    │   └── JudgesDiffer        servers that should be replicas are not, or the judge changed under the run
    ├── EmbedderUnavailable     the model that embeds cards cannot be had
    ├── PassportRefused         a judge below the agreement that was asked of it
    ├── WarehouseError
    │   ├── WriterBusy          another process writes to this home
    │   ├── CheckFailed         a statement in sql/checks returned rows
    │   ├── SnapshotQuarantined a snapshot that is too unlike the one before it to be shown
    │   └── QueryFailed
    ├── LakeError               a part cannot be written or read
    ├── NotWritten              a report or a picture cannot be written
    ├── EngineFailed            Prefect's server did not start, or broke down
    ├── DeployFailed            a Prefect server does not take what it was told
    ├── CrewLost                parts are left that only others can do, and nobody of them is
    └── UsageError              exit code 2: what was asked for cannot be done
        ├── CorpusInvalid
        ├── LabelsInvalid       a file of labels that cannot be read as one
        └── TableInvalid        a table that is to be analysed and cannot be

Each message names the subject and the remedy in one line, because it is all that a person sees.
"""


class CardiographError(Exception):
    """Base of all of them; `exit_code` is what the command leaves with."""

    exit_code = 1


class HubError(CardiographError):
    """The Hub answered in a way that stops the run."""


class HubUnreachable(HubError):
    """No answer, after every retry."""


class TokenRefused(HubError):
    """The Hub knows no such token, or the token may not do this."""


class CardUnreadable(CardiographError):
    """One card could not be read. `reason` is one word for grouping; `is_final` says a retry is pointless."""

    def __init__(self, subject: str, reason: str, detail: str, *, is_final: bool) -> None:
        super().__init__(f"{subject}: {reason}: {detail}")
        self.subject = subject
        self.reason = reason
        self.detail = detail
        self.is_final = is_final


class VerdictInvalid(CardiographError):
    """A judge's answer is not on the scale or not about the rubric. `reason` is one word for grouping."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class JudgeError(CardiographError):
    """A judge model's server does not play along; what was judged is kept."""


class JudgeNotStarted(JudgeError):
    """The server that the run starts did not come up: no vLLM, no memory, no such model, port taken."""


class JudgeUnreachable(JudgeError):
    """No server answers, after all patience."""


class JudgeRefused(JudgeError):
    """A server answers and refuses whatever is asked of it."""


class JudgesDiffer(JudgeError):
    """Scores would be mixed: servers with different models, or another judge than the run began with."""


class EmbedderUnavailable(CardiographError):
    """The model that embeds cards, or the libraries that run it, cannot be had."""


class PassportRefused(CardiographError):
    """A judge agrees less with people than `--min-kappa` asks for."""


class WarehouseError(CardiographError):
    """DuckDB could not do what was asked."""


class WriterBusy(WarehouseError):
    """One process writes at a time."""


class CheckFailed(WarehouseError):
    """The data break a rule in `sql/checks`; nothing was published."""


class SnapshotQuarantined(WarehouseError):
    """A snapshot looks wrong beside the one before it; it is kept and not shown until somebody releases it."""


class QueryFailed(WarehouseError):
    """A person's query has an error in it."""


class LakeError(CardiographError):
    """A Parquet part could not be written or read."""


class NotWritten(CardiographError):
    """A file for people could not be written: no space, no permission."""


class EngineFailed(CardiographError):
    """Prefect's server did not start, or broke down under a run."""


class DeployFailed(CardiographError):
    """A Prefect server does not take pools, limits, deployments or automations."""


class CrewLost(CardiographError):
    """Parts are left that only the workers of a pool can do, and every one of its runs has ended."""


class UsageError(CardiographError):
    """An option, a path or a date that cannot be honoured."""

    exit_code = 2


class CorpusInvalid(UsageError):
    """A file that is not a corpus, or breaks the corpus format."""


class LabelsInvalid(UsageError):
    """A file of labels without the columns, or with values off the scale."""


class TableInvalid(UsageError):
    """The table cannot be analysed as asked: unreadable, a column missing, or not a number."""
