import { describeSQLiteInFile } from "../../support/describe-sqlite.js";

describeSQLiteInFile("better-sqlite3");
