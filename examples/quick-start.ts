/** The first five minutes: open a database, write, read, watch. Run it again with the path that it prints to continue. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import { filter, firstValueFrom } from "rxjs";

type BankEvent = { type: "Deposited"; data: { amount: number } } | { type: "Withdrawn"; data: { amount: number } };

const path = process.argv[2] ?? join(await mkdtemp(join(tmpdir(), "quick-start-")), "bank.db");

await using streams = await sqliteStreamFactory(path);
await using account = await streams.openStream<BankEvent>("account-42");

// Watch: an RxJS observable. It delivers every event from now on, whoever writes it.
const withdrawal = firstValueFrom(account.watch().pipe(filter((event) => event.type === "Withdrawn")));

// Write: both events or none, and only if the stream is still at the version that this handle has seen.
await account.write(
  [
    { type: "Deposited", data: { amount: 100 } },
    { type: "Withdrawn", data: { amount: 30 } },
  ],
  { expectedVersion: account.version },
);

// Read: the whole history, in order, in constant memory.
let balance = 0;
for await (const event of account.read()) {
  balance += event.type === "Deposited" ? event.data.amount : -event.data.amount;
  console.log(`#${event.version}  ${event.type}  ${event.data.amount}  ->  balance ${balance}`);
}

console.log(`Watched live: ${(await withdrawal).type} ${(await withdrawal).data.amount}`);
console.log(`Stored in ${path}`);
