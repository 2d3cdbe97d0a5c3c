export { fileBlobs } from "./file-blobs.js";
