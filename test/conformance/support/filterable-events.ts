import type { CandidateEvent } from "../../../protocols/index.js";
import { UUID_KEY } from "./filter-cases.js";

/** The events that filters are tried on. Their versions, from 1 on, are what `FILTER_CASES` expects. */
export const FILTERABLE_EVENTS: readonly CandidateEvent[] = [
  {
    type: "Placed",
    data: { amount: 10, customer: { country: "DE" }, note: null, paid: true },
    metadata: { user: "ann", attempt: 1 },
    idempotencyKey: "key-1",
  },
  {
    type: "Placed",
    data: { amount: "10", customer: { country: "de" } },
    metadata: { user: "bob" },
    idempotencyKey: "Key 2%",
  },
  { type: "Order_Paid", data: { amount: 9.5, paid: false, tags: ["a", "b"], "tags.0": 1 }, idempotencyKey: UUID_KEY },
  { type: "Order%Sent", data: { amount: -1, note: "", customer: "DE" }, metadata: {} },
  { type: "back\\slash", data: new Uint8Array([1, 2, 3]) },
  { type: "placed", data: 10, metadata: { user: null } },
  { type: "Übergabe", data: { name: "\u{1f600}", amount: 1e21 } },
  {
    type: "OrderXPaid",
    data: { name: "\uff5e", "a b": 1, "it's": 2, 'say "x"': 3, $: 4, "x'||'y": 5, constructor: 7 },
  },
  { type: "Text\nof lines", data: ["amount", 10] },
  { type: "Zero", data: { amount: 0, name: "a\u0000b" } },
];
