/** Values that a store has been seen to lose or to change somewhere, by their kind, each with a name. */
export const ROUND_TRIP_VALUES: readonly (readonly [kind: string, values: readonly (readonly [string, unknown])[]])[] =
  [
    [
      "null, booleans and numbers",
      [
        ["null", null],
        ["false", false],
        ["zero", 0],
        ["minus zero", -0],
        ["minus zero inside", { list: [-0, { zero: -0 }] }],
        ["the largest safe integer", Number.MAX_SAFE_INTEGER],
        ["an integer beyond the safe ones", 2 ** 53 + 2],
        ["the largest number", Number.MAX_VALUE],
        ["the smallest number", Number.MIN_VALUE],
        ["a number that binary cannot hold exactly", 0.1 + 0.2],
        ["a negative number with an exponent", -1.5e-300],
      ],
    ],
    [
      "texts",
      [
        ["an empty string", ""],
        ["a string that looks like a number", "007"],
        ["a string that looks like JSON", '{"a":1}'],
        ["a string that looks like SQL", "'); DROP TABLE es_events; --"],
        ["text in many scripts", "Größe, Ελληνικά, 日本語, עברית, 🚀🏳️‍🌈"],
        ["composed and decomposed letters", ["\u00e9", "e\u0301"]],
        ["control characters", "\u0000\u0001\b\t\n\f\r\u001f\u007f\u2028\u2029"],
        ["quotes and backslashes", "\\ \\\\ \" ' ` \\u0041"],
        ["a lone surrogate in a text", "\ud800 \udc00"],
        ["a long text", "abc \u00e4 🚀 ".repeat(20_000)],
      ],
    ],
    [
      "objects and arrays",
      [
        ["an empty object", {}],
        ["an empty array", []],
        ["nested arrays and objects", [[[{ a: [{ b: [null, true, "x"] }] }]]]],
        ["keys that are no identifiers", { "": 1, " ": 2, "a.b": 3, 'say "x"': 4, "it's": 5, "0": 6, "\u0000": 7 }],
        ["keys that objects inherit", { constructor: 1, toString: 2, hasOwnProperty: 3, valueOf: null }],
        ["the key __proto__", JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":1}}')],
        ["a wide object", Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`key-${index}`, index]))],
      ],
    ],
    [
      "bytes",
      [
        ["no bytes", new Uint8Array(0)],
        ["every byte", Uint8Array.from({ length: 256 }, (_, index) => index)],
        ["bytes that are no UTF-8", new Uint8Array([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80])],
        ["bytes that spell JSON", new Uint8Array([0x7b, 0x7d])],
        ["many bytes", new Uint8Array(70_000).fill(7)],
      ],
    ],
  ];
