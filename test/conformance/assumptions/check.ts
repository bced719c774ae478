import type { Json } from '../../../local/cloud.ts';

/** What the checks make is named after this, tagged with it, and removed at the end. */
export interface Smoke {
  /** Of the clients: endpoint, region, credentials. */
  readonly config: Json;
  /** Different for each run: part of every name. */
  readonly id: string;
  readonly tags: Readonly<Record<string, string>>;
  /** A role for state machines; checks that run one are left out without it. */
  readonly role: string | undefined;
  /** Says what was made, and how it is taken away; the last is taken away first. */
  made(what: string, remove: () => Promise<unknown>): void;
}

/** A row of docs/assumptions.md, asked of the service. */
export interface Check {
  /** How the row begins there. */
  readonly row: string;
  /** What it makes on the account. */
  readonly makes: string;
  /** What it costs at list price, in US dollars, rounded up. */
  readonly dollars: number;
  readonly needsRole?: true;
  /** Throws with what it saw, when that is not what the row says. */
  run(smoke: Smoke): Promise<void>;
}

export function same(got: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`saw ${a}, assumed ${b}`);
}

export async function failureOf(call: Promise<unknown>): Promise<Json> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('it was accepted, which is assumed to be refused');
}
