/** The last position that this process knows to be given. A removal that skips a later one happened after that. */
export class SeenPosition {
  #position: number;

  constructor(position: number) {
    this.#position = position;
  }

  get value(): number {
    return this.#position;
  }

  note(position: number): void {
    this.#position = Math.max(this.#position, position);
  }
}
