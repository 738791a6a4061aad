"""Everything that Cardiograph raises on purpose.

    CardiographError            exit code 1: something outside failed
    ├── HubError                the Hub, or a replica
    │   ├── HubUnreachable
    │   └── TokenRefused
    ├── CardUnreadable          one card; becomes a row in `failures`
    ├── VerdictInvalid          one answer of a judge; becomes a row in `failures`
    ├── JudgeError              a judge, or a judge model's server
    │   ├── JudgeNotStarted     a server that the run should start did not start
    │   ├── JudgeUnreachable    no server answers
    │   ├── JudgeRefused        a server refuses: unknown model, key not accepted, context too short
    │   ├── JudgesDiffer        servers are not replicas of each other, or the judge changed during the run
    │   ├── BudgetReached       the next request would cost more than a run may spend
    │   └── CanariesFailed      the judge cannot tell good cards from bad ones
    ├── EmbedderUnavailable     the embedding model, or the libraries that run it, are not available
    ├── PassportRefused         a judge below the agreement that was required
    ├── WarehouseError
    │   ├── WriterBusy          another process writes to this home
    │   ├── CheckFailed         a statement in sql/checks returned rows
    │   ├── SnapshotQuarantined a snapshot that differs too much from the one before to be shown
    │   └── QueryFailed
    ├── LakeError               a part cannot be written or read
    ├── NotWritten              a home, a report or a picture cannot be written
    ├── EngineFailed            Prefect's server did not start, or broke down
    ├── DeployFailed            a Prefect server rejects a deployment
    ├── CrewLost                parts are left that only a pool's workers can do, and all have ended
    └── UsageError              exit code 2: the request cannot be fulfilled
        ├── CorpusInvalid
        ├── LabelsInvalid       a file of labels that cannot be read as one
        ├── PullRefused         a pull request that the Hub does not take, or that has nothing to say
        └── TableInvalid        a table that cannot be analysed

Each message names the subject and the remedy in one line: it is all that a person sees.
"""


class CardiographError(Exception):
    """Base of all of them; `exit_code` is the command's exit code."""

    exit_code = 1


class HubError(CardiographError):
    """The Hub answered in a way that stops the run."""


class HubUnreachable(HubError):
    """No answer, after every retry."""


class TokenRefused(HubError):
    """The Hub rejects the token, or does not give it access to what was requested."""


class CardUnreadable(CardiographError):
    """One card could not be read. `reason` is one word for grouping; `is_final`: a retry is pointless."""

    def __init__(self, subject: str, reason: str, detail: str, *, is_final: bool) -> None:
        super().__init__(f"{subject}: {reason}: {detail}")
        self.subject = subject
        self.reason = reason
        self.detail = detail
        self.is_final = is_final


class VerdictInvalid(CardiographError):
    """A judge's answer is off the scale or not about the rubric. `reason` is one word for grouping."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class JudgeError(CardiographError):
    """A judge, or a judge model's server, fails; what was judged is kept."""


class JudgeNotStarted(JudgeError):
    """The server that the run starts did not start: no vLLM, no memory, no such model, port taken."""


class JudgeUnreachable(JudgeError):
    """No server answered in all the time allowed."""


class JudgeRefused(JudgeError):
    """A server answers and refuses every request."""


class BudgetReached(JudgeError):
    """What a run may spend on a judge is spent. `texts` were judged or explained in the part that ended so."""

    def __init__(self, message: str, texts: int = 0) -> None:
        super().__init__(message)
        self.texts = texts


class JudgesDiffer(JudgeError):
    """Scores would be mixed: servers with different models, or another judge than at the start of the run."""


class CanariesFailed(JudgeError):
    """The judge does not order made-up cards of known quality; nothing was judged."""


class EmbedderUnavailable(CardiographError):
    """The embedding model, or the libraries that run it, are not available."""


class PassportRefused(CardiographError):
    """A judge agrees less with people than `--min-kappa` requires."""


class WarehouseError(CardiographError):
    """DuckDB failed."""


class WriterBusy(WarehouseError):
    """One process writes at a time."""


class CheckFailed(WarehouseError):
    """The data break a rule in `sql/checks`; nothing was published."""


class SnapshotQuarantined(WarehouseError):
    """A snapshot differs too much from the one before; it is kept, and not shown until a person releases it."""


class QueryFailed(WarehouseError):
    """A person's query has an error in it."""


class LakeError(CardiographError):
    """A Parquet part could not be written or read."""


class NotWritten(CardiographError):
    """A file for people could not be written: no space, no permission."""


class EngineFailed(CardiographError):
    """Prefect's server did not start, or failed during a run."""


class DeployFailed(CardiographError):
    """A Prefect server rejects pools, limits, deployments or automations."""


class CrewLost(CardiographError):
    """Parts are left that only the workers of a pool can do, and all of its runs have ended."""


class UsageError(CardiographError):
    """An option, a path or a date that cannot be used."""

    exit_code = 2


class CorpusInvalid(UsageError):
    """A file that is not a corpus, or breaks the corpus format."""


class LabelsInvalid(UsageError):
    """A file of labels without the columns, or with values off the scale."""


class PullRefused(UsageError):
    """A pull request that cannot be opened: nothing to change, a conflict, a repository that takes none."""


class TableInvalid(UsageError):
    """The table cannot be analysed: unreadable, a column missing, or not a number."""
