/** Sends a mail for each order: the process that main.ts starts, kills and starts again. */
import { sqliteStreamFactory } from "async-streams";
import { consume } from "async-streams/consumers";
import type { ShopEvent } from "./shop-event.js";

const [path, sinkURL] = process.argv.slice(2) as [string, string];

await using streams = await sqliteStreamFactory(path, { mode: "existing" });
await using mail = await consume<ShopEvent>(
  streams,
  {
    name: "mail",
    types: ["Ordered"],
    startFrom: "beginning",
    // The id of the event is the same at every attempt, so the mail service knows a mail that it has sent already.
    handle: async ({ id, data }, { signal }) => {
      const response = await fetch(sinkURL, {
        method: "POST",
        headers: { "idempotency-key": id },
        body: JSON.stringify({ to: data.email, subject: "Thank you for your order" }),
        signal,
      });
      if (!response.ok) throw new Error(`the mail service answered ${response.status}`);
    },
  },
  // A short lease, so that a killed process keeps the next one waiting only for a moment.
  { leaseMs: 1_000 },
);

process.send?.("running");
process.once("disconnect", () => void mail.stop());
await mail.ended;
