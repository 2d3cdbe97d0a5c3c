/** An event as the workloads write it: every subject gets the same. */
export interface BenchEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, string | number>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Unique in its stream where the workload writes with keys. */
  readonly idempotencyKey?: string;
}

const NOTE = "x".repeat(37);
const METADATA = { user: "user-17" };

/** An event with 100 bytes of JSON, different for each number. */
export function makeEvent(number: number): BenchEvent {
  const digits = String(number).padStart(9, "0");
  return {
    type: "OrderPlaced",
    data: { order: `o-${digits}`, amount: 1_234, note: NOTE, at: 1e9 },
    metadata: METADATA,
  };
}

/** The same with an idempotency key. */
export function makeKeyedEvent(number: number): BenchEvent {
  return { ...makeEvent(number), idempotencyKey: `order-${number}` };
}

/** An event that tells its number. */
export interface NumberedEvent {
  readonly type: string;
  readonly data: BenchEvent["data"] & { readonly number: number };
}

export function makeNumberedEvent(number: number): NumberedEvent {
  const event = makeEvent(number);
  return { ...event, data: { ...event.data, number } };
}

/** The event of py-event-sourcing's benchmark: it has a key and nothing in it. */
export function makeEmptyKeyedEvent(number: number): BenchEvent {
  return { type: "BenchmarkEvent", data: {}, idempotencyKey: `event-${number}` };
}

/** Events with the numbers from `first` on. */
export function makeEvents(make: (number: number) => BenchEvent, first: number, count: number): BenchEvent[] {
  return Array.from({ length: count }, (_, index) => make(first + index));
}
