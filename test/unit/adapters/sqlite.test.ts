import { describeSQLite } from "../../support/describe-sqlite.js";

describeSQLite("sqlite3");
