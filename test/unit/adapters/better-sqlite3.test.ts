import { describeSQLite } from "../../support/describe-sqlite.js";

describeSQLite("better-sqlite3");
