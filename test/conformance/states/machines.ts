import type { Json } from '../../../local/cloud.ts';

/** A machine, and what the documentation says that it comes to. */
export interface Machine {
  readonly name: string;
  readonly says: string;
  readonly definition: Json;
  readonly input?: Json;
  readonly status?: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT';
  readonly output?: Json;
  /** What the output holds of a value that is different each time. */
  readonly like?: (output: Json) => boolean;
  readonly error?: string;
  readonly cause?: RegExp;
}

const machine = (StartAt: string, States: Json, more: Json = {}): Json => ({
  QueryLanguage: 'JSONata',
  StartAt,
  States,
  ...more,
});
const pass = (more: Json): Json => ({ Type: 'Pass', ...more });
const end = (more: Json): Json => ({ Type: 'Pass', End: true, ...more });
const one = (more: Json): Json => machine('S', { S: end(more) });
const value = (expression: string): Json => one({ Output: `{% ${expression} %}` });
const inner = (state: Json): Json => ({ StartAt: 'I', States: { I: state } });
const fail = (name: string, Cause = 'c'): Json => ({ Type: 'Fail', Error: name, Cause });
/** Fails as a task would: a branch with the error. */
const failing = (error: string, more: Json): Json => ({
  Type: 'Parallel',
  Branches: [{ StartAt: 'Fails', States: { Fails: fail(error) } }],
  ...more,
});
const caught = end({ Output: { caught: '{% $states.input %}' } });

const VARIABLES = 'Passing data between states with variables';
const JSONATA = 'Transforming data with JSONata in Step Functions';
const ERRORS = 'Handling errors in Step Functions workflows';

