import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compilePattern } from '../../local/eventbridge/pattern.ts';
import { bank, resourcesOf } from './bank-template.ts';

interface Table {
  readonly Name: string;
  readonly TableType: string;
  readonly ViewOriginalText?: string;
  readonly StorageDescriptor: { readonly Columns: readonly { Name: string; Type: string; Comment?: string }[] };
}

const tables = () =>
  new Map(
    resourcesOf('AWS::Glue::Table').map(([, { Properties }]): [string, Table] => [
      Properties.TableInput.Name,
      Properties.TableInput,
    ]),
  );

beforeAll(() => {
  bank();
}, 300_000);

describe('cold storage', () => {
  it('has a view for each event type of the app, with its fields, their types and descriptions', () => {
    const found = tables();
    const views = ['account_opened', 'money_deposited', 'money_withdrawn', 'holder_renamed', 'account_closed'];
    for (const name of ['events', 'aggregates', 'holes', ...views]) {
      expect(found.get(name)?.TableType, name).toBe('VIRTUAL_VIEW');
    }
    expect(found.get('money_deposited')!.StorageDescriptor.Columns.at(-1)).toEqual({
      Name: 'amount',
      Type: 'bigint',
      Comment: 'Cents',
    });
    const compacted = found.get('events_compacted')!.StorageDescriptor.Columns;
    expect(compacted).toContainEqual({
      Name: 'money_deposited__amount',
      Type: 'bigint',
      Comment: 'MoneyDeposited: Cents',
    });
  });

  it('says of each view’s columns what Trino calls their types, in the order of its SELECT', () => {
    for (const { Name, ViewOriginalText, StorageDescriptor } of tables().values()) {
      if (ViewOriginalText === undefined) continue;
      const encoded = /Presto View: (\S+) /.exec(ViewOriginalText)![1]!;
      const { columns } = JSON.parse(Buffer.from(encoded, 'base64').toString());
      const types: Record<string, string> = { string: 'varchar', int: 'integer', timestamp: 'timestamp(3)' };
      const described = StorageDescriptor.Columns.map((column) => ({
        name: column.Name,
        type: types[column.Type] ?? column.Type,
      }));
      expect(columns, Name).toEqual(described);
    }
  });

  it('describes the columns of a row as schemas/archive-row.json does', () => {
    const { properties } = JSON.parse(readFileSync(new URL('../../schemas/archive-row.json', import.meta.url), 'utf8'));
    const columns = tables().get('events_raw')!.StorageDescriptor.Columns;
    expect(columns.map(({ Name, Comment }) => [Name, Comment])).toEqual(
      Object.entries(properties as Record<string, { description: string }>).map(([name, { description }]) => [
        name,
        description,
      ]),
    );
    expect(columns.map(({ Type }) => Type).join(' ')).toBe(
      'string string bigint string int string bigint bigint timestamp timestamp string string',
    );
  });

  it('has a workgroup that encrypts its results, stops what would scan too much, and cannot be talked out of it', () => {
    const { Properties } = resourcesOf('AWS::Athena::WorkGroup')[0]![1];
    expect(Properties.WorkGroupConfiguration).toMatchObject({
      EnforceWorkGroupConfiguration: true,
      BytesScannedCutoffPerQuery: 100 * 2 ** 30,
      ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
    });
  });

  it('is checked as soon as its own stack is deployed, and then by the hour', () => {
    const [check] = resourcesOf('AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties.Environment?.Variables?.CHECK_LAG_MS !== undefined,
    )!;
    const rules = resourcesOf('AWS::Events::Rule')
      .map(([, { Properties }]) => Properties)
      .filter(({ Targets }) => JSON.stringify(Targets).includes(`"${check}"`));
    expect(rules.map(({ ScheduleExpression }) => ScheduleExpression).sort()).toEqual(['rate(1 hour)', undefined]);
    const stack = 'arn:aws:cloudformation:eu-central-1:111122223333:stack/Bank/1a2b';
    const { EventPattern } = rules.find(({ ScheduleExpression }) => ScheduleExpression === undefined)!;
    const pattern = JSON.stringify(EventPattern).replaceAll('{"Ref":"AWS::StackId"}', JSON.stringify(stack));
    const matches = compilePattern(JSON.parse(pattern));
    const deployed = (status: string, id = stack) =>
      matches({
        source: 'aws.cloudformation',
        'detail-type': 'CloudFormation Stack Status Change',
        detail: { 'stack-id': id, 'status-details': { status, 'status-reason': '' }, 'client-request-token': '' },
      });
    expect(['CREATE_COMPLETE', 'UPDATE_COMPLETE'].map((status) => deployed(status))).toEqual([true, true]);
    const others = [
      'CREATE_IN_PROGRESS',
      'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS',
      'ROLLBACK_COMPLETE',
      'DELETE_COMPLETE',
    ];
    expect(others.filter((status) => deployed(status))).toEqual([]);
    expect(deployed('CREATE_COMPLETE', `${stack}-of-another`)).toBe(false);
  });
});
