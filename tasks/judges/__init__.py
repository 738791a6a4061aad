"""What scores a card. `registry.py` has the kinds of judges and what each can do."""

from tasks.judges.registry import (
    DEFAULT_JUDGE as DEFAULT_JUDGE,
)
from tasks.judges.registry import (
    EvidenceJudge as EvidenceJudge,
)
from tasks.judges.registry import (
    Judge as Judge,
)
from tasks.judges.registry import (
    JudgeIdentity as JudgeIdentity,
)
from tasks.judges.registry import (
    JudgeKind as JudgeKind,
)
from tasks.judges.registry import (
    identify as identify,
)
from tasks.judges.registry import (
    kind_of as kind_of,
)
from tasks.judges.registry import (
    opened_judge as opened_judge,
)
from tasks.judges.registry import (
    register as register,
)
from tasks.judges.registry import (
    serving as serving,
)
from tasks.judges.registry import (
    specs_of as specs_of,
)
