import { addMessages } from '../errors.ts';

/** The feed error codes: each makes its message from its details. */
export const feedErrors = {
  'feed.notABatch': (d: { expected: string; given: string }) =>
    `expected ${d.expected}, was given ${d.given}; look at what invokes this function`,
  'feed.envelopeInvalid': (d: { problem: string; aggregate?: string }) =>
    `${d.aggregate === undefined ? 'a record' : `an envelope of ${d.aggregate}`} on the feed is no envelope: ${d.problem}; only this feed's own senders may put records on it`,
  'feed.envelopeFormatUnknown': (d: { format: unknown; known: number }) =>
    `the envelope has format ${JSON.stringify(d.format) ?? 'none'}, this code reads ${d.known}; deploy a version that knows it, missed events are read from the table then`,
  'feed.envelopeForeign': (d: { aggregate: string; expected: string; found: string }) =>
    `the envelope of ${d.aggregate} belongs to feed ${d.found}, this reader to ${d.expected}; look at who writes to this feed`,
  'feed.notAdopted': (d: { feed: string }) =>
    `the feed ${d.feed} waits for its adoption of what the table has already; nothing is lost, the pipe brings this batch again for 24 hours. The reconciler carries the adoption on at its next run; quicker: npx daybook feed adopt`,
  'feed.adoptedOtherwise': (d: { feed: string; expected: string; found: string; done: boolean }) =>
    `the feed ${d.feed} cannot be adopted from ${d.expected}: its adoption from ${d.found} is ${d.done ? 'done' : 'under way'}; go on with --from ${d.found}, or begin a new feed (the construct's feed.generation)`,
  'feed.earlierNotAdopted': (d: { feed: string; earlier: string; from: string }) =>
    `the feed ${d.feed} cannot go on from the feed ${d.earlier}: that one was itself to begin from ${d.from}, and its adoption is not done, so it holds only a part; name ${d.from}, or adopt that one first`,
  'feed.earlierUnknown': (d: { feed: string; earlier: string }) =>
    `the feed ${d.feed} cannot go on from the feed ${d.earlier}: nothing is kept of it, neither a confirmed version nor a consumer's position; give the name of the stream that was the feed before. If that is its name, it brought nobody anything: npx daybook feed adopt --from start then repeats nothing and loses nothing, --from now makes what the table has the past`,
  'feed.putRefused': (d: { aggregate: string; from: number; to: number }) =>
    `the feed did not take the envelope ${d.aggregate} [${d.from}..${d.to}]; it is tried again`,
  'feed.busRefused': (d: { aggregate: string; version: number; reason: string }) =>
    `the bus did not take ${d.aggregate}:${d.version} (${d.reason}); it is tried again, the later versions wait`,
  'feed.outOfTime': (d: { aggregate: string; after: number }) =>
    `the invocation's time was up before ${d.aggregate} had passed version ${d.after}; the rest is brought again`,
  'feed.gapUnfilled': (d: { aggregate: string; from: number; to: number; missing: number }) =>
    `${d.aggregate} was given from version ${d.to + 1} on, but of the missing [${d.from}..${d.to}] version ${d.missing} is not in the events table; it waits until it is there`,
  'feed.consumerName': (d: { given: string }) =>
    `${JSON.stringify(d.given)} cannot name a consumer: its positions are kept under it; give text without "|"`,
  'feed.messageUnknown': (d: { problem: string }) =>
    `the message is no event of a Daybook bus: ${d.problem}; look at the rule that sends it here`,
  'feed.effectInvalid': (d: { consumer: string; aggregate: string; version: number; problem: string }) =>
    `the effect of consumer ${d.consumer} on ${d.aggregate}:${d.version} cannot be committed: ${d.problem}`,
  'feed.effectUnended': (d: { consumer: string; aggregate: string; version: number; waitedMs: number }) =>
    `what consumer ${d.consumer} does for ${d.aggregate}:${d.version} had not ended after ${d.waitedMs} ms, when the function's time was up; let what it calls give up sooner, or the function run longer`,
  'feed.effectRefused': (d: { consumer: string; aggregate: string; version: number; reasons: readonly string[] }) =>
    `DynamoDB refused the effect of consumer ${d.consumer} on ${d.aggregate}:${d.version} (${d.reasons.join(', ')}); a condition of its own items does not hold, or one of them cannot be written as it is`,
  'feed.positionBusy': (d: { consumer: string; aggregate: string; attempts: number }) =>
    `the position of consumer ${d.consumer} for ${d.aggregate} was moved by others ${d.attempts} times in a row; the batch is tried again`,
  'feed.aggregateBusy': (d: { consumer: string; aggregate: string }) =>
    `another invocation of consumer ${d.consumer} acts on ${d.aggregate}; this one's events come again`,
  'feed.notDone': (d: { consumer: string; aggregate: string; version: number; code: string; message: string }) =>
    `consumer ${d.consumer} did not get to ${d.aggregate}:${d.version} (${[d.code, d.message].filter((part) => part !== '').join(' ')}); Lambda brings it again, and what fails a third time is parked`,
  'feed.consumerEffect': (d: { consumer: string; given: string }) =>
    `consumer ${d.consumer} is given ${d.given}; give exactly one: effect (items for DynamoDB) or act (anything outside)`,
  'feed.consumerOption': (d: { consumer: string; option: string; given: unknown; allowed: string }) =>
    `${d.option} of consumer ${d.consumer} is ${JSON.stringify(d.given) ?? String(d.given)}; allowed are ${d.allowed}`,
  'feed.redriveInvalid': (d: { consumer: string; problem: string }) =>
    `this is no redrive of consumer ${d.consumer}: ${d.problem}; use npx daybook redrive`,
  'feed.redriveFailed': (d: { function: string; problem: string }) =>
    `the function ${d.function} did not redrive: ${d.problem}; look at its log, what was parked stays parked`,
  'feed.skipRefused': (d: { consumer: string; aggregate: string; version: number; parked: number }) =>
    `version ${d.version} of ${d.aggregate} is not what consumer ${d.consumer} is parked at, that is ${d.parked}; look at npx daybook parked`,
};

addMessages(feedErrors);
