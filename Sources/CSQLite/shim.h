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

// hit(entries_fts, titleWeight, bodyWeight, partsWeight, head, headBonus, first, count): how often
// phrases of the query stand in a row, weighted by column and for the first `head` words of the body.
// Only the phrases first ..< first + count count, so that one query can intersect two terms and tell
// them apart.
//
// All of it comes from the index: no text is read, and unlike bm25() no other row of a phrase is
// visited, which for a common word among 1,000,000 entries takes 750 ms. Nor is the row's length,
// which costs as much as the rest.
// Columns: 0 title, 1 body, 2 parts, 3 scope. Source: sqlite.org/fts5.html, "Custom auxiliary functions".
static void memoryd_fts5_hit(
    const Fts5ExtensionApi *api, Fts5Context *fts, sqlite3_context *context, int count,
    sqlite3_value **values) {
  double weights[3], bonus, frequency = 0;
  int head, first, last, code = SQLITE_OK;
  if (count != 7) {
    sqlite3_result_error(context, "hit: 7 arguments", -1);
    return;
  }
  for (int i = 0; i < 3; i++) weights[i] = sqlite3_value_double(values[i]);
  head = sqlite3_value_int(values[3]);
  bonus = sqlite3_value_double(values[4]);
  first = sqlite3_value_int(values[5]);
  last = first + sqlite3_value_int(values[6]);
  // xInst would first merge the places of all phrases.
  for (int phrase = first; code == SQLITE_OK && phrase < last; phrase++) {
    Fts5PhraseIter place;
    int column = -1, offset = 0;
    code = api->xPhraseFirst(fts, phrase, &place, &column, &offset);
    while (code == SQLITE_OK && column >= 0) {
      if (column < 3) frequency += weights[column] * (column == 1 && offset < head ? 1 + bonus : 1);
      api->xPhraseNext(fts, &place, &column, &offset);
    }
  }
  if (code != SQLITE_OK) {
    sqlite3_result_error_code(context, code);
    return;
  }
  sqlite3_result_double(context, frequency);
}

// Once for every connection that searches.
static inline int memoryd_sqlite3_add_hit(sqlite3 *db) {
  fts5_api *api = 0;
  sqlite3_stmt *statement = 0;
  int code = sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, 0);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_pointer(statement, 1, (void *)&api, "fts5_api_ptr", 0);
  sqlite3_step(statement);
  code = sqlite3_finalize(statement);
  if (code == SQLITE_OK && api) code = api->xCreateFunction(api, "hit", 0, memoryd_fts5_hit, 0);
  return code;
}

#endif
