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
  'archive.badManifest': (d: { key: string; reason: string }) =>
    `${d.key} is no manifest of a generation: ${d.reason}. Nothing was read or deleted by it. Put back the version that a compaction wrote`,
  'archive.manifestGone': (d: { key: string }) =>
    `${d.key} is not there: it says what the generation holds. Nothing was read or deleted by it; queries of events go by other files. \`npx daybook verify --fix\` makes it anew`,
  'archive.clockBehind': (d: { previous: string; made: string }) =>
    `the clock says that the generation to make would be ${d.made}, which is before the current one, ${d.previous}; set the clock, then compact again`,
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
