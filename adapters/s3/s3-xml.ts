import type { ListedBlob } from "../../protocols/index.js";

/** An etag as it is without the quotes of a header. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? "").replace(/^W\//, "").replace(/^"|"$/g, "");
}

/** The text of an element; undefined where there is none. */
export function elementText(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescapeXML(text);
}

/** A page of a listing. */
export interface ListedPage {
  readonly blobs: readonly ListedBlob[];
  /** What the next page is asked for with; undefined: it was the last one. */
  readonly next: string | undefined;
}

export function parseListing(xml: string): ListedPage {
  const isEncoded = elementText(xml, "EncodingType") === "url";
  const blobs: ListedBlob[] = [];
  for (const [, contents = ""] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
    const key = elementText(contents, "Key") ?? "";
    blobs.push({
      key: isEncoded ? decodeURIComponent(key.replaceAll("+", " ")) : key,
      size: Number(elementText(contents, "Size")),
      etag: plainEtag(elementText(contents, "ETag")),
    });
  }
  const isTruncated = elementText(xml, "IsTruncated") === "true";
  return { blobs, next: isTruncated ? elementText(xml, "NextContinuationToken") : undefined };
}

/** The parts of an upload, in order. */
export function partsXML(etags: readonly string[]): Uint8Array {
  const parts = etags.map(
    (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXML(etag)}</ETag></Part>`,
  );
  return Buffer.from(`<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXML(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (entity, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? entity;
  });
}

function escapeXML(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
