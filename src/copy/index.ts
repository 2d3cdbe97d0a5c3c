export { type CopyOptions, type CopyProgress, type CopyReport, copyStore } from "./copy-store.js";
