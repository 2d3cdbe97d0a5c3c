import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { TextDecoder } from "node:util";
import { createGunzip } from "node:zlib";
import { type LogRecord, parseRecord } from "./log-record.js";
import { messageOf, Problem } from "./problem.js";

const MAX_LINE_CHARACTERS = 16 * 1024 * 1024;

/**
 * The records of a log file: one JSON object a line, plain or gzipped (`.gz`). Reads as it is iterated, so a log may be
 * larger than memory.
 *
 * @throws Problem that names the file, and the line where there is one
 */
export async function* readLog(path: string): AsyncGenerator<LogRecord> {
  let lineNumber = 0;
  for await (const line of readLines(path)) {
    lineNumber += 1;
    if (line.trim() !== "") yield parseRecord(line, `${path}, line ${lineNumber}`);
  }
}

async function* readLines(path: string): AsyncGenerator<string> {
  // Fatal, because bytes that are not UTF-8 would otherwise be stored as replacement characters.
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let lineCount = 0;
  for await (const chunk of readChunks(path)) {
    const lines = (rest + decode(decoder, chunk, `${path}, after line ${lineCount}`)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    lineCount += lines.length;
    if (rest.length > MAX_LINE_CHARACTERS) {
      throw new Problem(`${path}, line ${lineCount + 1}: longer than ${MAX_LINE_CHARACTERS} characters; is it NDJSON?`);
    }
  }
  rest += decode(decoder, undefined, `${path}, after line ${lineCount}`);
  if (rest !== "") yield rest;
}

function decode(decoder: TextDecoder, chunk: Buffer | undefined, where: string): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (error) {
    throw new Problem(`${where}: not UTF-8 text`, { cause: error });
  }
}

async function* readChunks(path: string): AsyncGenerator<Buffer> {
  try {
    yield* openFile(path);
  } catch (error) {
    throw new Problem(`Cannot read the log ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function openFile(path: string): Readable {
  const file = createReadStream(path);
  if (!path.endsWith(".gz")) return file;
  // `pipeline`, unlike `pipe`, hands an error of the file on and closes it when the reader stops early. The callback is
  // there because it has to be: the error reaches the one who iterates.
  return pipeline(file, createGunzip(), () => {});
}
