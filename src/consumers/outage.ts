import { setTimeout as delay } from "node:timers/promises";
import { untilAborted } from "../watch/abort-listeners.js";
import type { FailingState, GroupState, MemberState } from "./consumer-records.js";

/** So many streams in a row that fail to the end are an outage, and not their events. */
const STREAMS_OF_OUTAGE = 3;

/** What all partitions share of outages. */
type Failures = Pick<GroupState, "failing" | "members">;

/** Whether a process has an outage: that of all, or one of its own. What succeeds elsewhere does not end what is down for it. */
export function isOutageOf({ failing, members }: Failures, owner: string): boolean {
  return failing?.isOutage === true || members[owner]?.failing?.isOutage === true;
}

/** What all partitions share once an event of a stream came to the end of its attempts in a process. */
export function failedIn<Group extends Failures>(group: Group, owner: string, streamId: string): Group {
  const changed = withOwn(group, owner, (failing) => failingWith(failing, streamId));
  return { ...changed, failing: failingWith(group.failing, streamId) };
}

/** What all partitions share once an event has succeeded in a process. */
export function succeededIn<Group extends Failures>(group: Group, owner: string): Group {
  return { ...withOwn(group, owner, () => null), failing: null };
}

function withOwn<Group extends Failures>(
  group: Group,
  owner: string,
  change: (failing: MemberState["failing"]) => FailingState | null,
): Group {
  const member = group.members[owner];
  if (member === undefined) return group;
  return { ...group, members: { ...group.members, [owner]: { ...member, failing: change(member.failing) } } };
}

function failingWith(before: MemberState["failing"], streamId: string): FailingState {
  const streams = before?.streams ?? [];
  if (streams.includes(streamId)) return { streams, isOutage: before?.isOutage === true };
  if (streams.length + 1 >= STREAMS_OF_OUTAGE) return { streams, isOutage: true };
  return { streams: [...streams, streamId], isOutage: false };
}

/**
 * What this process knows of an outage: when the last streams that came to the end of their attempts are several, and nothing
 * succeeded in between, something that all of them need is down. Then one event is tried at a time. The record of the consumer
 * has it; what has succeeded since the record was written is known here.
 */
export class Outage {
  readonly owner: string;
  readonly #delayMs: number;
  #failures: Failures;
  #recovery: symbol | null = null;
  /** Whether it has tried an event in this outage itself: its first try does not wait, and may find that all is well here. */
  #hasTried = false;
  /** Ends with the pause before the last probe: the next one waits for its own behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = new AbortController();

  constructor(delayMs: number, owner: string, failures: Failures) {
    this.#delayMs = delayMs;
    this.owner = owner;
    this.#failures = failures;
  }

  get isOn(): boolean {
    return isOutageOf(this.#failures, this.owner);
  }

  /** Something has succeeded, and the record of the consumer does not say so yet. Null: there is nothing to write. */
  get recovery(): symbol | null {
    return this.#recovery;
  }

  /** The record of the consumer says so now. */
  recoveryWritten(recovery: symbol | null): void {
    if (this.#recovery === recovery) this.#recovery = null;
  }

  /** What the record says, with what this process has noted of itself where another, whose clock may have jumped, took it for gone. */
  rejoined<Group extends Failures>(record: Group): Group {
    const own = this.#failures.members[this.owner];
    if (own === undefined || record.members[this.owner] !== undefined) return record;
    return { ...record, members: { ...record.members, [this.owner]: own } };
  }

  /** What the record of the consumer says. */
  note(record: Failures): void {
    const before = this.#failures;
    const found = this.rejoined(record);
    this.#failures = this.#recovery === null ? found : succeededIn(found, this.owner);
    // What has succeeded elsewhere may succeed here, too.
    if (before.failing?.isOutage && !this.#failures.failing?.isOutage) this.#tryAtOnce();
  }

  /** An event came to the end of its attempts in this process, and the record of the consumer says so. */
  failed(found: Failures): void {
    this.note(found);
    this.#hasTried = this.isOn;
  }

  /** An event succeeded. @returns whether there is something new to write */
  succeeded(): boolean {
    const { failing, members } = this.#failures;
    if (!failing && !members[this.owner]?.failing) return false;
    this.#recovery = Symbol();
    if (this.isOn) this.#tryAtOnce();
    this.#failures = succeededIn(this.#failures, this.owner);
    return true;
  }

  #tryAtOnce(): void {
    this.#over.abort();
    this.#over = new AbortController();
    this.#hasTried = false;
  }

  /** Waits for the next turn to try an event, while there is an outage. The signal ends the wait, without an error. */
  async turn(signal: AbortSignal): Promise<void> {
    if (!this.isOn) return;
    const ended = AbortSignal.any([signal, this.#over.signal]);
    const earlier = this.#turn;
    const delayMs = this.#hasTried ? this.#delayMs : 0;
    this.#hasTried = true;
    this.#turn = earlier.then(() => delay(delayMs, undefined, { signal: ended }).catch(() => undefined));
    // A partition that is given back does not wait for the turns of others.
    await untilAborted(this.#turn, ended).catch(() => undefined);
  }
}
