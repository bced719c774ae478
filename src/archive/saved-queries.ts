import './errors.ts';
import { DaybookError } from '../errors.ts';
import { bindNames, PARAMETER_TYPES, type ParameterType } from './sql-text.ts';

export interface QueryParameter {
  readonly type: ParameterType;
  readonly description: string;
  /** The values that it may have, when they are few. */
  readonly oneOf?: readonly string[];
}

/**
 * A question that people have, as SQL in Athena's dialect. The stack makes a saved query of it in its workgroup, and
 * `npx daybook sql --saved NAME` asks it.
 *
 * @example
 * const query: SavedQuery = {
 *   name: 'deposits-of-account',
 *   question: 'What came into an account?',
 *   parameters: { account: { type: 'varchar', description: 'The account' } },
 *   sql: "SELECT occurred_at, data FROM events WHERE aggregate_uuid = :account AND type = 'MoneyDeposited'",
 * };
 */
export interface SavedQuery {
  /** Lower case, digits and dashes; at most 100 characters. */
  readonly name: string;
  /** One line. */
  readonly question: string;
  /** By the name that stands in the SQL behind a colon. Athena takes parameters in WHERE clauses only. */
  readonly parameters?: Readonly<Record<string, QueryParameter>>;
  readonly sql: string;
}

/** The bucket of an aggregate: with it Athena reads one sixteenth of the table. */
const bucketOf = (parameter: string) => `substr(lower(to_hex(md5(to_utf8(${parameter})))), 1, 1)`;
const ofAggregate = `bucket = ${bucketOf(':aggregate')} AND aggregate_uuid = :aggregate`;
const aggregate: QueryParameter = { type: 'varchar', description: "The aggregate's id" };

/** The questions that every store's people have. */
export const SAVED_QUERIES: readonly SavedQuery[] = [
  {
    name: 'when-did-it-happen',
    question: 'When did something happen to an aggregate?',
    parameters: { aggregate, type: { type: 'varchar', description: "The event's type" } },
    sql: `SELECT version, occurred_at, recorded_at, data
FROM events
WHERE ${ofAggregate} AND type = :type
ORDER BY version`,
  },
  {
    name: 'history-of-aggregate',
    question: "What is an aggregate's history, from one version to another?",
    parameters: {
      aggregate,
      from: { type: 'bigint', description: 'The first version' },
      to: { type: 'bigint', description: 'The last version, included' },
    },
    sql: `SELECT version, type, occurred_at, recorded_at, data, metadata
FROM events
WHERE ${ofAggregate} AND version BETWEEN :from AND :to
ORDER BY version`,
  },
  {
    name: 'events-per-type-and-day',
    question: 'How many events of each type occurred on each day?',
    parameters: {
      from: { type: 'date', description: 'The first day, UTC' },
      to: { type: 'date', description: 'The last day, included' },
    },
    sql: `SELECT date(occurred_at) AS occurred_on, type, count(*) AS events
FROM events
WHERE occurred_at >= :from AND occurred_at < :to + INTERVAL '1' DAY
GROUP BY date(occurred_at), type
ORDER BY 1, 2`,
  },
  {
    name: 'who-touched-aggregate',
    question: 'Which users touched an aggregate? (The field user of the metadata.)',
    parameters: { aggregate },
    sql: `SELECT json_extract_scalar(metadata, '$.user') AS user_name, count(*) AS events, min(version) AS first_version,
  max(version) AS last_version, min(recorded_at) AS first_at, max(recorded_at) AS last_at
FROM events
WHERE ${ofAggregate}
GROUP BY json_extract_scalar(metadata, '$.user')
ORDER BY 3`,
  },
  {
    name: 'how-late-do-events-arrive',
    question: 'How late do events arrive: from occurrence to recording, and from recording to the archive?',
    sql: `SELECT type, count(*) AS events,
  approx_percentile(date_diff('second', occurred_at, recorded_at), 0.5) AS median_seconds,
  approx_percentile(date_diff('second', occurred_at, recorded_at), 0.99) AS p99_seconds,
  max(date_diff('second', occurred_at, recorded_at)) AS longest_seconds,
  max(date_diff('day', date(recorded_at), CAST(day AS date))) AS longest_days_to_archive
FROM events
GROUP BY type
ORDER BY type`,
  },
  {
    name: 'how-fresh-is-the-archive',
    question: 'Up to when does the archive hold events, by type of aggregate?',
    sql: `SELECT aggregate_type, count(*) AS events, count(DISTINCT aggregate_uuid) AS aggregates,
  max(recorded_at) AS last_recorded_at, max(day) AS last_arrival_day
FROM events
GROUP BY aggregate_type
ORDER BY aggregate_type`,
  },
  {
    name: 'freshness',
    question: 'Up to when is an answer complete: until when is every event proven to be in the archive?',
    sql: `SELECT complete_up_to, newest_arrival, checked_at, lag_seconds, missing, state
FROM freshness`,
  },
  {
    name: 'holes',
    question: 'Which versions of which aggregates miss in the archive? (None, once delivery has caught up.)',
    sql: `SELECT aggregate_uuid, aggregate_type, missing_from, missing_to
FROM holes
ORDER BY aggregate_uuid, missing_from`,
  },
];

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
// "Minimum length of 1. Maximum length of 262144", CreateNamedQuery's QueryString.
const LONGEST = 262_144;

