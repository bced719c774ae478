/** One thing that is not as it should be, between the events table and the archive. */
export type Finding =
  /** A file that nobody can read: cut off, overwritten, no Parquet. What was in it is missing too, unless it is elsewhere. */
  | { readonly kind: 'unreadable'; readonly key: string; readonly bytes: number; readonly reason: string }
  /** The current generation names a file that is not there, or its list or file of keys is not there. */
  | { readonly kind: 'gone'; readonly key: string; readonly bytes: number }
  /** A compacted file, or a list of them, that is not what its generation's manifest says. */
  | { readonly kind: 'changed'; readonly key: string; readonly expected: string; readonly actual: string }
  /** A file that holds exactly what another holds. Queries see each event once all the same. */
  | { readonly kind: 'repeated'; readonly key: string; readonly of: string }
  /** An object where the archive's files lie that is none of them: no query reads it, and nothing deletes it. */
  | { readonly kind: 'stranger'; readonly key: string; readonly bytes: number }
  /** Rows that lie under another bucket than their aggregate's: a query by bucket does not see them. */
  | { readonly kind: 'misplaced'; readonly key: string; readonly rows: number }
  /** In the table and not in the archive; `since` is when the first of them was recorded. */
  | {
      readonly kind: 'missing';
      readonly aggregate: string;
      readonly from: number;
      readonly to: number;
      readonly since: string;
    }
  /** In the archive and not in the table; `key` is one of the files that hold them, `latest` when the last of them was recorded. */
  | {
      readonly kind: 'extra';
      readonly aggregate: string;
      readonly from: number;
      readonly to: number;
      readonly latest: string;
      readonly key: string;
    }
  /** In both, with another content in this file. */
  | { readonly kind: 'differing'; readonly aggregate: string; readonly version: number; readonly key: string }
  /** More than once in the current generation, which is read as it is: queries see it so often. */
  | { readonly kind: 'twice'; readonly aggregate: string; readonly version: number; readonly key: string }
  /** Versions that are nowhere though later ones are. */
  | { readonly kind: 'hole'; readonly aggregate: string; readonly from: number; readonly to: number }
  /** An item of the table that is no event: nobody can archive it. */
  | { readonly kind: 'noEvent'; readonly aggregate: string; readonly version: string; readonly reason: string };

/** What makes the archive differ from the table. A repeated file and a stranger do not, and holes and items that are no events are the table's. */
export const DIFFERENCES: ReadonlySet<Finding['kind']> = new Set([
  'unreadable',
  'gone',
  'changed',
  'misplaced',
  'missing',
  'extra',
  'differing',
  'twice',
]);

/** How many events, rows or files a finding stands for. */
export function weightOf(finding: Finding): number {
  switch (finding.kind) {
    case 'missing':
    case 'extra':
    case 'hole':
      return finding.to - finding.from + 1;
    case 'misplaced':
      return finding.rows;
    default:
      return 1;
  }
}
