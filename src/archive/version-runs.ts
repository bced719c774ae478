/**
 * Which versions of which aggregates a compacted file holds, as SQL: a row for each run of versions without a hole, in order.
 * Nearly every aggregate has one run; only of the others the versions are looked at one by one.
 *
 * @param rows a relation with `aggregate_uuid` and `version`, each pair once
 */
export function versionRuns(rows: string): string {
  return `WITH known AS (
      SELECT aggregate_uuid, min(version) AS first_version, max(version) AS last_version, last_version - first_version + 1 = count(*) AS whole
      FROM ${rows} GROUP BY aggregate_uuid)
    SELECT aggregate_uuid, first_version, last_version FROM known WHERE whole
    UNION ALL
    SELECT aggregate_uuid, min(version) AS first_version, max(version) AS last_version FROM (
      SELECT aggregate_uuid, version, version - row_number() OVER (PARTITION BY aggregate_uuid ORDER BY version) AS run
      FROM ${rows} WHERE aggregate_uuid IN (SELECT aggregate_uuid FROM known WHERE NOT whole))
    GROUP BY aggregate_uuid, run
    ORDER BY aggregate_uuid, first_version`;
}
