import { expect } from "vitest";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import type { StreamFactory, TransactionalStreamFactory } from "../../../protocols/index.js";
import { type PersonalData, protectPersonalData } from "../../../src/privacy/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import type { ForgettingConfig } from "../fixtures/forgetting-process.js";
import type { Laboratory } from "./fault-test.js";
import { startFixture } from "./fixture.js";
import { PERSONAL_TYPES, TEST_MASTER_KEY } from "./personal-events.js";
import type { StoreAddress } from "./store-address.js";

/** About how many statements a process makes, over either kind of store. */
const MAX_STATEMENT = 70;
const PERSONS = 8;
const PROCESSES = 2;

/** A new store, and the key store beside it. */
export interface ForgettingStore {
  readonly address: StoreAddress;
  readonly keyPath: string;
  open(driver: DriverName): Promise<TransactionalStreamFactory>;
  /** The files of the store that have a text. */
  filesWith(text: string): Promise<readonly string[]>;
}

/**
 * Kills processes that forget persons at their statements. Who was to be forgotten is erased or as before, a second call
 * finishes it, and nobody who was forgotten begins a new life.
 */
export async function killForgetting(
  { rounds, random, integer, count }: Laboratory,
  makeStore: (round: number) => Promise<ForgettingStore>,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const { address, keyPath, open, filesWith } = await makeStore(round);
    const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
    const processes = Array.from({ length: PROCESSES }, (_, index) => {
      const kill = { killAt: integer(1, MAX_STATEMENT), isAfter: random() < 0.5 };
      const config: ForgettingConfig = { address, keyPath, driver, first: index * PERSONS, persons: PERSONS, ...kill };
      return startFixture("forgetting-process.ts", { args: [JSON.stringify(config)] });
    });
    const lines: string[] = [];
    for (const process of processes) {
      const { exitCode, stderr } = await process.ended;
      expect([exitCode ?? 0, stderr]).toEqual([0, ""]);
      count("kills", exitCode === null ? 1 : 0);
      lines.push(...process.lines);
    }
    const [written, forgotten] = [numbersIn(lines, "written"), numbersIn(lines, "forgotten")];
    const begun = numbersIn(lines, "forgetting").filter((person) => !forgotten.includes(person));

    await using base = await open(driver);
    await using keys = await sqliteKeyStore(keyPath, TEST_MASTER_KEY, { driver });
    const streams = protectPersonalData(base, PERSONAL_TYPES, keys, { keyTtlMs: 0 });
    const emails = await emailsIn(streams);
    for (const person of written) {
      const email = `person-${person}@example.org`;
      if (forgotten.includes(person)) expect(emails.get(person)).toBeNull();
      else if (begun.includes(person)) expect([null, email]).toContain(emails.get(person));
      else expect(emails.get(person)).toBe(email);
    }
    // Called again, it comes to its end, and there is one event of it.
    for (const person of [...forgotten, ...begun]) {
      const { position } = await streams.forget(`${person}`);
      expect(await streams.forget(`${person}`)).toEqual({ position });
      expect(await keys.get(`${person}`, true)).toBe("forgotten");
      await expectNoNewLife(streams, person);
      expect(await streams.forgetReport(`${person}`)).toMatchObject({ keyDestroyed: true, openable: 0 });
    }
    expect(await auditIn(base)).toBe(forgotten.length + begun.length);
    expect(await filesWith("@example.org")).toEqual([]);
    count("forgotten", forgotten.length);
    count("cut off", begun.length);
  }
}

/** The numbers that a process printed after a word. */
const numbersIn = (lines: readonly string[], word: string): number[] =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(" ")[1]));

/** What readers get: the mail address of each person. */
async function emailsIn(streams: StreamFactory): Promise<ReadonlyMap<number, string | null>> {
  const emails = new Map<number, string | null>();
  await using stream = await streams.openStream<{ type: "Registered"; data: { person: string; email: string | null } }>(
    "persons",
  );
  for await (const { data } of stream.read()) emails.set(Number(data.person), data.email);
  return emails;
}

async function auditIn(streams: StreamFactory): Promise<number> {
  await using audit = await streams.openStream("personal-data");
  return audit.version;
}

/** A late retry of a write begins no new life. */
async function expectNoNewLife(streams: StreamFactory & PersonalData, person: number): Promise<void> {
  await using stream = await streams.openStream("persons");
  const data = { person: `${person}`, email: `person-${person}@example.org` };
  await expect(stream.write({ type: "Registered", data, idempotencyKey: `${person}` })).rejects.toMatchObject({
    code: "SUBJECT_FORGOTTEN",
  });
}
