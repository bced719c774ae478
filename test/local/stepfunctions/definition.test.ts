import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { functionArn, only, ROLE, Workbench } from './workbench.ts';

/** What CreateStateMachine says to the definition, and ValidateStateMachineDefinition with it. */
async function refusal(definition: Json, options: Json = {}): Promise<string> {
  const bench = new Workbench();
  const text =
    typeof definition === 'string' ? definition : JSON.stringify({ QueryLanguage: 'JSONata', ...definition });
  const { result } = await bench.states('ValidateStateMachineDefinition', { definition: text, ...options });
  try {
    await bench.states('CreateStateMachine', { name: 'm', definition: text, roleArn: ROLE, ...options });
    expect(result).toBe('OK');
    return 'accepted';
  } catch (error) {
    expect(result).toBe('FAIL');
    expect((error as { code: string }).code).toBe('InvalidDefinition');
    return (error as Error).message.replace(/^Invalid State Machine Definition: '(.*)'$/s, '$1');
  }
}

const pass = (more: Json) => only({ Type: 'Pass', ...more });
const schema = (message: string, at: string) => `SCHEMA_VALIDATION_FAILED: ${message} at ${at}`;
const task = (more: Json) => only({ Type: 'Task', Resource: functionArn('f'), ...more });
const map = (more: Json, config: Json = { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }) =>
  only({
    Type: 'Map',
    ItemProcessor: { ProcessorConfig: config, StartAt: 'I', States: { I: { Type: 'Pass', End: true } } },
    ...more,
  });

