import { type } from "arktype";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { stepsOf } from "../../../src/events/event-versions.js";
import { type EventTypes, event, type StandardSchema, typed } from "../../../src/events/index.js";

const argumentError = (argument: string) => expect.objectContaining({ code: "INVALID_ARGUMENT", argument });

describe("the versions of an event type", () => {
  test("are counted, and never change", () => {
    const first = event<{ a: string }>();
    const second = first.next(({ a }) => ({ b: a }));
    const third = second.next(z.object({ c: z.string() }), ({ b }) => ({ c: b }));
    expect([first, second, third].map(({ current }) => current)).toEqual([1, 2, 3]);
  });

  test("have personal fields of their own, which count no version", () => {
    const versions = event<{ id: string; email: string | null; phone: string | null }>()
      .personal("data.id", ["email"])
      .personal("data.other", ["phone"])
      .next(({ id, email }) => ({ id, mail: email }))
      .next((data) => data)
      .personal("data.id", ["mail"]);
    expect(versions.current).toBe(3);
    expect(stepsOf("versions", versions).map(({ personal }) => personal)).toEqual([
      [
        { subject: "data.id", fields: ["email"] },
        { subject: "data.other", fields: ["phone"] },
      ],
      [],
      [{ subject: "data.id", fields: ["mail"] }],
    ]);
  });

  test("are made of schemas and functions, and nothing else", () => {
    const first = event<unknown>();
    const schema = type({ a: "string" });
    const not = <T>(value: unknown): T => value as T;
    expect(() => event(not<StandardSchema>({}))).toThrow(argumentError("schema"));
    expect(() => event(not<StandardSchema>(null))).toThrow(argumentError("schema"));
    expect(() => first.next(not<StandardSchema>({ "~standard": 1 }), (data) => data)).toThrow(argumentError("schema"));
    expect(() => first.next(not<() => unknown>(undefined))).toThrow(argumentError("upcast"));
    // A schema of this library is a function.
    expect(() => first.next(not<() => unknown>(schema))).toThrow(argumentError("upcast"));
    expect(first.next(schema, () => ({ a: "" })).current).toBe(2);
    expect(() => first.personal("", [])).toThrow(argumentError("subject"));
    expect(() => first.personal("data.id", not<never[]>("email"))).toThrow(argumentError("fields"));
    expect(() => first.personal("data.id", not<never[]>([1]))).toThrow(argumentError("fields"));
  });
});

describe("a catalogue", () => {
  const streams = memoryStreamFactory();
  const not = (value: unknown): EventTypes => value as EventTypes;

  test.each<[string, () => unknown, string]>([
    ["no object", () => typed(streams, not([])), "types"],
    ["null", () => typed(streams, not(null)), "types"],
    ["something else than versions", () => typed(streams, not({ A: {} })), "types.A"],
    ["no versions", () => typed(streams, not({ A: null })), "types.A"],
    ["a type of the library", () => typed(streams, { "@deleted": event() }), "types"],
    ["a type that every catalogue lets pass", () => typed(streams, { SubjectForgotten: event() }), "types"],
    ["a type without a name", () => typed(streams, { "": event() }), "types"],
    ["an unknown option", () => typed(streams, {}, { strict: true } as object), "strict"],
    ["another way with unknown types", () => typed(streams, {}, { unknown: "ignore" } as object), "unknown"],
    ["a flag that is none", () => typed(streams, {}, { validateReads: 1 } as object), "validateReads"],
    ["no store", () => typed({} as typeof streams, {}), "streams"],
  ])("is refused: %s", (_what, call, argument) => {
    expect(call).toThrow(argumentError(argument));
  });

  test("is taken as it is when the store is typed", async () => {
    const types = { A: event<number>() } as Record<string, EventTypes[string]>;
    const view = typed(memoryStreamFactory(), types);
    delete types.A;
    await (await view.openStream("a")).write({ type: "A", data: 1 });
  });
});
