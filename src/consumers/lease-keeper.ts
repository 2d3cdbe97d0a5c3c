import type { Records } from "../../protocols/index.js";
import type { Renew } from "../leases/lease-renewals.js";
import type { Undo } from "../leases/undo.js";
import { inStore } from "../validate/in-call.js";
import {
  type GroupState,
  type ParkedState,
  type RecordOf,
  readGroup,
  readParked,
  readPartitions,
  writeGroup,
} from "./consumer-records.js";
import { FreeLeases, type TakenLease } from "./free-leases.js";
import { FreePartitions } from "./free-partitions.js";
import { changePartitions } from "./lay-partitions.js";
import { endFailing, keepMembers } from "./mark-due.js";
import { fairShare, isAnyLacking, Members } from "./members.js";
import { parkedOf } from "./parked-by-stream.js";
import { PartitionRun } from "./partition-run.js";
import { stillPast } from "./partitions.js";
import { type RunContext, tell, writeRecords } from "./run-context.js";

/** What a look at the records found. */
interface Findings {
  readonly group: GroupState;
  readonly lost: PartitionRun[];
  readonly taken: readonly TakenLease[];
  /** How many partitions it is to give back. */
  readonly tooMany: number;
  /** What is parked, where a partition was taken. */
  readonly parked: readonly RecordOf<ParkedState>[];
  /** What it has written of a success. */
  readonly recovery: symbol | null;
}

/** The runs that began, those that another process has, and those that are to be given back. */
interface Changes {
  /** Whether others may go on, since something has succeeded. */
  readonly hasRecovered: boolean;
  readonly begun: readonly PartitionRun[];
  readonly lost: readonly PartitionRun[];
  readonly tooMany: readonly PartitionRun[];
}

/**
 * Keeps the partitions of this process: renews their leases, takes what is free, up to its fair share, and gives back what
 * others lack.
 */
export class LeaseKeeper {
  readonly runs = new Map<number, PartitionRun>();
  readonly free: FreePartitions;
  readonly #context: RunContext;
  readonly #freeLeases: FreeLeases;
  readonly #members: Members;
  #group: GroupState;

