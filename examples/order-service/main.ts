/**
 * A service of orders over HTTP. See the README beside it. It stops at SIGINT and SIGTERM, once what it has begun is done.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { sqliteStreamFactory } from "async-streams";
import { typed } from "async-streams/events";
import { runProjections } from "async-streams/projections";
import { orderEvents } from "./order.js";
import { OrderService } from "./order-service.js";
import { orderTable } from "./order-table.js";

const { PORT = "8080", ORDERS_FILE = "orders.db" } = process.env;
const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);

await using streams = typed(await sqliteStreamFactory(ORDERS_FILE), orderEvents, { unknown: "skip" });
await using _runner = await runProjections(streams, [orderTable]);
await using service = await OrderService.over(streams);
service.server.listen(Number(PORT), "127.0.0.1");
await once(service.server, "listening");
console.log(`http://127.0.0.1:${(service.server.address() as AddressInfo).port}`);

await stopped;
