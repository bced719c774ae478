import { addMessages } from '../errors.ts';

/** The cli error codes: each makes its message from its details. */
export const cliErrors = {
  'cli.usage': (d: { readonly problem: string; readonly command?: string }) =>
    `${d.problem}. See \`daybook ${d.command === undefined ? '' : `${d.command} `}--help\`.`,
  'cli.missingPackage': (d: { readonly name: string; readonly install: string }) =>
    `The package ${d.name} is not installed. It comes with daybook unless optional packages are left out: ${d.install}`,
  'cli.importStopped': (d: { readonly line: number; readonly problem: string; readonly taken: number }) =>
    `Stopped at line ${d.line}: ${d.problem}. ${d.taken} events are stored; mend the line and run it again, or use --on-error skip.`,
  'cli.importDiffers': (d: { readonly differing: number }) =>
    `What is stored differs from the file at ${d.differing} lines, named above. Nothing was overwritten.`,
  'cli.checkFound': (d: { readonly errors: number; readonly kinds: number }) =>
    `The code does not fit what is stored: ${d.errors.toLocaleString('en')} errors of ${d.kinds} kind${d.kinds === 1 ? '' : 's'}, listed above. Mend the schemas, upcasts or folds before it is deployed.`,
  'cli.notAgreed': (d: { readonly command: string }) =>
    `Nothing was done: it takes --yes to \`daybook ${d.command}\`, or a yes at a terminal.`,
  'cli.feedBehind': (d: { readonly aggregates: number; readonly events: number }) =>
    `${d.aggregates.toLocaleString('en')} aggregates are not on the feed as a whole, listed above (${d.events.toLocaleString('en')} events). The reconciler delivers them within its next rounds; if they stay: look at its log and at the alarms on the pipe. A missing version is for a person to mend.`,
  'cli.feedNotAdopted': (d: { readonly feed: string; readonly from: string }) =>
    `The feed ${d.feed} is not adopted yet, and waits: nothing is lost, and nothing is delivered until then. The reconciler adopts it from ${d.from} by itself, for another feed five minutes after the deployment; \`npx daybook feed adopt --from ${d.from}\` does it now. If it stays: the reconciler's log says why.`,
  'cli.archiveDiffers': (d: {
    readonly differences: number;
    readonly missing: number;
    readonly fixed: boolean;
    readonly unsendable: number;
  }) =>
    `The archive is not what the table is: ${d.differences.toLocaleString('en')} differences, listed above and in the report. ${d.fixed ? `What was missing is sent${d.unsendable > 0 ? `, but for ${d.unsendable.toLocaleString('en')} events that can never arrive, named above with the reason: the table has them` : ''}; run it again once Firehose has written it.` : d.missing > 0 ? '--fix sends what is missing.' : 'Nothing is missing.'} A file that cannot be read, is changed or differs is for a person to look at: move it out of the archive, then --fix sends what it held.`,
  'cli.archiveRefuses': (d: { readonly refused: number }) =>
    `${d.refused.toLocaleString('en')} records stay below errors/, listed above with the reason. What is of another feed, or no envelope, was never this archive's; look at who put it on the feed, then delete the file. What no row can hold stays in the table; \`daybook verify --fix\` sends what stood beside it.`,
  'cli.notBackfilled': (d: { readonly events: number }) =>
    `${d.events.toLocaleString('en')} versions could not be sent, listed above: what is not there or no event is for a person to mend in the table, what is too large for an envelope, or fits no row, stays in the table only.`,
  'cli.noRegion': (_: Record<string, never>) => 'Which region? Give --region, or set AWS_REGION.',
  'cli.noCredentials': (d: { readonly problem: string }) =>
    `${d.problem}. Sign in, or set AWS_PROFILE; an endpoint on this machine takes any AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
  'cli.unreachable': (d: { readonly problem: string }) =>
    `Nothing answers (${d.problem}). Is it the right --endpoint-url and --region, and is it running?`,
  'cli.notFound': (d: { readonly problem: string }) =>
    `What the call names is not there (${d.problem}). Is it the right --table or --stack, --region and account?`,
  'cli.noAggregate': (d: { readonly aggregateUuid: string }) =>
    `There are no events of ${JSON.stringify(d.aggregateUuid)}.`,
  'cli.stillParked': (d: { readonly consumer: string; readonly parked: number }) =>
    `${d.parked} ${d.parked === 1 ? 'aggregate' : 'aggregates'} of ${d.consumer} stay parked. \`daybook parked ${d.consumer} AGGREGATE\` shows one; mend the consumer, deploy it, and redrive again.`,
  'cli.stopped': (_: Record<string, never>) =>
    'Stopped while the result was written; what is incomplete was taken away.',
  'cli.noSavedQuery': (d: { readonly name: string; readonly workGroup: string; readonly known: readonly string[] }) =>
    `No query ${JSON.stringify(d.name)} is saved in the workgroup ${d.workGroup}${d.known.length === 0 ? '' : `; there are ${d.known.join(', ')}`}.`,
  'cli.replayEnded': (d: {
    readonly name: string;
    readonly status: string;
    readonly error: string;
    readonly cause: string;
    /** What to do now. */
    readonly next: string;
  }) =>
    `${d.name} is ${d.status}: ${[d.error, d.cause].filter((part) => part !== '').join(': ') || 'no reason is known'}. Nothing was promoted. ${d.next}`,
  'cli.compactionEnded': (d: {
    readonly name: string;
    readonly status: string;
    readonly error: string;
    readonly cause: string;
  }) =>
    `The compaction ${d.name} is ${d.status}: ${[d.error, d.cause].filter((part) => part !== '').join(': ') || 'no reason is known'}. Nothing is lost, and readers see every event once. Once that is mended start another, or redrive this one.`,
  'cli.noQuery': (d: { readonly sql: string }) =>
    `This is no query, and was not run: ${d.sql}. The archive's tables and views are made with the stack, which does not make them again when they are dropped. With --change it is run.`,
  'cli.compactionExists': (d: { readonly name: string }) =>
    `There is a compaction ${d.name} already, of another --before or ended: give it another --name.`,
  'cli.replayExists': (d: { readonly name: string; readonly request: string }) =>
    `There is a replay ${d.name} already, of another request: ${d.request}. Give this one another --name.`,
  'cli.replayNotRunning': (d: { readonly name: string; readonly status: string }) =>
    `${d.name} is ${d.status}: there is nothing to stop.`,
  'cli.replayNotResumable': (d: { readonly name: string; readonly status: string; readonly reason: string }) =>
    `${d.name} is ${d.status} and cannot be resumed (${d.reason}). Only one that failed can, within 14 days; else start it again under another name.`,
  'cli.noReplay': (d: { readonly name: string }) =>
    `There is no replay ${d.name}, or it ended more than 90 days ago. \`npx daybook replay list\` names them.`,
  'cli.notParked': (d: { readonly consumer: string; readonly aggregateUuid: string }) =>
    `${JSON.stringify(d.aggregateUuid)} is not parked by ${d.consumer}.`,
};

addMessages(cliErrors);
