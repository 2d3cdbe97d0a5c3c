import { isDate, isMap, isSet } from "node:util/types";
import { MAX_JSON_DEPTH } from "../limits.js";
import { thrownValue } from "./thrown-value.js";

/** A value that JSON cannot carry without loss, and its path. */
export class JsonLossError extends Error {
  override readonly name = "JsonLossError";
  readonly path: string;

  constructor(path: string, reason: string) {
    super(reason);
    this.path = path;
  }
}

/** How much of the two ends of a long path a message shows. */
const SHOWN_BEGINNING = 60;
const SHOWN_END = 30;

/** A path for a message: of a long one its beginning and its end. */
export function shownPath(path: string): string {
  if (path.length <= 2 * SHOWN_BEGINNING) return path;
  return `${path.slice(0, SHOWN_BEGINNING)}...${path.slice(-SHOWN_END)}`.toWellFormed();
}

/**
 * Turns a value into JSON text, and refuses what would not come back equal.
 *
 * It differs from `JSON.stringify`, which drops undefined and functions, turns NaN into null and a Date into a string,
 * and writes -0 as 0. Each value is read exactly once, so that a getter cannot show one value to a check and another
 * to the text.
 *
 * @param root - what the value is called in the path of an error, such as `data`
 * @throws JsonLossError
 * @throws whatever a getter or a proxy throws
 */
export function toJsonText(value: unknown, root: string): string {
  try {
    return new JsonWriter(root).write(value, 0);
  } catch (error) {
    throw thrownValue(error);
  }
}

// Most strings need no escape, and then two quotes around them are the same text at a fraction of the cost.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quote(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

class JsonWriter {
  readonly #root: string;
  /** The keys and indexes on the path to the value that is being written. They become a path only in an error. */
  readonly #trail: (string | number)[] = [];
  /** The containers on that path: a cycle is a container that contains itself. */
  readonly #containers: object[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  write(value: unknown, depth: number): string {
    switch (typeof value) {
      case "string":
        return quote(value);
      case "number":
        return this.#writeNumber(value, depth);
      case "boolean":
        return value ? "true" : "false";
      case "object":
        return value === null ? "null" : this.#writeContainer(value, depth);
      default:
        throw this.#loss(depth, `${describeValue(value)} has no form in JSON; ${insteadOf(value)}`);
    }
  }

  #writeNumber(value: number, depth: number): string {
    if (!Number.isFinite(value)) throw this.#loss(depth, `${value} has no form in JSON; ${insteadOf(value)}`);
    return Object.is(value, -0) ? "-0" : `${value}`;
  }

  #writeContainer(container: object, depth: number): string {
    if (depth === MAX_JSON_DEPTH) throw this.#tooDeep(container, depth);
    if (Object.getOwnPropertySymbols(container).length > 0) {
      throw this.#loss(depth, "properties that are named by a symbol have no form in JSON");
    }
    this.#containers[depth] = container;
    if (Array.isArray(container)) return this.#writeArray(container, depth);
    if (isPlainObject(container)) return this.#writeObject(container, depth);
    throw this.#loss(depth, `${describeValue(container)} would come back as something else; ${insteadOf(container)}`);
  }

  #writeArray(array: readonly unknown[], depth: number): string {
    const { length } = array;
    if (Object.keys(array).length !== length) {
      throw this.#loss(depth, "an array with holes, or with properties of its own, would lose them");
    }
    let text = "[";
    for (let index = 0; index < length; index += 1) {
      this.#trail[depth] = index;
      text += (index === 0 ? "" : ",") + this.write(array[index], depth + 1);
    }
    return `${text}]`;
  }

  #writeObject(object: Readonly<Record<string, unknown>>, depth: number): string {
    let text = "{";
    for (const key of Object.keys(object)) {
      this.#trail[depth] = key;
      text += `${(text.length === 1 ? "" : ",") + quote(key)}:${this.write(object[key], depth + 1)}`;
    }
    return `${text}}`;
  }

  #loss(depth: number, reason: string): JsonLossError {
    const path = this.#trail.slice(0, depth).map(pathSegment).join("");
    return new JsonLossError(this.#root + path, reason);
  }

  #tooDeep(container: object, depth: number): JsonLossError {
    const first = this.#containers.indexOf(container);
    if (first < 0) return this.#loss(depth, `it is nested deeper than ${MAX_JSON_DEPTH} levels`);
    // The path goes once around the cycle, not as often as the limit allows.
    const second = this.#containers.indexOf(container, first + 1);
    return this.#loss(second < 0 ? depth : second, "it contains itself");
  }
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** A key or an index as a part of a path: `.items`, `[3]`. */
export function pathSegment(key: PropertyKey): string {
  if (typeof key !== "string") return `[${String(key)}]`;
  return IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** An object literal, also one without a prototype or from another realm. Instances of classes are none. */
export function isPlainObject(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

/** What to write instead of a value that JSON cannot carry. */
function insteadOf(value: unknown): string {
  if (value === undefined) return "write null, or leave the property out";
  if (typeof value === "number") return "write null or a string";
  if (typeof value === "bigint") return "write String(value)";
  if (isDate(value)) return "write its toISOString()";
  if (isMap(value)) return "write Object.fromEntries(map), or [...map]";
  if (isSet(value)) return "write [...set]";
  if (ArrayBuffer.isView(value)) return "write text such as base64; bytes can only be all of it, as a Uint8Array";
  return typeof value === "object" ? "write a plain object of what to keep, such as { ...value }" : "leave it out";
}

const LONGEST_SHOWN = 40;

/** Names a value for an error message, without repeating a long content. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length > LONGEST_SHOWN ? `a string of ${value.length} characters` : JSON.stringify(value);
    case "bigint":
      return "a BigInt";
    case "function":
    case "symbol":
      return `a ${typeof value}`;
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return `${value}`;
  }
}

/** What callers have of the library, by a method that nothing else has: they do not know the names of its classes. */
const KNOWN_BY: readonly (readonly [method: string, name: string])[] = [
  ["openStream", "a store"],
  ["loadSnapshot", "a stream handle"],
  ["require", "a transaction"],
];

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return "an array";
    const known = KNOWN_BY.find(([method]) => typeof (value as Record<string, unknown>)[method] === "function");
    if (known !== undefined) return known[1];
    const name: unknown = value.constructor?.name;
    return typeof name === "string" && name !== "" && name !== "Object" ? `an instance of ${name}` : "an object";
  } catch {
    return "an object that cannot be looked at";
  }
}
