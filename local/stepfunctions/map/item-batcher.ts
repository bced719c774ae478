import type { Json } from '../../cloud.ts';
import type { ItemBatcher } from '../definition/machine.ts';
import type { Bindings } from '../expression/compile.ts';
import { evaluateInteger, evaluateTyped } from '../expression/template.ts';
import { dataLimitFailure, PAYLOAD_LIMIT } from '../failure.ts';

interface Batch {
  readonly input: Json;
  readonly items: number;
}

/** "{ BatchInput, Items }" for each batch: as many items as the count and the bytes allow, BatchInput included. */
export async function batchInputs(
  { maxItems, maxBytes, batchInput }: ItemBatcher,
  bindings: Bindings,
  inputs: readonly Json[],
): Promise<readonly Batch[]> {
  const most =
    maxItems === undefined ? inputs.length : await evaluateInteger(maxItems, bindings, { min: 1, max: 100_000_000 });
  // "The maximum size of a batch … 262,144 bytes", whatever the count says.
  const bytes =
    maxBytes === undefined ? PAYLOAD_LIMIT : await evaluateInteger(maxBytes, bindings, { min: 1, max: PAYLOAD_LIMIT });
  const shared = batchInput === undefined ? undefined : await evaluateTyped(batchInput, bindings, 'object');
  const envelope = Buffer.byteLength(
    JSON.stringify(shared === undefined ? { Items: [] } : { BatchInput: shared, Items: [] }),
  );
  const batches: Batch[] = [];
  let items: Json[] = [];
  let size = envelope;
  const close = () => {
    if (items.length === 0) return;
    batches.push({
      input: shared === undefined ? { Items: items } : { BatchInput: shared, Items: items },
      items: items.length,
    });
    items = [];
    size = envelope;
  };
  for (const input of inputs) {
    const weight = Buffer.byteLength(JSON.stringify(input));
    if (envelope + weight > bytes) throw dataLimitFailure('ItemBatcher');
    if (items.length === most || size + weight + (items.length === 0 ? 0 : 1) > bytes) close();
    size += weight + (items.length === 0 ? 0 : 1);
    items.push(input);
  }
  close();
  return batches;
}
