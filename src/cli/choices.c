#include "cli_impl.h"
#include "pinn/device.h"

static const Choice backend_rows[] = {
    {"cpu", "the processor's cores, through BLAS and OpenMP", NULL},
#ifdef PINN_HAVE_CUDA
    {"cuda", "rows and their derivatives on an NVIDIA GPU, one a rank; reports on the processor", &DeviceCUDA},
#endif
    {NULL, NULL, NULL},
};
const ChoiceTable BackendTable = {"backend", "where the arithmetic is done", backend_rows};

const ChoiceTable *const ChoiceTables[] = {&FunctionTable,   &DataTable,
                                           &DomainTable,     &RadialTable,
                                           &SamplerTable,    &NetworkTable,
                                           &ActivationTable, &FeatureLawTable,
                                           &QuadraticTable,  &PrecisionTable,
                                           &ProductsTable,   &EstimatorTable,
                                           &LawTable,        &AdaptTable,
                                           &BalanceTable,    &PrecondTable,
                                           &StageTable,      &ScheduleTable,
                                           &BaseTable,       &MethodTable,
                                           &KrylovTable,     &DampingTable,
                                           &LengthTable,     &OutputOnTable,
                                           &BackendTable,    NULL};
