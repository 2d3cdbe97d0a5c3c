import fc from "fast-check";
import { CYCLE, nested, REFUSED_VALUES } from "../../conformance/support/refused-values.js";
import { ROUND_TRIP_VALUES } from "../../conformance/support/round-trip-values.js";

/** Texts that have been seen to break out of a statement, a pattern, a path or a text. */
const HOSTILE_TEXTS: readonly string[] = [
  "'); DROP TABLE es_events; --",
  '"); DROP TABLE es_streams; --',
  "' OR '1'='1",
  "1; PRAGMA user_version = 99; --",
  "x' UNION SELECT name, sql FROM sqlite_master --",
  "'||(SELECT group_concat(name) FROM es_streams)||'",
  "?1",
  ":name $name @name",
  "%",
  "_",
  "\\",
  "[a-z]*?",
  "../../etc/passwd",
  "a\nb\r\n",
  "a\u0000b",
  "\u0000",
  "caf\u00e9",
  "cafe\u0301",
  "\u{1f600}\u200d\u{1f525}",
  "\u202eright to left",
  "\ufeffmark",
  "__proto__",
  "constructor",
  "toString",
  " ",
  "null",
  "0",
  "a".repeat(1_024),
  "ä".repeat(10_000),
  "\ud800",
  "a\udc00b",
  "",
];

/** Any text: those of the list, pieces of them, and any UTF-16 units. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.tuple(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: "grapheme" })).map((parts) => parts.join("")),
  fc.array(fc.nat(0xffff), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
);

export function throwing(): never {
  throw new Error("on purpose");
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

export function made<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<() => T> {
  return arbitrary.map((value) => () => value);
}

/** Objects that do something when they are looked at. Made anew each time, since some change. */
const TRAPS: readonly (() => unknown)[] = [
  () => Object.defineProperty({}, "a", { enumerable: true, get: throwing }),
  () => ({ list: [1, Object.defineProperty({}, "a", { enumerable: true, get: throwing })] }),
  () => new Proxy({}, { ownKeys: throwing }),
  () => new Proxy({}, { getPrototypeOf: throwing }),
  () => new Proxy({ a: 1 }, { get: throwing }),
  () => new Proxy([1, 2], { get: throwing }),
  () => new Proxy(new Uint8Array(2), {}),
  () => revoked(),
  () => ({ inside: revoked() }),
  () => ({ toJSON: () => "something else" }),
  () => ({ toJSON: throwing }),
  () => ({ constructor: { name: Symbol("x") }, date: new Date(Number.NaN) }),
  () => Object.create({ inherited: 1 }),
  () => Object.create(null, { a: { value: 1, enumerable: true }, hidden: { value: 2 } }),
  () => Object.assign([1], { named: 2 }),
  () => CYCLE,
  () => nested(500),
  () => nested(501),
  () => nested(10_000),
  () => "x".repeat(1024 * 1024),
  () => new Uint8Array(1024 * 1024).fill(7),
  () => structuredClone(new Uint8Array(8), { transfer: [] }),
];

/** All values that are known to be hostile to some store, each made anew. */
export const HOSTILE_VALUES: readonly (() => unknown)[] = [
  ...TRAPS,
  ...[...REFUSED_VALUES, ...ROUND_TRIP_VALUES.flatMap(([, values]) => values)].map(
    ([, value]) =>
      (): unknown =>
        value,
  ),
];

const ANYTHING: fc.ObjectConstraints = {
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
  withTypedArray: true,
};

/** Makes a value that an event should either carry exactly or refuse. Made late: looking at some of them throws. */
export const hostileValue: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE_VALUES) },
  { weight: 2, arbitrary: made(fc.jsonValue()) },
  { weight: 1, arbitrary: made(fc.dictionary(hostileText, fc.oneof(hostileText, fc.integer()), { maxKeys: 4 })) },
  { weight: 3, arbitrary: made(fc.anything({ ...ANYTHING, key: hostileText })) },
);

/** Values that are no version, or nearly none. */
export const hostileVersion: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[-1, 1.5, 2 ** 53, 2 ** 53 - 1, Number.NaN, Number.POSITIVE_INFINITY, -0, "1", "", "ANY", null, 1n, [], {}, true],
);

/** Whether a value came back as it was. Prototypes do not count: an object without one comes back with the usual one. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => {
    const [inA, inB] = [a, b].map((object) => Object.getOwnPropertyDescriptor(object, key)?.value as unknown);
    return Object.hasOwn(b, key) && isSameValue(inA, inB);
  });
}
