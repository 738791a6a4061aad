-- THE schema: tables that land from the lake (schema base), then the views that people and flows read.
-- Every column has a comment; a test asks for it.

create schema if not exists base;

create table if not exists base.made_by (
    schema_digest varchar not null
);
comment on table base.made_by is 'The version of this file that made the warehouse; another version makes it again from the lake.';
comment on column base.made_by.schema_digest is 'sha256 of sql/schema.sql without its comments.';

create table if not exists base.parts (
    part varchar primary key,
    stage varchar not null
);
comment on table base.parts is 'Which parts of the lake have landed; landing twice is impossible.';
comment on column base.parts.part is 'Path of the part inside the lake.';
comment on column base.parts.stage is 'Its folder in the lake.';

create table if not exists base.snapshots (
    snapshot date primary key,
    hub varchar not null,
    selection varchar not null,
    listed bigint not null,
    started_at timestamp not null,
    finished_at timestamp not null,
    is_late boolean not null,
    top_n bigint,
    top_by varchar,
    sample_n bigint,
    sample_seed bigint,
    named_n bigint,
    only_tags varchar[],
    only_author varchar,
    has_private boolean not null default false,
    private_left_out bigint not null default 0
);
comment on table base.snapshots is 'One row per completed listing walk.';
comment on column base.snapshots.snapshot is 'Date of the snapshot (UTC).';
comment on column base.snapshots.hub is 'The Hub that was read: its URL, or the name of the corpus behind a replica.';
comment on column base.snapshots.selection is 'Which models were requested, in words; the columns from top_n on say the same.';
comment on column base.snapshots.listed is 'Rows in the listing as walked, duplicates and malformed rows included.';
comment on column base.snapshots.started_at is 'When the walk began (UTC).';
comment on column base.snapshots.finished_at is 'When the walk ended (UTC).';
comment on column base.snapshots.is_late is 'Whether the walk began after the snapshot''s date on a live Hub: stats are then of the day they were read.';
comment on column base.snapshots.top_n is 'How many models were requested by their rank; null for all, a sample, or named ones.';
comment on column base.snapshots.top_by is 'What the rank is by: downloads, likes, trending or created. By downloads or likes, an outcome decided which models are in the snapshot.';
comment on column base.snapshots.sample_n is 'How many models were to be drawn at random from the whole listing; null where none were.';
comment on column base.snapshots.sample_seed is 'The seed of the draw: the same seed draws mostly the same models every week.';
comment on column base.snapshots.named_n is 'How many models were requested by name; null where none were.';
comment on column base.snapshots.only_tags is 'The tags that every model was required to have; none for no filter.';
comment on column base.snapshots.only_author is 'The author that every model was required to have; null for any.';
comment on column base.snapshots.has_private is 'Whether private models were asked for too: those that only the account of the token may see.';
comment on column base.snapshots.private_left_out is 'How many private models the walk met and left out, which no table names and listed does not count; 0 in snapshots of earlier versions, which had them.';

create table if not exists base.listing (
    snapshot date not null,
    model_id varchar not null,
    author varchar,
    sha varchar not null,
    created_at timestamp,
    last_modified timestamp,
    downloads bigint,
    downloads_all_time bigint,
    likes bigint,
    trending_score double,
    tags varchar[] not null,
    library_name varchar,
    pipeline_tag varchar,
    gated varchar,
    has_readme boolean not null,
    parameters bigint,
    base_models varchar[] not null,
    sample_weight double,
    primary key (snapshot, model_id)
);
comment on table base.listing is 'One row per model and snapshot, as the Hub listed it.';
comment on column base.listing.snapshot is 'Date of the snapshot (UTC).';
comment on column base.listing.model_id is 'owner/name on the Hub, or name alone for the oldest.';
comment on column base.listing.author is 'The owner; null for a model without a namespace.';
comment on column base.listing.sha is 'Commit of the repository''s main branch.';
comment on column base.listing.created_at is 'When the repository was created (UTC).';
comment on column base.listing.last_modified is 'When the repository last changed (UTC).';
comment on column base.listing.downloads is 'Downloads of the last 30 days; null where the Hub gave none.';
comment on column base.listing.downloads_all_time is 'Downloads since the beginning.';
comment on column base.listing.likes is 'Likes at the time of the snapshot.';
comment on column base.listing.trending_score is 'The Hub''s own trending score.';
comment on column base.listing.tags is 'Tags, as listed.';
comment on column base.listing.library_name is 'Library that loads the model.';
comment on column base.listing.pipeline_tag is 'The Hub''s task of the model, such as text-generation.';
comment on column base.listing.gated is 'auto or manual where access must be requested, else null.';
comment on column base.listing.has_readme is 'Whether the repository holds a README.md.';
comment on column base.listing.parameters is 'Parameters of the weights, where safetensors or GGUF metadata give them.';
comment on column base.listing.base_models is 'Models that this one names as its base.';
comment on column base.listing.sample_weight is 'How many models of the listing a drawn model stands for: 1 / its probability of being drawn. Null where nothing was drawn.';

create table if not exists base.list_failures (
    snapshot date not null,
    subject varchar not null,
    reason varchar not null,
    detail varchar not null
);
comment on table base.list_failures is 'Rows of the listing that could not be read, and named models that do not exist.';
comment on column base.list_failures.snapshot is 'Date of the snapshot (UTC).';
comment on column base.list_failures.subject is 'The model, or the place in the listing where its name was unreadable.';
comment on column base.list_failures.reason is 'One word for grouping.';
comment on column base.list_failures.detail is 'What was found instead.';

create table if not exists base.reads (
    snapshot date not null,
    model_id varchar not null,
    sha varchar not null,
    status varchar not null check (status in ('card', 'empty', 'none', 'failed')),
    etag varchar,
    card_hash varchar,
    has_text boolean not null,
    reason varchar,
    detail varchar,
    is_final boolean not null,
    requests integer not null,
    read_at timestamp not null,
    part varchar not null
);
comment on table base.reads is 'One row per attempt to read a README at a revision. A revision never changes, so a success holds for every later snapshot with the same sha.';
comment on column base.reads.snapshot is 'Snapshot during which it was read.';
comment on column base.reads.model_id is 'The model.';
comment on column base.reads.sha is 'The commit read.';
comment on column base.reads.status is 'card, empty (a README of no bytes), none (no README at this commit) or failed.';
comment on column base.reads.etag is 'Git blob sha1 of the README, for conditional requests.';
comment on column base.reads.card_hash is 'sha256 of the README''s bytes.';
comment on column base.reads.has_text is 'Whether this part holds the text itself; false where the Hub answered that it had not changed.';
comment on column base.reads.reason is 'Why it failed, one word.';
comment on column base.reads.detail is 'Why it failed, in full.';
comment on column base.reads.is_final is 'Whether a retry within the snapshot is pointless.';
comment on column base.reads.requests is 'Requests that were sent for it.';
comment on column base.reads.read_at is 'When it was read (UTC).';
comment on column base.reads.part is 'The part of the lake that holds the text.';

create table if not exists base.texts (
    card_hash varchar primary key,
    card_text varchar not null
);
comment on table base.texts is 'Every distinct card text, once.';
comment on column base.texts.card_hash is 'sha256 of the README''s bytes.';
comment on column base.texts.card_text is 'The text, decoded as UTF-8 (or as its byte order mark says) with U+FFFD where it was neither.';