const variables: readonly Machine[] = [
  {
    name: 'a variable is there for the states that follow',
    says: `${VARIABLES}: "Variables … can be assigned in one state and referenced in a future state"`,
    definition: machine('A', {
      A: pass({ Assign: { x: 1, y: { z: '{% $states.input.n + 1 %}' } }, Next: 'B' }),
      B: end({ Output: { x: '{% $x %}', z: '{% $y.z %}', input: '{% $states.input %}' } }),
    }),
    input: { n: 4 },
    output: { x: 1, z: 5, input: { n: 4 } },
  },
  {
    name: 'all expressions of an Assign see the values from before it',
    says: `${VARIABLES}: "Variables are assigned simultaneously … the order of evaluation": a swap`,
    definition: machine('A', {
      A: pass({ Assign: { x: 1, y: 2 }, Next: 'B' }),
      B: pass({ Assign: { x: '{% $y %}', y: '{% $x %}' }, Output: '{% [$x, $y] %}', Next: 'C' }),
      C: end({ Output: { before: '{% $states.input %}', after: '{% [$x, $y] %}' } }),
    }),
    output: { before: [1, 2], after: [2, 1] },
  },
  {
    name: 'branches read outer variables, and theirs are gone afterwards',
    says: `${VARIABLES}: "Inner scopes (Map, Parallel) … can reference … outer scope"; "variables assigned in inner scope are not accessible in the outer"`,
    definition: machine('A', {
      A: pass({ Assign: { outer: 'o' }, Next: 'P' }),
      P: {
        Type: 'Parallel',
        Branches: [
          {
            StartAt: 'B1',
            States: {
              B1: pass({ Assign: { own: 'b1' }, Next: 'B2' }),
              B2: end({ Output: '{% $outer & $own %}' }),
            },
          },
          { StartAt: 'C1', States: { C1: end({ Output: '{% $exists($own) %}' }) } },
        ],
        Assign: { results: '{% $states.result %}' },
        Next: 'Z',
      },
      Z: end({ Output: { results: '{% $results %}', leaked: '{% $exists($own) %}' } }),
    }),
    output: { results: ['ob1', false], leaked: false },
  },
  {
    name: 'iterations have variables of their own',
    says: `${VARIABLES}: each iteration of a Map has its own scope`,
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: [1, 2, 3],
        MaxConcurrency: 1,
        ItemProcessor: {
          StartAt: 'X',
          States: {
            X: pass({ Assign: { seen: '{% $exists($seen) ? $seen + 1 : 1 %}' }, Next: 'Y' }),
            Y: end({ Output: '{% $seen %}' }),
          },
        },
        End: true,
      },
    }),
    output: [1, 1, 1],
  },
  {
    name: 'a variable may be assigned again, in a loop',
    says: `${VARIABLES}: loops count with a variable`,
    definition: machine('Init', {
      Init: pass({ Assign: { i: 0, sum: 0 }, Next: 'Test' }),
      Test: { Type: 'Choice', Choices: [{ Condition: '{% $i < 5 %}', Next: 'Step' }], Default: 'Done' },
      Step: pass({ Assign: { i: '{% $i + 1 %}', sum: '{% $sum + $i %}' }, Next: 'Test' }),
      Done: { Type: 'Succeed', Output: '{% $sum %}' },
    }),
    output: 10,
  },
  {
    name: 'null is a value, and so is a nested null',
    says: `${VARIABLES}: values are JSON`,
    definition: machine('A', {
      A: pass({ Assign: { n: null, o: { n: null } }, Next: 'B' }),
      B: end({ Output: { n: '{% $n %}', o: '{% $o %}' } }),
    }),
    output: { n: null, o: { n: null } },
  },
  {
    name: 'a member of an object variable is replaced with $merge',
    says: `${VARIABLES}: "you can't assign a part of a variable": the whole is assigned`,
    definition: machine('A', {
      A: pass({ Assign: { o: { a: 1, b: 2 } }, Next: 'B' }),
      B: pass({ Assign: { o: '{% $merge([$o, {"b": 3}]) %}' }, Next: 'C' }),
      C: end({ Output: '{% $o %}' }),
    }),
    output: { a: 1, b: 3 },
  },
  {
    name: 'Choice: the rule taken assigns, the others do not, nor does the state',
    says: 'Choice workflow state: "Assign … in a choice rule"; "If no rule matches, the state\'s own"',
    definition: machine('C', {
      C: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input.n = 1 %}', Next: 'Z', Assign: { who: 'first' }, Output: 'o1' },
          {
            Condition: '{% $states.input.n > 0 %}',
            Next: 'Z',
            Assign: { who: 'second' },
            Output: '{% $states.input.n %}',
          },
        ],
        Default: 'Z',
        Assign: { who: 'default' },
        Output: 'od',
      },
      Z: end({ Output: '{% [$who, $states.input] %}' }),
    }),
    input: { n: 2 },
    output: ['second', 2],
  },
  {
    name: "Choice: Default takes the state's own Assign and Output",
    says: 'Choice workflow state: "If no choice rule matches … state-level Assign"',
    definition: machine('C', {
      C: {
        Type: 'Choice',
        Choices: [{ Condition: '{% false %}', Next: 'Z', Assign: { who: 'first' } }],
        Default: 'Z',
        Assign: { who: 'default' },
        Output: 'od',
      },
      Z: end({ Output: '{% [$who, $states.input] %}' }),
    }),
    output: ['default', 'od'],
  },
];

