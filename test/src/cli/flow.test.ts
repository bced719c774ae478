import { expect, it } from 'vitest';
import { createFlow, type FlowEntry } from '../../../src/cli/flow.ts';
import { columnsOf } from '../../../src/cli/terminal.ts';

function lines(columns: number, entries: readonly FlowEntry[]): string[] {
  const written: string[] = [];
  const flow = createFlow({ columns, colored: false, out: (text) => written.push(text), err: () => {} });
  flow.show({ ...put('events', 1), what: 'table created' }); // before the start: not shown
  flow.start();
  for (const entry of entries) flow.show(entry);
  flow.stop();
  return written;
}

const put = (table: string, items: number): FlowEntry => ({
  at: 0,
  service: 'dynamodb',
  what: 'put',
  detail: { table, items },
});

it('the like at one time is one line with its count', () => {
  expect(lines(100, [put('events', 1), put('events', 2), put('positions', 1)])).toEqual([
    '00:00:00.000 dynamodb   put ×2 table=events items=2',
    '00:00:00.000 dynamodb   put table=positions items=1',
  ]);
});

it('log lines are all shown', () => {
  const log = (line: string): FlowEntry => ({
    at: 0,
    service: 'lambda',
    what: 'log',
    detail: { function: 'f', requestId: '1', line },
  });
  expect(lines(100, [log('one'), log('two\nlines')])).toEqual([
    '00:00:00.000 lambda     log f=one',
    '00:00:00.000 lambda     log f=two⏎lines',
  ]);
});

it('a line fits the terminal', () => {
  const [line] = lines(60, [put('a-table-with-quite-a-long-name-that-does-not-fit', 1)]);
  expect(line).toHaveLength(59);
  expect(line).toMatch(/…$/);
});

it('columns are as wide as their widest cell', () => {
  expect(
    columnsOf(
      [
        ['a', 'long cell', 'x'],
        ['bbb', 'c', ''],
      ],
      '  ',
    ),
  ).toEqual(['  a    long cell  x', '  bbb  c']);
});
