"""The LLM judge: an open-weights model behind a server, asked over HTTP, one card per request.

The model answers every check of the rubric and then gives the overall score. The probabilities of all these digits are
kept. The score comes from those of the score (`expected`), from those of the checks (`soft`), or is the one that was
written (`decided`). The card is treated as data: neutralised, fenced, cut to a budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from tasks.cards.evidence import oddities_of
from tasks.cards.facts import flags_of
from tasks.cards.parse import parse_card
from tasks.errors import VerdictInvalid
from tasks.judges.llm.answers import Reason, read_explanation, read_score, usage_of
from tasks.judges.llm.explained import faults_of
from tasks.judges.llm.fence import cut, fenced, is_verbatim, neutralise
from tasks.judges.llm.fleet import RequestFailed
from tasks.judges.llm.prompt import Prompt
from tasks.judges.llm.session import Messages, Session
from tasks.records import CardText, Explanation, JudgeUsage, Verdict
from tasks.rubric import load_rubric

# A token of a byte-level tokenizer is at least one byte, and rarely more than twenty characters.
_TOKEN_CHARACTERS_MAX = 20

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class NeutralCard:
    """A card as the judge may see it: neutralised, with flags for what was found in it."""

    card_hash: str
    text: str
    flags: list[str]


class LlmJudge:
    """Answers every check of the rubric by asking a judge model."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rubric = load_rubric()
        self._requests = 0
        self._tokens_in = 0
        self._tokens_out = 0
        self.fleet = session.fleet
        self.name = session.identity.name
        self.fingerprint = session.identity.fingerprint
        self.record = session.identity.record
        self._metrics_before = self.fleet.metrics()

    def score(self, cards: Iterable[CardText]) -> Iterator[Verdict]:
        """One verdict per card, as they arrive. The longest cards are sent first, so that none is left at the end."""
        return self.fleet.stream(self._verdict, _longest_first(cards))

    def explain(self, cards: Iterable[CardText]) -> Iterator[Explanation]:
        """One explanation per criterion and card; a refused one, or the only one of a card, has a reason instead."""
        for explanations in self.fleet.stream(self._explanations, _longest_first(cards)):
            yield from explanations

    def usage(self) -> JudgeUsage:
        """Requests and tokens of this judge, and what its servers counted since it was opened."""
        metrics = {
            name: value - self._metrics_before.get(name, 0.0) for name, value in self.fleet.metrics().items()
        }
        return JudgeUsage(self._requests, self._tokens_in, self._tokens_out, self.fleet.replicas, metrics)

    async def _verdict(self, shown: NeutralCard) -> Verdict:
        verdict = Verdict(
            shown.card_hash, self.name, self.fingerprint, None, None, {}, [], [], shown.flags, reason="empty"
        )
        if not shown.text.strip():
            return replace(verdict, detail="the card has no characters but blanks that a reader would see")
        try:
            text = await self._cut(shown.text, self._session.score)
            verdict = replace(verdict, is_truncated=text != shown.text)
            mode = self._session.limits.judge_score_mode
            read = partial(read_score, rubric=self._rubric, mode=mode)
            answer, card_tokens, is_second = await self._ask(
                self._session.score, fenced(text, shown.card_hash), read
            )
        except (VerdictInvalid, RequestFailed) as error:
            return replace(verdict, reason=error.reason, detail=error.detail)
        return replace(
            verdict,
            score=round(answer.score(mode, self._rubric), 4),
            score_mode=mode,
            levels=_rounded(self._rubric.levels(answer.passed)),
            passed=answer.passed,
            failed=answer.failed,
            flags=[*shown.flags, *["asked_twice"] * is_second],
            reason=None,
            probabilities=answer.probabilities,
            card_tokens=card_tokens,
            log_odds=_rounded(answer.log_odds),
            soft_levels=_rounded(answer.soft_levels),
        )

    async def _explanations(self, shown: NeutralCard) -> list[Explanation]:
        """One per criterion, some of them refused; one row with the reason where nothing of the answers can be used."""
        key = (shown.card_hash, self.name, self.fingerprint)
        attempts: list[list[Explanation]] = []

        def read(reply: object) -> list[Explanation]:
            reasons = read_explanation(reply, self._rubric)
            faults = faults_of(reasons, text, self._session.explain.text)
            attempts.append(list(map(partial(_explanation, key, text), reasons, faults)))
            if fault := next(filter(None, faults), None):
                raise fault
            return attempts[-1]

        try:
            text = await self._cut(shown.text, self._session.explain)
            return (await self._ask(self._session.explain, fenced(text, shown.card_hash), read))[0]
        except (VerdictInvalid, RequestFailed) as error:
            best = max(attempts, key=_usable, default=[])
            refused = Explanation(*key, "all", None, None, False, "", error.reason, error.detail)
            return best if _usable(best) else [refused]

    async def ask(
        self,
        messages: Callable[[bool], Messages],
        schema: Mapping[str, object],
        tokens_out_max: int,
        read: Callable[[object], R],
        *,
        with_probabilities: bool = False,
    ) -> tuple[R, int, bool]:
        """The answer, the tokens of its prompt, and whether a second request was needed.

        `messages(again)` are sent once more, with a reminder, where the answer cannot be used: `VerdictInvalid` where
        the second cannot either.
        """
        dialect = self._session.dialect
        for is_second in (False, True):
            request = dialect.request(
                messages(is_second), schema, tokens_out_max, with_probabilities=with_probabilities
            )
            reply = await self.fleet.post("/v1/chat/completions", request)
            tokens_in, tokens_out = usage_of(reply)
            self._requests += 1
            self._tokens_in += tokens_in
            self._tokens_out += tokens_out
            try:
                return read(reply), tokens_in, is_second
            except VerdictInvalid as error:
                problem = error
        raise problem

    async def _ask(
        self, prompt: Prompt, card: str, read: Callable[[object], R]
    ) -> tuple[R, int | None, bool]:
        """The answer about a card, the tokens that the card took, and whether a second request was needed."""
        answer, tokens_in, is_second = await self.ask(
            lambda again: prompt.messages(card, again=again),
            prompt.schema,
            prompt.tokens_out_max,
            read,
            with_probabilities=prompt.shape == "score",
        )
        return answer, self._session.dialect.card_tokens(prompt, tokens_in), is_second

    async def _cut(self, text: str, prompt: Prompt) -> str:
        """Head and tail of the text, within the prompt's budget of tokens; most texts need no counting."""
        dialect = self._session.dialect
        tokens_max = dialect.budget(prompt)
        text = cut(text, tokens_max * _TOKEN_CHARACTERS_MAX)
        while len(text.encode()) > tokens_max:
            tokens = await dialect.count(text)
            if tokens <= tokens_max:
                break
            text = cut(text, min(int(len(text) * tokens_max / tokens * 0.97), len(text) - 1))
        return text


def _explanation(
    key: tuple[str, str, str], card: str, reason: Reason, fault: VerdictInvalid | None
) -> Explanation:
    if fault:
        return Explanation(*key, reason.criterion, None, None, False, "", fault.reason, fault.detail)
    quoted = reason.quote is not None and is_verbatim(reason.quote, card)
    return Explanation(*key, reason.criterion, reason.level, reason.quote, quoted, reason.improvement)


def _usable(explanations: list[Explanation]) -> int:
    return sum(explanation.reason is None for explanation in explanations)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _longest_first(cards: Iterable[CardText]) -> list[NeutralCard]:
    return sorted(map(_neutral_card, cards), key=lambda card: -len(card.text))


def _neutral_card(card: CardText) -> NeutralCard:
    neutral = neutralise(card.card_text)
    flags = [*flags_of(card.card_text, oddities_of(parse_card(card.card_text))), *neutral.flags]
    return NeutralCard(card.card_hash, neutral.text, list(dict.fromkeys(flags)))