const data: readonly Machine[] = [
  {
    name: 'strings without delimiters are literals',
    says: `${JSONATA}: "JSONata expressions … must be … {% %}"; "not-evaluated": "$customerName"`,
    definition: machine('A', {
      A: pass({ Assign: { customerName: 'María' }, Next: 'B' }),
      B: end({
        Output: {
          static: 'Hello',
          title: '{% $states.input.title %}',
          name: '{% $customerName %}',
          'not-evaluated': '$customerName',
        },
      }),
    }),
    input: { title: 'Doctor' },
    output: { static: 'Hello', title: 'Doctor', name: 'María', 'not-evaluated': '$customerName' },
  },
  {
    name: 'expressions in nested objects and arrays',
    says: `${JSONATA}: "In ASL, … any JSON value … may contain expressions"`,
    definition: one({ Output: { a: ['{% 1 + 1 %}', 'x', { b: '{% $states.input.l[0] %}' }], n: 3, t: true } }),
    input: { l: [7, 8] },
    output: { a: [2, 'x', { b: 7 }], n: 3, t: true },
  },
  {
    name: 'without Output the input goes on',
    says: 'Pass workflow state: "passes its input to its output"',
    definition: one({}),
    input: { a: [1, { b: null }] },
    output: { a: [1, { b: null }] },
  },
  {
    name: 'an input may be any JSON',
    says: 'StartExecution: "The string that contains the JSON input data for the execution"',
    definition: value('$states.input'),
    input: 'text',
    output: 'text',
  },
  {
    name: 'JSONata: sequences of one are unwrapped, [] keeps the array',
    says: `${JSONATA}: JSONata 2.0.6`,
    definition: one({
      Output: {
        one: '{% $states.input.items[n > 2].n %}',
        kept: '{% $states.input.items[n > 2].n[] %}',
        many: '{% $states.input.items.n %}',
        sum: '{% $sum($states.input.items.n) %}',
        map: '{% $map($states.input.items, function($v, $i) { $v.n * $i }) %}',
        sorted: '{% $states.input.items^(>n).n %}',
      },
    }),
    input: { items: [{ n: 1 }, { n: 2 }, { n: 3 }] },
    output: { one: 3, kept: [3], many: [1, 2, 3], sum: 6, map: [0, 2, 6], sorted: [3, 2, 1] },
  },
  {
    name: 'JSONata: blocks, conditions, strings, regular expressions',
    says: `${JSONATA}: JSONata 2.0.6`,
    definition: one({
      Output: {
        block: '{% ( $a := 2; $b := $a * 3; $a + $b ) %}',
        condition: '{% $states.input.n > 1 ? "many" : "one" %}',
        text: '{% $uppercase($substringBefore($states.input.mail, "@")) %}',
        match: '{% $replace($states.input.mail, /o/, "0") %}',
        split: '{% $split("a,b,c", ",") %}',
        join: '{% $join(["a", "b"], "-") %}',
        number: '{% $number("12.5") %}',
        string: '{% $string({"a": 1}) %}',
        type: '{% $type([]) %}',
        keys: '{% $keys({"a": 1, "b": 2}) %}',
        distinct: '{% $distinct([1, 2, 1]) %}',
        format: '{% $formatNumber(1234.5, "#,##0.00") %}',
        base64: '{% $base64encode("abc") %}',
        time: '{% $toMillis("2024-01-01T00:00:00Z") %}',
        back: '{% $fromMillis(0) %}',
      },
    }),
    input: { n: 2, mail: 'joe.o@x.org' },
    output: {
      block: 8,
      condition: 'many',
      text: 'JOE.O',
      match: 'j0e.0@x.0rg',
      split: ['a', 'b', 'c'],
      join: 'a-b',
      number: 12.5,
      string: '{"a":1}',
      type: 'array',
      keys: ['a', 'b'],
      distinct: [1, 2],
      format: '1,234.50',
      base64: 'YWJj',
      time: 1704067200000,
      back: '1970-01-01T00:00:00.000Z',
    },
  },
  {
    name: '$partition',
    says: `${JSONATA}: "$partition … partition a large array": $partition([1,2,3,4,5,6,7,8,9], 4)`,
    definition: value('$partition([1,2,3,4,5,6,7,8,9], 4)'),
    output: [[1, 2, 3, 4], [5, 6, 7, 8], [9]],
  },
  {
    name: '$range',
    says: `${JSONATA}: "$range … generate an array of values": $range(1, 9, 2)`,
    definition: one({ Output: { up: '{% $range(1, 9, 2) %}', down: '{% $range(10, 0, -5) %}' } }),
    output: { up: [1, 3, 5, 7, 9], down: [10, 5, 0] },
  },
  {
    name: '$hash',
    says: `${JSONATA}: "$hash … MD5, SHA-1, SHA-256, SHA-384, SHA-512"`,
    definition: one({
      Output: { md5: '{% $hash("input data", "MD5") %}', sha1: '{% $hash("input data", "SHA-1") %}' },
    }),
    output: { md5: '812f45842bc6d66ee14572ce20db8e86', sha1: 'aaff4a450a104cd177d28d18d74485e8cae074b7' },
  },
  {
    name: '$random with a seed',
    says: `${JSONATA}: "If you use this function with the same seed value, it returns an identical number"`,
    definition: value('[$random(42) = $random(42), $random() < 1, $random() >= 0]'),
    output: [true, true, true],
  },
  {
    name: '$uuid',
    says: `${JSONATA}: "$uuid … version 4 universally unique identifier"`,
    definition: value('$uuid()'),
    like: (output) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(output),
  },
  {
    name: '$parse',
    says: `${JSONATA}: "$parse … deserialize JSON strings"`,
    definition: value('$parse(\'{"a": [1, null, "x"]}\')'),
    output: { a: [1, null, 'x'] },
  },
  {
    name: 'the context object',
    says: 'Accessing execution data from the Context object: "Execution … State … StateMachine"',
    definition: value('$states.context'),
    input: { k: 1 },
    like: ({ Execution, State, StateMachine }) =>
      Execution.Input.k === 1 &&
      /:execution:/.test(Execution.Id) &&
      Execution.Id.endsWith(Execution.Name) &&
      /:role\//.test(Execution.RoleArn) &&
      Execution.RedriveCount === 0 &&
      !Number.isNaN(Date.parse(Execution.StartTime)) &&
      State.Name === 'S' &&
      State.RetryCount === 0 &&
      !Number.isNaN(Date.parse(State.EnteredTime)) &&
      /:stateMachine:/.test(StateMachine.Id) &&
      StateMachine.Id.endsWith(StateMachine.Name),
  },
  {
    name: 'an expression without a result fails',
    says: `${JSONATA}: "Failure to return a result … States.QueryEvaluationError"`,
    definition: value('$states.input.nothing'),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
    cause: /returned nothing \(undefined\)/,
  },
  {
    name: 'an expression that throws fails',
    says: `${JSONATA}: "Type error: {% $x + $y %} fails if $x or $y is not a number"`,
    definition: value('1 + $states.input.x'),
    input: { x: 'a' },
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
    cause: /T2002/,
  },
  {
    name: 'undefined members of an object in an expression are left out, in a template they fail',
    says: `${JSONATA}: JSON cannot represent undefined`,
    definition: value('{"a": 1, "b": $states.input.nothing}'),
    output: { a: 1 },
  },
  {
    name: 'a state gives 256 KiB at the most',
    says: 'Quotas: "Maximum input or result size for a task, state, or execution: 256 KiB"; States.DataLimitExceeded',
    definition: value('$join($map([1..30000], function($i) { "0123456789" }))'),
    status: 'FAILED',
    error: 'States.DataLimitExceeded',
  },
];

