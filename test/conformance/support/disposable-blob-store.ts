import type { BlobStore } from "../../../protocols/index.js";

/** A store of blobs, and what releases what belongs to it. */
export type DisposableBlobStore = BlobStore & Partial<AsyncDisposable>;