create table if not exists base.facts (
    card_hash varchar not null,
    facts_version integer not null,
    boilerplate varchar not null,
    characters bigint not null,
    words bigint not null,
    own_words bigint,
    headings bigint not null,
    code_blocks bigint not null,
    links bigint not null,
    images bigint not null,
    tables bigint not null,
    has_front_matter boolean not null,
    front_matter_error varchar,
    metadata_keys varchar[] not null,
    sections varchar[] not null,
    template varchar,
    is_generated boolean not null,
    flags varchar[] not null,
    primary key (card_hash, facts_version, boilerplate)
);
comment on table base.facts is 'What the parser finds in a card text, independent of any judge.';
comment on column base.facts.card_hash is 'The card text.';
comment on column base.facts.facts_version is 'Version of the parser''s rules.';
comment on column base.facts.boilerplate is 'Version of the table of sentences that nobody wrote; empty in rows of earlier versions.';
comment on column base.facts.characters is 'Characters in the text, front matter included.';
comment on column base.facts.words is 'Words of prose, without code and front matter.';
comment on column base.facts.own_words is 'Words of prose that no tool or form wrote; null in rows of earlier versions.';
comment on column base.facts.headings is 'Headings.';
comment on column base.facts.code_blocks is 'Fenced or indented code blocks that are not empty.';
comment on column base.facts.links is 'Links.';
comment on column base.facts.images is 'Images, HTML ones included.';
comment on column base.facts.tables is 'Tables, HTML ones included.';
comment on column base.facts.has_front_matter is 'Whether the text opens with a closed YAML block.';
comment on column base.facts.front_matter_error is 'Why the front matter cannot be used, null where it can.';
comment on column base.facts.metadata_keys is 'Keys of the front matter.';
comment on column base.facts.sections is 'Sections of the taxonomy in rubric.toml that are present and filled.';
comment on column base.facts.template is 'Name of the template that the card was made from, where recognised.';
comment on column base.facts.is_generated is 'Whether a tool wrote the card, or its template was never filled in, or nearly all of its words are nobody''s.';
comment on column base.facts.flags is 'Oddities: chat-template tokens, scripts, huge lines and others.';

create or replace view base.latest_facts as
select * from base.facts
qualify row_number() over (partition by card_hash order by facts_version desc, boilerplate desc) = 1;

create table if not exists base.boilerplate (
    version varchar not null,
    sentence bigint not null,
    is_house boolean not null,
    authors bigint,
    models bigint,
    primary key (version, sentence)
);
comment on table base.boilerplate is 'Sentences that nobody wrote, by digest, as learned from a snapshot.';
comment on column base.boilerplate.version is 'The table: the date when it was learned, and a digest of its sentences.';
comment on column base.boilerplate.sentence is 'Digest of the sentence without names, numbers and addresses.';
comment on column base.boilerplate.is_house is 'Whether it stands in many cards of one author, and not in those of many.';
comment on column base.boilerplate.authors is 'Authors whose cards held it; null for one of the shipped table.';
comment on column base.boilerplate.models is 'Models whose cards held it; null for one of the shipped table.';

create table if not exists base.boilerplate_checks (
    snapshot date not null,
    version varchar not null,
    models bigint not null,
    words bigint not null,
    known_words bigint not null,
    new_words bigint not null,
    checked_at timestamp not null,
    primary key (snapshot, version)
);
comment on table base.boilerplate_checks is 'How much of a snapshot''s text the table of boilerplate knows.';
comment on column base.boilerplate_checks.snapshot is 'The snapshot.';
comment on column base.boilerplate_checks.version is 'The table of boilerplate.';
comment on column base.boilerplate_checks.models is 'Models with a card in the sample.';
comment on column base.boilerplate_checks.words is 'Words of prose in their cards.';
comment on column base.boilerplate_checks.known_words is 'Of these in sentences of the table.';
comment on column base.boilerplate_checks.new_words is 'Of these in sentences that nobody wrote and the table lacks.';
comment on column base.boilerplate_checks.checked_at is 'When it was checked (UTC).';

create table if not exists base.judges (
    snapshot date not null,
    fingerprint varchar not null,
    judge varchar not null,
    rubric varchar not null,
    model varchar,
    revision varchar,
    settings varchar not null,
    judged_at timestamp not null,
    primary key (snapshot, fingerprint)
);
comment on table base.judges is 'The exact judge of each snapshot.';
comment on column base.judges.snapshot is 'The snapshot judged.';
comment on column base.judges.fingerprint is 'Digest of rubric, judge, judge model, revision and settings.';
comment on column base.judges.judge is 'Name of the judge.';
comment on column base.judges.rubric is 'Digest of the rubric.';
comment on column base.judges.model is 'The judge model, null for the checklist.';
comment on column base.judges.revision is 'Revision of the judge model.';
comment on column base.judges.settings is 'Settings that may change an answer, as JSON.';
comment on column base.judges.judged_at is 'When judging started (UTC).';

create table if not exists base.verdicts (
    card_hash varchar not null,
    judge varchar not null,
    fingerprint varchar not null,
    score double check (score between 1 and 5),
    score_mode varchar,
    levels map(varchar, double),
    passed varchar[] not null,
    failed varchar[] not null,
    flags varchar[] not null,
    reason varchar,
    detail varchar,
    probabilities map(varchar, double),
    card_tokens bigint,
    is_truncated boolean,
    log_odds map(varchar, double),
    soft_levels map(varchar, double),
    primary key (card_hash, fingerprint)
);
comment on table base.verdicts is 'One judge''s answer on one card text.';
comment on column base.verdicts.card_hash is 'The card text.';
comment on column base.verdicts.judge is 'Name of the judge.';
comment on column base.verdicts.fingerprint is 'Fingerprint of the judge.';
comment on column base.verdicts.score is 'Overall score, 1 (worst) to 5; null where the answer could not be used.';
comment on column base.verdicts.score_mode is 'Origin of the score: checks (composed from them), expected (mean over the probabilities of the token that decided it), decided (that token alone) or soft (composed from the probabilities of the checks).';
comment on column base.verdicts.levels is 'Level 1-5 of each criterion of the rubric.';
comment on column base.verdicts.passed is 'Checks answered yes.';
comment on column base.verdicts.failed is 'Checks answered no.';
comment on column base.verdicts.flags is 'What the judge noticed, including attempts to address it.';
comment on column base.verdicts.reason is 'Why there is no score, one word.';
comment on column base.verdicts.detail is 'Why there is no score, in full.';
comment on column base.verdicts.probabilities is 'Probability of each level 1-5 at the token that decided the score, where the judge gives it.';
comment on column base.verdicts.card_tokens is 'Tokens of the card in the judge model''s prompt.';
comment on column base.verdicts.is_truncated is 'Whether the prompt held only the card''s head and tail.';
comment on column base.verdicts.log_odds is 'Natural log-odds that each check of the rubric passes, where the judge gives probabilities.';
comment on column base.verdicts.soft_levels is 'Level 1-5 of each criterion with the probability of each check in place of its yes or no, where the judge gives any.';

create table if not exists base.judged_parts (
    snapshot date not null,
    fingerprint varchar not null,
    part varchar not null,
    texts bigint not null,
    failed bigint not null,
    requests bigint not null,
    tokens_in bigint not null,
    tokens_out bigint not null,
    replicas bigint not null,
    seconds double not null,
    started_at timestamp not null,
    ended_at timestamp not null,
    metrics map(varchar, double),
    primary key (fingerprint, part)
);
comment on table base.judged_parts is 'What judging each part used.';
comment on column base.judged_parts.snapshot is 'The snapshot for which it was judged.';
comment on column base.judged_parts.fingerprint is 'Fingerprint of the judge.';
comment on column base.judged_parts.part is 'Name of the part: a digest of the texts in it.';
comment on column base.judged_parts.texts is 'Texts in the part.';
comment on column base.judged_parts.failed is 'Texts without a score.';
comment on column base.judged_parts.requests is 'Requests sent to judge models, including retries.';
comment on column base.judged_parts.tokens_in is 'Prompt tokens, including those served from a cache.';
comment on column base.judged_parts.tokens_out is 'Tokens generated.';
comment on column base.judged_parts.replicas is 'Servers that shared the part; 0 where the judge needs none.';
comment on column base.judged_parts.seconds is 'From the first request to the last answer.';
comment on column base.judged_parts.started_at is 'When it began (UTC).';
comment on column base.judged_parts.ended_at is 'When it ended (UTC).';
comment on column base.judged_parts.metrics is 'What the servers counted meanwhile, including work for other parts; spent: the money that this part cost.';

