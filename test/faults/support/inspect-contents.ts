import type { Acknowledgement } from "./batches.js";
import type { StoreContents, StoredRow } from "./store-reader.js";

/** What is wrong with a store. */
export interface Findings {
  /** Writes that were acknowledged and are not there. */
  readonly lost: readonly string[];
  /** What the library's own check reports. */
  readonly reported: readonly string[];
  /** What must never be. */
  readonly broken: readonly string[];
}

/** What is found in a store that is as it should be. */
export const SOUND: Findings = { lost: [], reported: [], broken: [] };

/** Holds what a reader found against what writers were told. */
export function inspectContents(contents: StoreContents, acknowledged: Iterable<Acknowledgement>): Findings {
  const broken: string[] = [];
  if (contents.integrity !== "ok") broken.push(contents.integrity);
  if (contents.copies > 0) broken.push(`${contents.copies} events share a key with another`);
  const batches = new Map<string, StoredRow[]>();
  const heads = new Map<string, number>();
  for (const row of contents.rows) {
    const head = heads.get(row.streamId) ?? 0;
    if (row.version !== head + 1) broken.push(`${row.streamId}: version ${row.version} stands behind ${head}`);
    heads.set(row.streamId, row.version);
    if (!row.isIntact) broken.push(`${row.batch}: event ${row.index} has another content`);
    const rows = batches.get(row.batch) ?? [];
    batches.set(row.batch, rows);
    rows.push(row);
  }
  for (const [batch, rows] of batches) if (!isWhole(rows)) broken.push(`${batch}: stored in part or in another order`);
  return { lost: findLost(batches, acknowledged), reported: contents.problems, broken };
}

function isWhole(rows: readonly StoredRow[]): boolean {
  const [first] = rows;
  if (rows.length !== first?.size) return false;
  return rows.every(
    ({ streamId, index, version, position }, place) =>
      streamId === first.streamId &&
      index === place &&
      version === first.version + place &&
      position === first.position + place,
  );
}

function findLost(
  batches: ReadonlyMap<string, readonly StoredRow[]>,
  acknowledged: Iterable<Acknowledgement>,
): string[] {
  const lost: string[] = [];
  for (const { batch, version, position } of acknowledged) {
    const last = batches.get(batch)?.at(-1);
    if (last?.version !== version || last.position !== position) lost.push(`${batch}: version ${version} is not there`);
  }
  return lost;
}
