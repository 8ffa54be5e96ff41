#ifndef MEMORYD_CSQLITE_SHIM_H
#define MEMORYD_CSQLITE_SHIM_H

#include <sqlite3.h>

// sqlite3_db_config is variadic, and Swift cannot call variadic C functions.
static inline int memoryd_sqlite3_set_no_checkpoint_on_close(sqlite3 *db, int enabled) {
  return sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, enabled, (int *)0);
}

// Counting every allocation under a lock costs a bulk insert a twentieth. Only before SQLite's
// first use; later calls change nothing.
static inline int memoryd_sqlite3_stop_counting_memory(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

#endif