create table if not exists base.explanations (
    card_hash varchar not null,
    judge varchar not null,
    fingerprint varchar not null,
    criterion varchar not null,
    level double check (level between 1 and 5),
    quote varchar,
    is_verbatim boolean not null,
    improvement varchar not null,
    reason varchar,
    detail varchar,
    primary key (card_hash, fingerprint, criterion)
);
comment on table base.explanations is 'A judge''s explanation of one criterion of one card text, for a sample of texts.';
comment on column base.explanations.card_hash is 'The card text.';
comment on column base.explanations.judge is 'Name of the judge.';
comment on column base.explanations.fingerprint is 'Fingerprint of the judge.';
comment on column base.explanations.criterion is 'Criterion of the rubric; all where nothing of the answer could be used.';
comment on column base.explanations.level is 'The judge''s level, 1-5.';
comment on column base.explanations.quote is 'Its quote from the card as evidence; null for none.';
comment on column base.explanations.is_verbatim is 'Whether the card contains the quote word for word; no other quote is shown.';
comment on column base.explanations.improvement is 'The change that it advises.';
comment on column base.explanations.reason is 'Why there is no explanation, one word.';
comment on column base.explanations.detail is 'Why there is no explanation, in full.';

create table if not exists base.canaries (
    fingerprint varchar not null,
    judge varchar not null,
    canaries varchar not null,
    cards bigint not null,
    refused bigint not null,
    concordance double,
    spread double,
    is_passed boolean not null,
    faults varchar[] not null,
    ranking varchar[] not null,
    tried_at timestamp not null,
    primary key (fingerprint, canaries, tried_at)
);
comment on table base.canaries is 'How each judge ordered the canaries, made-up cards of known quality, each time that it was tried.';
comment on column base.canaries.fingerprint is 'Fingerprint of the judge.';
comment on column base.canaries.judge is 'Name of the judge.';
comment on column base.canaries.canaries is 'Digest of the set of canaries.';
comment on column base.canaries.cards is 'Canaries that it was asked about.';
comment on column base.canaries.refused is 'Answers among them that could not be used.';
comment on column base.canaries.concordance is 'Share of pairs of canaries of different quality that it put in the right order; a tie counts half.';
comment on column base.canaries.spread is 'Points between its mean scores of exemplary cards and of untouched forms.';
comment on column base.canaries.is_passed is 'Whether it did what is demanded.';
comment on column base.canaries.faults is 'What it did not do, in words.';
comment on column base.canaries.ranking is 'The canaries with their scores, the best first.';
comment on column base.canaries.tried_at is 'When it was tried (UTC).';

create table if not exists base.passports (
    fingerprint varchar not null,
    judge varchar not null,
    labels varchar not null,
    probe varchar not null,
    measure varchar not null,
    subject varchar not null,
    n bigint not null,
    estimate double,
    ci_low double,
    ci_high double,
    detail varchar,
    measured_at timestamp not null,
    primary key (fingerprint, labels, measured_at, probe, measure, subject)
);
comment on table base.passports is 'How far each judge can be trusted: agreement with people, consistency, what it notices in edited cards, and what moves its scores.';
comment on column base.passports.fingerprint is 'Fingerprint of the judge.';
comment on column base.passports.judge is 'Name of the judge.';
comment on column base.passports.labels is 'Digest of the labels that it was compared with, or of the cards that were edited.';
comment on column base.passports.probe is 'The experiment: agreement, raters, consistency, padding, attack; without labels: evidence, invariance, sway.';
comment on column base.passports.measure is 'The statistic: quadratic_kappa, spearman, bias, …';
comment on column base.passports.subject is 'What it is about: score, a criterion, a check, one attack, or one edit.';
comment on column base.passports.n is 'Texts, or pairs of texts and checks, that it is computed from.';
comment on column base.passports.estimate is 'The measure.';
comment on column base.passports.ci_low is 'Lower end of the 95 % interval.';
comment on column base.passports.ci_high is 'Upper end of the 95 % interval.';
comment on column base.passports.detail is 'A note on the figure.';
comment on column base.passports.measured_at is 'When it was measured (UTC).';

create table if not exists base.labels (
    card_hash varchar not null,
    subject varchar not null,
    mark double not null,
    raters bigint not null,
    labels varchar not null,
    labelled_at timestamp not null,
    primary key (labels, card_hash, subject)
);
comment on table base.labels is 'People''s marks of card texts, for every set of labels that a judge was compared with.';
comment on column base.labels.card_hash is 'The text.';
comment on column base.labels.subject is 'What was marked: score, or a criterion.';
comment on column base.labels.mark is 'The median of the raters'' marks, 1 to 5.';
comment on column base.labels.raters is 'How many people marked it.';
comment on column base.labels.labels is 'Digest of the set of labels.';
comment on column base.labels.labelled_at is 'When that set was first used (UTC).';

create table if not exists base.findings (
    snapshot date not null,
    judge varchar not null,
    fingerprint varchar not null,
    question varchar not null,
    outcome varchar not null,
    predictor varchar not null,
    stratum varchar not null,
    estimator varchar not null,
    n bigint not null,
    n_clusters bigint,
    zero_share double,
    estimate double,
    ci_low double,
    ci_high double,
    p double,
    p_adjusted double,
    flags varchar[] not null,
    computed_at timestamp not null,
    tie_share double,
    effective_authors double,
    influential_author varchar,
    estimate_without double,
    ci_low_without double,
    ci_high_without double,
    primary key (snapshot, fingerprint, question, outcome, predictor, stratum, estimator)
);
comment on table base.findings is 'Every estimate with its interval, one per row.';
comment on column base.findings.snapshot is 'Date of the snapshot (UTC).';
comment on column base.findings.judge is 'Judge whose scores were used.';
comment on column base.findings.fingerprint is 'Fingerprint of the judge.';
comment on column base.findings.question is 'The question: rank_correlation, regression, …';
comment on column base.findings.outcome is 'The outcome: likes, downloads, log1p_likes, …';
comment on column base.findings.predictor is 'The predictor: score.';
comment on column base.findings.stratum is 'Which models: all, without_outliers, library=…, format=…';
comment on column base.findings.estimator is 'The estimator.';
comment on column base.findings.n is 'Models used.';
comment on column base.findings.n_clusters is 'Authors among them.';
comment on column base.findings.zero_share is 'Share of outcomes that are zero.';
comment on column base.findings.estimate is 'The estimate, in the estimator''s unit.';
comment on column base.findings.ci_low is 'Lower end of the 95 % interval.';
comment on column base.findings.ci_high is 'Upper end of the 95 % interval.';
comment on column base.findings.p is 'Two-sided p-value against no association.';
comment on column base.findings.p_adjusted is 'p after Benjamini-Hochberg within the family.';
comment on column base.findings.flags is 'Caveats to know before quoting it.';
comment on column base.findings.computed_at is 'When it was estimated (UTC).';
comment on column base.findings.tie_share is 'Share of the pairs of models whose outcome is the same.';
comment on column base.findings.effective_authors is 'How many authors of equal weight the interval rests on.';
comment on column base.findings.influential_author is 'The author without whom the estimate moves furthest.';
comment on column base.findings.estimate_without is 'The estimate without influential_author.';
comment on column base.findings.ci_low_without is 'Lower end of the 95 % interval without influential_author.';
comment on column base.findings.ci_high_without is 'Upper end of the 95 % interval without influential_author.';

