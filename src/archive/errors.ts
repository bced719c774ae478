import { addMessages } from '../errors.ts';
import { placeIn } from './place-in.ts';

/** The archive error codes: each makes its message from its details. */
export const archiveErrors = {
  'archive.rowUnfit': (d: { aggregate: string; version: number; column: string; problem: string }) =>
    `version ${d.version} of ${d.aggregate} does not fit the archive’s table: ${d.column}, ${d.problem}; it goes to the errors/ prefix as it came, nothing is lost`,
  'archive.answerFull': (d: { bytes: number; limit: number }) =>
    `a record becomes ${d.bytes} bytes of rows, which the answer of ${d.limit} bytes has no room for; it goes to the errors/ prefix as it came, nothing is lost`,
  'archive.parameterValue': (d: {
    readonly name: string;
    readonly type: string;
    readonly value: string;
    readonly allowed: string;
  }) => `The parameter ${d.name} (${d.type}) is ${JSON.stringify(d.value.slice(0, 100))}; allowed is ${d.allowed}`,
  'archive.queryFailed': (d: {
    readonly queryId: string;
    readonly reason: string;
    readonly sql: string;
    readonly scannedBytes: number;
  }) =>
    /scan(ned)? limit/i.test(d.reason)
      ? `The query ${d.queryId} was stopped by the workgroup: ${d.reason}. A query by bucket or day reads less (docs/analysts.md); the limit is the construct's archive.scanLimitGiB.`
      : `The query ${d.queryId} failed: ${d.reason}${placeIn(d.sql, d.reason)}`,
  'archive.queryStopped': (d: { readonly queryId: string; readonly scannedBytes: number }) =>
    `The query ${d.queryId} was stopped, ${d.scannedBytes.toLocaleString('en')} bytes were scanned.`,
  'archive.savedQuery': (d: { readonly name: string; readonly problem: string }) =>
    `The saved query ${JSON.stringify(d.name)} cannot be deployed: ${d.problem}`,
  'archive.badCompaction': (d: { reason: string }) =>
    `this is no request for a compaction: ${d.reason}; it is {} or {"before": "2026-01-31"}, the first arrival day that is not taken`,
  'archive.compactedFile': (d: { key: string; problem: string }) =>
    `the current generation's file ${d.key} is not what a compaction wrote: ${d.problem}. Nothing was switched or deleted. Put the file back, or write its events again with a backfill from the events table`,
  'archive.notVerified': (d: { bucket: string; period: string; expected: string; actual: string }) =>
    `what was read back of bucket ${d.bucket}, ${d.period}, is not what its sources hold: ${d.expected} expected, ${d.actual} found. Nothing was switched or deleted; compact again, and if it stays, keep the files and report it`,
  'archive.sliceMissing': (d: { generation: string; bucket: string }) =>
    `the generation ${d.generation} has no result of bucket ${d.bucket}, so it was not switched to; redrive the execution, or compact again`,
  'archive.generationLost': (d: { generation: string }) =>
    `the view events_current says that there is no generation, but ${d.generation} was made and its raw files are not all there any more: the view was made anew. Nothing was compacted. An earlier version of the table in Glue has its parameter daybook.generation and its text to put back`,
  'archive.viewDiffers': (d: { view: string; generation: string; read: string }) =>
    `the view ${d.view} reads ${d.read}, its parameter daybook.generation says ${d.generation}: one was changed by hand. Nothing was compacted. An earlier version of the table in Glue has both to put back`,
  'archive.badManifest': (d: { key: string; reason: string }) =>
    `${d.key} is no manifest of a generation: ${d.reason}. Nothing was read or deleted by it. Put back the version that a compaction wrote`,
  'archive.clockBehind': (d: { previous: string; made: string }) =>
    `the clock says that the generation to make would be ${d.made}, which is before the current one, ${d.previous}; set the clock, then compact again`,
  'archive.notTheView': (d: { view: string; given: string }) =>
    `the table ${d.given} is not the view ${d.view} as Daybook makes it: nothing was compacted or switched; deploy the stack, which makes it, then compact again`,
  'archive.noExport': (d: { where: string }) =>
    `there is no ${d.where}: give the folder of an export that is done, such as s3://bucket/prefix/AWSDynamoDB/01234567890123-a1b2c3d4/`,
  'archive.exportFormat': (d: { where: string; outputFormat: string; exportType: string }) =>
    `${d.where} is of a ${d.exportType} in ${d.outputFormat}; it takes a FULL_EXPORT in DYNAMODB_JSON`,
  'archive.exportFile': (d: { key: string; expected: string; actual: string }) =>
    `the export's file ${d.key} should have ${d.expected} and has ${d.actual}: it was changed, or its download was cut off; export the table again`,
  'archive.notSorted': (d: { aggregateUuid: string; after: string }) =>
    `a compacted file is not in order: ${d.aggregateUuid} comes after ${d.after}. Nothing was read past it; compact its bucket again`,
  'archive.putRefused': (d: { refused: number; aggregate: string; from: number; to: number }) =>
    `the archive's delivery stream did not take ${d.refused} envelopes for a minute, of them ${d.aggregate} [${d.from}..${d.to}]: look at its throttles, then run it again`,
  'archive.noErrorRecord': (d: { problem: string }) =>
    `it is no error record of Firehose: ${d.problem}. Look at the file; what is no record of Firehose does not belong below errors/`,
  'archive.unreadable': (d: { key: string; reason: string }) =>
    `the archive's file ${d.key} cannot be read: ${d.reason}. \`npx daybook verify\` names every such file; move it out of the archive, and \`verify --fix\` sends what it held`,
};

addMessages(archiveErrors);
