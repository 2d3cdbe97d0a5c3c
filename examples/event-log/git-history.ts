import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { LogRecord } from "./log-record.js";
import { messageOf, Problem } from "./problem.js";

// The first-parent line only ever grows at its end, so a later import finds what it stored before in the same order.
const GIT_LOG = ["log", "--reverse", "--first-parent", "-m", "--no-renames", "--no-color", "--no-show-signature"];
const COMMIT_MARK = "\u0001";
const GIT_FORMAT = ["--name-status", "-z", "--format=%x01%H%x00%cI%x00%an%x00%s"];

const ACTIVITIES: Readonly<Record<string, string>> = {
  A: "FileAdded",
  M: "FileModified",
  D: "FileDeleted",
  T: "FileTypeChanged",
};

/**
 * The history of a git repository as a log: a file is a case, and a commit that touches it is an activity. Reads as it
 * is iterated.
 *
 * @param folder - where git looks for the repository
 * @throws Problem when there is no git, no repository or no commit
 */
export async function* readGitHistory(folder: string): AsyncGenerator<LogRecord> {
  const git = spawn("git", [...GIT_LOG, ...GIT_FORMAT], {
    cwd: folder,
    env: { ...process.env, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(git, "close").catch((error: unknown) => {
    throw new Problem(`Cannot run git (${messageOf(error)}). Install it, or name a log file`, { cause: error });
  });
  const complaint = text(git.stderr);
  // Both are awaited below, after the output has ended; until then nobody else listens.
  closed.catch(() => {});
  complaint.catch(() => {});
  try {
    yield* parseHistory(splitTokens(git.stdout.setEncoding("utf8")));
    const [exitCode] = await closed;
    if (exitCode !== 0) {
      const [reason = ""] = (await complaint).split("\n");
      throw new Problem(`Cannot read the git history of ${folder}: ${reason.replace(/^fatal: /, "")}`);
    }
  } finally {
    git.kill();
  }
}

interface Commit {
  readonly commit: string;
  readonly timestamp: string;
  readonly author: string;
  readonly subject: string;
}

async function* parseHistory(tokens: AsyncGenerator<string>): AsyncGenerator<LogRecord> {
  const next = async (): Promise<string> => (await tokens.next()).value ?? "";
  let commit: Commit = { commit: "", timestamp: "", author: "", subject: "" };
  for await (const token of tokens) {
    if (token.startsWith(COMMIT_MARK)) {
      commit = { commit: token.slice(1), timestamp: await next(), author: await next(), subject: await next() };
    } else if (token.trim() !== "") {
      yield toRecord(commit, token.trim(), await next());
    }
  }
}

function toRecord({ commit, timestamp, author, subject }: Commit, status: string, path: string): LogRecord {
  return {
    case: path,
    activity: ACTIVITIES[status] ?? `FileStatus${status}`,
    timestamp,
    ...(author === "" ? {} : { resource: author }),
    attributes: { commit, subject },
  };
}

/** Git ends every field with a NUL, which no path can contain. */
async function* splitTokens(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of chunks) {
    const tokens = (rest + chunk).split("\0");
    rest = tokens.pop() ?? "";
    yield* tokens;
  }
  if (rest !== "") yield rest;
}
