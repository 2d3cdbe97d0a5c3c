/** How many event types a store remembers the numbers of. Beyond that all are forgotten, and read again as needed. */
const MAX_REMEMBERED_TYPES = 10_000;

/** The numbers that the store has for event types. A type that has one keeps it for ever. */
export class KnownTypes {
  readonly #numbers = new Map<string, number>();

  get numbers(): ReadonlyMap<string, number> {
    return this.#numbers;
  }

  learn(numbers: ReadonlyMap<string, number>): void {
    for (const [type, number] of numbers) {
      if (this.#numbers.size === MAX_REMEMBERED_TYPES && !this.#numbers.has(type)) this.#numbers.clear();
      this.#numbers.set(type, number);
    }
  }

  forget(): void {
    this.#numbers.clear();
  }
}
