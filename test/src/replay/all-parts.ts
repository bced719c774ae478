import type { Runner } from '../../../src/projection/runner.ts';
import {
  type CatchUpPorts,
  type CatchUpProgress,
  type CaughtUp,
  catchUp,
  catchUpStart,
  sumOfParts,
} from '../../../src/replay/catch-up.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import {
  type Verified,
  type VerifyPorts,
  type VerifyProgress,
  verify,
  verifyPart,
  verifyStart,
} from '../../../src/replay/verify.ts';

/** Catches up with every part, as the state machine does, each in as many calls as it takes. */
export async function catchUpAll(
  ports: CatchUpPorts,
  runner: Runner,
  plan: Plan,
  isLate = () => false,
): Promise<CaughtUp> {
  const parts: CatchUpProgress[] = [];
  for (const part of plan.parts) {
    let progress = catchUpStart(part);
    while (!progress.done) progress = await catchUp(ports, runner, plan, copy(progress), isLate);
    parts.push(progress);
  }
  return sumOfParts(parts);
}

/** Verifies every part, and then what they have come to. */
export async function verifyAll(
  ports: VerifyPorts,
  runner: Runner,
  plan: Plan,
  caughtUp: CaughtUp,
  isLate = () => false,
): Promise<Verified> {
  const parts: VerifyProgress[] = [];
  for (const part of plan.parts) {
    let progress = verifyStart(part);
    while (!progress.done) progress = await verifyPart(ports, runner, plan, caughtUp, copy(progress), isLate);
    parts.push(progress);
  }
  return verify(ports, runner, plan, caughtUp, parts);
}

/** What goes from one invocation to the next is JSON. */
const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