const flow: readonly Machine[] = [
  {
    name: 'Succeed with Output',
    says: 'Succeed workflow state: Output',
    definition: machine('S', { S: { Type: 'Succeed', Output: { n: '{% $states.input.n * 2 %}' } } }),
    input: { n: 2 },
    output: { n: 4 },
  },
  {
    name: 'Fail with an Error and a Cause that are computed',
    says: 'Fail workflow state: "Error … Cause … JSONata expression"',
    definition: machine('F', {
      F: { Type: 'Fail', Error: '{% $states.input.e %}', Cause: "{% 'because ' & $states.input.c %}" },
    }),
    input: { e: 'My.Error', c: 'x' },
    status: 'FAILED',
    error: 'My.Error',
    cause: /^because x$/,
  },
  {
    name: 'Fail without anything',
    says: 'Fail workflow state: Error and Cause are optional',
    definition: machine('F', { F: { Type: 'Fail' } }),
    status: 'FAILED',
  },
  {
    name: 'Wait: seconds, computed seconds, a time that has passed',
    says: 'Wait workflow state: "Seconds … Timestamp"',
    definition: machine('A', {
      A: { Type: 'Wait', Seconds: 0, Next: 'B' },
      B: { Type: 'Wait', Seconds: '{% $states.input.s %}', Next: 'C' },
      C: { Type: 'Wait', Timestamp: '2016-08-18T17:33:00Z', Next: 'D' },
      D: { Type: 'Wait', Timestamp: '{% $now() %}', Output: 'waited', End: true },
    }),
    input: { s: 1 },
    output: 'waited',
  },
  {
    name: 'Wait: a time that is none',
    says: 'Wait workflow state: "Timestamp … conforms to the RFC3339 profile of ISO 8601"',
    definition: machine('A', { A: { Type: 'Wait', Timestamp: '{% "tomorrow" %}', End: true } }),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
  },
  {
    name: 'Wait: seconds of another type',
    says: `${JSONATA}: "Type incompatibility"`,
    definition: machine('A', { A: { Type: 'Wait', Seconds: '{% "1" %}', End: true } }),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
    cause: /Expected 'number', but was 'string'/,
  },
  {
    name: 'Wait: seconds out of range',
    says: `${JSONATA}: "Value out of range"`,
    definition: machine('A', { A: { Type: 'Wait', Seconds: '{% -1 %}', End: true } }),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
  },
  {
    name: 'Choice: a condition is a boolean',
    says: 'Choice workflow state: "Condition … must evaluate to a boolean"',
    definition: machine('C', {
      C: { Type: 'Choice', Choices: [{ Condition: '{% 1 %}', Next: 'D' }], Default: 'D' },
      D: end({}),
    }),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
  },
  {
    name: 'Choice: and, or, in, not',
    says: 'Choice workflow state with JSONata',
    definition: machine('C', {
      C: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $not($states.input.a) %}', Next: 'Wrong' },
          { Condition: '{% $states.input.v in ["x", "y"] and ($states.input.a or false) %}', Next: 'Right' },
        ],
        Default: 'Wrong',
      },
      Right: end({ Output: 'right' }),
      Wrong: end({ Output: 'wrong' }),
    }),
    input: { a: true, v: 'y' },
    output: 'right',
  },
  {
    name: 'Choice: nothing matches and there is no Default',
    says: `${ERRORS}: "States.NoChoiceMatched … If no choice matches, States.Runtime"`,
    definition: machine('C', { C: { Type: 'Choice', Choices: [{ Condition: '{% false %}', Next: 'D' }] }, D: end({}) }),
    status: 'FAILED',
    error: 'States.Runtime',
  },
  {
    name: 'a machine has a time of its own',
    says: 'State machine structure: "TimeoutSeconds … The maximum number of seconds an execution can run"',
    definition: machine('W', { W: { Type: 'Wait', Seconds: 60, End: true } }, { TimeoutSeconds: 1 }),
    status: 'TIMED_OUT',
  },
];

