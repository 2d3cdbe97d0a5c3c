import { ALL_STREAM, isStreamError } from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";
import type { ProjectionFailure, ProjectionStatus } from "./projection.js";
import { ProjectionError } from "./projection-error.js";
import type { Build, BuildState } from "./projection-records.js";

/** What a build is said to do. It tells of each change. */
export class BuildStatus {
  readonly #build: Build;
  readonly #onChange: () => void;
  #state: ProjectionStatus["state"] = "standby";
  #position = 0;
  #head = 0;
  #parked = 0;
  #failure: ProjectionFailure | undefined;

  constructor(build: Build, onChange: () => void) {
    this.#build = build;
    this.#onChange = onChange;
  }

  get current(): ProjectionStatus {
    const { name, version } = this.#build;
    const status = { name, version, state: this.#state, position: this.#position, head: this.#head };
    const failure = this.#failure === undefined ? {} : { error: this.#failure };
    return { ...status, parked: this.#parked, ...failure };
  }

  /** Everything up to here is in the tables, or not wanted. */
  get position(): number {
    return this.#position;
  }

  /** The last position of the store, as it was seen last. */
  get head(): number {
    return this.#head;
  }

  /** Whether it goes on to say what it has failed with. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  sawHead(head: number): void {
    this.#head = head;
  }

  /** It has the lease, or another process does. One that has failed goes on to say so until it has done better. */
  looked(state: BuildState | undefined): void {
    if (state === undefined) this.#failure = undefined;
    else {
      this.#position = state.position;
      this.#parked = state.parked;
    }
    if (this.#failure === undefined) this.#change(stateOf(state));
  }

  /** Nothing is wanted up to there, or somebody else has projected it. */
  passed(position: number): void {
    this.#position = position;
    this.#onChange();
  }

  /** A batch is committed. */
  moved(state: BuildState | undefined): void {
    this.#position = state?.position ?? this.#position;
    // The batch that shows it may have what came after the head was read.
    this.#head = Math.max(this.#head, this.#position);
    this.#parked = state?.parked ?? this.#parked;
    this.#onChange();
  }

  recovered(state: BuildState | undefined): void {
    this.#failure = undefined;
    if (this.#state === "failed") this.#change(stateOf(state));
  }

  caughtUp(): void {
    if (this.#state !== "live") this.#change("live");
  }

  failed(error: unknown): void {
    this.#failure = this.#failureOf(error);
    this.#change("failed");
  }

  /** @param error - why, unless it was asked to stop */
  stopped(error?: Error): void {
    if (error !== undefined) this.#failure = this.#failureOf(error);
    this.#change("stopped");
  }

  #failureOf(error: unknown): ProjectionFailure {
    if (error instanceof ProjectionError) return error.failure;
    const message = thrownText(error);
    if (isStreamError(error, "EVENT_VERSION")) {
      const { position, streamId, type } = error;
      return { position, streamId, type, message };
    }
    // What is no event's fault: an outage, or a store that went back.
    return { position: this.#position, streamId: ALL_STREAM, type: "", message };
  }

  #change(state: ProjectionStatus["state"]): void {
    this.#state = state;
    this.#onChange();
  }
}

function stateOf(state: BuildState | undefined): ProjectionStatus["state"] {
  if (state === undefined) return "standby";
  return state.hasCaughtUp ? "live" : "building";
}
