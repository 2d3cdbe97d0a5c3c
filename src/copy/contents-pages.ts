import type { ContentsItems, ContentsPart } from "../../protocols/index.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS } from "../limits.js";
import { PART_RULES } from "./part-rules.js";

/** Cuts items that are in memory into pages. */
export function* contentsPages<Part extends ContentsPart>(
  part: Part,
  items: Iterable<ContentsItems[Part]>,
): Generator<readonly ContentsItems[Part][], void> {
  const { bytesOf } = PART_RULES[part];
  let page: ContentsItems[Part][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (page.length === MAX_COPY_PAGE_ITEMS || (page.length > 0 && bytes + size > MAX_COPY_PAGE_BYTES)) {
      yield page;
      page = [];
      bytes = 0;
    }
    page.push(item);
    bytes += size;
  }
  if (page.length > 0) yield page;
}
