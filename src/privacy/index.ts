export type { ForgetReport, Forgotten } from "./forgotten.js";
export type { KeyStore, KeyWrapping } from "./key-store.js";
export { type PersonalData, type PrivacyOptions, protectPersonalData } from "./protect-personal-data.js";