create table if not exists base.fitted_judges (
    fingerprint varchar primary key,
    judge varchar not null,
    base_judge varchar not null,
    base_fingerprint varchar not null,
    labels varchar not null,
    subject varchar not null,
    rubric varchar not null,
    answers varchar not null check (answers in ('passed', 'log_odds')),
    weights map(varchar, double) not null,
    thresholds map(varchar, double) not null,
    lowest double not null,
    penalty double not null,
    texts bigint not null,
    authors bigint not null,
    without_author bigint not null,
    fitted_at timestamp not null
);
comment on table base.fitted_judges is 'Judges whose weights on the checks were learned from one set of people''s labels. They say how far a card agrees with those people, and are never mixed with the rubric''s scores.';
comment on column base.fitted_judges.fingerprint is 'Digest of the judge that it rests on, the labels, and what was learned.';
comment on column base.fitted_judges.judge is 'Its name: fitted: and the first digits of the labels'' digest.';
comment on column base.fitted_judges.base_judge is 'Name of the judge whose answers are weighed.';
comment on column base.fitted_judges.base_fingerprint is 'Fingerprint of that judge.';
comment on column base.fitted_judges.labels is 'Digest of the labels: their texts, raters and marks.';
comment on column base.fitted_judges.subject is 'What was marked: score, or a criterion.';
comment on column base.fitted_judges.rubric is 'Digest of the rubric that has the checks.';
comment on column base.fitted_judges.answers is 'What is weighed: passed (1 or 0 per check) or log_odds.';
comment on column base.fitted_judges.weights is 'By check: what passing it, or one unit of log-odds, adds to the log-odds of a higher mark.';
comment on column base.fitted_judges.thresholds is 'By level, but for the lowest: the sum of weights at which half of such texts are marked so or higher.';
comment on column base.fitted_judges.lowest is 'The lowest mark among the labels.';
comment on column base.fitted_judges.penalty is 'The ridge penalty that was chosen by cross-validation.';
comment on column base.fitted_judges.texts is 'Labelled texts that it was learned from.';
comment on column base.fitted_judges.authors is 'Groups among them that share no author and no nearly equal text.';
comment on column base.fitted_judges.without_author is 'Texts whose author is unknown; each counts as a group.';
comment on column base.fitted_judges.fitted_at is 'When it was fitted first (UTC).';

create table if not exists base.fitted_measures (
    fingerprint varchar not null,
    labels varchar not null,
    probe varchar not null,
    scorer varchar not null,
    measure varchar not null,
    learned_from bigint not null,
    n bigint not null,
    estimate double,
    ci_low double,
    ci_high double,
    gain double,
    gain_low double,
    gain_high double,
    effective_authors double,
    detail varchar,
    measured_at timestamp not null,
    primary key (fingerprint, labels, probe, scorer, measure, learned_from, measured_at)
);
comment on table base.fitted_measures is 'How well fitted judges agree with people on texts of authors that they were not learned from.';
comment on column base.fitted_measures.fingerprint is 'Fingerprint of the fitted judge.';
comment on column base.fitted_measures.labels is 'Digest of the labels that it was tried on.';
comment on column base.fitted_measures.probe is 'out_of_fold, curve (how good so many labels make it) or other_labels (other people''s).';
comment on column base.fitted_measures.scorer is 'fitted, judge (the one that it rests on, as it is) or length (words alone).';
comment on column base.fitted_measures.measure is 'auc (the probability that the better marked of two texts is scored higher), spearman or quadratic_kappa.';
comment on column base.fitted_measures.learned_from is 'Labels that the weights were learned from; 0 for a scorer that learns nothing.';
comment on column base.fitted_measures.n is 'Texts that it was tried on.';
comment on column base.fitted_measures.estimate is 'The measure; null where the detail says why.';
comment on column base.fitted_measures.ci_low is 'Lower end of the 95 % interval over authors; on a curve the lowest of the draws.';
comment on column base.fitted_measures.ci_high is 'Upper end of the 95 % interval over authors; on a curve the highest of the draws.';
comment on column base.fitted_measures.gain is 'How much better the fitted judge is than this scorer on the same texts.';
comment on column base.fitted_measures.gain_low is 'Lower end of the gain''s 95 % interval.';
comment on column base.fitted_measures.gain_high is 'Upper end of the gain''s 95 % interval.';
comment on column base.fitted_measures.effective_authors is 'How many authors of equal weight the interval rests on.';
comment on column base.fitted_measures.detail is 'Why there is no estimate or no interval.';
comment on column base.fitted_measures.measured_at is 'When it was measured (UTC).';

create table if not exists base.families (
    snapshot date not null,
    card_hash varchar not null,
    family varchar not null,
    computed_at timestamp not null,
    primary key (snapshot, card_hash)
);
comment on table base.families is 'Near-duplicate families of card texts: one row per text that is nearly the same as another of its snapshot.';
comment on column base.families.snapshot is 'Date of the snapshot (UTC).';
comment on column base.families.card_hash is 'The text.';
comment on column base.families.family is 'The card_hash of the text that names its family.';
comment on column base.families.computed_at is 'When it was found (UTC).';

create table if not exists base.gates (
    snapshot date not null,
    fingerprint varchar not null,
    measure varchar not null,
    value double,
    before double,
    low double,
    high double,
    is_suspicious boolean not null,
    measured_at timestamp not null,
    compared_with date,
    primary key (snapshot, fingerprint, measure, measured_at)
);
comment on table base.gates is 'What the data-quality gate measured of each snapshot before it was published, and the limits.';
comment on column base.gates.snapshot is 'The snapshot measured.';
comment on column base.gates.fingerprint is 'Fingerprint of the judge that judged it.';
comment on column base.gates.measure is 'What was measured: models, card_share, median_score, section:<name>, filled:<column>, judging:<what>, …';
comment on column base.gates.value is 'The measure; null where there was nothing to measure.';
comment on column base.gates.before is 'The same of the snapshot compared with; null where that has none.';
comment on column base.gates.low is 'The lowest value that passes; null for no limit.';
comment on column base.gates.high is 'The highest value that passes; null for no limit.';
comment on column base.gates.is_suspicious is 'Whether the value is outside the limits.';
comment on column base.gates.measured_at is 'When it was measured (UTC).';
comment on column base.gates.compared_with is 'The snapshot compared with: the last one before it of the same selection that is not quarantined; null for none.';

create table if not exists base.releases (
    snapshot date primary key,
    reason varchar not null,
    released_at timestamp not null
);
comment on table base.releases is 'Suspicious snapshots that a person released.';
comment on column base.releases.snapshot is 'The snapshot.';
comment on column base.releases.reason is 'Why it may be published, in that person''s words.';
comment on column base.releases.released_at is 'When it was released (UTC).';

create table if not exists base.embedders (
    snapshot date not null,
    embedder varchar not null,
    name varchar not null,
    weights varchar not null,
    settings varchar not null,
    embedded_at timestamp not null,
    primary key (snapshot, embedder)
);
comment on table base.embedders is 'The exact embedder of each snapshot''s texts.';
comment on column base.embedders.snapshot is 'Date of the snapshot (UTC).';
comment on column base.embedders.embedder is 'Digest of weights, vocabulary and what is read of a card.';
comment on column base.embedders.name is 'The model''s name on the Hub, or its folder.';
comment on column base.embedders.weights is 'sha256 of weights and vocabulary.';
comment on column base.embedders.settings is 'What is read of a card, as JSON.';
comment on column base.embedders.embedded_at is 'When embedding began (UTC).';

create table if not exists base.embeddings (
    card_hash varchar not null,
    embedder varchar not null,
    passages bigint not null,
    tokens bigint not null,
    is_truncated boolean not null,
    part varchar not null,
    primary key (card_hash, embedder)
);
comment on table base.embeddings is 'Which card texts are embedded; the vectors themselves stay in the lake.';
comment on column base.embeddings.card_hash is 'The card text.';
comment on column base.embeddings.embedder is 'Fingerprint of the embedder.';
comment on column base.embeddings.passages is 'Passages of the card that were embedded; 0 for a text that is too short to be placed.';
comment on column base.embeddings.tokens is 'Tokens in them.';
comment on column base.embeddings.is_truncated is 'Whether the card has more passages.';
comment on column base.embeddings.part is 'The part of the lake that holds the vectors.';