const several: readonly Machine[] = [
  {
    name: 'Parallel: outputs in the order of the branches; Arguments and Output',
    says: 'Parallel workflow state: "an array … with an element for each branch"',
    definition: machine('P', {
      P: {
        Type: 'Parallel',
        Arguments: { n: '{% $states.input.n + 1 %}' },
        Branches: [
          inner(end({ Output: '{% $states.input.n %}' })),
          { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 0, Output: 'w', End: true } } },
        ],
        Output: { r: '{% $states.result %}', i: '{% $states.input %}' },
        End: true,
      },
    }),
    input: { n: 1 },
    output: { r: [2, 'w'], i: { n: 1 } },
  },
  {
    name: 'Parallel: one branch that fails fails the state with its error',
    says: 'Parallel workflow state: "If any branch fails … the entire Parallel state is considered to have failed and all its branches are stopped"',
    definition: machine('P', {
      P: {
        Type: 'Parallel',
        Branches: [
          { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 600, End: true } } },
          inner(fail('Boom', 'why')),
        ],
        End: true,
      },
    }),
    status: 'FAILED',
    error: 'Boom',
    cause: /^why$/,
  },
  {
    name: 'Map: items of an array, with index and value from the context',
    says: 'Map: "$states.context.Map.Item.Index … Value"',
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: '{% $states.input.list %}',
        ItemSelector: {
          i: '{% $states.context.Map.Item.Index %}',
          v: '{% $states.context.Map.Item.Value %}',
          all: '{% $count($states.input.list) %}',
        },
        ItemProcessor: inner(
          end({ Output: '{% $string($states.input.i) & $states.input.v & $string($states.input.all) %}' }),
        ),
        End: true,
      },
    }),
    input: { list: ['a', 'b'] },
    output: ['0a2', '1b2'],
  },
  {
    name: 'Map: the item from the context within the processor',
    says: 'Context object data for Map states: "Map.Item.Index … Map.Item.Value"',
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: ['x', 'y'],
        ItemProcessor: inner(
          end({ Output: '{% [$states.context.Map.Item.Index, $states.context.Map.Item.Value, $states.input] %}' }),
        ),
        End: true,
      },
    }),
    output: [
      [0, 'x', 'x'],
      [1, 'y', 'y'],
    ],
  },
  {
    name: 'Map: an empty array gives an empty array',
    says: 'Inline Map: "If the array is empty, … does not perform any iterations"',
    definition: machine('M', { M: { Type: 'Map', Items: [], ItemProcessor: inner(end({})), End: true } }),
    output: [],
  },
  {
    name: 'Map: items that are computed within an array',
    says: 'Map: "Items … A JSON array, … or a JSONata expression"',
    definition: machine('M', {
      M: { Type: 'Map', Items: [1, '{% 1 + 1 %}', { a: '{% 3 %}' }], ItemProcessor: inner(end({})), End: true },
    }),
    output: [1, 2, { a: 3 }],
  },
  {
    name: 'Map: the input is the items, when none are named',
    says: 'Inline Map: "If you don\'t specify Items, the state input"',
    definition: machine('M', {
      M: { Type: 'Map', ItemProcessor: inner(end({ Output: '{% $states.input * 2 %}' })), End: true },
    }),
    input: [1, 2],
    output: [2, 4],
  },
  {
    name: 'Map: one iteration that fails fails the state',
    says: 'Inline Map: "If any iteration fails … the Map state fails"',
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: [1, 2],
        ItemProcessor: {
          StartAt: 'C',
          States: {
            C: { Type: 'Choice', Choices: [{ Condition: '{% $states.input = 2 %}', Next: 'F' }], Default: 'W' },
            W: { Type: 'Wait', Seconds: 600, End: true },
            F: fail('Two', 'it is two'),
          },
        },
        End: true,
      },
    }),
    status: 'FAILED',
    error: 'Two',
    cause: /^it is two$/,
  },
  {
    name: 'Map within Map: each has its own item',
    says: 'Context object data for Map states',
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: [[1, 2], [3]],
        ItemProcessor: inner({
          Type: 'Map',
          Items: '{% $states.input %}',
          ItemProcessor: {
            StartAt: 'X',
            States: { X: end({ Output: '{% $states.input * 10 + $states.context.Map.Item.Index %}' }) },
          },
          End: true,
        }),
        End: true,
      },
    }),
    output: [[10, 21], [30]],
  },
  {
    name: 'Map: items that are no array fail',
    says: 'Map: Items must evaluate to an array or an object',
    definition: machine('M', { M: { Type: 'Map', Items: '{% 5 %}', ItemProcessor: inner(end({})), End: true } }),
    status: 'FAILED',
    error: 'States.QueryEvaluationError',
  },
];