  constructor(context: RunContext, group: GroupState) {
    this.#context = context;
    this.#group = group;
    this.#freeLeases = new FreeLeases(context);
    this.free = new FreePartitions(context, this.#freeLeases, this.runs);
    this.#members = new Members(this.owner, context.settings.leaseMs);
  }

  get owner(): string {
    return this.#context.outage.owner;
  }

  get group(): GroupState {
    return this.#group;
  }

  /** Whether nobody else has a partition. */
  get hasAll(): boolean {
    return this.runs.size >= this.#group.partitions;
  }

  /** Whether everybody gives back what he holds, since there are to be more or fewer partitions. */
  get isChanging(): boolean {
    return this.#group.nextPartitions !== undefined;
  }

  /**
   * One look at the records.
   *
   * @param transact - runs the look in a transaction, which it may share with others
   * @returns what it has changed
   * @throws when the consumer was dropped
   */
  async renew(transact: (look: Renew) => Promise<void>): Promise<Changes> {
    let findings: Findings | undefined;
    await transact(async (records, undo) => {
      findings = await this.#look(records, undo);
    });
    if (findings === undefined) throw dropped(this.#context);
    return this.#apply(findings);
  }

  /**
   * Has the runs read what is parked when another process has asked for retries, so that these come before the next event.
   * While nothing is parked there is nothing to ask for, and it reads nothing.
   */
  async noticeRetries(): Promise<void> {
    if (![...this.runs.values()].some((run) => run.hasParked)) return;
    const { name } = this.#context.definition;
    const found = await writeRecords(this.#context, (records) => readGroup(records, name));
    if (found === null) return;
    this.#context.outage.note(found);
    this.#note({ ...this.#group, retries: found.retries });
  }

  /** Writes where each run is, and gives them all back. */
  async release(runs: readonly PartitionRun[], isLeaving: boolean): Promise<void> {
    const { name } = this.#context.definition;
    await writeRecords(this.#context, async (records, undo) => {
      for (const run of runs) if (!run.isLost) await run.write(records, { owner: null, unsaved: 0 }, undo);
      const group = isLeaving ? await readGroup(records, name) : null;
      if (group === null) return;
      const noted = await this.#noteRecovery(records, group, this.#context.outage.recovery);
      await writeGroup(records, name, await keepMembers(records, name, noted, this.#members.without(noted)));
    });
    for (const run of runs) this.runs.delete(run.lease.index);
  }

  async #noteRecovery(records: Records, found: GroupState, recovery: symbol | null): Promise<GroupState> {
    const group = this.#context.outage.rejoined(found);
    return recovery === null ? group : endFailing(records, this.#context.definition.name, group, this.owner);
  }

  async #look(records: Records, undo: Undo): Promise<Findings | undefined> {
    const { name } = this.#context.definition;
    const { recovery } = this.#context.outage;
    const read = await readGroup(records, name);
    if (read === null) return undefined;
    const found = await this.#noteRecovery(records, read, recovery);
    let rows = await readPartitions(records, name);
    let group = await this.#join(records, found, Math.min(...rows.map(({ value }) => value.position)));
    const isOther = group.partitions !== this.#group.partitions;
    const lost: PartitionRun[] = [];
    const mine: PartitionRun[] = [];
    for (const run of this.runs.values()) {
      const isHeld = run.isTransacting || rows[run.lease.index]?.revision === run.lease.revision;
      if (isOther || run.isLost || !isHeld) lost.push(run);
      else mine.push(run);
    }
    for (const run of mine) if (!run.isTransacting) await run.write(records, {}, undo);
    if (group.nextPartitions !== undefined) {
      const areAllFree = rows.map((row) => this.#freeLeases.isFree(row)).every((isFree) => isFree);
      if (mine.length > 0 || !areAllFree) return { group, lost, taken: [], tooMany: mine.length, parked: [], recovery };
      group = await changePartitions(records, name, rows, group);
      rows = await readPartitions(records, name);
    }
    const share = fairShare(group);
    const taken = await this.#freeLeases.take(records, rows, new Set(mine.map(({ lease }) => lease.index)), share);
    return {
      group,
      lost,
      taken,
      tooMany: isAnyLacking(group, rows) ? Math.max(0, mine.length - share) : 0,
      parked: taken.length > 0 ? await readParked(records, name) : [],
      recovery,
    };
  }

  /** Says that this process runs the consumer, and forgets those that are gone and what does not matter any more. */
  async #join(records: Records, group: GroupState, lowest: number): Promise<GroupState> {
    const { name } = this.#context.definition;
    const kept = await keepMembers(records, name, group, this.#members.join(group));
    const joined = { ...kept, history: stillPast(group.history, lowest) };
    await writeGroup(records, name, joined);
    return joined;
  }

  #note(group: GroupState): void {
    const isRetry = group.retries !== this.#group.retries;
    this.#group = group;
    if (isRetry) for (const run of this.runs.values()) run.parkedChanged();
  }

  #apply({ group, lost, taken, tooMany, parked, recovery }: Findings): Changes {
    const { name } = this.#context.definition;
    for (const run of lost) {
      this.runs.delete(run.lease.index);
      run.lose();
    }
    this.#context.outage.recoveryWritten(recovery);
    this.#context.outage.note(group);
    this.#note(group);
    const begun = taken.map(({ lease, previous }) => {
      tell({ consumer: name, kind: "lease taken", partition: lease.index, fencingToken: lease.fencingToken });
      const ofPartition = parkedOf(lease.index, group.partitions, parked);
      const run = new PartitionRun(this.#context, lease, previous, group.partitions, ofPartition);
      this.runs.set(lease.index, run);
      return run;
    });
    return {
      hasRecovered: recovery !== null,
      begun,
      lost,
      tooMany: [...this.runs.values()].slice(this.runs.size - tooMany),
    };
  }
}

/** Nobody drops what a process runs, but this one may have been suspended for longer than its leases. */
function dropped({ definition: { name }, access: { location } }: RunContext): Error {
  return new Error(
    `Consumer "${name}"${inStore(location)} has ended: its records were deleted while this process did not renew its leases. Was dropConsumer ` +
      "called? Start it again, and it begins at startFrom.",
  );
}
