import { readFile, rm, writeFile } from "node:fs/promises";
import type { ENDINGS } from "./crashed-store.js";
import type { Laboratory } from "./fault-test.js";

type Dice = Pick<Laboratory, "random" | "integer">;

/** Changes the bytes of a file in place, or returns what is left of them. */
type Damage = (bytes: Buffer, dice: Dice) => Buffer;

const BLOCK_SIZES = [16, 512, 4_096, 4_096 + 24];

const DAMAGES: Readonly<Record<string, Damage>> = {
  "flipped bit": (bytes, { integer }) => {
    const place = integer(0, bytes.length - 1);
    bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << integer(0, 7)), place);
    return bytes;
  },
  "overwritten run": (bytes, { random, integer }) => {
    const start = integer(0, bytes.length - 1);
    const end = Math.min(bytes.length, start + integer(1, random() < 0.5 ? 16 : 6_000));
    // Some runs become zeros, as a disk that lost a block gives them back.
    const isZero = random() < 0.4;
    for (let place = start; place < end; place += 1) bytes.writeUInt8(isZero ? 0 : integer(0, 255), place);
    return bytes;
  },
  "cut end": (bytes, { integer }) => bytes.subarray(0, integer(0, bytes.length - 1)),
  "swapped blocks": (bytes, { integer }) => {
    const size = BLOCK_SIZES[integer(0, BLOCK_SIZES.length - 1)] as number;
    const blocks = Math.floor(bytes.length / size);
    const [one, other] = [integer(0, blocks - 1) * size, integer(0, blocks - 1) * size];
    const kept = Buffer.from(bytes.subarray(one, one + size));
    bytes.copy(bytes, one, other, other + size);
    kept.copy(bytes, other);
    return bytes;
  },
};

/** One damaged file of a store. */
export interface DamageDone {
  readonly file: (typeof ENDINGS)[number];
  readonly kind: string;
}

/** Most damage goes where the content is. */
const FILES: readonly DamageDone["file"][] = ["", "", "", "", "-wal", "-wal", "-wal", "-wal", "-head", "-shm"];

/** Damages one file of a store at random. */
export async function damageStore(path: string, dice: Dice): Promise<DamageDone> {
  const file = FILES[dice.integer(0, FILES.length - 1)] as DamageDone["file"];
  // A store without its database file is a new one, and says so by being empty.
  if (file !== "" && dice.random() < 0.1) {
    await rm(path + file);
    return { file, kind: "removed file" };
  }
  const names = Object.keys(DAMAGES);
  const kind = names[dice.integer(0, names.length - 1)] as string;
  const bytes = await readFile(path + file);
  await writeFile(path + file, DAMAGES[kind]?.(bytes, dice) ?? bytes);
  return { file, kind };
}