/**
 * Refuses saved queries that could not be asked: at the construct's door, before anything is deployed.
 *
 * @throws `archive.savedQuery`
 */
export function checkSavedQueries(queries: readonly SavedQuery[]): void {
  const seen = new Set<string>();
  for (const query of queries) {
    const { name, question, parameters = {} } = query;
    const refuse = (problem: string) => new DaybookError('archive.savedQuery', { name: String(name), problem });
    if (!NAME.test(name) || name.length > 100)
      throw refuse('a name is lower case letters, digits and single dashes, at most 100');
    if (seen.has(name)) throw refuse('there are two of this name');
    seen.add(name);
    if (question.trim() === '' || question.includes('\n') || question.length > 900)
      throw refuse('its question is one line of at most 900 characters');
    const { names } = bindNames(query.sql);
    const handwritten = names.find((one) => /^\d/.test(one));
    if (handwritten !== undefined) throw refuse(`its SQL has a ?; parameters are named, such as :aggregate`);
    const unknown = names.find((one) => !Object.hasOwn(parameters, one));
    if (unknown !== undefined) throw refuse(`its SQL has :${unknown}, which is not among its parameters`);
    for (const [parameter, { type, description, oneOf }] of Object.entries(parameters)) {
      if (!/^[A-Za-z_]\w*$/.test(parameter)) throw refuse(`the parameter ${parameter} is no name`);
      if (!names.includes(parameter)) throw refuse(`its SQL has no :${parameter}`);
      if (!PARAMETER_TYPES.includes(type))
        throw refuse(`the parameter ${parameter} is a ${type}; there are ${PARAMETER_TYPES.join(', ')}`);
      if (description.includes('\n')) throw refuse(`the description of ${parameter} is one line`);
      if (oneOf?.some((value) => !/^[\w.-]+$/.test(value)))
        throw refuse(`the values of ${parameter} are letters, digits, dots and dashes`);
    }
    if (Buffer.byteLength(toNamedText(query)) > LONGEST) throw refuse(`it is longer than ${LONGEST} bytes`);
  }
}

/**
 * The text that is deployed: its first lines say, for people in the console and for the CLI, which parameter each `?` is.
 */
export function toNamedText({ question, parameters = {}, sql }: SavedQuery): string {
  const bound = bindNames(sql);
  const lines = bound.names.map((name, i) => {
    const { type, description, oneOf } = parameters[name]!;
    const allowed = oneOf === undefined ? '' : ` (${oneOf.join('|')})`;
    const isFirst = bound.names.indexOf(name) === i;
    return `-- ${i + 1} ${name} ${type}${allowed}${isFirst ? `: ${description.replaceAll('?', '')}` : ''}`;
  });
  return [`-- ${question.replaceAll('?', '')}`, ...lines, bound.sql].join('\n');
}

/** A saved query as the CLI asks it, whoever wrote it. */
export interface NamedQuery extends SavedQuery {
  readonly parameters: Readonly<Record<string, QueryParameter>>;
  /** Which parameter each `?` of the SQL is. */
  readonly positions: readonly string[];
}

const LINE = /^-- (\d+) ([A-Za-z_]\w*) ([a-z]+)(?: \(([\w.|-]+)\))?(?:: (.*))?$/;

/**
 * Reads a saved query out of Athena. One that was made by hand in the console says nothing of its parameters: they are named
 * by their numbers, and are texts.
 */
export function readNamedText(name: string, question: string, text: string): NamedQuery {
  const { sql, names } = bindNames(text);
  const parameters: Record<string, QueryParameter> = {};
  const positions = [...names];
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break;
    const [, position, parameter, type, oneOf, description] = LINE.exec(line) ?? [];
    const known = PARAMETER_TYPES.find((each) => each === type);
    if (parameter === undefined || known === undefined || positions[Number(position) - 1] === undefined) continue;
    positions[Number(position) - 1] = parameter;
    parameters[parameter] ??= {
      type: known,
      description: description ?? '',
      ...(oneOf !== undefined && { oneOf: oneOf.split('|') }),
    };
  }
  for (const position of positions) parameters[position] ??= { type: 'varchar', description: '' };
  return { name, question, parameters, positions, sql };
}
