/** Arrays within arrays: `levels` of them. */
export function nested(levels: number): unknown {
  let value: unknown[] = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}

function cycle(): unknown {
  const object: { list: unknown[] } = { list: [1] };
  object.list.push({ object });
  return object;
}

function sparse(): unknown {
  const array = [1, 2, 3];
  delete array[1];
  return array;
}

class Money {
  readonly amount = 1;
}

/** Values that JSON cannot carry without loss. */
export const REFUSED_VALUES: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["minus Infinity", Number.NEGATIVE_INFINITY],
  ["a BigInt", 1n],
  ["a function", () => 1],
  ["a symbol", Symbol("s")],
  ["a Date", new Date(0)],
  ["a Map", new Map([["a", 1]])],
  ["a Set", new Set([1])],
  ["an instance of a class", new Money()],
  ["a boxed number", Object(1)],
  ["a regular expression", /a/],
  ["an error", new Error("e")],
  ["a promise", Promise.resolve(1)],
  ["numbers that are no bytes", new Float64Array([1])],
  ["a buffer without a view", new ArrayBuffer(1)],
  ["an array with a hole", sparse()],
  ["a property that a symbol names", { [Symbol("s")]: 1 }],
];

/** A value that contains itself. */
export const CYCLE: unknown = cycle();
