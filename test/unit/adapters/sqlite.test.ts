import { describeSQLiteInFile } from "../../support/describe-sqlite.js";

describeSQLiteInFile("sqlite3");
