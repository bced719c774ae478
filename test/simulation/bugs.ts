import { type Patch, patch } from './load-code.ts';

/** A plausible mistake in the protocol, planted at load: the simulation has to find it. */
export interface Bug {
  readonly name: string;
  readonly patches: readonly Patch[];
}

const ENRICH = 'src/feed/enrich.ts';
const CONFIRM = 'src/feed/confirm.ts';
const OFFER = 'src/feed/offer.ts';
const RECONCILE = 'src/feed/reconcile.ts';
const PUBLISH = 'src/feed/publish.ts';
const PARSE = 'src/feed/parse-envelope.ts';
const READ = 'src/feed/read-run.ts';
const ADVANCE = 'src/feed/consume/advance.ts';
const ARRIVAL = 'src/feed/consume/arrival.ts';
const QUEUE = 'src/feed/consume/consume-queue.ts';
const BATCH = 'src/feed/feed-batch.ts';
const MISSING = 'src/feed/missing-events.ts';
const CURSOR = 'src/feed/cursor-table.ts';

const answered = "  seen.count('Envelopes', envelopes.length);\n";
const raiseAll = (of: string) =>
  `for (const e of ${of}) if (e.to >= e.from) await (ports.cursors as any).raise(e.aggregate, e.from, e.to);\n`;
const commitOne = "if (items === undefined || !(await commit(version, items, version === last, lane))) return 'lost';";
const continuation = '  await carryOn(aggregate, cursor!, told, ports, seen);';

const bug = (name: string, ...patches: Patch[]): Bug => ({ name, patches });

