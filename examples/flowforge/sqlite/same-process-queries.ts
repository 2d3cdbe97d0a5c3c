import type { TransactionalStreamFactory } from "async-streams";
import type { QueryArgs, QueryLimits, Row, WindowQueryPort } from "../ports.js";
import { limitedQuery } from "./limited-query.js";

/** Window queries over a database in memory, for tests of windows: no other process could see it. */
export class SameProcessQueries implements WindowQueryPort {
  readonly #streams: TransactionalStreamFactory;
  readonly #limits: QueryLimits;

  constructor(streams: TransactionalStreamFactory, limits: QueryLimits) {
    this.#streams = streams;
    this.#limits = limits;
  }

  query(args: QueryArgs): Promise<Row[]> {
    return limitedQuery(this.#streams, args, this.#limits);
  }

  async close(): Promise<void> {}
}
