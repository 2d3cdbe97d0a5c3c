import type { EventFilter, FilterClause, FilterField } from "../../../protocols/index.js";

/** An idempotency key that looks like an id that was made at a write. */
export const UUID_KEY = "01234567-89ab-7cde-8f01-23456789abcd";

function where(field: FilterField, op: FilterClause["op"], value: unknown): FilterClause {
  return { field, op, value } as FilterClause;
}

type FilterCase = readonly [what: string, filter: EventFilter, matching: readonly number[]];

/** Filters by what they are about, and the versions of those of the filterable events that match: what filters mean, clause by clause. */
export const FILTER_CASES: readonly (readonly [about: string, cases: readonly FilterCase[]])[] = [
  [
    "types and versions",
    [
      ["no clause", [], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      ["a type", [where("type", "=", "Placed")], [1, 2]],
      ["any type but one", [where("type", "!=", "Placed")], [3, 4, 5, 6, 7, 8, 9, 10]],
      ["one of several types", [where("type", "in", ["Placed", "Zero", "Unknown"])], [1, 2, 10]],
      ["one of no types", [where("type", "in", [])], []],
      ["all clauses at once", [where("type", "=", "Placed"), where("metadata.user", "=", "bob")], [2]],
      ["clauses that exclude each other", [where("type", "=", "Placed"), where("type", "=", "Zero")], []],
      ["a version", [where("version", "=", 3)], [3]],
      ["a range of versions", [where("version", ">", 2), where("version", "<=", 4)], [3, 4]],
      ["a version as a string, which it is not", [where("version", "=", "3")], []],
    ],
  ],
  [
    "numbers",
    [
      ["a number, but not the same digits as a string", [where("data.amount", "=", 10)], [1]],
      ["a string, but not the same digits as a number", [where("data.amount", "=", "10")], [2]],
      ["other numbers, but neither other types nor nothing", [where("data.amount", "!=", 10)], [3, 4, 7, 10]],
      ["smaller numbers", [where("data.amount", "<", 9.5)], [4, 10]],
      ["numbers up to one", [where("data.amount", "<=", 9.5)], [3, 4, 10]],
      ["greater numbers", [where("data.amount", ">", 9.5)], [1, 7]],
      ["numbers from one on", [where("data.amount", ">=", 9.5)], [1, 3, 7]],
      ["numbers beyond the integers of 64 bits", [where("data.amount", "=", 1e21)], [7]],
      ["a string below another", [where("data.amount", "<", "9")], [2]],
      ["values of several types", [where("data.amount", "in", [10, "10", null, true])], [1, 2]],
    ],
  ],
  [
    "booleans and null",
    [
      ["true", [where("data.paid", "=", true)], [1]],
      ["false", [where("data.paid", "=", false)], [3]],
      ["true, which 1 is not", [where("data.paid", "=", 1)], []],
      ["false before true", [where("data.paid", "<", true)], [3]],
      ["anything but true, among booleans", [where("data.paid", "!=", true)], [3]],
      ["null that is there", [where("data.note", "=", null)], [1]],
      ["null in a list", [where("data.note", "in", [null, ""])], [1, 4]],
      ["anything but null, which nothing is compared with", [where("data.note", "!=", null)], []],
      ["an empty string", [where("data.note", "=", "")], [4]],
      ["null in metadata, but neither none nor empty metadata", [where("metadata.user", "=", null)], [6]],
      ["a number in metadata", [where("metadata.attempt", ">=", 1)], [1]],
    ],
  ],
  [
    "paths",
    [
      ["a path into an object", [where("data.customer.country", "=", "DE")], [1]],
      ["a path that stops at an object", [where("data.customer", "=", "DE")], [4]],
      ["any string but one at a path that stops at an object", [where("data.customer", "!=", "FR")], [4]],
      ["a path into an array, which has no keys", [where("data.tags.0", "=", "a")], []],
      ["a path into data that is an array", [where("data.0", "=", "amount")], []],
      ["the length of an array, a string or bytes, which is no key", [where("data.length", ">=", 0)], []],
      ["the first byte, which is no key", [where("data.0", "=", 1)], []],
    ],
  ],
  [
    "keys with characters that mean something elsewhere",
    [
      ["a key that every object inherits", [where("data.constructor", "=", 7)], [8]],
      ["a key that every object inherits and none has", [where("data.toString.name", "=", "toString")], []],
      ["a key with a space", [where("data.a b", "=", 1)], [8]],
      ["a key with a single quote", [where("data.it's", "=", 2)], [8]],
      ["a key with double quotes", [where('data.say "x"', "=", 3)], [8]],
      ["a key that is a dollar", [where("data.$", "=", 4)], [8]],
      ["a key that looks like SQL", [where("data.x'||'y", "=", 5)], [8]],
      ["a value that looks like SQL", [where("type", "=", "' OR 1=1 --")], []],
    ],
  ],
  [
    "prefixes",
    [
      ["a prefix", [where("type", "prefix", "Order")], [3, 4, 8]],
      ["a prefix in the same case only", [where("type", "prefix", "p")], [6]],
      ["an empty prefix, of strings only", [where("data.amount", "prefix", "")], [2]],
      ["a prefix that would be a pattern elsewhere", [where("type", "prefix", "Order%")], [4]],
      ["a prefix that would be another pattern elsewhere", [where("type", "prefix", "Order*")], []],
      ["a prefix beyond ASCII", [where("type", "prefix", "Ü")], [7]],
    ],
  ],
  [
    "patterns",
    [
      ["like with a run of characters", [where("type", "like", "Order%")], [3, 4, 8]],
      ["like with runs at both ends", [where("type", "like", "%lace%")], [1, 2, 6]],
      ["like with one character", [where("type", "like", "Order_Paid")], [3, 8]],
      ["like with an escaped character", [where("type", "like", "Order\\_Paid")], [3]],
      ["like with an escaped percent sign", [where("type", "like", "%\\%%")], [4]],
      ["like with an escaped backslash", [where("type", "like", "back\\\\slash")], [5]],
      ["like in the same case only", [where("type", "like", "PLACED")], []],
      ["like with one character beyond the basic plane", [where("data.name", "like", "_")], [7, 8]],
      ["like across lines", [where("type", "like", "Text%lines")], [9]],
      ["like with one character between two runs", [where("type", "like", "%_Pai%")], [3, 8]],
      ["like with several runs, each found behind the one before", [where("data.name", "like", "%a%\u0000%b%")], [10]],
      ["like with runs in an order in which they are not", [where("data.name", "like", "%b%a%")], []],
      ["like with ends that would overlap", [where("type", "like", "Zero%ero")], []],
      ["like without wildcards", [where("type", "like", "Zero")], [10]],
      ["like of everything, strings only", [where("data.amount", "like", "%")], [2]],
      ["like of nothing", [where("data.note", "like", "")], [4]],
      ["like with characters that other patterns know", [where("type", "like", "[OZ]%")], []],
    ],
  ],
  [
    "the order of strings, and times",
    [
      ["strings by code point, not by UTF-16 unit", [where("data.name", ">", "\uff5e")], [7]],
      ["strings up to a code point", [where("data.name", "<=", "\uff5e")], [8, 10]],
      ["a string with a zero character", [where("data.name", "=", "a\u0000b")], [10]],
      ["a string that ends where another has a zero character", [where("data.name", "=", "a")], []],
      ["zero, which minus zero equals", [where("data.amount", "=", -0)], [10]],
      ["a time since long ago", [where("timestamp", ">", new Date(0))], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      ["a time before long ago", [where("timestamp", "<", "1970-01-01T00:00:00.000Z")], []],
    ],
  ],
];

/** The same for ids, which only one event of a stream can have. */
export const ID_CASES: (typeof FILTER_CASES)[number] = [
  "ids",
  [
    ["an id that is a key", [where("id", "=", "key-1")], [1]],
    ["an id that is a key in the form of a UUID", [where("id", "=", UUID_KEY)], [3]],
    ["the same UUID in upper case, which is another key", [where("id", "=", UUID_KEY.toUpperCase())], []],
    ["no event, by the id of none", [where("id", "=", "key-3")], []],
    ["some of several ids", [where("id", "in", ["key-1", UUID_KEY, "key-3", 1])], [1, 3]],
    ["an id and something else", [where("id", "in", ["key-1", "Key 2%"]), where("metadata.user", "=", "bob")], [2]],
    ["ids by prefix", [where("id", "prefix", "key-")], [1]],
    ["ids by a pattern", [where("id", "like", "_ey%")], [1, 2]],
    ["any id but one", [where("id", "!=", "key-1")], [2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ["ids in order", [where("id", ">=", "key-1")], [1]],
    ["ids between others", [where("id", ">", "A"), where("id", "<", "key-1")], [2]],
    ["an id as a number, which it is not", [where("id", "=", 1)], []],
  ],
];
