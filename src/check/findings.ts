/** What a check can find; the codes of the library's own errors where they are what a load or a projection would throw. */
export type FindingCode =
  | 'event.invalid'
  | 'event.upcastFailed'
  /** A second run of the upcasts made other data. */
  | 'event.upcastImpure'
  /** An upcast changed the data that it was given. */
  | 'event.upcastChanges'
  | 'event.newerSchema'
  | 'event.unknownType'
  | 'event.corrupt'
  | 'event.unknownFormat'
  | 'event.missingAttribute'
  | 'event.encrypted'
  /** An item that lies under an aggregate's key at no version: every reader passes it. */
  | 'event.atNoVersion'
  | 'aggregate.wrongType'
  | 'aggregate.unknownType'
  | 'read.hole'
  | 'read.tornCommit'
  /** The code of the app threw. */
  | 'fold.failed'
  /** It returned undefined, or a Promise. */
  | 'fold.noState'
  /** A second run made another state. */
  | 'fold.impure'
  /** It changed the event that it was given. */
  | 'fold.changesEvent'
  /** A state that JSON cannot hold: a projection cannot be stored, of an aggregate no snapshot is kept. */
  | 'fold.notJson'
  /** Another state than the one stored by the same version of the fold. */
  | 'fold.changed';

/** Of which events a finding is. */
export interface FindingKey {
  readonly code: FindingCode;
  /** A warning alone does not fail a check. */
  readonly level: 'error' | 'warning';
  /** `Account` where the aggregate's own fold is meant, `projection balances`, `rollup by-month`; absent for the event alone. */
  readonly by?: string;
  readonly aggregateType?: string;
  readonly type?: string;
  readonly schemaVersion?: number;
  /** In the data or the state: a JSON pointer, with * for the places in a list. */
  readonly path?: string;
}

export interface Example {
  readonly aggregateUuid: string;
  readonly version: number;
  readonly message: string;
  /** The stored JSON text; only when payloads were asked for. */
  readonly data?: string;
}

/** Everything of one kind. */
export interface Finding extends FindingKey {
  readonly events: number;
  readonly aggregates: number;
  /** The first few by aggregate and version, so that two runs show the same. */
  readonly examples: readonly Example[];
}

/** Kinds beyond this are only counted: memory stays flat whatever is stored. */
const MAX_KINDS = 500;

interface Kind {
  readonly key: FindingKey;
  events: number;
  aggregates: number;
  readonly examples: Example[];
}

/** Adds what is found in one aggregate. */
export type AddFinding = (key: FindingKey, example: Omit<Example, 'aggregateUuid'>) => void;

/** Collects findings: counts of everything, a few examples of each kind. */
export interface Findings {
  /** Aggregates may be checked at once, each through its own. */
  within(aggregateUuid: string): AddFinding;
  /** Errors before warnings, then by name. */
  list(): readonly Finding[];
  /** Of level error. */
  errors(): number;
  /** Of kinds that were too many to keep. */
  beyond(): number;
}

export function collectFindings(examplesOfEach: number): Findings {
  const kinds = new Map<string, Kind>();
  let errors = 0;
  let beyond = 0;
  return {
    within(aggregateUuid) {
      const seen = new Set<Kind>();
      return (given, example) => {
        const key = given.path === undefined ? given : { ...given, path: given.path.replace(/\/\d+(?=\/|$)/g, '/*') };
        if (key.level === 'error') errors++;
        const kind = kindOf(kinds, key);
        if (kind === undefined) {
          beyond++;
          return;
        }
        kind.events++;
        if (!seen.has(kind)) kind.aggregates++;
        seen.add(kind);
        keepFirst(kind.examples, { aggregateUuid, ...example }, examplesOfEach);
      };
    },
    list: () =>
      [...kinds.entries()]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { key, events, aggregates, examples }]) => ({ ...key, events, aggregates, examples })),
    errors: () => errors,
    beyond: () => beyond,
  };
}

function kindOf(kinds: Map<string, Kind>, key: FindingKey): Kind | undefined {
  const { level, code, aggregateType, type, schemaVersion, by, path } = key;
  const name = JSON.stringify([level, code, aggregateType, type, schemaVersion, by, path]);
  const known = kinds.get(name);
  if (known !== undefined || kinds.size >= MAX_KINDS) return known;
  const kind = { key, events: 0, aggregates: 0, examples: [] };
  kinds.set(name, kind);
  return kind;
}

function keepFirst(examples: Example[], example: Example, most: number): void {
  const isBefore = (other: Example) =>
    example.aggregateUuid === other.aggregateUuid
      ? example.version < other.version
      : example.aggregateUuid < other.aggregateUuid;
  const place = examples.findIndex(isBefore);
  if (place >= 0) examples.splice(place, 0, example);
  else if (examples.length < most) examples.push(example);
  if (examples.length > most) examples.pop();
}
