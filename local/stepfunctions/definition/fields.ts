/** The fields that a JSONata state of each type may carry. */
const COMMON = ['Type', 'Comment', 'QueryLanguage'];
const FLOW = ['Next', 'End'];
const RESULT = ['Output', 'Assign'];
const FALLIBLE = ['Retry', 'Catch'];

export const STATE_FIELDS = {
  Pass: [...COMMON, ...FLOW, ...RESULT],
  Succeed: [...COMMON, 'Output'],
  Fail: [...COMMON, 'Error', 'Cause'],
  Wait: [...COMMON, ...FLOW, ...RESULT, 'Seconds', 'Timestamp'],
  Choice: [...COMMON, ...RESULT, 'Choices', 'Default'],
  Task: [
    ...COMMON,
    ...FLOW,
    ...RESULT,
    ...FALLIBLE,
    'Resource',
    'Arguments',
    'Credentials',
    'TimeoutSeconds',
    'HeartbeatSeconds',
  ],
  Parallel: [...COMMON, ...FLOW, ...RESULT, ...FALLIBLE, 'Branches', 'Arguments'],
  Map: [
    ...COMMON,
    ...FLOW,
    ...RESULT,
    ...FALLIBLE,
    'ItemProcessor',
    'Items',
    'ItemSelector',
    'MaxConcurrency',
    'ItemReader',
    'ItemBatcher',
    'ResultWriter',
    'ToleratedFailureCount',
    'ToleratedFailurePercentage',
    'Label',
  ],
} as const satisfies Record<string, readonly string[]>;

export type StateType = keyof typeof STATE_FIELDS;

/** Fields that exist in the JSONPath language only. */
export const JSONPATH_FIELDS: ReadonlySet<string> = new Set([
  'InputPath',
  'OutputPath',
  'ResultPath',
  'ResultSelector',
  'Parameters',
  'Result',
  'ItemsPath',
  'MaxConcurrencyPath',
  'SecondsPath',
  'TimestampPath',
  'TimeoutSecondsPath',
  'HeartbeatSecondsPath',
  'ErrorPath',
  'CausePath',
  'ToleratedFailureCountPath',
  'ToleratedFailurePercentagePath',
]);

/** Fields of a Map that only a distributed one may carry. */
export const DISTRIBUTED_FIELDS = [
  'ItemReader',
  'ItemBatcher',
  'ResultWriter',
  'ToleratedFailureCount',
  'ToleratedFailurePercentage',
  'Label',
] as const;
