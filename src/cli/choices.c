#include "cli_impl.h"

const ChoiceTable BackendTable = {
    "backend", "where the arithmetic is done",
    (const Choice[]){{"cpu", "the processor's cores, through BLAS and OpenMP", NULL}, {NULL, NULL, NULL}}};

const ChoiceTable *const ChoiceTables[] = {&FunctionTable,  &DataTable,    &DomainTable,     &RadialTable,
                                           &SamplerTable,   &NetworkTable, &ActivationTable, &PrecisionTable,
                                           &EstimatorTable, &LawTable,     &PrecondTable,    &StageTable,
                                           &ScheduleTable,  &BaseTable,    &MethodTable,     &KrylovTable,
                                           &DampingTable,   &LengthTable,  &BackendTable,    NULL};