const errors: readonly Machine[] = [
  {
    name: 'Catch hands on the error output',
    says: `${ERRORS}: "the error output … Error and usually Cause"`,
    definition: machine('P', {
      P: failing('Boom', { Catch: [{ ErrorEquals: ['Boom'], Next: 'C' }], End: true }),
      C: caught,
    }),
    output: { caught: { Error: 'Boom', Cause: 'c' } },
  },
  {
    name: 'Catch with Output and Assign',
    says: `${JSONATA}: "$states.errorOutput … available inside … Catch"`,
    definition: machine('P', {
      P: failing('Boom', {
        Catch: [
          {
            ErrorEquals: ['States.ALL'],
            Assign: { e: '{% $states.errorOutput.Error %}' },
            Output: { in: '{% $states.input.k %}', cause: '{% $states.errorOutput.Cause %}' },
            Next: 'C',
          },
        ],
        End: true,
      }),
      C: end({ Output: '{% [$e, $states.input] %}' }),
    }),
    input: { k: 1 },
    output: ['Boom', { in: 1, cause: 'c' }],
  },
  {
    name: 'the first catcher that names the error is taken',
    says: `${ERRORS}: "scans through the catchers in the order listed in the array"`,
    definition: machine('P', {
      P: failing('Boom', {
        Catch: [
          { ErrorEquals: ['Other'], Next: 'A' },
          { ErrorEquals: ['Boom', 'States.Timeout'], Next: 'B' },
          { ErrorEquals: ['States.ALL'], Next: 'A' },
        ],
        End: true,
      }),
      A: end({ Output: 'a' }),
      B: end({ Output: 'b' }),
    }),
    output: 'b',
  },
  {
    name: 'an error that no catcher names fails the execution',
    says: `${ERRORS}: "By default, when a state reports an error, the execution fails entirely"`,
    definition: machine('P', {
      P: failing('Boom', { Catch: [{ ErrorEquals: ['Other'], Next: 'C' }], End: true }),
      C: caught,
    }),
    status: 'FAILED',
    error: 'Boom',
  },
  {
    name: 'States.TaskFailed names any failure but a timeout',
    says: `${ERRORS}: "States.TaskFailed … acts like a wildcard that matches any known error name except for States.Timeout"`,
    definition: machine('P', {
      P: failing('Boom', { Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'C' }], End: true }),
      C: caught,
    }),
    output: { caught: { Error: 'Boom', Cause: 'c' } },
  },
  {
    name: 'States.TaskFailed does not name States.Timeout',
    says: `${ERRORS}: the same`,
    definition: machine('P', {
      P: failing('States.Timeout', { Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'C' }], End: true }),
      C: caught,
    }),
    status: 'FAILED',
    error: 'States.Timeout',
  },
  {
    name: 'a failed evaluation is caught by its name',
    says: `${JSONATA}: "States.QueryEvaluationError … Task, Map, Parallel … Catch or Retry"`,
    definition: machine('P', {
      P: {
        Type: 'Parallel',
        Branches: [inner(end({}))],
        Output: '{% $states.result.nothing %}',
        Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Output: '{% $states.errorOutput.Error %}', Next: 'C' }],
        End: true,
      },
      C: caught,
    }),
    output: { caught: 'States.QueryEvaluationError' },
  },
  {
    name: 'States.ALL does not take States.DataLimitExceeded',
    says: `${ERRORS}: "States.ALL … can't catch the States.DataLimitExceeded terminal error or Runtime error types"`,
    definition: machine('P', {
      P: {
        Type: 'Parallel',
        Branches: [inner(end({ Output: '{% $join($map([1..30000], function($i) { "0123456789" })) %}' }))],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
        End: true,
      },
      C: caught,
    }),
    status: 'FAILED',
    error: 'States.DataLimitExceeded',
  },
  {
    name: 'Retry runs the state again, and counts in the context',
    says: `${ERRORS}: "State.RetryCount … Retry … MaxAttempts"`,
    definition: machine('P', {
      P: {
        Type: 'Parallel',
        Arguments: { tries: '{% $states.context.State.RetryCount %}' },
        Branches: [
          {
            StartAt: 'T',
            States: {
              T: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.tries < 2 %}', Next: 'F' }], Default: 'G' },
              F: fail('Boom'),
              G: end({ Output: '{% $states.input.tries %}' }),
            },
          },
        ],
        Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 2 }],
        End: true,
      },
    }),
    output: [2],
  },
  {
    name: 'Retry gives up after MaxAttempts, then Catch is asked',
    says: `${ERRORS}: "When a state has both Retry and Catch fields, Step Functions uses any appropriate retriers first"`,
    definition: machine('P', {
      P: failing('Boom', {
        Retry: [{ ErrorEquals: ['Boom'], IntervalSeconds: 1, MaxAttempts: 1 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.context.State.RetryCount %}', Next: 'C' }],
        End: true,
      }),
      C: caught,
    }),
    output: { caught: 1 },
  },
  {
    name: 'MaxAttempts 0 never retries',
    says: `${ERRORS}: "A value of 0 specifies that the error is never retried"`,
    definition: machine('P', {
      P: failing('Boom', {
        Retry: [
          { ErrorEquals: ['Boom'], MaxAttempts: 0 },
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 60 },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
        End: true,
      }),
      C: caught,
    }),
    output: { caught: { Error: 'Boom', Cause: 'c' } },
  },
  {
    name: 'Catch takes a failure of a Map, by the name of its iteration',
    says: 'Inline Map: Retry and Catch',
    definition: machine('M', {
      M: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: inner(fail('Item', 'bad')),
        Catch: [{ ErrorEquals: ['Item'], Next: 'C' }],
        End: true,
      },
      C: caught,
    }),
    output: { caught: { Error: 'Item', Cause: 'bad' } },
  },
];

