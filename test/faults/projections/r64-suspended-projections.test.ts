import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { whenProcessed } from "../../../projections.js";
import type { NodeProcess } from "../../support/node-process.js";
import type { ProjectingConfig } from "../fixtures/projecting-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { openStoreAt } from "../support/store-address.js";
import { deposit, sumsOfEvents, sumsOfTable } from "../support/sums-projection.js";

const BACKENDS = backendsHere();

const LEASE_MS = 600;
const PATIENCE = { timeout: 50_000, interval: 20 };
const BATCH_SIZE = 10;

const start = (config: Omit<ProjectingConfig, "leaseMs" | "isInline" | "isTelling">): NodeProcess =>
  startFixture("projecting-process.ts", {
    args: [JSON.stringify({ ...config, leaseMs: LEASE_MS, isInline: false, isTelling: true })],
  });

/** What a process has said last of its state. */
const stateOf = ({ lines }: NodeProcess): string | undefined =>
  lines.findLast((line) => ["standby", "building", "live", "failed"].includes(line));

for (const backend of BACKENDS) {
  faultTest(
    `R64 a projection over ${backend.name} has each event once, although its process is suspended with a batch for longer than its lease`,
    { quick: 2, soak: 20 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        const at = round % 2 === 0 ? "read" : "project";
        // A transaction in a file holds its lock also while its process is suspended.
        const isTakenOver = at === "read" || backend.name === "PostgreSQL";
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const before = await deposit(streams, integer(1, 9));
        await using holder = start({ address, version: 1, held: { at, position: before + 1 } });
        await holder.waitFor(() => stateOf(holder) === "live");
        await whenProcessed(streams, "sums", before);
        const batch = await deposit(streams, integer(1, 9));
        await holder.waitFor(() => holder.lines.includes("held"));
        holder.signal("SIGSTOP");
        await using successor = start({ address, version: 1 });
        if (isTakenOver) await whenProcessed(streams, "sums", batch, { timeoutMs: PATIENCE.timeout });
        else await delay(2 * LEASE_MS);

        holder.say("go on");
        holder.signal("SIGCONT");
        const states = () => [stateOf(holder), stateOf(successor)];
        if (isTakenOver) await expect.poll(states, PATIENCE).toEqual(["standby", "live"]);
        else await expect.poll(() => states().sort(), PATIENCE).toEqual(["live", "standby"]);
        const last = await deposit(streams, integer(1, 9));
        await whenProcessed(streams, "sums", last, { timeoutMs: PATIENCE.timeout });
        expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
        count(at === "read" ? "suspended in front of the transaction" : "suspended in the transaction");
      }
    },
  );

  faultTest(
    `R64 a projection over ${backend.name} has each event once, although its process takes its own lease back that expired with a batch`,
    { quick: 2, soak: 20 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        const at = round % 2 === 0 ? "read" : "project";
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const before = await deposit(streams, integer(1, 9));
        await using holder = start({ address, version: 1, held: { at, position: before + 1 } });
        await holder.waitFor(() => stateOf(holder) === "live");
        await deposit(streams, integer(1, 9));
        await holder.waitFor(() => holder.lines.includes("held"));
        const begun = holder.lines.length;
        holder.signal("SIGSTOP");
        await delay(2 * LEASE_MS);
        holder.signal("SIGCONT");
        // The time of its transaction is over: it begins the batch again before the former attempt at it goes on.
        const isBegunAgain = () => holder.lines.slice(begun).some((line) => line.startsWith("batch "));
        if (at === "project") await holder.waitFor(isBegunAgain);
        holder.say("go on");
        const last = await deposit(streams, integer(1, 9));
        await whenProcessed(streams, "sums", last, { timeoutMs: PATIENCE.timeout });
        expect(stateOf(holder)).toBe("live");
        expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
        count(at === "read" ? "suspended in front of the transaction" : "suspended in the transaction");
      }
    },
  );

  faultTest(
    `R64 a version that is built over ${backend.name} goes on where it was when its process was killed`,
    { quick: 1, soak: 10 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        let last = 0;
        for (let write = 0; write < 10; write += 1) last = await deposit(streams, integer(1, 9));
        await using shown = start({ address, version: 1 });
        await whenProcessed(streams, "sums", last);
        const position = integer(3 * BATCH_SIZE, last - BATCH_SIZE);
        const next = { address, version: 2, batchSize: BATCH_SIZE };
        await using killed = start({ ...next, held: { at: "project", position } });
        await killed.waitFor(() => killed.lines.includes("held"));
        await killed.kill();
        const batches = ({ lines }: NodeProcess) => lines.filter((line) => line.startsWith("batch "));
        const interrupted = batches(killed).at(-1);

        await using heir = start(next);
        await heir.waitFor(() => stateOf(heir) === "live");
        expect(batches(heir)[0]).toBe(interrupted);
        expect(stateOf(shown)).toBe("live");
        expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
        count("events that were not projected again", position);
      }
    },
  );
}
