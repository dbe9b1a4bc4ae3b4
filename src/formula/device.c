/* Programs on devices: the dynamic tape as arrays of numbers there, and its work space. What does not depend on the
   network is computed by the host, once a set of points. */
#include "pinn/memory.h"
#include "pinn/series.h"
#include "program_impl.h"

struct ProgramDevice_s {
  const Device *device;
  DeviceProgram program;
  DevicePoints points; /* its work space */
  int n_table;
  DeviceTables *tables;
  void *memory[8];
  int n_memory;
};

/* The tape as it grows. */
typedef struct {
  int n_start, n_entry, n_place;
  DeviceStep *steps;
  DeviceEntry *entries;
  int *starts, *columns;
  double *scales;
} Encoding;

static const int areas[] = {[AREA_ONE] = DEVICE_ONE,
                            [AREA_X] = DEVICE_X,
                            [AREA_NORMAL] = DEVICE_NORMAL,
                            [AREA_STATIC] = DEVICE_STATIC,
                            [AREA_VALUE] = DEVICE_VALUE};
static const int kinds[] = {
    [STEP_LOAD] = DEVICE_LOAD,         [STEP_COMBINE] = DEVICE_COMBINE, [STEP_PRODUCT] = DEVICE_PRODUCT,
    [STEP_FUNCTION] = DEVICE_FUNCTION, [STEP_COMPARE] = DEVICE_COMPARE, [STEP_SELECT] = DEVICE_SELECT};
static const int relations[] = {[RELATION_LT] = DEVICE_LT, [RELATION_LE] = DEVICE_LE, [RELATION_GT] = DEVICE_GT,
                                [RELATION_GE] = DEVICE_GE, [RELATION_EQ] = DEVICE_EQ, [RELATION_NE] = DEVICE_NE};

static void count_operand(const Combination *c, Encoding *sizes)
{
  sizes->n_start += c->n_column + 1;
  sizes->n_entry += c->start[c->n_column];
}

static Encoding sizes_of(const Tape *tape)
{
  Encoding sizes = {0};
  for (int i = 0; i < tape->n; i++) {
    const Step *step = &tape->steps[i];
    for (int k = 0; k < step->n_arg; k++) count_operand(&step->arg[k], &sizes);
    if (step->kind == STEP_LOAD) sizes.n_place += step->n_column;
  }
  count_operand(&tape->results, &sizes);
  return sizes;
}

static DeviceOperand encode_operand(const Combination *c, Encoding *to)
{
  const DeviceOperand operand = {c->n_column, to->n_start, c->varies, c->direct, c->copy};
  for (int k = 0; k <= c->n_column; k++) to->starts[to->n_start++] = to->n_entry + c->start[k];
  for (int e = 0; e < c->start[c->n_column]; e++)
    to->entries[to->n_entry++] = (DeviceEntry){areas[c->entry[e].area], c->entry[e].index, c->entry[e].coef};
  return operand;
}

static int number_of_tables(const Program program, const KernelTables *tables)
{
  for (int k = 0; k < program->n_cached; k++)
    if (JetPlanTables(program->cached[k].plan) == tables) return k;
  return -1;
}

static void encode_step(const Program program, const Step *step, DeviceStep *code, Encoding *to)
{
  *code = (DeviceStep){
      kinds[step->kind], step->n_column, step->value,     step->slope,      -1, -1, relations[step->relation],
      step->output,      to->n_place,    step->parameter, {{0, 0, 0, 0, 0}}};
  for (int k = 0; k < step->n_arg; k++) code->arg[k] = encode_operand(&step->arg[k], to);
  if (step->kind == STEP_PRODUCT || step->kind == STEP_FUNCTION) code->tables = number_of_tables(program, step->tables);
  if (step->kind == STEP_FUNCTION) code->function = SeriesNumber(step->series);
  for (int c = 0; step->kind == STEP_LOAD && c < step->n_column; c++) {
    to->columns[to->n_place] = step->column[c];
    to->scales[to->n_place++] = step->scale[c];
  }
}

