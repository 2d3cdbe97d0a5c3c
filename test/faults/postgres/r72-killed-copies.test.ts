import { copyFile } from "node:fs/promises";
import { test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, type PostgresServer } from "../../support/postgres-server.js";
import { sharedServer } from "../../support/postgres-stores.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir, type TempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { type CopiedPair, fillForCopies, killCopies } from "../support/killed-copies.js";

/** Makes the pairs of one test: from a file to a server, and from a server to a file. */
class Pairs {
  readonly #server: PostgresServer;
  readonly #folder: TempDir;
  readonly #laboratory: Laboratory;

  constructor(server: PostgresServer, folder: TempDir, laboratory: Laboratory) {
    this.#server = server;
    this.#folder = folder;
    this.#laboratory = laboratory;
  }

  get #originalFile(): string {
    return this.#folder.file("original.db");
  }

  /** Makes the stores that sources are copies of. */
  async fillOriginals(): Promise<void> {
    await this.#server.query("CREATE DATABASE original");
    await using inServer = await postgresStreamFactory(this.#server.url("original"));
    await fillForCopies(inServer);
    await using inFile = await sqliteStreamFactory(this.#originalFile);
    await fillForCopies(inFile);
  }

  async make(round: number): Promise<CopiedPair> {
    const { integer } = this.#laboratory;
    const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
    const file = { path: this.#folder.file(`round-${round}.db`), driver };
    const database = `round_${round}`;
    const intoServer = round % 2 === 0;
    await this.#server.query(`CREATE DATABASE ${database} TEMPLATE ${intoServer ? "template1" : "original"}`);
    if (intoServer) await copyFile(this.#originalFile, file.path);
    const stored = { url: this.#server.url(database) };
    return {
      source: intoServer ? file : stored,
      target: intoServer ? stored : file,
      [Symbol.asyncDispose]: async () => {
        await this.#server.query(`DROP DATABASE ${database} WITH (FORCE)`);
      },
    };
  }
}

if (NO_POSTGRES === null) {
  const server = sharedServer();

  faultTest(
    "R72 a copy into PostgreSQL or out of it that is killed at any statement goes on when it is called again, and is what its source is",
    { quick: 2, soak: 12 },
    async (laboratory) => {
      await using folder = await createTempDir();
      const pairs = new Pairs(await server(), folder, laboratory);
      await pairs.fillOriginals();
      await killCopies(laboratory, (round) => pairs.make(round));
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
