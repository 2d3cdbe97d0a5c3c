// Apart from what uses them, so that the published types of this entry lead to none of Node.

/** That a person is forgotten. */
export interface Forgotten {
  /** The position of the `SubjectForgotten` event. */
  readonly position: number;
}

/** What is left of a person. */
export interface ForgetReport {
  /** Whether the key store has destroyed the person's key. */
  readonly keyDestroyed: boolean;
  /** How many sealed values of the person the events of the store have. */
  readonly sealedFields: number;
  /** How many of them open: none once the key is destroyed. */
  readonly openable: number;
  /** The projections that have not read the event yet which says that the person is forgotten. */
  readonly projectionsBehind: readonly string[];
}
