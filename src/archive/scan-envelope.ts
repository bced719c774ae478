import { INSTANT, isDayOfMonth, LARGEST_SCHEMA_VERSION } from './row-fit.ts';

/** The rows of one envelope as the bytes of their JSON text, and what of the envelope is needed beside them. */
export interface ScannedEnvelope {
  /** Every character is a byte. */
  readonly rows: string;
  readonly events: number;
  readonly aggregate: string;
}

// Tokens of JSON, as strict as JSON.parse is: what they do not match is left to it.
const PLAIN = String.raw`[^"\\\u0000-\u001f]*`;
const TEXT = String.raw`"${PLAIN}(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})${PLAIN})*"`;
const [COMMA, END_OF_LIST, END_OF_OBJECT] = [0x2c, 0x5d, 0x7d];
/** Below 10^15, and so a safe integer. */
const COUNT = '(0|[1-9][0-9]{0,14})';

const HEAD = new RegExp(
  `^\\{"format":1,"feed":(${TEXT}),"aggregate":(${TEXT}),"from":${COUNT},"to":${COUNT},"head":${COUNT}(?:,"base":${COUNT})?,"events":\\[`,
);
/** What is named alike in a row is one piece: few pieces are what makes this fast. */
const EVENT = new RegExp(
  `\\{"version":${COUNT},"aggregateType":(${TEXT},"type":${TEXT}),"schemaVersion":${COUNT},"commitId":(${TEXT})` +
    `(?:,"commitFirst":${COUNT})?(?:,"commitLast":${COUNT})?,"recordedAt":"(${INSTANT})"(?:,"occurredAt":"(${INSTANT})")?` +
    `(,"data":${TEXT}(?:,"metadata":${TEXT})?\\})`,
  'y',
);

/**
 * Makes the rows of an envelope of exactly the shape that the feed's senders write, by copying its texts as they stand there:
 * text is escaped in a row as in an envelope. The bytes are taken for characters, so UTF-8 goes through untouched. Undefined
 * for whatever has another shape or breaks a rule of `parseEnvelope`, which then decides.
 */
export function scanEnvelope(bytes: Buffer, feedText: string): ScannedEnvelope | undefined {
  const text = bytes.toString('latin1');
  const head = HEAD.exec(text);
  if (head === null || head[1] !== feedText) return undefined;
  const aggregate = head[2]!;
  const [from, to, known, base] = [Number(head[3]), Number(head[4]), Number(head[5]), Number(head[6] ?? 0)];
  if (from < 1 || to < from || known < to || base >= from || (head[6] !== undefined && base < 1)) return undefined;
  if (aggregate === '""' || aggregate.includes('\\')) return undefined;

  const start = `{"aggregate_uuid":${aggregate},"version":`;
  let rows = '';
  let at = head[0].length;
  for (let version = from; version <= to; version++) {
    EVENT.lastIndex = at;
    const event = EVENT.exec(text);
    if (event === null || Number(event[1]) !== version) return undefined;
    const given = event[1]!;
    const [schemaVersion, first, last] = [event[3]!, event[5] ?? given, event[6] ?? given];
    if (schemaVersion === '0' || first === '0' || last === '0') return undefined;
    const [recordedAt, occurredAt = recordedAt] = [event[7]!, event[8]];
    if (Number(schemaVersion) > LARGEST_SCHEMA_VERSION || !isDayOfMonth(recordedAt) || !isDayOfMonth(occurredAt))
      return undefined;
    rows +=
      `${start}${given},"schema_version":${schemaVersion},"commit_first":${first},"commit_last":${last},"commit_id":` +
      `${event[4]},"aggregate_type":${event[2]},"recorded_at":"${recordedAt}","occurred_at":"${occurredAt}"${event[9]}`;
    at = EVENT.lastIndex + 1;
    if (text.charCodeAt(at - 1) !== (version === to ? END_OF_LIST : COMMA)) return undefined;
  }
  if (text.length !== at + 1 || text.charCodeAt(at) !== END_OF_OBJECT) return undefined;
  return { rows, events: to - from + 1, aggregate: Buffer.from(aggregate.slice(1, -1), 'latin1').toString('utf8') };
}
