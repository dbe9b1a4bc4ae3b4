/* The equations that are measured. */
#include <string.h>
#include "bench.h"

const BenchPlan BenchPlans[] = {
    {"laplacian-2d", "\"x[2]\"", "laplacian(u) - 1", 2},
    {"laplacian-10d", "\"x[10]\"", "laplacian(u) - 1", 10},
    {"laplacian-100d", "\"x[100]\"", "laplacian(u) - 1", 100},
    {"kdv", "\"x\", \"t\"", "u_t + 6*u*u_x + u_xxx", 0},
    {"biharmonic-2d", "\"x[2]\"", "biharmonic(u) - 1", 0},
    {"laplacian-5d", "\"x[5]\"", "laplacian(u) - 1", 5},
    {"laplacian-20d", "\"x[20]\"", "laplacian(u) - 1", 20},
    {"laplacian-50d", "\"x[50]\"", "laplacian(u) - 1", 50},
    {"order-2", "\"x\"", "d(u, x, 2) - 1", 2},
    {"order-4", "\"x\"", "d(u, x, 4) - 1", 4},
    {"order-6", "\"x\"", "d(u, x, 6) - 1", 6},
    {"order-8", "\"x\"", "d(u, x, 8) - 1", 8},
    {NULL, NULL, NULL, 0},
};

const BenchPlan *BenchPlanFind(const char *name)
{
  for (const BenchPlan *plan = BenchPlans; plan->name; plan++)
    if (!strcmp(plan->name, name)) return plan;
  return NULL;
}
