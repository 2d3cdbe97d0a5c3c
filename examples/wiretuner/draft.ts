/**
 * What one replay has made itself. Nobody else has it before the replay ends, so the replay may change it, and copies only what
 * it was given. Without that, each event of a path would copy all of the path's anchors.
 */
export class Draft {
  /** For events that come one at a time: it keeps nothing, so all is copied. */
  static readonly none = new Draft(null);

  readonly #own: WeakSet<object> | null;

  constructor(own: WeakSet<object> | null = new WeakSet()) {
    this.#own = own;
  }

  /** Takes what was just made, and what nobody else has. */
  own<T extends object>(value: T): T {
    this.#own?.add(value);
    return value;
  }

  owns(value: object): boolean {
    return this.#own?.has(value) === true;
  }

  /** The array, or a copy of it, to change. */
  array<T>(values: readonly T[]): T[] {
    return this.owns(values) ? (values as T[]) : this.own([...values]);
  }

  /** The object, or a copy of it, with other values of some fields. */
  with<T extends object>(value: T, changes: Partial<T>): T {
    return this.owns(value) ? Object.assign(value, changes) : this.own({ ...value, ...changes });
  }
}