describe('a definition is refused with the place of what is wrong', () => {
  it('when it is no JSON object', async () => {
    expect(await refusal('')).toBe('SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object');
    expect(await refusal('not a definition')).toMatch(/^INVALID_JSON_DESCRIPTION: /);
    expect(await refusal('{}')).toContain('These fields are required: [States, StartAt] at /');
  });

  it.each<[string, Json, string]>([
    ['an unknown field', pass({ Foo: 1 }), schema("Field 'Foo' is not supported", '/States/S/Foo')],
    ['an unknown field of the machine', { ...pass({}), Foo: 1 }, schema("Field 'Foo' is not supported", '/Foo')],
    [
      'a field of JSONPath',
      pass({ InputPath: '$' }),
      schema(
        "The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' QueryLanguage",
        '/States/S',
      ),
    ],
    [
      'a state in JSONPath',
      pass({ QueryLanguage: 'JSONPath' }),
      schema("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", '/States/S'),
    ],
    [
      'an unknown type',
      only({ Type: 'Sleep' }),
      schema(
        'Value should be one of the following: [Pass, Succeed, Fail, Wait, Choice, Task, Parallel, Map]',
        '/States/S/Type',
      ),
    ],
    [
      'a field of another type',
      only({ Type: 'Wait', Seconds: 1, Retry: [] }),
      schema("Field 'Retry' is not supported", '/States/S/Retry'),
    ],
    [
      'neither Next nor End',
      { StartAt: 'S', States: { S: { Type: 'Pass' } } },
      schema("One of these fields is required: ['Next', 'End']", '/States/S'),
    ],
    [
      'Next and End',
      { StartAt: 'S', States: { S: { Type: 'Pass', Next: 'T', End: true }, T: { Type: 'Succeed' } } },
      schema("Only one of 'Next' and 'End' may be specified", '/States/S'),
    ],
    [
      'a wrong literal',
      only({ Type: 'Wait', Seconds: 'x' }),
      schema('Expected value of type [NUMBER] or a JSONata expression', '/States/S/Seconds'),
    ],
    [
      'a machine in no known language',
      { ...pass({}), QueryLanguage: 'jsonata' },
      schema('Value should be one of the following: [JSONPath, JSONata]', '/QueryLanguage'),
    ],
    [
      'an activity',
      only({ Type: 'Task', Resource: 'arn:aws:states:us-east-1:000000000000:activity:a' }),
      schema('Activities are not supported by this runtime', '/States/S/Resource'),
    ],
    [
      'an unknown integration',
      only({ Type: 'Task', Resource: 'arn:aws:states:::sns:publish' }),
      schema("The integration 'sns:publish' is not supported by this runtime", '/States/S/Resource'),
    ],
    [
      'an unknown service',
      only({ Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:ec2:runInstances' }),
      schema("The AWS SDK integration with 'ec2' is not supported by this runtime", '/States/S/Resource'),
    ],
    [
      'an unknown operation',
      only({ Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:s3:getObjects' }),
      schema("'s3' has no operation 'getObjects'", '/States/S/Resource'),
    ],
    [
      'a pattern that an integration lacks',
      only({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke.sync' }),
      schema("The integration 'lambda:invoke' does not support '.sync'", '/States/S/Resource'),
    ],
    [
      'an argument that an integration lacks',
      only({ Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments: { FunctionName: 'f', payload: 1 } }),
      schema("The field 'payload' is not supported by Step Functions", '/States/S/Arguments'),
    ],
    [
      'an argument of the SDK that is not in PascalCase',
      only({
        Type: 'Task',
        Resource: 'arn:aws:states:::aws-sdk:sfn:startExecution',
        Arguments: { stateMachineArn: 'a' },
      }),
      schema("The field 'stateMachineArn' is not supported by Step Functions", '/States/S/Arguments'),
    ],
    [
      'a missing argument',
      only({ Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage', Arguments: { QueueUrl: 'q' } }),
      schema("The field 'MessageBody' is required but was missing", '/States/S/Arguments'),
    ],
    [
      'a heartbeat longer than the timeout',
      task({ TimeoutSeconds: 5, HeartbeatSeconds: 5 }),
      schema('HeartbeatSeconds must be smaller than TimeoutSeconds', '/States/S/HeartbeatSeconds'),
    ],
    [
      'an unknown field of a retrier',
      task({ Retry: [{ ErrorEquals: ['A'], Backoff: 1 }] }),
      schema("Field 'Backoff' is not supported", '/States/S/Retry[0]/Backoff'),
    ],
    [
      'a backoff below one',
      task({ Retry: [{ ErrorEquals: ['A'], BackoffRate: 0.5 }] }),
      schema(`Expected a value between 1 and ${Number.MAX_VALUE}`, '/States/S/Retry[0]/BackoffRate'),
    ],
    [
      'States.ALL before others',
      task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] }),
      schema("'States.ALL' must appear alone, and in the last entry only", '/States/S/Retry[0]/ErrorEquals'),
    ],
    [
      'an inline Map with a reader',
      map({ Label: 'x' }, { Mode: 'INLINE' }),
      schema(
        "Field 'Label' is only supported when the Mode of the ProcessorConfig is 'DISTRIBUTED'",
        '/States/S/Label',
      ),
    ],
    [
      'a distributed Map without its type',
      map({}, { Mode: 'DISTRIBUTED' }),
      schema('These fields are required: [ExecutionType]', '/States/S/ItemProcessor/ProcessorConfig'),
    ],
    [
      'an unknown reader',
      map({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:headObject',
          Arguments: { Bucket: 'b', Key: 'k' },
          ReaderConfig: { InputType: 'JSON' },
        },
      }),
      schema("The reader 'arn:aws:states:::s3:headObject' is not supported", '/States/S/ItemReader/Resource'),
    ],
    [
      'an unknown format',
      map({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          Arguments: { Bucket: 'b', Key: 'k' },
          ReaderConfig: { InputType: 'XML' },
        },
      }),
      schema(
        'Value should be one of the following: [CSV, JSON, JSONL, PARQUET, MANIFEST]',
        '/States/S/ItemReader/ReaderConfig/InputType',
      ),
    ],
    [
      'an empty ResultWriter',
      map({ ResultWriter: {} }),
      schema(
        "A ResultWriter has 'WriterConfig', or 'Resource' and 'Arguments', or all three",
        '/States/S/ResultWriter',
      ),
    ],
    [
      'a batcher without a limit',
      map({ ItemBatcher: {} }),
      schema(
        "At least one of these fields is required: ['MaxItemsPerBatch', 'MaxInputBytesPerBatch']",
        '/States/S/ItemBatcher',
      ),
    ],
    [
      'the reserved variable',
      pass({ Assign: { states: 1 } }),
      schema("'states' is a reserved variable name", '/States/S/Assign/states'),
    ],
    [
      'an impossible variable',
      pass({ Assign: { '1a': 1 } }),
      schema("'1a' is not a valid variable name", '/States/S/Assign/1a'),
    ],
    [
      'a path without a start',
      pass({ Output: { v: '{% phone.number %}' } }),
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at /States/S/Output/v",
    ],
    [
      'the root context',
      pass({ Output: '{% $$ %}' }),
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$$' is not supported. at /States/S/Output",
    ],
    [
      'an error output where there is none',
      pass({ Output: '{% $states.errorOutput %}' }),
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.errorOutput' is not supported. at /States/S/Output",
    ],
    ...(
      [
        ['a Pass', { Type: 'Pass', Output: '{% $exists($states.result) %}' }, 'Output'],
        ['a Wait', { Type: 'Wait', Seconds: '{% $states.result.n %}' }, 'Seconds'],
        ['a Succeed', { Type: 'Succeed', Output: { v: '{% $states.result %}' } }, 'Output/v'],
        ['a Fail', { Type: 'Fail', Cause: '{% $states.result %}' }, 'Cause'],
        [
          'the arguments of a Task',
          { Type: 'Task', Resource: functionArn('f'), Arguments: '{% $states.result %}' },
          'Arguments',
        ],
        [
          'a Catch',
          {
            Type: 'Task',
            Resource: functionArn('f'),
            Catch: [{ ErrorEquals: ['A'], Next: 'S', Output: '{% $states.result %}' }],
          },
          'Catch[0]/Output',
        ],
      ] as const
    ).map(([where, state, at]): [string, Json, string] => [
      `a result in ${where}`,
      only(state),
      `UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.result' is not supported. at /States/S/${at}`,
    ]),
    [
      'a result in a Choice',
      {
        StartAt: 'S',
        States: {
          S: { Type: 'Choice', Choices: [{ Condition: '{% $states.result %}', Next: 'E' }] },
          E: { Type: 'Succeed' },
        },
      },
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.result' is not supported. at /States/S/Choices[0]/Condition",
    ],
    [
      'a result in the selector of a Map',
      map({ ItemSelector: { v: '{% $states.result %}' } }),
      "UNSUPPORTED_JSONATA_EXPRESSION: Reference to '$states.result' is not supported. at /States/S/ItemSelector/v",
    ],
    [
      'an expression that does not parse',
      pass({ Output: '{% 1 + %}' }),
      'INVALID_JSONATA_EXPRESSION: Unexpected end of expression at /States/S/Output',
    ],
    [
      'an expression that does not close',
      pass({ Output: ['{% 1 '] }),
      "INVALID_JSONATA_EXPRESSION: A JSONata expression must start with '{%' and end with '%}', with no spaces around them at /States/S/Output[0]",
    ],
  ])('when it has %s', async (_what, definition, message) => {
    expect(await refusal(definition)).toBe(message);
  });

  it('when it is written in JSONPath, which is the language unless it says otherwise', async () => {
    const text = JSON.stringify(pass({}));
    expect(await refusal(text)).toContain("The QueryLanguage 'JSONPath' is not supported by this runtime");
    expect(await refusal(JSON.stringify(pass({ QueryLanguage: 'JSONata' })))).toBe('accepted');
  });

  it('when a transition leads nowhere, a state is never reached, or nothing ends it', async () => {
    const at = (States: Json, StartAt = 'A') => refusal({ StartAt, States });
    const end = { Type: 'Succeed' };
    expect(await at({ A: end }, 'B')).toContain("MISSING_TRANSITION_TARGET: Missing 'StartAt' target: B at /StartAt");
    expect(await at({ A: { Type: 'Pass', Next: 'B' } })).toContain(
      "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next",
    );
    expect(await at({ A: end, B: end })).toBe('MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B');
    expect(await at({ A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } })).toMatch(/^MISSING_END_STATE/);
    const choices = [{ Condition: true, Next: 'B' }];
    expect(await at({ A: { Type: 'Choice', Choices: choices, Default: 'C' }, B: end })).toContain(
      "Missing 'Default' target: C at /States/A/Default",
    );
  });

  it('when a name is used twice, or a variable of an outer scope is assigned within', async () => {
    const inner = (name: string, Assign: Json) => ({
      StartAt: 'A',
      States: {
        A: { Type: 'Pass', Assign: { v: 1 }, Next: 'P' },
        P: {
          Type: 'Parallel',
          Branches: [{ StartAt: name, States: { [name]: { Type: 'Pass', Assign, End: true } } }],
          End: true,
        },
      },
    });
    expect(await refusal(inner('A', { w: 1 }))).toContain('DUPLICATE_STATE_NAME');
    expect(await refusal(inner('I', { v: 1 }))).toContain("The variable 'v' is assigned in an outer scope");
    expect(await refusal(inner('I', { w: 1 }))).toBe('accepted');
  });

  it('when an Express machine waits for a job, a token, or a distributed Map', async () => {
    const express = { type: 'EXPRESS' };
    const wait = only({
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'f' },
    });
    expect(await refusal(wait, express)).toBe(
      schema("Express state machine does not support '.waitForTaskToken' service integration ", '/States/S/Resource'),
    );
    expect(await refusal(map({}), express)).toContain('Express state machine does not support Distributed Map');
  });

  it('names all that is wrong at once', async () => {
    const { diagnostics } = await new Workbench().states('ValidateStateMachineDefinition', {
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...pass({ Foo: 1, Bar: 2 }) }),
    });
    expect(diagnostics).toEqual([
      {
        severity: 'ERROR',
        code: 'SCHEMA_VALIDATION_FAILED',
        message: "Field 'Foo' is not supported",
        location: '/States/S/Foo',
      },
      {
        severity: 'ERROR',
        code: 'SCHEMA_VALIDATION_FAILED',
        message: "Field 'Bar' is not supported",
        location: '/States/S/Bar',
      },
    ]);
  });
});