static PetscErrorCode keep(ProgramDevice d, size_t bytes, const void *from, void **memory)
{
  PetscFunctionBegin;
  PetscCall(DeviceAllocate(d->device, bytes, from, memory));
  d->memory[d->n_memory++] = *memory;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode encode(ProgramDevice d, const Program program)
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  Encoding sizes = sizes_of(tape), to = {0};
  void *memory;
  PetscFunctionBegin;
  PetscCall(PetscCalloc5(tape->n, &to.steps, sizes.n_entry, &to.entries, sizes.n_start, &to.starts, sizes.n_place,
                         &to.columns, sizes.n_place, &to.scales));
  for (int i = 0; i < tape->n; i++) encode_step(program, &tape->steps[i], &to.steps[i], &to);
  d->program.results = encode_operand(&tape->results, &to);
  PetscCall(keep(d, (size_t)tape->n * sizeof(DeviceStep), to.steps, &memory));
  d->program.steps = memory;
  PetscCall(keep(d, (size_t)sizes.n_entry * sizeof(DeviceEntry), to.entries, &memory));
  d->program.entries = memory;
  PetscCall(keep(d, (size_t)sizes.n_start * sizeof(int), to.starts, &memory));
  d->program.starts = memory;
  PetscCall(keep(d, (size_t)sizes.n_place * sizeof(int), to.columns, &memory));
  d->program.columns = memory;
  PetscCall(keep(d, (size_t)sizes.n_place * sizeof(double), to.scales, &memory));
  d->program.scales = memory;
  PetscCall(PetscFree5(to.steps, to.entries, to.starts, to.columns, to.scales));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The tables themselves with the transposes behind them, all on the device. */
static PetscErrorCode put_tables(ProgramDevice d, const Program program, size_t *n_power)
{
  const size_t n = (size_t)program->n_cached;
  KernelTables *tables;
  KernelProduct *transposes;
  char *packed;
  void *memory;
  PetscFunctionBegin;
  *n_power = 0;
  d->n_table = program->n_cached;
  PetscCall(PetscCalloc1(n, &d->tables));
  PetscCall(PetscMalloc1(n * (sizeof(KernelTables) + sizeof(KernelProduct)) + 1, &packed));
  tables = (KernelTables *)packed;
  transposes = (KernelProduct *)(packed + n * sizeof(KernelTables));
  PetscCall(keep(d, n * (sizeof(KernelTables) + sizeof(KernelProduct)), NULL, &memory));
  for (size_t k = 0; k < n; k++) {
    PetscCall(DeviceTablesCreate(d->device, JetPlanTables(program->cached[k].plan), 0, &d->tables[k]));
    tables[k] = *DeviceTablesAt(d->tables[k], 1, 0);
    transposes[k] = *tables[k].product.transpose;
    tables[k].product.transpose = (KernelProduct *)((char *)memory + n * sizeof(KernelTables)) + k;
    if (tables[k].order > 2) *n_power = PetscMax(*n_power, (size_t)((tables[k].order - 2) * tables[k].n_lower));
  }
  d->device->put(memory, packed, n * (sizeof(KernelTables) + sizeof(KernelProduct)));
  d->program.tables = memory;
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns of the work space: values, their duals, auxiliary ones, two operands, powers. */
static void work_columns(const Program program, size_t n_power, size_t columns[5])
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  columns[0] = columns[1] = (size_t)tape->n_value;
  columns[2] = (size_t)tape->n_aux;
  columns[3] = 2 * (size_t)tape->most_columns;
  columns[4] = n_power;
}

double ProgramDeviceBytes(Program program, int max_point)
{
  size_t columns[5], n_power = 0, n = 0;
  for (int k = 0; k < program->n_cached; k++) {
    const KernelTables *tables = JetPlanTables(program->cached[k].plan);
    if (tables->order > 2) n_power = PetscMax(n_power, (size_t)((tables->order - 2) * tables->n_lower));
  }
  work_columns(program, n_power, columns);
  for (int k = 0; k < 5; k++) n += columns[k];
  return (double)n * max_point * sizeof(double);
}

static PetscErrorCode check(const Program program)
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  PetscFunctionBegin;
  PinnUserCheck(program->n_draw <= 1, "estimators with two draws are not there on a device");
  for (int i = 0; i < tape->n; i++)
    PinnUserCheck(tape->steps[i].kind != STEP_LOOP, "a sum over many terms of a field is not there on a device");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramDeviceCreate(const Device *device, Program program, int n_output, int max_point,
                                   ProgramDevice *created)
{
  const Tape *tape = &program->tapes[TAPE_DYNAMIC];
  size_t n_power, columns[5];
  double **work[5];
  ProgramDevice d;
  PetscFunctionBegin;
  PetscCall(check(program));
  PetscCall(PetscNew(&d));
  *created = d;
  d->device = device;
  d->program = (DeviceProgram){.n_step = tape->n,
                               .n_value = tape->n_value,
                               .n_root = program->n_root,
                               .n_coord = program->n_coord,
                               .n_output = n_output,
                               .n_net_column = JetPlanColumns(program->plan),
                               .selects = tape->selects};
  PetscCall(encode(d, program));
  PetscCall(put_tables(d, program, &n_power));
  work_columns(program, n_power, columns);
  work[0] = &d->points.value, work[1] = &d->points.dual, work[2] = &d->points.aux, work[3] = &d->points.scratch,
  work[4] = &d->points.power;
  d->points.ld = (size_t)max_point;
  size_t n = 0;
  for (int k = 0; k < 5; k++) n += columns[k];
  void *memory;
  PetscCall(keep(d, n * (size_t)max_point * sizeof(double), NULL, &memory));
  double *next = memory;
  for (int k = 0; k < 5; next += columns[k++] * (size_t)max_point) *work[k] = next;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode ProgramDeviceDestroy(ProgramDevice *created)
{
  ProgramDevice d = *created;
  PetscFunctionBegin;
  if (!d) PetscFunctionReturn(PETSC_SUCCESS);
  for (int k = 0; k < d->n_memory; k++) PetscCall(DeviceFree(d->device, &d->memory[k]));
  for (int k = 0; k < d->n_table; k++) PetscCall(DeviceTablesDestroy(&d->tables[k]));
  PetscCall(PetscFree(d->tables));
  PetscCall(PetscFree(*created));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The caller's points with the work space of the program. */
static DevicePoints with_work(const ProgramDevice d, const DevicePoints *points)
{
  DevicePoints all = *points;
  all.ld = d->points.ld;
  all.value = d->points.value;
  all.aux = d->points.aux;
  all.dual = d->points.dual;
  all.scratch = d->points.scratch;
  all.power = d->points.power;
  return all;
}

void ProgramDeviceEvaluate(ProgramDevice d, const DevicePoints *points, const double *net, double *rows)
{
  const DevicePoints all = with_work(d, points);
  d->device->evaluate(&d->program, &all, net, rows);
}

void ProgramDeviceReverse(ProgramDevice d, const DevicePoints *points, const double *rows_bar, double *net_bar)
{
  const DevicePoints all = with_work(d, points);
  d->device->reverse(&d->program, &all, rows_bar, net_bar);
}

void ProgramDeviceTangent(ProgramDevice d, const DevicePoints *points, const double *net_dot, double *rows_dot)
{
  const DevicePoints all = with_work(d, points);
  d->device->tangent(&d->program, &all, net_dot, rows_dot);
}