export const BUGS: readonly Bug[] = [
  bug('cursor written before the put', patch(ENRICH, answered, answered + raiseAll('envelopes'))),
  bug(
    'cursor advanced because another batch came',
    patch(
      ENRICH,
      answered,
      `${answered}  ${raiseAll('((enrich as any).sent ??= new Map()).get(ports.feed + records.length) ?? []')}  (enrich as any).sent.set(ports.feed + records.length, envelopes);\n`,
    ),
  ),
  bug(
    'what was answered once is not answered again',
    patch(
      ENRICH,
      'const from = (cursors.get(bell.aggregate)?.confirmed ?? 0) + 1;',
      'const sent: Map<string, number> = ((enrich as any).answered ??= new Map());\n' +
        'const from = Math.max(sent.get(bell.aggregate) ?? 0, cursors.get(bell.aggregate)?.confirmed ?? 0) + 1;\n' +
        'sent.set(bell.aggregate, Math.max(from - 1, bell.head));',
    ),
  ),
  bug(
    'two envelopes of an aggregate in one answer',
    patch(
      ENRICH,
      'return { envelopes, seen };',
      `return { envelopes: envelopes.flatMap((e) => e.events.length < 2 ? [e] : [
        { ...e, to: e.from, events: e.events.slice(0, 1) }, { ...e, from: e.from + 1, events: e.events.slice(1) }]), seen };`,
    ),
  ),
  bug(
    'a hole is skipped',
    patch(
      ENRICH,
      "if (run.end !== 'whole') {",
      "if (run.end !== 'whole' && event !== undefined) {\n(arguments[0] as any).from = event.version; filling.events.length = 0; filling.bytes = 0;\n} else if (run.end !== 'whole') {",
    ),
  ),
  bug(
    'the prefix is sent without head',
    patch(ENRICH, 'return envelopes;\n}', 'return envelopes.map((e) => ({ ...e, head: e.to }));\n}'),
  ),
  bug(
    'nothing is sent for a hole at the start',
    patch(
      ENRICH,
      'return { envelopes, seen };',
      'return { envelopes: envelopes.filter((e) => e.events.length > 0), seen };',
    ),
  ),
  bug('the enrichment throws for a hole', patch(ENRICH, "seen.count('HolesMet');", "throw new Error('hole');")),
  bug(
    'images are fed in the order of time',
    patch(
      ENRICH,
      'from, head, filling.events, base)',
      'from, head, [...filling.events].sort((a, b) => (a.recordedAt < b.recordedAt ? -1 : 1)), base)',
    ),
  ),
  bug(
    'the run begins at the first image',
    patch(
      ENRICH,
      'lagging.push({ ...bell, from, base });',
      'lagging.push({ ...bell, from: Math.max(from, Math.min(...bell.images.keys(), bell.head)), base });',
    ),
  ),
  bug(
    'a run is not contiguous',
    patch(READ, "if (stored.version !== next) return { events, bytes, end: 'hole' };", ''),
  ),
  bug(
    'the table is not read consistently',
    patch(READ, '{ from, to, consistent: true }', '{ from, to, consistent: false }'),
  ),
  bug(
    'a changed item is fed',
    patch(
      'src/feed/stream-record.ts',
      "if (record?.eventName === 'MODIFY' || record?.eventName === 'REMOVE') {",
      "if (record?.eventName === 'REMOVE') {",
    ),
    patch(
      'src/feed/stream-record.ts',
      "if (record?.eventName !== 'INSERT' || key === undefined)",
      'if (key === undefined)',
    ),
  ),
  bug('Confirm does not continue', patch(CONFIRM, continuation, '')),
  bug(
    'Confirm continues only when it advanced',
    patch(
      CONFIRM,
      "seen.count(result.raised ? 'EnvelopesConfirmed' : 'EnvelopesRepeated');",
      'advanced ||= result.raised;',
    ),
    patch(CONFIRM, '  let told = 0;', '  let told = 0;\n  let advanced = false;'),
    patch(CONFIRM, continuation, `  if (advanced) ${continuation.trim()}`),
  ),
  bug(
    'Confirm continues with an empty envelope',
    patch(
      OFFER,
      "if (run.events.length === 0) return run.end === 'full' ? 'tooLarge' : run.end === 'hole' ? 'hole' : 'unreadable';",
      '',
    ),
  ),
  bug(
    'Confirm continues without a lease',
    patch(CURSOR, 'return cursor.offered > cursor.confirmed &&', 'return false &&'),
  ),
  bug(
    'a head that was told under a lease is forgotten',
    patch(
      CONFIRM,
      'cursor = await cursors.noteHead(aggregate, head);\n      if (hasOpenOffer(cursor, now())) return;\n      continue;',
      'return;',
    ),
  ),
  bug(
    'a head that was told at a hole is forgotten',
    patch(CONFIRM, 'if ((cursor.head ?? 0) < head) cursor = await cursors.noteHead(aggregate, head);', ''),
  ),
  bug(
    'the offer is recorded before the put',
    patch(
      OFFER,
      '  const refused = await writer.put([envelope]);',
      '  await cursors.offer(aggregate, envelope.to, now());\n  const refused = await writer.put([envelope]);',
    ),
  ),
  bug(
    'confirmed is raised wherever the run begins',
    patch(CONFIRM, 'cursors.raise(aggregate, from, to)', 'cursors.raise(aggregate, 1, to)'),
  ),
  bug(
    'Confirm names the record at which it failed, not the one whose head it owes',
    patch(
      CONFIRM,
      'perAggregate(records, (run) => confirmRun(run, ports, seen))',
      'perAggregate(records, (run, at) => (confirmRun as any)(run, ports, seen, at))',
    ),
    patch(
      CONFIRM,
      'for (const { envelope } of run) {',
      'for (const record of run) {\n    const { envelope } = record;\n    arguments[3](record);',
    ),
  ),
  bug(
    'confirmed is raised to the head',
    patch(CONFIRM, 'cursors.raise(aggregate, from, to)', 'cursors.raise(aggregate, from, head)'),
  ),
  bug(
    'confirmed is raised by the sender of an offer',
    patch(
      OFFER,
      '  const refused = await writer.put([envelope]);',
      '  await cursors.raise(aggregate, from, envelope.to);\n  const refused = await writer.put([envelope]);',
    ),
  ),
  bug(
    'the feed id is not checked',
    patch(PARSE, 'if (envelope.feed !== feed) {', 'if (envelope.feed === undefined) {'),
  ),
  bug(
    'there is no reconciler',
    patch(RECONCILE, '  await eachOf(aggregates, CONCURRENCY,', '  await eachOf([] as string[], CONCURRENCY,'),
  ),
  bug(
    'the reconciler begins its round anew each time',
    patch(
      RECONCILE,
      'let place: Checkpoint = (await cursors.checkpoint()) ?? { startedAt: now() };',
      'let place: Checkpoint = { startedAt: now() };',
    ),
    patch(RECONCILE, 'isLate()', 'true'),
  ),
  bug(
    'the reconciler feeds a hole for ever',
    patch(
      RECONCILE,
      "if (outcome === 'put') return;",
      "if (outcome === 'put') return;\n  await ports.writer.put([{ format: 1, feed: ports.feed, aggregate, from: next, to: next - 1, head, events: [] }]);",
    ),
  ),
  bug(
    'a partial answer names a later failure',
    patch(BATCH, 'failure.record.index < first.record.index', 'failure.record.index >= first.record.index'),
  ),
  bug('a failed record is answered as done', patch(BATCH, '[{ itemIdentifier: first.record.id }]', '[]')),
  bug(
    'an aggregate goes on after its failure',
    patch(BATCH, 'failures.push({ record: at, error });', 'failures.push({ record: run.at(-1)!, error });'),
  ),
  bug(
    'the position before the effect',
    patch(
      ADVANCE,
      commitOne,
      `if (items === undefined || !(await commit(version, [], false, lane))) return 'lost';
      await ports.positions.commit({ consumer: ports.name, aggregate: lane.aggregate, from: version, to: version }, items);`,
    ),
  ),
  bug(
    'the effect, then an unconditional position',
    patch(
      ADVANCE,
      'if (!(await ports.positions.commit(move, items))) {',
      `for (let p = move.from; !(await ports.positions.commit({ ...move, from: p, to: Math.max(p, to), parked: true }, items)); )
        p = (await ports.positions.read(ports.name, [aggregate])).get(aggregate) ?? 0;
      if (items === undefined) {`,
    ),
  ),
  bug(
    'a gap is dropped',
    patch(
      ADVANCE,
      'while (arrival.to > Math.max(lane.standing.position, arrival.base)) {',
      'while (arrival.to > Math.max(lane.standing.position, arrival.base) && arrival.from <= lane.standing.position + 1) {',
    ),
  ),
  bug(
    'a gap is passed over',
    patch(
      ARRIVAL,
      '  for await (const page of missingEvents(table, aggregate, position + 1, lastMissing)) {',
      '  if (events === undefined) for await (const page of missingEvents(table, aggregate, position + 1, lastMissing)) {',
    ),
  ),
  bug(
    'a gap is filled as far as the table goes',
    patch(MISSING, 'if (next <= to) throw', 'if (false) throw'),
    patch(MISSING, 'next += whole.length;', 'next += whole.length;\n    if (gap !== -1) return yield page;'),
  ),
  bug(
    'the queue gives back only the message that failed',
    patch(QUEUE, 'of run.slice(at)) failed', 'of run.slice(at, at + 1)) failed'),
  ),
  bug(
    'the publisher ignores an entry’s failure',
    patch(PUBLISH, 'return refuse(pending, reason);\n    }\n    progress', '}\n    progress'),
  ),
  bug(
    'the publisher’s position passes a failure',
    patch(
      PUBLISH,
      'await positions.raise(publisher, progress.aggregate, progress.sent);',
      'await positions.raise(publisher, progress.aggregate, progress.queued);',
    ),
    patch(PUBLISH, 'if (progress.sent <= progress.saved) return;', ''),
  ),
  bug(
    'the publisher begins at what comes',
    patch(PUBLISH, '  yield* missingEvents(table, aggregate, position + 1, from - 1);', ''),
  ),
];
