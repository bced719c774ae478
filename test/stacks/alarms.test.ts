import { describe, expect, it } from 'vitest';
import { resourcesOf } from './bank-template.ts';
import { render } from './grants.ts';

describe('alarms', () => {
  const alarms = resourcesOf('AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);

  it('say what happened and what to do', () => {
    expect(alarms.length).toBeGreaterThan(15);
    for (const { AlarmDescription: text } of alarms) {
      expect(text.length).toBeGreaterThan(60);
      expect(text).toMatch(/[Ll]ook|[Ff]ind|[Mm]end|log|reconciler|console/);
    }
  });

  it('watch each feed reader, the pipe, the dead letters, the archive, the replays, and what the functions count', () => {
    const watched = alarms.map(({ Namespace, MetricName, Dimensions }) => {
      const of = Dimensions.map(({ Value }: { Value: unknown }) => render(Value)).join(' ');
      return `${Namespace} ${MetricName} ${of}`;
    });
    expect(watched.sort()).toEqual([
      'AWS/EventBridge/Pipes ExecutionFailed Daybook/Feed/Pipe',
      'AWS/Firehose DeliveryToS3.DataFreshness Daybook/Archive/Delivery',
      'AWS/Firehose DeliveryToS3.DataFreshness Daybook/Archive/Repairs',
      'AWS/Lambda Errors Daybook/Feed/Enrich/Function',
      'AWS/Lambda Errors Daybook/Feed/Reconcile/Function',
      'AWS/Lambda Errors Daybook/Verification/Check/Function',
      'AWS/Lambda IteratorAge Daybook/Feed/Confirm/Function',
      'AWS/Lambda IteratorAge Daybook/Projections/Project/Function',
      'AWS/Lambda IteratorAge Daybook/Publisher/Publish/Function',
      'AWS/SQS ApproximateAgeOfOldestMessage FeeService/Queue.QueueName',
      'AWS/SQS ApproximateNumberOfMessagesVisible Daybook/Feed/PipeDeadLetters.QueueName',
      'AWS/SQS ApproximateNumberOfMessagesVisible Daybook/Replay/DeadLetters.QueueName',
      'AWS/SQS ApproximateNumberOfMessagesVisible FeeService/DeadLetters.QueueName',
      'AWS/States ExecutionsFailed Daybook/Compaction/StateMachine',
      'AWS/States ExecutionsFailed Daybook/Replay/StateMachine',
      'Daybook ArchiveDiffering Daybook/Feed/Stream1',
      'Daybook ArchiveMissing Daybook/Feed/Stream1',
      'Daybook ArchiveRefusals Daybook/Feed/Stream1',
      'Daybook Breaches Daybook/Feed/Stream1',
      'Daybook CompactionConflicts Daybook/Feed/Stream1',
      'Daybook CompactionExcluded Daybook/Feed/Stream1',
      'Daybook EnvelopesRefused Daybook/Feed/Stream1',
      'Daybook FoldsFailed Daybook/Feed/Stream1',
      'Daybook Holes Daybook/Feed/Stream1',
      'Daybook ImmutabilityBreaches Daybook/Feed/Stream1',
      'Daybook OtherHistories Daybook/Feed/Stream1',
      'Daybook ParkedAggregates Daybook/Feed/Stream1',
      'Daybook Poison Daybook/Feed/Stream1',
      'Daybook UnpublishedAge Daybook/Feed/Stream1',
    ]);
  });

  it('rise where a function on a schedule fails at each run, however far runs lie from one another', () => {
    const errorsOf = (name: string) => alarms.find(({ AlarmDescription: text }) => text.startsWith(`${name} fails`));
    const twice = { MetricName: 'Errors', Statistic: 'Sum', Threshold: 1, EvaluationPeriods: 1 };
    expect(errorsOf('Reconcile')).toMatchObject({ ...twice, Period: 900 });
    expect(errorsOf('CheckArchive')).toMatchObject({ ...twice, Period: 3600 });
  });

  it('say what to type for what is parked', () => {
    const { AlarmDescription } = alarms.find(({ MetricName }) => MetricName === 'ParkedAggregates')!;
    expect(AlarmDescription).toContain('npx daybook parked --stack Bank');
    expect(AlarmDescription).toContain('npx daybook redrive CONSUMER --all --stack Bank');
  });

  it('say what to type for what is not on the feed', () => {
    for (const name of ['UnpublishedAge', 'Holes']) {
      const { AlarmDescription } = alarms.find(({ MetricName }) => MetricName === name)!;
      expect(AlarmDescription).toContain('npx daybook feed status --stack Bank');
    }
    const age = alarms.find(({ MetricName }) => MetricName === 'UnpublishedAge')!;
    expect(age).toMatchObject({ Statistic: 'Maximum', Threshold: 900_000 });
  });

  it('tell nobody by default, and treat silence as health', () => {
    for (const alarm of alarms) expect(alarm).toMatchObject({ TreatMissingData: 'notBreaching' });
  });
});

describe('the dashboard', () => {
  it('shows whether everything is on the feed, what is wrong with it, and who is behind', () => {
    const [dashboard] = resourcesOf('AWS::CloudWatch::Dashboard');
    const body = JSON.stringify(dashboard?.[1].Properties);
    const shown = ['UnpublishedAge', 'UnpublishedEvents', 'EventsRepeated', 'EventsConfirmed', 'Holes', 'Breaches'];
    for (const metric of [...shown, 'ImmutabilityBreaches', 'Poison', 'ParkedAggregates', 'IteratorAge']) {
      expect(body).toContain(metric);
    }
    for (const reader of ['Confirm', 'Publish', 'Project']) expect(body).toContain(reader);
  });
});
