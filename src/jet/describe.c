/* Plans in words. */
#include <stdio.h>
#include <string.h>
#include "jet_impl.h"

/* Of more columns, or terms of a column, than the first number, a description lists the second and the last one. */
#define MOST_LISTED 16
#define LISTED      4

/* Text that is cut off at its end. */
typedef struct {
  char *text;
  size_t size, used;
} Line;

static void append(Line *line, const char *text)
{
  const size_t room = line->size - line->used, length = strlen(text);
  if (!room) return;
  snprintf(line->text + line->used, room, "%s", text);
  line->used += length < room ? length : room - 1;
}

/* `factor` is the text of the term's factor, NULL for none. */
static void append_term(Line *line, const JetOperator *op, int k, const char *const names[], const char *factor)
{
  char coef[32];
  const double c = op->coef[k];
  snprintf(coef, sizeof(coef), "%s%.3g%s", c < 0 ? "-" : "", c < 0 ? -c : c, factor ? "*" : " ");
  if (k && c > 0) append(line, "+");
  append(line, c == 1.0 ? "" : c == -1.0 ? "-" : coef);
  append(line, factor ? factor : "");
  append(line, factor ? "*" : "");
  for (int i = 0; i < op->index[k].order; i++) append(line, names[op->index[k].coord[i]]);
}

/* The text of a term's factor, NULL for none: the coordinate itself where it is not in the list. */
static const char *term_factor(JetPlan plan, int column, int k, const char *const names[], const char *const factors[])
{
  const JetOperator *op = &plan->op[column];
  const int factor = JetFactor(op, k), place = JetPlanFindFactor(plan, factor);
  if (factor < 0) return NULL;
  return place < plan->n_factor && plan->factors[place] == factor ? factors[place] : names[op->index[k].coord[0]];
}

static void describe_column(Line *line, JetPlan plan, int c, const char *const names[], const char *const factors[])
{
  const JetOperator *op = &plan->op[c];
  if (plan->plain[c]) {
    for (int i = 0; i < op->index[0].order; i++) append(line, names[op->index[0].coord[i]]);
    return;
  }
  for (int k = 0; k < op->n; k++) {
    if (op->n > MOST_LISTED && k == LISTED) append(line, "+...");
    if (op->n > MOST_LISTED && k >= LISTED && k + 1 < op->n) continue;
    append_term(line, op, k, names, term_factor(plan, c, k, names, factors));
  }
}

void JetPlanDescribe(JetPlan plan, const char *const names[], const char *const factors[], char *text, size_t size)
{
  const bool many = plan->n_column > MOST_LISTED;
  Line line = {text, size, 0};
  char count[32];
  if (size) text[0] = 0;
  snprintf(count, sizeof(count), "%d columns: ", plan->n_column);
  append(&line, many ? count : "");
  append(&line, "1");
  for (int c = 1; c < plan->n_column; c++) {
    if (many && c == LISTED) append(&line, ", ...");
    if (many && c >= LISTED && c + 1 < plan->n_column) continue;
    append(&line, ", ");
    describe_column(&line, plan, c, names, factors);
  }
}
