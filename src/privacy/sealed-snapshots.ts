import { randomBytes } from "node:crypto";
import { type EncodedState, type Snapshot, type StorageHandle, SubjectForgottenError } from "../../protocols/index.js";
import { SEALED_CODEC } from "../snapshot/snapshot-codec.js";
import { inStore } from "../validate/in-call.js";
import type { KeyState } from "./key-cache.js";
import type { PersonalContext } from "./personal-context.js";
import { joinParts } from "./sealing-key.js";
import { NONCE_BYTES } from "./short-values.js";
import { SnapshotPersons } from "./snapshot-persons.js";
import { checkSubject } from "./subject-names.js";

/** Names the person whose key seals the snapshots of a fold. */
export type SnapshotSubject = (streamId: string, fold: string) => string | null;

type EncodedSnapshot = Snapshot<EncodedState>;

/** Seals snapshots, or refuses them: a state may have anything in it that the events have. */
export class SealedSnapshots {
  readonly #context: PersonalContext;
  readonly #persons: SnapshotPersons;
  readonly #subjectOf: SnapshotSubject;

  constructor(context: PersonalContext, storage: StorageHandle, subjectOf: SnapshotSubject = () => null) {
    this.#context = context;
    this.#persons = new SnapshotPersons(context, storage);
    this.#subjectOf = subjectOf;
  }

  /**
   * @throws InvalidArgumentError when the stream has personal data of others than the person whose key seals it
   * @throws SubjectForgottenError when the person whose key seals it is forgotten
   */
  async seal(snapshot: EncodedSnapshot): Promise<EncodedSnapshot> {
    const subject = this.#subject(snapshot);
    if (subject === null) {
      await this.#persons.check(snapshot, null);
      return snapshot;
    }
    const { names } = this.#context;
    await names.prepare();
    await this.#persons.check(snapshot, names.nameOf(subject));
    const key = await this.#keyOf(subject, true);
    if (key === null || key === "forgotten") throw this.#forgotten(snapshot);
    const { codec, bytes } = snapshot.state;
    const sealed = key.seal(placeOf(snapshot), bytes, randomBytes(NONCE_BYTES));
    return { ...snapshot, state: { codec: SEALED_CODEC + codec, bytes: sealed } };
  }

  /** The snapshot as it was saved. Null: it does not open any more, or is from before its state was sealed. */
  async open(snapshot: EncodedSnapshot): Promise<EncodedSnapshot | null> {
    const subject = this.#subject(snapshot);
    const { codec, bytes } = snapshot.state;
    const isSealed = codec.startsWith(SEALED_CODEC);
    if (subject === null) return isSealed ? null : snapshot;
    const key = isSealed ? await this.#keyOf(subject, false) : null;
    const opened = key === null || key === "forgotten" ? undefined : key.open(placeOf(snapshot), bytes);
    return opened === undefined
      ? null
      : { ...snapshot, state: { codec: codec.slice(SEALED_CODEC.length), bytes: opened } };
  }

  #subject({ streamId, projection }: EncodedSnapshot): string | null {
    const subject = this.#subjectOf(streamId, foldOf(projection));
    if (subject === null || subject === undefined) return null;
    checkSubject(subject);
    return subject;
  }

  async #keyOf(subject: string, create: boolean): Promise<KeyState> {
    const { names, cache } = this.#context;
    await names.prepare();
    const keys = await cache.all(new Map([[subject, names.nameOf(subject)]]), create);
    return keys.get(subject) ?? null;
  }

  #forgotten({ streamId }: EncodedSnapshot): SubjectForgottenError {
    const message =
      `Cannot save a snapshot of stream "${streamId}"${inStore(this.#context.location)}: the person whose key seals it is ` +
      "forgotten. Nothing was saved.";
    return new SubjectForgottenError(streamId, message);
  }
}

/** The name of a fold: its snapshots are saved under the name with the version. */
function foldOf(projection: string): string {
  return projection.replace(/@\d+$/, "");
}

function placeOf({ streamId, projection, version }: EncodedSnapshot): string {
  return joinParts(["snapshot", streamId, projection, String(version)]);
}
