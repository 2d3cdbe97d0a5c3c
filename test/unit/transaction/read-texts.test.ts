import { expect, test } from "vitest";
import { ReadTexts } from "../../../src/adapter-kit/read-texts.js";

function countingTexts() {
  const read: string[] = [];
  const texts = new ReadTexts((text) => {
    read.push(text);
    if (text === "WRONG") throw new Error("refused");
    return { length: text.length };
  });
  return { texts, read };
}

test("a text that is used again is not read again", () => {
  const { texts, read } = countingTexts();
  expect([texts.of("SELECT 1"), texts.of("SELECT 2"), texts.of("SELECT 1")].map(({ length }) => length)).toEqual([
    8, 8, 8,
  ]);
  expect(read).toEqual(["SELECT 1", "SELECT 2"]);
});

test("a text that is refused is refused each time", () => {
  const { texts } = countingTexts();
  expect(() => texts.of("WRONG")).toThrow("refused");
  expect(() => texts.of("WRONG")).toThrow("refused");
});

test("the text that was not used for longest makes room for a new one", () => {
  const { texts, read } = countingTexts();
  const many = Array.from({ length: 64 }, (_, number) => `SELECT ${number}`);
  for (const text of [...many, "SELECT 0", "NEW", "SELECT 0", "SELECT 1"]) texts.of(text);
  expect(read).toEqual([...many, "NEW", "SELECT 1"]);
});

test("neither many texts nor long ones fill the memory", () => {
  const { texts, read } = countingTexts();
  const many = Array.from({ length: 65 }, (_, number) => `SELECT ${number}`);
  for (const text of [...many, "SELECT 0", "SELECT 64"]) texts.of(text);
  expect(read).toEqual([...many, "SELECT 0"]);

  const long = "x".repeat(4_097);
  for (const text of [long, long]) texts.of(text);
  expect(read.slice(-2)).toEqual([long, long]);
});
