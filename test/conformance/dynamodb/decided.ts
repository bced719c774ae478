import type { Answer } from './play.ts';

interface Decision {
  /** Why DynamoDB Local's answer is not the one that is asked for. */
  readonly why: string;
  /** Scenarios by their name, with the calls that this explains; without calls, whatever looks like it. */
  readonly where?: Readonly<Record<string, readonly number[]>>;
  readonly looksLike?: (operation: string, answer: Answer, local: Answer) => boolean;
}

const isTransaction = (operation: string) => operation.startsWith('Transact');

/** An answer with numbers as DynamoDB gives them back, wherever they stand. */
const normalized = (answer: Answer) =>
  JSON.stringify(answer).replace(/"N":"([^"]*)"/g, (_, text: string) => `"N":"${Number(text)}"`);

/** The table of decided differences from DynamoDB Local 3.1.0: the first that fits explains a difference. */
export const DECISIONS: readonly Decision[] = [
  {
    why: 'its own words: the code is the same, the text is that of the service as dynalite recorded it, or of the SDK-wide constraints',
    looksLike: (_, answer, local) =>
      answer.error !== undefined &&
      answer.error === local.error &&
      JSON.stringify(answer.output) === JSON.stringify(local.output),
  },
  {
    why: '"ConsumedCapacity … is only returned if the ReturnConsumedCapacity parameter was specified"',
    looksLike: (operation, answer, local) =>
      operation === 'DeleteItem' && JSON.stringify(answer.output) === '{}' && 'ConsumedCapacity' in local.output,
  },
  {
    why: '"Leading and trailing zeroes are trimmed", inside lists and maps and after a sum too',
    looksLike: (_, answer, local) => normalized(answer) === normalized(local),
  },
  {
    why: 'UpdateItem: "UPDATED_NEW - Returns only the updated attributes"; of a nested path that is the path alone, as the guide\'s tutorials print it',
    where: { 'return values of updates': [5, 6, 7, 8, 11, 13, 14] },
  },
  {
    why: 'CreateTable: "DynamoDB immediately returns a response with a TableStatus of CREATING"; DELETING and UPDATING are documented alike',
    looksLike: (operation, answer, local) =>
      ['CreateTable', 'DeleteTable', 'UpdateTable'].includes(operation) &&
      answer.error === undefined &&
      JSON.stringify(answer).replaceAll(/"(CREATING|UPDATING|DELETING)"/g, '"ACTIVE"') === JSON.stringify(local),
  },
  {
    why: 'CancellationReasons: "Validation Error: Code: ValidationError", for what a single item does not bear',
    looksLike: (operation, answer) =>
      isTransaction(operation) &&
      answer.error === 'TransactionCanceledException' &&
      /ValidationError/.test(answer.message ?? ''),
  },
  {
    why: "it allows what the API reference's model does not: values of enumerations, required members, lengths",
    looksLike: (_, answer) => /validation errors? detected/.test(answer.message ?? ''),
  },
  {
    why: '"SIZE" is in the list of reserved words',
    where: { 'AND, OR, NOT and parentheses': [46], 'every word that is reserved': [15] },
  },
  {
    why: 'an empty ExclusiveStartKey has none of the keys that it must have',
    where: { 'filters, projections, Select and Limit': [40] },
  },
  {
    why: '"If you perform a read operation on an item that does not exist, DynamoDB still consumes … read capacity units"',
    where: { 'filters, projections, Select and Limit': [48], 'batches of reads': [8] },
  },
  {
    why: 'an index key has the type that its AttributeDefinition says',
    where: { 'secondary indexes': [43] },
  },
  {
    why: 'ReturnItemCollectionMetrics: "If set to SIZE, the response includes statistics about item collections", on tables with a local index',
    where: { 'secondary indexes': [48, 51] },
  },
  {
    why: 'a scan goes through partitions in the order of a hash that nobody promises',
    where: { scans: [8, 10, 14, 21, 23, 29] },
  },
  {
    why: '"A single Query operation can retrieve a maximum of 1 MB of data", counted "before any FilterExpression is applied"',
    where: { 'pages of 1 MB': [11] },
  },
  {
    why: '1 and 1.0 are one key: "Provided list of item keys contains duplicates"',
    where: { 'batches of reads': [4] },
  },
  {
    why: '"DynamoDB performs two underlying reads or writes of every item in the transaction"',
    where: { 'transactions that are whole': [4, 5] },
  },
  {
    why: "the reason's message of a ConditionCheck has a full stop there",
    where: { 'transactions that are cancelled': [5] },
  },
  {
    why: 'follows from an earlier call of the scenario, which it answered otherwise',
    where: {
      'transactions that are cancelled': [40],
      'definitions that are refused': [28, 38, 39, 47, 48, 50],
      'expressions have limits': [5, 7],
      'global indexes come and go': [4, 7],
      'legacy parameters': [23],
    },
  },
  {
    why: 'a token names one request: another token with the same request is another request, and its condition counts',
    where: { 'idempotent transactions': [4] },
  },
  {
    why: '"When you switch a table … to on-demand": neither unit can be given with PAY_PER_REQUEST',
    where: { 'definitions that are refused': [6] },
  },
  {
    why: 'an index that is made has no counts yet there; attributes that nothing is keyed on are not kept here',
    where: { 'global indexes come and go': [3] },
  },
  {
    why: 'AttributeUpdates: "Action … PUT", the default',
    where: { 'legacy parameters': [22] },
  },
  {
    why: 'it fails with an internal error',
    looksLike: (_, __, local) => local.error === 'InternalFailure',
  },
];

/** Why DynamoDB Local's answer to the call is not asked for; undefined when nobody decided. */
export function reasonOf(
  scenario: string,
  i: number,
  operation: string,
  answer: Answer,
  local: Answer,
): string | undefined {
  return DECISIONS.find(
    ({ where, looksLike }) => where?.[scenario]?.includes(i) === true || looksLike?.(operation, answer, local) === true,
  )?.why;
}
