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
const REQUEST = 'src/feed/reconcile-request.ts';
const CURSOR = 'src/feed/cursor-table.ts';
const ADOPT = 'src/feed/adopt.ts';
const ADOPTED = 'src/feed/when-adopted.ts';
const CONSUME = 'src/feed/consume/consume-events.ts';
const REDRIVE = 'src/feed/consume/redrive.ts';
const EARLIER = 'src/aws/dynamo-earlier-feed.ts';
const LEASING = 'src/feed/consume/leasing.ts';
const HISTORY = 'src/feed/other-history.ts';
const CURSORS = 'src/aws/dynamo-cursor-table.ts';
const POSITIONS = 'src/aws/dynamo-position-table.ts';
const POSITION = 'src/aws/position-item.ts';
const WRITER = 'src/aws/kinesis-feed-writer.ts';
const BUS = 'src/aws/eventbridge-bus.ts';
const EVENTS = 'src/aws/dynamo-event-table.ts';

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
      'const from = (cursor?.confirmed ?? 0) + 1;',
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
    patch(CONFIRM, 'cursors.raise(aggregate, from, to,', 'cursors.raise(aggregate, 1, to,'),
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
    patch(CONFIRM, 'cursors.raise(aggregate, from, to,', 'cursors.raise(aggregate, from, head,'),
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
    patch(PUBLISH, 'return refuse(pending, reason);\n    }\n    if (malformed', '}\n    if (malformed'),
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
  bug(
    'a feed delivers before it is adopted',
    patch(ADOPTED, "if (!adopted) throw new DaybookError('feed.notAdopted', { feed });", ''),
  ),
  bug(
    'a stale cursor of an adopted feed is taken for none',
    patch(ADOPTED, 'if (unbegun.length === 0) return found;', 'if (unbegun.length >= 0) return found;'),
  ),
  bug(
    'a consumer ignores the base',
    patch(CONSUME, "const fromBase = options.from !== 'start';", 'const fromBase = false;'),
  ),
  bug(
    'the publisher ignores the base',
    patch(PUBLISH, 'Math.max(saved, ...run.map(({ envelope }) => envelope.base ?? 0))', 'saved'),
  ),
  bug('the bus is not told of the base', patch('src/feed/bus-event.ts', 'base === 0 ? fields', 'base >= 0 ? fields')),
  bug(
    'an adoption takes one version too many for past',
    patch(ADOPT, '{ confirmed: last, base: last }', '{ confirmed: last + 1, base: last + 1 }'),
  ),
  bug(
    'positions do not come along to the feed that goes on',
    patch(ADOPT, 'let [part, after] = readPlace(start);', "let [part, after] = readPlace(start);\n  part = 'cursors';"),
  ),
  bug(
    'a feed goes on behind the end of the one before',
    patch(ADOPT, 'Math.min(confirmed, last) - 1', 'Math.min(confirmed, last) + 1'),
  ),
  bug(
    'a feed begins what it has begun',
    patch(
      CURSORS,
      "const absent = 'attribute_not_exists(Confirmed)';",
      "const absent = 'attribute_exists(Cursor) OR attribute_not_exists(Cursor)';",
    ),
  ),
  bug(
    'confirmed falls',
    patch(CURSORS, 'Confirmed >= :least AND Confirmed < :to', 'Confirmed >= :least AND :to > :least'),
  ),
  bug(
    'confirmed is raised whatever was before it',
    patch(CURSORS, 'Confirmed >= :least AND Confirmed < :to', ':least >= :least AND Confirmed < :to'),
  ),
  bug(
    'a lease is everyone’s',
    patch(
      POSITIONS,
      'LeaseUntil <= :now OR LeaseHolder = :holder',
      'LeaseUntil <= :now OR LeaseHolder = :holder OR attribute_exists(LeaseUntil)',
    ),
  ),
  bug(
    'later events of a parked aggregate go on',
    patch(POSITION, 'if (parked !== true) conditions', 'if (parked === undefined && from < 0) conditions'),
    patch(
      ADVANCE,
      'if (lane.standing.parked !== undefined) {',
      'if (lane.standing.parked !== undefined && lane.redrive) {',
    ),
  ),
  bug(
    'a redrive skips what failed',
    patch(
      REDRIVE,
      'if (skip !== undefined) await skipVersion(skip, lane);',
      'if (lane.standing.parked !== undefined) await skipVersion(lane.standing.parked.version, lane);',
    ),
  ),
  bug(
    'an aggregate is unparked while something waits',
    patch(POSITIONS, 'Waiting <= :reached', '(Waiting <= :reached OR attribute_exists(Waiting))'),
    patch(
      REDRIVE,
      'const to = Math.max(parked.waiting, (await headOf(ports.table, aggregate)) ?? 0);',
      'const to = parked.version;',
    ),
  ),
  bug(
    'the publisher sends on behind an entry that was refused',
    patch(
      PUBLISH,
      '    // The batch just sent may have been refused: a later event must not pass an earlier one.\n    if (hasFailed(progress)) return;\n',
      '',
    ),
  ),
  bug(
    'an effect that fails is passed over',
    patch(
      ADVANCE,
      'if (parking === undefined) throw cause;',
      'if (parking === undefined) { await ports.positions.commit({ consumer: ports.name, aggregate, from: version - 1, to: version }, []); throw cause; }',
    ),
  ),
  bug(
    'a record that Kinesis refused is forgotten',
    patch(WRITER, 'if (Records?.[i]?.SequenceNumber === undefined) refused', 'if (Records === undefined) refused'),
  ),
  bug(
    'the partition key is not the aggregate',
    patch(WRITER, 'PartitionKey: envelope.aggregate', 'PartitionKey: String(envelope.from)'),
  ),
  bug(
    'an entry that the bus refused counts as taken',
    patch(BUS, 'entry?.EventId === undefined ?', 'entry === undefined ?'),
  ),
  bug(
    'a query ends with its first page',
    patch(EVENTS, 'while (start !== undefined && left > 0)', 'while (start !== undefined && left < 0)'),
  ),
  bug(
    'what stands before an item that is no event is left out of a gap',
    patch(MISSING, 'unreadable > next) yield*', 'unreadable < next) yield*'),
  ),
  bug(
    'a lease ends before its holder may',
    patch(LEASING, 'until: at + remainingMs() + LEASE_MARGIN_MS', 'until: at + 100'),
  ),
  bug(
    'a lease is trusted for ever',
    patch(
      LEASING,
      'if (now() < (until.get(aggregate) ?? 0) - LEASE_MARGIN_MS) return undefined;',
      'if (until.has(aggregate)) return undefined;',
    ),
  ),
  bug(
    'an act begins when its time is over',
    patch(LEASING, 'const isOver = () => remainingMs() <= 0;', 'const isOver = () => false;'),
  ),
  bug(
    'a lease that went with a move is given back again',
    patch(
      ADVANCE,
      '  if (move.release === true) invocation.leasing.gaveBack(aggregate);\n  lane.standing',
      '  lane.standing',
    ),
  ),
  bug('attempts are not counted', patch(POSITIONS, "':one': { N: '1' }", "':one': { N: '0' }")),
  bug(
    'an event that was handled leaves its attempts to the next',
    patch(POSITIONS, "['Attempts', ...(move.release", "['Nothing', ...(move.release"),
  ),
  bug('an answer is never full', patch(ENRICH, '      room -= filling.bytes;\n', '')),
  bug(
    'what is parked stays in the list of the feed before',
    patch(EARLIER, 'ParkedIn: { S: feed }', 'ParkedIn: (rest as Item).ParkedIn!'),
  ),
  bug('a table that was restored is taken for what it was', patch(HISTORY, "  seen.count('OtherHistories');\n", '')),
  bug(
    'a feed goes on behind the end of a restored table',
    patch(ADOPT, 'Math.min(confirmed, last) - 1', 'confirmed - 1'),
  ),
  bug(
    'a position beyond the end of a restored table is kept',
    patch(ADOPT, 'if (position < last) return entry;', 'if (last > 0) return entry;'),
  ),
  bug(
    'a bus event of another feed is taken',
    patch(CONSUME, 'if (found === feed) return true;', "if (found !== '') return true;"),
  ),
  bug(
    'what stands before an item that is no event is not fed',
    patch(
      READ,
      "if (next === to) return { events, bytes, end: 'unreadable' };",
      "return { events, bytes, end: 'unreadable' };",
    ),
  ),
  bug(
    'dead letters are answered by a round that began before them',
    patch(RECONCILE, 'const complete = place.startedAt >= wanted;', 'const complete = true;'),
  ),
  bug(
    'the reconciler does not wait for what it repairs',
    patch(
      RECONCILE,
      'await reconcilePage(page.aggregateUuids, ports, seen);',
      'void reconcilePage(page.aggregateUuids, ports, seen).catch(() => {});',
    ),
  ),
  bug(
    'the reconciler looks at a hole each time',
    patch(RECONCILE, 'if (ports.now() < nextLookAt(cursor)) return', 'if (false) return'),
  ),
  bug(
    'a hole is new at each look',
    patch(RECONCILE, 'known ? (cursor.holedAt ?? ports.now()) : ports.now();', 'ports.now();'),
  ),
  bug('the looks at a hole are not counted', patch(RECONCILE, 'known ? (cursor.attempts ?? 0) + 1 : 0;', '0;')),
  bug('a known hole is not counted', patch(RECONCILE, "  if (known) {\n    seen.count('Holes');", '  if (known) {')),
  bug(
    'the reconciler brings one event and says that there is no more',
    patch(
      RECONCILE,
      'offerNext(aggregate, cursor, head, ports, seen);',
      'offerNext(aggregate, cursor, first.version, ports, seen);',
    ),
  ),
  bug(
    'the reconciler does not wait for the adoption',
    patch(
      RECONCILE,
      'return { ...ports, cursors: { ...ports.cursors, ...whenAdopted(ports.feed, ports.cursors) } };',
      'return ports;',
    ),
  ),
  bug('a known hole is marked anew by Confirm', patch(CONFIRM, '    if (marked) return;\n', '')),
  bug(
    'the reconciler puts while an offer is open',
    patch(RECONCILE, 'if (hasOpenOffer(cursor, ports.now())) return;', ''),
  ),
  bug('a hole is marked behind what was put', patch(CONFIRM, "if (outcome === 'put') return;", '')),
  bug(
    'Confirm forgets a continuation that failed',
    patch(CONFIRM, continuation, `${continuation.slice(0, -1)}.catch(() => {});`),
  ),
  bug(
    'Confirm does not give back what failed',
    patch(CONFIRM, 'answerOf(failures, seen)', 'answerOf(failures.slice(1), seen)'),
  ),
  bug(
    'Confirm passes over the next version',
    patch(CONFIRM, 'to <= cursor.confirmed) {', 'to <= cursor.confirmed + 1) {'),
  ),
  bug('a breach is not counted', patch(CONFIRM, 'if (from > cursor.confirmed + 1) {', 'if (from < 0) {')),
  bug(
    'an offer that was refused is noted',
    patch(OFFER, 'if (refused.length > 0) throw', 'if (refused.length > 1) throw'),
  ),
  bug('the enrichment does not say the base', patch(ENRICH, 'const base = cursor?.base;', 'const base = undefined;')),
  bug(
    'the bus’s answers are taken for those of the entries before',
    patch(PUBLISH, 'settle(pending, answers[i]?.reason)', 'settle(pending, answers[Math.max(0, i - 1)]?.reason)'),
  ),
  bug('what came while a redrive was ending is forgotten', patch(POSITIONS, 'AND Waiting <= :reached AND', 'AND')),
  bug(
    'an item that lacks its parts stops who reads it',
    patch(READ, "    isDaybookError(error, 'event.missingAttribute') ||\n", ''),
  ),
  bug(
    'an item that is encrypted stops who reads it',
    patch(READ, " ||\n    isDaybookError(error, 'event.encrypted')", ''),
  ),
  bug(
    'the reconciler stops at an aggregate whose last item is no event',
    patch(READ, '    if (!isUnreadable(error)) throw error;\n    return undefined;', '    throw error;'),
  ),
  bug(
    'an adoption notes a page before it has begun its aggregates',
    patch(
      ADOPT,
      '    if (past === undefined) return;\n',
      '    if (past === undefined) return;\n    if (page.next !== undefined) await cursors.saveAdoption({ after: page.next });\n',
    ),
  ),
  bug(
    'an adoption goes on where another run is done with it',
    patch(ADOPT, '  });\n  if ((await cursors.adoption())?.doneAt !== undefined) return undefined;\n', '  });\n'),
  ),
  bug(
    'an adoption notes a page of positions before it has copied them',
    patch(
      ADOPT,
      '    if (positions === undefined) return;\n',
      '    if (positions === undefined) return;\n    if (page.next !== undefined) await rest(page.next);\n',
    ),
  ),
  bug(
    'a page without anything of the feed before is taken for the last',
    patch(EARLIER, 'const next = LastEvaluatedKey', 'const next = entries.length === 0 ? undefined : LastEvaluatedKey'),
  ),
  bug(
    'positions are copied while the readers before still move them',
    patch(ADOPT, 'SETTLE_MS = 5 * 60_000', 'SETTLE_MS = 0'),
  ),
  bug(
    'a feed goes on at the very end of the one before',
    patch(ADOPT, 'Math.min(confirmed, last) - 1', 'Math.min(confirmed, last)'),
  ),
  bug(
    'dead letters are answered by a round that began after the oldest of them',
    patch(REQUEST, 'since = Math.max(since ?? 0, sent);', 'since = Math.min(since ?? sent, sent);'),
  ),
  bug(
    'the reconciler notes a page before it has looked at it',
    patch(
      RECONCILE,
      '    await reconcilePage(page.aggregateUuids, ports, seen);\n',
      '    if (page.next !== undefined) await cursors.saveCheckpoint({ startedAt: place.startedAt, after: page.next });\n    await reconcilePage(page.aggregateUuids, ports, seen);\n',
    ),
  ),
  bug(
    'a lease that ends soon is taken already',
    patch(LEASING, 'LEASE_MARGIN_MS, now: at };', 'LEASE_MARGIN_MS, now: at + LEASE_MARGIN_MS };'),
  ),
  bug('a lease is kept when the work is done', patch(ADVANCE, 'await invocation.leasing.release(aggregate);', '')),
  bug(
    'what another has done meanwhile is done again',
    patch(
      ADVANCE,
      'found.position !== standing.position || (found.parked !== undefined && !redrive)',
      'found.parked !== undefined && !redrive',
    ),
  ),
  bug(
    'what was parked meanwhile is acted on',
    patch(
      ADVANCE,
      'found.position !== standing.position || (found.parked !== undefined && !redrive)',
      'found.position !== standing.position',
    ),
  ),
  bug(
    'what a rule brings directly is tried as often as anything else',
    patch(CONSUME, "attempts: source === 'bus' ? Math.min(attempts, DELIVERIES) : attempts,", 'attempts,'),
  ),
  bug(
    'the publisher’s lanes share an aggregate',
    patch(
      PUBLISH,
      'laneOf.get(aggregate) ?? lanes[laneOf.size % count]!;',
      'lanes[lanes.reduce((sum, each) => sum + each.length, 0) % count]!;',
    ),
  ),
  bug(
    'a call of the bus holds any number of events',
    patch(PUBLISH, 'batch.length === bus.maxEvents || bytes', 'bytes'),
  ),
  bug(
    'what does not end is waited for as long as the function runs',
    patch(CONSUME, 'context === undefined ? NO_LIMIT : createTimeLimit(remainingMs, enough / 2)', 'NO_LIMIT'),
  ),
  bug(
    'the lease of what goes on is given back with its failure',
    patch(ADVANCE, 'isLast && invocation.leasing.mayEnd(aggregate) &&', 'isLast &&'),
  ),
  bug(
    'the lease of what goes on is given back at the end',
    patch(LEASING, ' || left.has(aggregate)) return;', ') return;'),
  ),
  bug(
    'the reconciler does not count what is parked',
    patch(RECONCILE, "seen.count('ParkedAggregates', (await countParked?.()) ?? 0);", 'await countParked?.();'),
  ),
];
