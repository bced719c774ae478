import { expect, it } from 'vitest';
import { currentViewSql, generationOf, switchedView, viewText } from '../../../src/archive/current-view.ts';
import { type Generation, newGeneration, parseGeneration } from '../../../src/archive/generation.ts';

const made: Generation = {
  format: 1,
  generation: '20260102T000000000Z-a',
  previous: 'none',
  madeAt: '2026-01-02T00:00:00.000Z',
  events: 3,
  files: [
    {
      key: 'compacted/files/bucket=9/20260102T000000000Z-a-00.parquet',
      bytes: 10,
      rows: 3,
      bucket: '9',
      firstRecordedAt: '2026-01-01T00:00:00.000Z',
      lastRecordedAt: '2026-01-01T00:00:01.000Z',
      contentHash: '12',
    },
  ],
  taken: [{ key: 'events/day=2026-01-01/bucket=9/a.parquet', bytes: 4, etag: '"e"' }],
};

it('reads what it wrote', () => {
  expect(parseGeneration(made.generation, JSON.stringify(made))).toEqual(made);
});

it.each([
  ['no JSON', 'x', /no JSON/],
  ['another format', JSON.stringify({ ...made, format: 2 }), /format is 2/],
  ["another generation's", JSON.stringify({ ...made, generation: 'b' }), /names the generation "b"/],
  ['a count that its files deny', JSON.stringify({ ...made, events: 4 }), /counts 4 events, its files 3/],
  ['a file elsewhere', JSON.stringify({ ...made, files: [{ ...made.files[0], key: 'events/x' }] }), /no compacted/],
  ['a taken file elsewhere', JSON.stringify({ ...made, taken: [{ ...made.taken[0], key: 'compacted/x' }] }), /no raw/],
  ['a taken file without etag', JSON.stringify({ ...made, taken: [{ key: 'events/x', bytes: 1 }] }), /no raw/],
])('refuses %s', (_name, text, reason) => {
  expect(() => parseGeneration(made.generation, text)).toThrow(
    expect.objectContaining({ code: 'archive.badManifest', message: expect.stringMatching(reason) }),
  );
});

it('an id is above the one before it, or refused', () => {
  const id = newGeneration('none', Date.UTC(2026, 0, 2), 'a');
  expect(id).toBe('20260102T000000000Z-a');
  expect(() => newGeneration(id, Date.UTC(2026, 0, 1), 'b')).toThrow(
    expect.objectContaining({ code: 'archive.clockBehind' }),
  );
});

it('switches the view and nothing else of it', () => {
  const definition = {
    originalSql: currentViewSql(['version'], 'none'),
    catalog: 'awsdatacatalog',
    schema: 'db',
    columns: [{ name: 'version', type: 'bigint' }],
  };
  const table = {
    Name: 'events_current',
    VersionId: '3',
    DatabaseName: 'db',
    TableType: 'VIRTUAL_VIEW',
    ViewOriginalText: viewText(definition),
    Parameters: { presto_view: 'true', 'daybook.generation': 'none' },
  };
  const input = switchedView(table, 'g1', '2026-01-02T00:00:00.000Z');
  expect(input).toEqual({
    Name: 'events_current',
    TableType: 'VIRTUAL_VIEW',
    ViewOriginalText: viewText({ ...definition, originalSql: currentViewSql(['version'], 'g1') }),
    Parameters: { presto_view: 'true', 'daybook.generation': 'g1', 'daybook.switchedAt': '2026-01-02T00:00:00.000Z' },
  });
  expect(generationOf(input)).toBe('g1');
  expect(() => switchedView({ Name: 'events' }, 'g1', '')).toThrow(
    expect.objectContaining({ code: 'archive.notTheView' }),
  );
});
