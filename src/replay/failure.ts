import type { BuildProgress } from './builds.ts';
import type { Plan } from './plan.ts';

/** What Step Functions says of a Map when an item of it failed; why that was, it does not say. */
const ITEM_FAILED = 'States.ExceedToleratedFailureThreshold';

/** Why an execution failed, as Step Functions tells it. */
export interface Failure {
  readonly error?: string | null | undefined;
  readonly cause?: string | null | undefined;
}

/** What a slice fails with is kept with the build before it is thrown: the Map around it only tells that something failed. */
export async function noteFailure<T>(
  builds: BuildProgress,
  { projection, name }: Plan,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // Where the note cannot be written either, the failure itself is still told.
    await builds.sliceFailed(projection, name, reason.slice(0, 1000)).catch(() => {});
    throw error;
  }
}

/** The failure in words for a person: a function's message without its trace, Athena's reason, the slice's error for the Map's. */
export function reasonOf({ error, cause }: Failure, sliceError: string | undefined): { error: string; cause: string } {
  const said = error === ITEM_FAILED && sliceError !== undefined ? sliceError : messageIn(cause ?? '');
  return { error: error ?? '', cause: said };
}

/** Whether a replay that has no record was refused: asked again it is refused again. */
export function isRefusal({ error }: Failure): boolean {
  return error === 'DaybookError' || error === 'States.TaskFailed' || error?.startsWith('Athena.') === true;
}

/** Whether it would fail again however often it is resumed: what was spent stays spent, and what another has taken over is its. */
export function isFinal({ error, cause }: Failure): boolean {
  return error === 'replay.lostLock' || cause?.startsWith('replay.budgetSpent') === true;
}

/** Lambda's answer has `errorMessage`, a query's execution the reason of its state; anything else is text already. */
function messageIn(cause: string): string {
  try {
    const { errorMessage, QueryExecution, Status = QueryExecution?.Status } = JSON.parse(cause);
    const said = errorMessage ?? Status?.StateChangeReason ?? Status?.AthenaError?.ErrorMessage;
    return typeof said === 'string' ? said : cause;
  } catch {
    return cause;
  }
}
