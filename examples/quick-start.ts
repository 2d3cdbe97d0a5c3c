/** The first five minutes: open a database, write, read, watch. Run it again with the path that it prints to continue. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import { type Fold, handle } from "async-streams/commands";
import { filter, firstValueFrom } from "rxjs";

type BankEvent = { type: "Deposited"; data: { amount: number } } | { type: "Withdrawn"; data: { amount: number } };

// The state of an account: what its events come to.
const account: Fold<number, BankEvent> = {
  name: "account",
  initial: () => 0,
  evolve: (balance, { type, data }) => (type === "Deposited" ? balance + data.amount : balance - data.amount),
};

const path = process.argv[2] ?? join(await mkdtemp(join(tmpdir(), "quick-start-")), "bank.db");

await using streams = await sqliteStreamFactory(path);
await using stream = await streams.openStream<BankEvent>("account-42");

// Watch: an RxJS observable. It delivers every event from now on, whoever writes it.
const withdrawal = firstValueFrom(stream.watch().pipe(filter((event) => event.type === "Withdrawn")));

// Decide on the state, and write. If another writer comes in between, it is decided again.
await handle(streams, account, "account-42", () => ({ type: "Deposited", data: { amount: 100 } }));

// With an id, a command may be sent again when its answer was lost: it is stored once.
const commandId = crypto.randomUUID();
const withdraw = (balance: number) => (balance < 30 ? [] : ({ type: "Withdrawn", data: { amount: 30 } } as const));
await handle(streams, account, "account-42", withdraw, { commandId });
await handle(streams, account, "account-42", withdraw, { commandId });

// Read: the whole history, in order, in constant memory.
let balance = account.initial();
for await (const event of stream.read()) {
  balance = account.evolve(balance, event);
  console.log(`#${event.version}  ${event.type}  ${event.data.amount}  ->  balance ${balance}`);
}

console.log(`Watched live: ${(await withdrawal).type} ${(await withdrawal).data.amount}`);
console.log(`Stored in ${path}`);
