export type { Forgotten } from "./forget.js";
export type { ForgetReport } from "./forget-report.js";
export type { KeyStore, KeyWrapping } from "./key-store.js";
export { type PersonalData, type PrivacyOptions, protectPersonalData } from "./protect-personal-data.js";
