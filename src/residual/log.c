/* Events of PETSc's log. */
#include "pinn/rows.h"

PetscLogEvent RowsLogEvent(RowsEvent event)
{
  static const char *const names[] = {"RowsGather", "RowsReduce"};
  static PetscLogEvent events[ROWS_EVENTS];
  static bool registered;
  for (int k = 0; k < ROWS_EVENTS && !registered; k++)
    if (PetscLogEventRegister(names[k], PETSC_OBJECT_CLASSID, &events[k])) return 0;
  registered = true;
  return events[event];
}