create table if not exists base.atlases (
    snapshot date not null,
    embedder varchar not null,
    fitted_on date not null,
    texts bigint not null,
    placed bigint not null,
    kinds bigint not null,
    noise_share double not null,
    drift_share double not null,
    trustworthiness double,
    seeds_ari double,
    samples_ari double,
    refit_reason varchar,
    settings varchar not null,
    made_at timestamp not null,
    primary key (snapshot)
);
comment on table base.atlases is 'The map of each snapshot: one row, and how good it is.';
comment on column base.atlases.snapshot is 'Date of the snapshot (UTC).';
comment on column base.atlases.embedder is 'Fingerprint of the embedder.';
comment on column base.atlases.fitted_on is 'Snapshot that the map was fitted on; later ones are placed on it.';
comment on column base.atlases.texts is 'Texts on the map.';
comment on column base.atlases.placed is 'Texts among them that the map was not fitted on.';
comment on column base.atlases.kinds is 'Kinds on it.';
comment on column base.atlases.noise_share is 'Share of texts of no kind.';
comment on column base.atlases.drift_share is 'Share of texts that were not there when the map was fitted.';
comment on column base.atlases.trustworthiness is 'How well neighbours on the map are neighbours among the vectors, 0 to 1, for 15 neighbours (Venna & Kaski 2001).';
comment on column base.atlases.seeds_ari is 'Median adjusted Rand index between its kinds and those of fits with other seeds.';
comment on column base.atlases.samples_ari is 'The same for fits on samples of 80 % of the texts.';
comment on column base.atlases.refit_reason is 'Why the map was fitted again; null where it was not.';
comment on column base.atlases.settings is 'Seeds and settings of projection and clustering, as JSON.';
comment on column base.atlases.made_at is 'When it was made (UTC).';

create table if not exists base.atlas_points (
    snapshot date not null,
    card_hash varchar not null,
    x double not null,
    y double not null,
    kind bigint,
    strength_share double not null,
    is_fitted boolean not null,
    words varchar not null,
    made_at timestamp not null,
    primary key (snapshot, card_hash)
);
comment on table base.atlas_points is 'One row per card text and snapshot: where it lies on the map.';
comment on column base.atlas_points.snapshot is 'Date of the snapshot (UTC).';
comment on column base.atlas_points.card_hash is 'The card text.';
comment on column base.atlas_points.x is 'Horizontal coordinate, left to right.';
comment on column base.atlas_points.y is 'Vertical coordinate, bottom to top.';
comment on column base.atlas_points.kind is 'Its kind; null for a text of no kind.';
comment on column base.atlas_points.strength_share is 'Certainty of the kind, 0 to 1.';
comment on column base.atlas_points.is_fitted is 'Whether the map was fitted on it; false where it was placed on the map.';
comment on column base.atlas_points.words is 'Words that distinguish it from other cards.';
comment on column base.atlas_points.made_at is 'When it was made (UTC).';

create table if not exists base.kinds (
    snapshot date not null,
    kind bigint not null,
    texts bigint not null,
    x double not null,
    y double not null,
    stability double,
    terms varchar[] not null,
    archetype varchar not null,
    archetype_reason varchar not null,
    made_at timestamp not null,
    primary key (snapshot, kind)
);
comment on table base.kinds is 'One row per kind of card and snapshot.';
comment on column base.kinds.snapshot is 'Date of the snapshot (UTC).';
comment on column base.kinds.kind is 'Number of the kind, kept from week to week and never used again.';
comment on column base.kinds.texts is 'Texts of the kind.';
comment on column base.kinds.x is 'Horizontal centre of the kind.';
comment on column base.kinds.y is 'Vertical centre of the kind.';
comment on column base.kinds.stability is 'Mean of its best Jaccard index in fits on samples (Hennig 2007); below 0.6 the kind is unstable.';
comment on column base.kinds.terms is 'Words of its cards that others lack, the most distinctive first.';
comment on column base.kinds.archetype is 'Which archetype it belongs to: lab, conversion, fine_tune, language, domain, template, generated or other.';
comment on column base.kinds.archetype_reason is 'Why, in a sentence.';
comment on column base.kinds.made_at is 'When it was made (UTC).';

create table if not exists base.kind_names (
    snapshot date not null,
    kind bigint not null,
    named_by varchar not null,
    name varchar not null,
    description varchar not null,
    reason varchar,
    named_at timestamp not null,
    primary key (snapshot, kind, named_by, named_at)
);
comment on table base.kind_names is 'Names of kinds, and who gave them.';
comment on column base.kind_names.snapshot is 'Date of the snapshot (UTC).';
comment on column base.kind_names.kind is 'The kind.';
comment on column base.kind_names.named_by is 'terms, person, or the fingerprint of a judge model.';
comment on column base.kind_names.name is 'Its name; empty where a judge model''s answer could not be used.';
comment on column base.kind_names.description is 'Its description, in a sentence or two.';
comment on column base.kind_names.reason is 'Why a judge model''s answer could not be used.';
comment on column base.kind_names.named_at is 'When it was named (UTC).';

create table if not exists base.kind_events (
    snapshot date not null,
    event varchar not null,
    kind bigint not null,
    other bigint,
    texts bigint not null,
    texts_share double not null,
    made_at timestamp not null
);
comment on table base.kind_events is 'What happened to kinds from one map to the next.';
comment on column base.kind_events.snapshot is 'Date of the snapshot (UTC).';
comment on column base.kind_events.event is 'continues, birth, death, split or merge.';
comment on column base.kind_events.kind is 'The kind.';
comment on column base.kind_events.other is 'The kind that it came from, split into or merged with.';
comment on column base.kind_events.texts is 'Texts that both hold.';
comment on column base.kind_events.texts_share is 'The share of the kind''s texts that they are.';
comment on column base.kind_events.made_at is 'When it was made (UTC).';

create table if not exists base.neighbours (
    snapshot date not null,
    card_hash varchar not null,
    neighbour varchar not null,
    place bigint not null,
    similarity double not null,
    made_at timestamp not null,
    primary key (snapshot, card_hash, place)
);
comment on table base.neighbours is 'The texts nearest to each text of a snapshot.';
comment on column base.neighbours.snapshot is 'Date of the snapshot (UTC).';
comment on column base.neighbours.card_hash is 'The card text.';
comment on column base.neighbours.neighbour is 'One of its nearest texts.';
comment on column base.neighbours.place is '1 for the nearest.';
comment on column base.neighbours.similarity is 'Cosine of their vectors, less what all texts have in common: 0 for two that are as similar as any two.';
comment on column base.neighbours.made_at is 'When it was made (UTC).';

-- The format of a model decides who downloads it and how downloads are counted.
create or replace macro model_format(model_id, tags, library_name) as
    case
        when list_contains(tags, 'gguf') or library_name = 'gguf' or regexp_matches(model_id, '(?i)[-_.]gguf$') then 'gguf'
        when list_has_any(tags, ['gptq', 'awq', 'exl2', 'bitsandbytes', '4-bit', '8-bit', 'fp8', 'mlx', 'compressed-tensors'])
            or regexp_matches(model_id, '(?i)[-_.](gptq|awq|exl2|mlx|[48]bit|fp8|int[48])([-_.]|$)') then 'quantised'
        when library_name in ('peft', 'adapter-transformers') or list_has_any(tags, ['lora', 'adapter', 'peft']) then 'adapter'
        when list_contains(tags, 'onnx') and not list_has_any(tags, ['pytorch', 'safetensors', 'tf', 'jax']) then 'onnx'
        else 'weights'
    end;

-- The attempt that counts: a success if there is one, then the latest.
create or replace view base.best_reads as
select *
from base.reads
qualify row_number() over (
    partition by model_id, sha
    order by status = 'failed', read_at desc, part
) = 1;

-- The part of the lake that holds each text: the first of several.
create or replace view base.sources as
select card_hash, min(part) as part
from base.reads
where has_text
group by card_hash;

-- Each snapshot's newest fingerprint of each judge: what the people's views show.
create or replace view base.current_judges as
select *
from base.judges
qualify row_number() over (partition by snapshot, judge order by judged_at desc, fingerprint) = 1;

-- Suspicious by the last measurement under a judge that counts, and not released: a week whose judge did not read is
-- shown once another judge has judged it well.
create or replace view quarantined as
with latest as (
    select *
    from base.gates
    semi join base.current_judges using (snapshot, fingerprint)
    qualify measured_at = max(measured_at) over (partition by snapshot)
)
select
    latest.snapshot,
    judges.judge,
    latest.fingerprint,
    latest.measure,
    latest.value,
    latest.before,
    latest.low,
    latest.high,
    latest.compared_with,
    latest.measured_at
