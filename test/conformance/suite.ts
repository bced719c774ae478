import type { Json } from '../../local/cloud.ts';

/** Where the cases are played: what a client of the SDK needs to get there. */
export interface Target {
  readonly name: string;
  readonly config: Json;
  /** The embedded runtime: nothing that another emulator gets wrong is forgiven. */
  readonly isEmbedded?: true;
  /** A role that Lambda, Firehose, Pipes and Step Functions may assume. */
  readonly role?: string;
  /** Sees each client before it makes a call. */
  watch?(client: { readonly middlewareStack: Json }): void;
  /** What everything that is made is tagged with. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Is told what is made without a client that it watches, and how it is removed; the answer tells that it was. */
  note?(noun: string, id: string, remove: () => Promise<unknown>): () => void;
}

/** One documented behaviour. `run` throws what speaks against it, or NotJudged when the endpoint can't be asked. */
export interface Case {
  readonly name: string;
  /** AWS's sentence, and where it stands. */
  readonly says: string;
  /** Where it is another than its suite says. */
  readonly costs?: Costs;
  run(target: Target): Promise<void>;
}

/** What a case makes on an account, and the most that it costs there at list price, in US dollars. */
export interface Costs {
  readonly makes: string;
  readonly dollars: number;
}

export interface Suite {
  readonly service: string;
  /** Of each case. */
  readonly costs: Costs;
  readonly cases: readonly Case[];
  /** Its cases wait for a service most of the time, and each has its own resources: they may run beside each other. */
  readonly waits?: true;
}

/** The endpoint does not have what the case needs, which says nothing about whether it is right. */
export class NotJudged extends Error {}

export interface Verdict {
  readonly service: string;
  readonly name: string;
  readonly kind: 'passed' | 'differs' | 'not judged';
  readonly text: string;
}

/** What says that an endpoint does not have the service or the operation at all. */
const ABSENT = /UnknownOperation|InvalidAction|NotImplemented|InternalFailure|ECONNREFUSED|is not (hosted|supported)/;

export async function judge(
  suite: Suite,
  target: Target,
  say: (verdict: Verdict) => void,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const { name, run } of suite.cases) {
    const verdict = { service: suite.service, name, ...(await judgeOne(() => run(target))) };
    verdicts.push(verdict);
    say(verdict);
  }
  return verdicts;
}

async function judgeOne(run: () => Promise<void>): Promise<Pick<Verdict, 'kind' | 'text'>> {
  try {
    await run();
    return { kind: 'passed', text: '' };
  } catch (error) {
    const { name, message } = error as Error;
    const absent = error instanceof NotJudged || ABSENT.test(`${name} ${message}`);
    return { kind: absent ? 'not judged' : 'differs', text: message };
  }
}
