import assert from 'node:assert/strict';
import { type Cloud, createCloud, ROOT } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createStepFunctions } from '../../../local/stepfunctions/service.ts';
import { defineBench } from '../figure.ts';

const TURNS = 250;
/** Start, then Count and More in turn, then Done. */
const TRANSITIONS = 2 + 2 * TURNS;

/** A machine that counts in a loop, each turn with two JSONata expressions. */
const DEFINITION = JSON.stringify({
  QueryLanguage: 'JSONata',
  StartAt: 'Start',
  States: {
    Start: { Type: 'Pass', Assign: { n: 0 }, Next: 'Count' },
    Count: { Type: 'Pass', Assign: { n: '{% $n + 1 %}' }, Next: 'More' },
    More: { Type: 'Choice', Choices: [{ Condition: `{% $n < ${TURNS} %}`, Next: 'Count' }], Default: 'Done' },
    Done: { Type: 'Succeed', Output: '{% $n %}' },
  },
});

export default defineBench({
  name: 'embedded-states',
  turns: 2,
  figures: [
    {
      name: 'state-transitions',
      what: 'states entered per second of CPU: a counting loop of Pass and Choice, an expression in each',
      formula: { kind: 'rate', of: 'daybook', by: 'cpu' },
      budget: { atLeast: 5_000 },
    },
  ],
  prepare() {
    let cloud: Cloud;
    let stateMachineArn: string;
    return {
      sides: {
        daybook: {
          count: TRANSITIONS,
          async before() {
            cloud = createCloud(realKernel({ seed: 1 }));
            createStepFunctions(cloud);
            const machine = {
              name: 'count',
              type: 'EXPRESS',
              definition: DEFINITION,
              roleArn: 'arn:aws:iam::000000000000:role/r',
            };
            ({ stateMachineArn } = await cloud.call(ROOT, 'states', 'CreateStateMachine', machine));
          },
          async run() {
            const { status, output } = await cloud.call(ROOT, 'states', 'StartSyncExecution', { stateMachineArn });
            assert.equal(status, 'SUCCEEDED');
            assert.equal(output, String(TURNS));
          },
        },
      },
    };
  },
});
