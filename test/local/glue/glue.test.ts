import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { createGlue } from '../../../local/glue/glue.ts';
import { parseHiveType, toDuckDbType, UnknownHiveType } from '../../../local/glue/hive-type.ts';
import { glueResources } from '../../../local/glue/resources.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import type { ResourceContext } from '../../../local/resource.ts';

let dir: string;
let cloud: Cloud;
const call = (operation: string, input: Json): Promise<Json> => cloud.call(ROOT, 'glue', operation, input);
const open = () => {
  cloud = createCloud(virtualKernel({ seed: 1 }));
  createGlue(cloud, { dir });
};
const table = (Name: string, column = 'a') => ({
  DatabaseName: 'db',
  TableInput: { Name, StorageDescriptor: { Columns: [{ Name: column, Type: 'string' }] } },
});
const columnOf = async () =>
  (await call('GetTable', { DatabaseName: 'db', Name: 't' })).Table.StorageDescriptor.Columns[0].Name;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-glue-'));
  open();
  await call('CreateDatabase', { DatabaseInput: { Name: 'DB', Description: 'd' } });
});
afterEach(() => rmSync(dir, { recursive: true }));

it('folds names to lower case and keeps what it was given', async () => {
  await call('CreateTable', table('T'));
  const { Table } = await call('GetTable', { DatabaseName: 'Db', Name: 't' });
  expect(Table).toMatchObject({
    Name: 't',
    DatabaseName: 'db',
    VersionId: '0',
    CatalogId: '000000000000',
    CreateTime: 1767225600,
  });
  expect((await call('GetDatabase', { Name: 'db' })).Database).toMatchObject({ Name: 'db', Description: 'd' });
});

it('keeps versions, and switches only from the version that was seen', async () => {
  await call('CreateTable', table('t'));
  await call('UpdateTable', { ...table('t', 'b'), VersionId: '0' });
  await expect(call('UpdateTable', { ...table('t', 'c'), VersionId: '0' })).rejects.toMatchObject({
    code: 'ConcurrentModificationException',
  });
  expect(await columnOf()).toBe('b');
  await call('UpdateTable', { ...table('t', 'c'), SkipArchive: true });
  const { TableVersions } = await call('GetTableVersions', { DatabaseName: 'db', TableName: 't' });
  expect(TableVersions.map((one: Json) => [one.VersionId, one.Table.StorageDescriptor.Columns[0].Name])).toEqual([
    ['2', 'c'],
    ['0', 'a'],
  ]);
  const old = await call('GetTableVersion', { DatabaseName: 'db', TableName: 't', VersionId: '0' });
  expect(old.TableVersion.Table.StorageDescriptor.Columns[0].Name).toBe('a');
});

it('lists tables in pages and by pattern', async () => {
  for (const name of ['events', 'events_raw', 'holes']) await call('CreateTable', table(name));
  const names = (list: Json[]) => list.map((one) => one.Name);
  expect(names((await call('GetTables', { DatabaseName: 'db', Expression: 'events.*' })).TableList)).toEqual([
    'events',
    'events_raw',
  ]);
  const first = await call('GetTables', { DatabaseName: 'db', MaxResults: 2 });
  const second = await call('GetTables', { DatabaseName: 'db', MaxResults: 2, NextToken: first.NextToken });
  expect([names(first.TableList), names(second.TableList), second.NextToken]).toEqual([
    ['events', 'events_raw'],
    ['holes'],
    undefined,
  ]);
});

it('is there again after a restart', async () => {
  await call('CreateTable', table('t'));
  await call('CreateTable', table('gone'));
  await call('DeleteTable', { DatabaseName: 'db', Name: 'gone' });
  open();
  expect(await columnOf()).toBe('a');
  await expect(call('GetTable', { DatabaseName: 'db', Name: 'gone' })).rejects.toMatchObject({
    code: 'EntityNotFoundException',
  });
});

it('refuses what exists, what is missing and what it does not know', async () => {
  await call('CreateTable', table('t'));
  await expect(call('CreateTable', table('T'))).rejects.toMatchObject({ code: 'AlreadyExistsException' });
  await expect(call('GetDatabase', { Name: 'none' })).rejects.toMatchObject({ code: 'EntityNotFoundException' });
  await expect(call('CreateTable', { ...table('x'), OpenTableFormatInput: {} })).rejects.toMatchObject({
    message: expect.stringContaining('OpenTableFormatInput'),
  });
  await expect(call('UpdateTable', { DatabaseName: 'db', TableInput: { Name: 't', Odd: 1 } })).rejects.toMatchObject({
    message: expect.stringContaining('TableInput.Odd'),
  });
  await expect(call('StartCrawler', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
});

it('takes databases and tables of a template, again after a restart', async () => {
  const context: ResourceContext = {
    cloud,
    stackName: 's',
    logicalId: 'l',
    generatedName: 'Generated',
    assetPath: () => '',
    caller: ROOT,
  };
  const [database, resource] = glueResources;
  for (const column of ['a', 'b']) {
    expect((await database!.create({ CatalogId: '000000000000', DatabaseInput: { Name: 'Cold' } }, context)).ref).toBe(
      'cold',
    );
    expect((await resource!.create({ ...table('T', column), DatabaseName: 'cold' }, context)).ref).toBe('t');
  }
  const { Table } = await call('GetTable', { DatabaseName: 'cold', Name: 't' });
  expect(Table.StorageDescriptor.Columns[0].Name).toBe('b');
});

describe('column types', () => {
  it.each([
    ['bigint', 'BIGINT'],
    ['decimal(10, 2)', 'DECIMAL(10,2)'],
    ['varchar(20)', 'VARCHAR'],
    ['array<struct<a:int,b:map<string,double>>>', 'STRUCT("a" INTEGER, "b" MAP(VARCHAR, DOUBLE))[]'],
  ])('%s', (text, duckdb) => expect(toDuckDbType(parseHiveType(text))).toBe(duckdb));

  it.each(['uniontype<int>', 'array<int', 'int x', ''])('%s is refused', (text) => {
    expect(() => parseHiveType(text)).toThrow(UnknownHiveType);
  });
});