from latest
join base.judges using (snapshot, fingerprint)
anti join base.releases using (snapshot)
where latest.is_suspicious;
comment on view quarantined is 'One row per suspicious measure of a quarantined snapshot: why it is held back. No other view for people shows a quarantined snapshot; its rows are in base.';

-- How long after its own date a snapshot was read, where it shows the Hub of that later day.
-- Quarantined, or incomplete: a snapshot that no gate has measured yet, though an earlier one was measured.
create or replace view base.hidden as
select snapshot from quarantined
union
select snapshot from base.snapshots
where snapshot not in (select snapshot from base.gates) and snapshot > (select min(snapshot) from base.gates);

-- Days since a model was made; null where unknown: a corpus without creation times is served with the last
-- modification in their place, which is not an age.
create or replace macro age_days(created_at, last_modified, snapshot) as
    case
        when created_at <> last_modified or last_modified is null
            then date_diff('day', created_at::date, snapshot)
    end;

create or replace macro days_late(is_late, snapshot, started_at) as
    case when is_late then date_diff('day', snapshot, started_at::date) else 0 end;

create or replace view snapshots as
select
    snapshots.snapshot,
    snapshots.hub,
    snapshots.selection,
    snapshots.listed,
    snapshots.started_at,
    snapshots.finished_at,
    snapshots.is_late,
    days_late(snapshots.is_late, snapshots.snapshot, snapshots.started_at) as days_late,
    snapshots.top_n,
    snapshots.top_by,
    snapshots.sample_n,
    snapshots.sample_seed,
    snapshots.named_n,
    snapshots.only_tags,
    snapshots.only_author,
    snapshots.has_private,
    snapshots.private_left_out,
    releases.released_at,
    releases.reason as release_reason
from base.snapshots
left join base.releases using (snapshot)
where snapshots.snapshot not in (select snapshot from base.hidden);
comment on view snapshots is 'One row per snapshot. days_late is the days between its date and the day it was read, 0 unless is_late; released_at and release_reason are those of the person who released a suspicious one.';

-- Names with the prefix base. hold every snapshot: for the run that takes one, and for queries that name one.
create or replace view base.panel as
select
    listing.snapshot,
    listing.model_id,
    listing.author,
    listing.sha,
    listing.created_at,
    listing.last_modified,
    listing.downloads,
    listing.downloads_all_time,
    listing.likes,
    listing.trending_score,
    listing.tags,
    listing.library_name,
    listing.pipeline_tag,
    model_format(listing.model_id, listing.tags, listing.library_name) as model_format,
    listing.gated,
    listing.parameters,
    listing.base_models,
    listing.sample_weight,
    case when not listing.has_readme then 'none' else coalesce(best_reads.status, 'pending') end as card_status,
    case when listing.has_readme then best_reads.card_hash end as card_hash
from base.listing
left join base.best_reads using (model_id, sha);

create or replace view panel as
select * from base.panel
where snapshot not in (select snapshot from base.hidden);
comment on view panel is 'One row per model and snapshot: its stats and the state of its card.';

create or replace view models as
select * from panel
where snapshot = (select max(snapshot) from snapshots);
comment on view models is 'One row per model of the latest snapshot.';

create or replace view cards as
select
    texts.card_hash,
    texts.card_text,
    facts.* exclude (card_hash)
from base.texts
left join base.latest_facts as facts using (card_hash);
comment on view cards is 'One row per distinct card text, with what the parser sees in it.';

create or replace view verdicts as
select * rename (flags as verdict_flags) from base.verdicts;
comment on view verdicts is 'One row per card text and judge; verdict_flags is what the judge noticed, including attempts to address it.';

create or replace view check_odds as
select
    card_hash,
    judge,
    fingerprint,
    entry.key as check_id,
    entry.value as log_odds,
    1 / (1 + exp(-entry.value)) as pass_probability,
    list_contains(passed, entry.key) as is_passed
from (select *, unnest(map_entries(log_odds)) as entry from base.verdicts);
comment on view check_odds is 'One row per card text, judge and check of the rubric, for judges that give probabilities: log_odds that the check passes (natural logarithm), the same as pass_probability, and whether the judge answered yes.';

create or replace view base.scores as
select
    panel.*,
    verdicts.score,
    current_judges.judge,
    current_judges.fingerprint
from base.panel
join base.current_judges using (snapshot)
left join base.verdicts on verdicts.card_hash = panel.card_hash and verdicts.fingerprint = current_judges.fingerprint;

create or replace view scores as
select * from base.scores
where snapshot not in (select snapshot from base.hidden);
comment on view scores is 'One row per model, snapshot and judge; score is null for a model without a scorable card.';

create or replace view leaderboard as
select
    model_id,
    score,
    judge,
    downloads,
    likes,
    author,
    library_name,
    pipeline_tag,
    model_format,
    snapshot,
    card_hash,
    fingerprint
from scores
where snapshot = (select max(snapshot) from snapshots)
    and score is not null
order by score desc, likes desc, downloads desc, model_id;
comment on view leaderboard is 'The scored models of the latest snapshot, best documented first; one row per model and judge.';

create or replace view base.failures as
select snapshot, subject, 'list' as stage, reason, detail from base.list_failures
union all
select listing.snapshot, listing.model_id, 'read', best_reads.reason, best_reads.detail
from base.listing
join base.best_reads using (model_id, sha)
where best_reads.status = 'failed' and listing.has_readme
union all
select panel.snapshot, panel.model_id, 'judge', verdicts.reason, verdicts.detail
from base.panel
join base.current_judges using (snapshot)
join base.verdicts on verdicts.card_hash = panel.card_hash and verdicts.fingerprint = current_judges.fingerprint
where verdicts.score is null
union all
-- Some criteria of a card may be refused and others not: the card counts once.
select
    panel.snapshot,
    panel.model_id,
    'explain',
    arg_min(explanations.reason, explanations.criterion),
    arg_min(explanations.detail, explanations.criterion)
from base.panel
join base.current_judges using (snapshot)
join base.explanations
    on explanations.card_hash = panel.card_hash and explanations.fingerprint = current_judges.fingerprint
where explanations.reason is not null
group by all;

create or replace view failures as
select * from base.failures
where snapshot not in (select snapshot from base.hidden);
comment on view failures is 'What could not be processed, with the stage and the reason.';

create or replace view families as
select
    coalesce(families.family, models.card_hash) as family,
    count(*) as models,
    count(distinct models.card_hash) as texts,
    count(distinct coalesce(models.author, models.model_id)) as authors,
    any_value(facts.template) as template,
    bool_or(facts.is_generated) as is_generated,
    arg_max(models.model_id, models.downloads) as example
from models
left join base.families as families on families.snapshot = models.snapshot and families.card_hash = models.card_hash
left join cards as facts on facts.card_hash = models.card_hash
where models.card_status = 'card'
group by all
having count(*) > 1;
comment on view families is 'One row per family of the latest snapshot: cards that are mostly the same except for names and numbers.';
comment on column families.family is 'The card_hash of the text that names it.';
comment on column families.models is 'Models with such a card.';
comment on column families.texts is 'Distinct texts among them.';
comment on column families.authors is 'Authors among them.';
comment on column families.template is 'Template or tool that one of them is recognised as; null for none.';
comment on column families.is_generated is 'Whether one of them is recognised as written by a tool, or as a form left empty.';
comment on column families.example is 'Its most downloaded model.';

create or replace view explanations as
select
    card_hash,
    judge,
    fingerprint,
    criterion,
    level,
    case when is_verbatim then quote end as quote,
    improvement
from base.explanations
where reason is null;
comment on view explanations is 'One row per card text, judge and criterion, for a sample of texts: the level, the evidence where the card contains it word for word, and what to improve.';