export const MACHINES: readonly Machine[] = [...variables, ...data, ...flow, ...several, ...errors];

/** Definitions that CreateStateMachine refuses, with what is wrong in each. */
export const REFUSED: readonly { readonly name: string; readonly definition: Json; readonly says: RegExp }[] = [
  { name: 'a state of an unknown type', definition: machine('S', { S: { Type: 'Loop', End: true } }), says: /Type/ },
  { name: 'an unknown field', definition: one({ Foo: 1 }), says: /Foo/ },
  { name: 'an unknown field of the machine', definition: { ...one({}), Foo: 1 }, says: /Foo/ },
  { name: 'a field of the JSONPath language', definition: one({ ResultPath: '$.x' }), says: /ResultPath/ },
  { name: 'Parameters in JSONata', definition: one({ Parameters: {} }), says: /Parameters/ },
  { name: '$eval', definition: value('$eval("1 + 1")'), says: /eval/ },
  { name: '$eval as an argument', definition: value('$map([1], $eval)'), says: /eval/ },
  { name: '$eval inside a function', definition: value('$map(["1"], function($x) { $eval($x) })'), says: /eval/ },
  { name: 'an unknown function', definition: value('$frobnicate(1)'), says: /frobnicate/ },
  { name: 'an unknown function at the end of a chain', definition: value('[1] ~> $frobnicate()'), says: /frobnicate/ },
  { name: 'an expression that does not parse', definition: value('1 +'), says: /./ },
  { name: 'a delimiter that is not closed', definition: one({ Output: '{% 1' }), says: /%}/ },
  { name: 'a name that starts from nothing', definition: value('input.x'), says: /top level/ },
  { name: '$states.errorOutput outside of Catch', definition: value('$states.errorOutput'), says: /errorOutput/ },
  { name: 'a variable that is called states', definition: one({ Assign: { states: 1 } }), says: /states/ },
  { name: 'a variable whose name is none', definition: one({ Assign: { '1a': 1 } }), says: /1a/ },
  {
    name: 'an unknown integration',
    definition: machine('T', { T: { Type: 'Task', Resource: 'arn:aws:states:::foo:bar', End: true } }),
    says: /foo:bar/,
  },
  {
    name: 'an unknown operation of the SDK',
    definition: machine('T', {
      T: { Type: 'Task', Resource: 'arn:aws:states:::aws-sdk:dynamodb:frobnicate', Arguments: {}, End: true },
    }),
    says: /frobnicate/,
  },
  {
    name: 'an argument that the integration does not have',
    definition: machine('T', {
      T: {
        Type: 'Task',
        Resource: 'arn:aws:states:::dynamodb:getItem',
        Arguments: { TableName: 't', Key: {}, Foo: 1 },
        End: true,
      },
    }),
    says: /Foo/,
  },
  { name: 'a transition to nowhere', definition: machine('S', { S: pass({ Next: 'T' }) }), says: /T/ },
  { name: 'a start that is not there', definition: machine('X', { S: end({}) }), says: /X/ },
  { name: 'no way to end', definition: machine('S', { S: pass({ Next: 'S' }) }), says: /./ },
  { name: 'a state that is never reached', definition: machine('S', { S: end({}), T: end({}) }), says: /T/ },
  {
    name: 'Next and End together',
    definition: machine('S', { S: pass({ Next: 'T', End: true }), T: end({}) }),
    says: /Next/,
  },
  {
    name: 'States.ALL beside others',
    definition: machine('P', { P: failing('x', { Retry: [{ ErrorEquals: ['States.ALL', 'x'] }], End: true }) }),
    says: /States\.ALL/,
  },
  { name: 'a JSONPath machine', definition: { StartAt: 'S', States: { S: end({}) } }, says: /JSONPath/ },
  {
    name: 'a variable of an outer scope assigned within',
    definition: machine('A', {
      A: pass({ Assign: { x: 1 }, Next: 'P' }),
      P: { Type: 'Parallel', Branches: [inner(end({ Assign: { x: 2 } }))], End: true },
    }),
    says: /x/,
  },
  {
    name: 'Seconds that are text',
    definition: machine('W', { W: { Type: 'Wait', Seconds: '5', End: true } }),
    says: /Seconds/,
  },
  {
    name: 'an unknown field of a retrier',
    definition: machine('P', { P: failing('x', { Retry: [{ ErrorEquals: ['x'], Delay: 1 }], End: true }) }),
    says: /Delay/,
  },
  {
    name: 'a BackoffRate below 1',
    definition: machine('P', { P: failing('x', { Retry: [{ ErrorEquals: ['x'], BackoffRate: 0.5 }], End: true }) }),
    says: /BackoffRate/,
  },
  {
    name: 'a reader of an inline Map',
    definition: machine('M', {
      M: {
        Type: 'Map',
        ItemReader: { Resource: 'arn:aws:states:::s3:getObject', Arguments: { Bucket: 'b', Key: 'k' } },
        ItemProcessor: inner(end({})),
        End: true,
      },
    }),
    says: /ItemReader/,
  },
  {
    name: 'a reader that is none',
    definition: machine('M', {
      M: {
        Type: 'Map',
        ItemReader: { Resource: 'arn:aws:states:::s3:frobnicate', Arguments: {} },
        ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }, ...inner(end({})) },
        End: true,
      },
    }),
    says: /frobnicate/,
  },
];
