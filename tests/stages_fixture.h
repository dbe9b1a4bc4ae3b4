/* One small case for every stage and preconditioner: a table's row says what is particular. */
#pragma once
#include <stdio.h>
#include <string.h>
#include "harness.h"
#include "pinn/optimizer.h"
#include "pinn/precond.h"

typedef struct {
  const char *stage, *keys, *network, *points, *rest;
} StageRow;

#define STAGE_SINES "type = \"random-features\"; features = 12; activation = \"sin\";"

/* The case of a row with so many points; `more` ends the text. Static storage. */
static inline const char *stage_text(const StageRow *row, int iterations, int interior, int conditions,
                                     const char *more)
{
  static char text[4096];
  snprintf(text, sizeof(text),
           "problem: { coordinates = [\"x\", \"t\"]; fields = [\"u\"]; exact: { u = \"sin(pi*x)*exp(-t)\"; };\n"
           "  equations = ({ residual = \"u_t - u_xx + u^3 - f\"; manufactured = \"f\"; });\n"
           "  conditions = ({ on = \"t = 0\"; residual = \"u - sin(pi*x)\"; }, { on = \"x = 0 | x = 1\"; residual = "
           "\"u\"; }); };\n"
           "domain: { lower = [0.0, 0.0]; upper = [1.0, 1.0]; };\n"
           "points: { interior = { count = %d; %s }; conditions = { count = %d; }; heldout = 20; };\n"
           "network: { %s };\n"
           "solver = ({ type = \"%s\"; iterations = %d; tolerance = 0.0; %s });\n%s\n%s\n",
           interior, row->points, conditions, row->network, row->stage, iterations, row->keys, more, row->rest);
  return text;
}

/* Is there a row of this stage whose keys hold the text? */
static inline bool stage_has_row(size_t n, const StageRow rows[], const char *stage, const char *keys)
{
  for (size_t k = 0; k < n; k++)
    if (!strcmp(rows[k].stage, stage) && strstr(rows[k].keys, keys)) return true;
  return false;
}

/* Every stage of the table has a row, and every preconditioner but those of `without` (NULL-terminated). */
static inline void stage_check_rows(size_t n, const StageRow rows[], const char *const without[])
{
  for (const Choice *stage = StageTable.rows; stage->name; stage++)
    ck_assert_msg(stage_has_row(n, rows, stage->name, ""), "no row of %s", stage->name);
  for (const Choice *precond = PrecondTable.rows; precond->name; precond++) {
    char key[64];
    bool left_out = false;
    snprintf(key, sizeof(key), "precond = \"%s\"", precond->name);
    for (const char *const *name = without; *name; name++) left_out |= !strcmp(*name, precond->name);
    ck_assert_msg(left_out || stage_has_row(n, rows, "gauss-newton-krylov", key), "no row of %s", precond->name);
  }
}