-- A text's verdicts meet by its hash, and each pair once: the judge that judged first comes first.
create or replace view judge_pairs as
with aged as (
    select fingerprint, row_number() over (order by min(judged_at), fingerprint) as age
    from base.judges
    group by fingerprint
),
scored as (
    select card_hash, judge, fingerprint, score, age
    from base.verdicts
    join aged using (fingerprint)
    where score is not null
)
select
    newer.card_hash,
    older.judge as old_judge,
    older.fingerprint as old_fingerprint,
    older.score as old_score,
    newer.judge,
    newer.fingerprint,
    newer.score,
    newer.score - older.score as difference
from scored as newer
join scored as older on older.card_hash = newer.card_hash and older.age < newer.age;
comment on view judge_pairs is 'One row per card text and pair of judges that both scored it, the earlier judge as the old one; difference is score less old_score.';

create or replace view judge_panel as
with asked as (
    select snapshot, count(*) as judges from base.current_judges group by snapshot
),
texts as (
    select distinct snapshot, card_hash from panel where card_status = 'card'
),
scored as (
    select texts.snapshot, texts.card_hash, current_judges.judge, verdicts.score
    from texts
    join base.current_judges using (snapshot)
    join base.verdicts
        on verdicts.card_hash = texts.card_hash and verdicts.fingerprint = current_judges.fingerprint
    where verdicts.score is not null
)
select
    scored.snapshot,
    scored.card_hash,
    count(*) as judges,
    -- A mean of fewer judges would be a mean of others: it is comparable with no other text's.
    case when count(*) = any_value(asked.judges) then avg(scored.score) end as score,
    stddev_samp(scored.score) as spread,
    min(scored.score) as lowest,
    max(scored.score) as highest,
    max(scored.score) - min(scored.score) as disagreement,
    map_from_entries(list_sort(list({'judge': scored.judge, 'score': scored.score}))) as scores
from scored
join asked using (snapshot)
group by scored.snapshot, scored.card_hash
having count(*) >= 2;
comment on view judge_panel is 'One row per snapshot and card text that two or more of its judges scored: the one place where scores of several judges meet. score is their mean, null unless all of them scored it; spread the sample standard deviation; scores each judge''s own.';

create or replace view canaries as
select *
from base.canaries
qualify row_number() over (partition by fingerprint order by tried_at desc, canaries) = 1;
comment on view canaries is 'One row per judge, as last tried: how it ordered the canaries, made-up cards of known quality.';

create or replace view passports as
select *
from base.passports
qualify measured_at = max(measured_at) over (partition by fingerprint, labels);
comment on view passports is 'One row per measure, judge and set of labels, as last measured: how far each judge can be trusted.';

create or replace view labels as
select *
from base.labels
qualify row_number() over (partition by card_hash, subject order by labelled_at desc, labels) = 1;
comment on view labels is 'One row per card text and subject, as people labelled it last: the score or a criterion, 1 to 5.';

create or replace view fitted_judges as
select * from base.fitted_judges
qualify row_number() over (
    partition by base_fingerprint, labels, subject order by fitted_at desc, fingerprint
) = 1;
comment on view fitted_judges is 'One row per judge, set of labels and subject: the weights fitted last, whose scores are in fitted_scores.';

create or replace view fitted_weights as
select fingerprint, judge, base_judge, base_fingerprint, labels, entry.key as check_id, entry.value as weight
from (select *, unnest(map_entries(weights)) as entry from fitted_judges);
comment on view fitted_weights is 'One row per fitted judge and check: weight is what passing it, or one unit of its log-odds, adds to the log-odds of a higher mark by these raters.';

create or replace view fitted_measures as
select *
from base.fitted_measures
qualify measured_at = max(measured_at) over (partition by fingerprint, labels, probe);
comment on view fitted_measures is 'One row per fitted judge, labels, experiment, scorer and measure, as last measured: how well it agrees with people on authors that it was not learned from.';

create or replace view fitted_scores as
with summed as (
    select
        verdicts.card_hash,
        fitted.fingerprint,
        coalesce(
            case fitted.answers
                when 'passed' then list_sum([fitted.weights[check_id] for check_id in verdicts.passed])
                else list_sum([
                    fitted.weights[entry.key] * greatest(-8, least(8, entry.value))
                    for entry in map_entries(verdicts.log_odds)
                ])
            end, 0
        ) as log_odds
    from fitted_judges as fitted
    join base.verdicts on verdicts.fingerprint = fitted.base_fingerprint
    where verdicts.score is not null and (fitted.answers = 'passed' or cardinality(verdicts.log_odds) > 0)
),
levels as (
    select fingerprint, entry.key::double as level, entry.value as threshold
    from (select fingerprint, unnest(map_entries(thresholds)) as entry from fitted_judges)
),
steps as (
    select
        levels.fingerprint,
        levels.threshold,
        levels.level - lag(levels.level, 1, fitted.lowest) over (
            partition by levels.fingerprint order by levels.level
        ) as step
    from levels
    join fitted_judges as fitted using (fingerprint)
)
select
    summed.card_hash,
    fitted.judge,
    fitted.fingerprint,
    fitted.base_judge,
    fitted.base_fingerprint,
    fitted.labels,
    fitted.subject,
    any_value(fitted.lowest) + sum(steps.step / (1 + exp(steps.threshold - summed.log_odds))) as agreement_score
from summed
join steps using (fingerprint)
join fitted_judges as fitted using (fingerprint)
group by all;
comment on view fitted_scores is 'One row per card text that the base judge scored and fitted judge: agreement_score, the mark that the raters of these labels would be expected to give, on their own scale. It is no score by the rubric, and says nothing of other raters.';

-- Parts run side by side: what each adds to the time in which the judge was busy is what it reaches beyond all
-- that began before it.
create or replace view judging_rates as
with ordered as (
    select
        *,
        max(ended_at) over (
            partition by snapshot, fingerprint
            order by started_at, ended_at, part
            rows between unbounded preceding and 1 preceding
        ) as busy_until
    from base.judged_parts
),
sums as (
    select
        snapshot,
        fingerprint,
        count(*) as parts,
        sum(texts)::bigint as texts,
        sum(failed)::bigint as failed,
        sum(requests)::bigint as requests,
        sum(tokens_in)::bigint as tokens_in,
        sum(tokens_out)::bigint as tokens_out,
        max(replicas) as replicas,
        sum(
            greatest(0, epoch(ended_at) - epoch(greatest(started_at, coalesce(busy_until, started_at))))
        ) as busy_seconds,
        sum(metrics['prefix_cache_hits']) / nullif(sum(metrics['prefix_cache_queries']), 0) as cached_share,
        sum(metrics['spent']) as spent
    from ordered
    group by snapshot, fingerprint
)
select
    sums.snapshot,
    judges.judge,
    sums.* exclude (snapshot),
    sums.texts / nullif(sums.busy_seconds, 0) as texts_per_second,
    (sums.tokens_in + sums.tokens_out) / nullif(sums.busy_seconds, 0) as tokens_per_second,
    sums.tokens_in / nullif(sums.texts, 0) as tokens_in_per_text,
    sums.tokens_out / nullif(sums.texts, 0) as tokens_out_per_text
from sums
join base.judges using (snapshot, fingerprint);
comment on view judging_rates is 'One row per snapshot and judge that judged anything for it: what it used, and how fast it was. busy_seconds is the time in which any part was being judged; cached_share that of prompt tokens served from a cache; spent is money, by the prices of the settings, null where none were set.';

create or replace view out_findings as
select * from base.findings
where snapshot not in (select snapshot from base.hidden);
comment on view out_findings is 'Every estimate with its interval, one per row.';

create or replace view out_ingredients as
select
    snapshot,
    judge,
    fingerprint,
    predictor as ingredient,
    outcome,
    stratum,
    estimator,
    n,
    n_clusters,
    estimate,
    ci_low,
    ci_high,
    p,
    p_adjusted,
    coalesce(p_adjusted <= 0.05, false) as holds,
    effective_authors,
    influential_author,
    estimate_without,
    flags,
    computed_at