describe('a definition may', () => {
  it('name members in predicates, in functions applied to steps, and in sort terms', async () => {
    for (const expression of [
      '$states.input.items[value > 3].name',
      '$states.input.items^(>age).name',
      '$states.input.items{name: $sum(value)}',
      '$map($states.input.items, function($i) { $i.name })',
      '$states.input.items.(name & "!")',
      '$merge($states.input.items.{name: value})',
    ]) {
      expect(await refusal(pass({ Output: `{% ${expression} %}` }))).toBe('accepted');
    }
  });

  it('read the result in Output and Assign of Task, Parallel and Map', async () => {
    const done = { Output: { v: '{% $states.result %}' }, Assign: { w: { x: '{% $count($states.result) %}' } } };
    const branch = { StartAt: 'B', States: { B: { Type: 'Pass', End: true } } };
    expect(await refusal(task(done))).toBe('accepted');
    expect(await refusal(map(done))).toBe('accepted');
    expect(await refusal(only({ Type: 'Parallel', Branches: [branch], ...done }))).toBe('accepted');
  });

  it('read what nothing gives, which fails when it is evaluated', async () => {
    for (const read of ['$states.foo', '$nobody']) {
      const machine = pass({ Output: `{% ${read} %}` });
      expect(await refusal(machine)).toBe('accepted');
      const { error } = await new Workbench().run(machine);
      expect(error).toBe('States.QueryEvaluationError');
    }
  });

  it('comment, and read the error output in a catcher', async () => {
    const definition = {
      Comment: 'c',
      StartAt: 'T',
      States: {
        T: {
          Type: 'Task',
          Comment: 'c',
          Resource: functionArn('f'),
          Catch: [{ ErrorEquals: ['A'], Next: 'E', Comment: 'c', Assign: { e: '{% $states.errorOutput.Error %}' } }],
          Retry: [{ ErrorEquals: ['B'], Comment: 'c' }],
          End: true,
        },
        E: { Type: 'Fail', Comment: 'c' },
      },
    };
    expect(await refusal(definition)).toBe('accepted');
  });
});