from out_findings
where question = 'ingredient';
comment on view out_ingredients is 'What in a card, or around it, goes with popularity: one row per ingredient, outcome, stratum and estimator.';
comment on column out_ingredients.snapshot is 'Date of the snapshot (UTC).';
comment on column out_ingredients.judge is 'Judge whose answers were used.';
comment on column out_ingredients.fingerprint is 'Fingerprint of the judge.';
comment on column out_ingredients.ingredient is 'check:<id> or criterion:<id> of the rubric, tags, metadata, space, notebook, or conversions:<format>.';
comment on column out_ingredients.outcome is 'downloads or likes.';
comment on column out_ingredients.stratum is 'Which models: all, library=… or format=….';
comment on column out_ingredients.estimator is 'spearman and spearman_per_author of it alone, spearman_given_controls, or spearman_given_all: with all other ingredients held equal too.';
comment on column out_ingredients.n is 'Scored models used.';
comment on column out_ingredients.n_clusters is 'Authors among them.';
comment on column out_ingredients.estimate is 'Rank correlation, -1 to 1; null where the flags say why.';
comment on column out_ingredients.ci_low is 'Lower end of the 95 % interval over authors.';
comment on column out_ingredients.ci_high is 'Upper end of the 95 % interval over authors.';
comment on column out_ingredients.p is 'Two-sided p-value against no association.';
comment on column out_ingredients.p_adjusted is 'p after Benjamini-Hochberg among the ingredients of the same outcome and estimator, or of all levels of a dimension.';
comment on column out_ingredients.holds is 'Whether p_adjusted is at most 0.05.';
comment on column out_ingredients.effective_authors is 'How many authors of equal weight the interval rests on.';
comment on column out_ingredients.influential_author is 'The author without whom the estimate moves furthest.';
comment on column out_ingredients.estimate_without is 'The estimate without influential_author.';
comment on column out_ingredients.flags is 'Caveats; rare: fewer than 30 models or 10 authors differ in it.';
comment on column out_ingredients.computed_at is 'When it was estimated (UTC).';

create or replace view atlases as
select * from base.atlases
where snapshot not in (select snapshot from base.hidden);
comment on view atlases is 'One row per snapshot that has a map: how many texts and kinds it has, and how good it is.';

create or replace view kind_events as
select * from base.kind_events
where snapshot not in (select snapshot from base.hidden);
comment on view kind_events is 'What happened to the kinds of card from one map to the next.';

-- A kind keeps its names: of those given by then a person's counts first, then a judge model's, then that of its terms.
create or replace view base.best_kind_names as
select
    kinds.snapshot,
    kinds.kind,
    kind_names.name,
    kind_names.description,
    kind_names.named_by,
    kind_names.named_at
from base.kinds
join base.kind_names on kind_names.kind = kinds.kind and kind_names.snapshot <= kinds.snapshot
where kind_names.name <> ''
qualify row_number() over (
    partition by kinds.snapshot, kinds.kind
    order by
        case kind_names.named_by when 'person' then 0 when 'terms' then 2 else 1 end,
        kind_names.snapshot desc,
        kind_names.named_at desc,
        kind_names.named_by
) = 1;

-- The judge whose scores the report of a snapshot shows: the one that judged last.
create or replace view base.report_judges as
select *
from base.current_judges
qualify row_number() over (partition by snapshot order by judged_at desc, fingerprint) = 1;

create or replace view base.atlas as
select
    panel.snapshot,
    panel.model_id,
    panel.author,
    points.x,
    points.y,
    points.kind,
    names.name as kind_name,
    kinds.archetype,
    verdicts.score,
    panel.downloads,
    panel.likes,
    panel.library_name,
    panel.pipeline_tag,
    panel.model_format,
    points.strength_share,
    points.is_fitted,
    points.words,
    panel.card_hash,
    report_judges.judge,
    report_judges.fingerprint
from base.panel
join base.atlas_points as points using (snapshot, card_hash)
left join base.kinds as kinds on kinds.snapshot = panel.snapshot and kinds.kind = points.kind
left join base.best_kind_names as names on names.snapshot = panel.snapshot and names.kind = points.kind
left join base.report_judges on report_judges.snapshot = panel.snapshot
left join base.verdicts
    on verdicts.card_hash = panel.card_hash and verdicts.fingerprint = report_judges.fingerprint;

create or replace view out_atlas as
select * from base.atlas
where snapshot = (select max(snapshot) from atlases);
comment on view out_atlas is 'One row per model of the latest snapshot that has a map: where its card lies, its kind, and what the map shows of it. Cards that are too short to be placed are left out.';

-- How far a model''s score is above the median of the models with the same pipeline tag.
create or replace view base.atlas_scores as
select *, score - median(score) over (partition by snapshot, pipeline_tag) as score_gap
from base.atlas;

create or replace view out_clusters as
with counted as (
    select
        snapshot,
        kind,
        count(*) as models,
        count(distinct coalesce(author, model_id)) as authors,
        median(score) as median_score,
        median(score_gap) as score_gap,
        median(downloads) as median_downloads,
        median(likes) as median_likes,
        arg_max(model_id, downloads) as example
    from base.atlas_scores
    where kind is not null
    group by all
),
totals as (
    select snapshot, count(*) as models from base.atlas group by all
)
select
    kinds.snapshot,
    kinds.kind,
    names.name,
    names.named_by,
    names.description,
    kinds.archetype,
    kinds.archetype_reason,
    counted.models,
    kinds.texts,
    counted.authors,
    counted.models / totals.models as models_share,
    counted.median_score,
    counted.score_gap,
    counted.median_downloads,
    counted.median_likes,
    kinds.stability,
    coalesce(kinds.stability < 0.6, false) as is_unstable,
    kinds.terms,
    counted.example,
    kinds.x,
    kinds.y
from base.kinds
join counted using (snapshot, kind)
join totals using (snapshot)
left join base.best_kind_names as names using (snapshot, kind)
where kinds.snapshot not in (select snapshot from base.hidden)
order by kinds.snapshot, counted.models desc, kinds.kind;
comment on view out_clusters is 'One row per kind of card and snapshot: its names, how many models, their medians, and how far their scores are above the median of the models with the same pipeline tag (score_gap). is_unstable: it is not found again in fits on samples.';

create or replace view out_archetypes as
select
    snapshot,
    archetype,
    count(distinct kind) as kinds,
    count(*) as models,
    count(*) / sum(count(*)) over (partition by snapshot) as models_share,
    median(score) as median_score,
    median(score_gap) as score_gap,
    median(downloads) as median_downloads,
    median(likes) as median_likes
from (
    select * replace (coalesce(archetype, 'none') as archetype)
    from base.atlas_scores
    where snapshot not in (select snapshot from base.hidden)
)
group by snapshot, archetype
order by snapshot, models desc, archetype;
comment on view out_archetypes is 'One row per archetype and snapshot: the well-known kinds of card, how many models, their medians and score_gap. none: models whose card is of no kind.';

create or replace view out_neighbours as
with latest as (
    select * from base.scores
    semi join base.report_judges using (snapshot, fingerprint)
    where snapshot = (select max(snapshot) from atlases)
),
known as (  -- a text is known by its most downloaded model
    select card_hash, arg_max(model_id, (coalesce(downloads, 0), model_id)) as model_id, any_value(score) as score
    from latest
    where card_hash is not null
    group by card_hash
)
select
    latest.model_id,
    latest.score,
    neighbours.place,
    known.model_id as neighbour_id,
    known.score as neighbour_score,
    neighbours.similarity,
    latest.card_hash,
    neighbours.neighbour as neighbour_hash,
    neighbours.snapshot
from latest
-- Selected by itself, the snapshot keeps the other weeks' neighbours from being joined first.
join base.neighbours
    on neighbours.card_hash = latest.card_hash and neighbours.snapshot = (select max(snapshot) from atlases)
join known on known.card_hash = neighbours.neighbour;
comment on view out_neighbours is 'One row per model of the latest snapshot that has a map and a card that is near to its own, with the scores of both.';
