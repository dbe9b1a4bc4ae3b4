/* Formula text -> one expression graph (DAG) -> programs that evaluate it in jet algebra, forwards and backwards.

   A Formula is the graph and its symbols, shared by all expressions of a problem: equal subexpressions are one node,
   sums are kept as linear combinations, and derivatives are operators on their operand (d(d(u,x),x) + d(d(u,y),y)
   becomes one operator applied to u), so that a program finds by itself which columns collapse.

   The language: numbers, pi, coordinates, constants, fields, + - * / ^, the functions of FunctionTable, comparisons
   (< <= > >= == !=), `if(c, a, b)`, derivatives by subscript (u_t, u_xx, u_x_y; vector components as u_{x[0]x[0]}) or
   d(e, x), d(e, x, 4), d(e, x, 2, y), laplacian(e) and grad(e) over the SPACE coordinates (all but `t`; all with
   laplacian(e, x, t)), biharmonic(e), div(a, b ...) or div(grad(e) * k), dot(a, b), norm2(x) of a vector, dn(e), n_x
   and the vector n on boundaries (in space, and held fixed by derivatives: dn(dn(e)) is n_i n_j d_ij e),
   sum(i, first, last, e) with x[i], x[i+1] and data c[i], vectors as lists (a, b). */
#pragma once
#include <stdbool.h>
#include "pinn/choice.h"
#include "pinn/device.h"
#include "pinn/jet.h"

typedef struct Formula_s *Formula;
typedef int FormulaNode; /* index of a node of the graph; -1 = none */

PetscErrorCode FormulaCreate(Formula *formula);
PetscErrorCode FormulaDestroy(Formula *formula);

/* Symbols. `where` is the text that starts error messages ("case.cfg:12: problem.fields"), copied; a name already
   taken, not an identifier, of a function (but `d`, which without a bracket is a name like any other), or ending in
   something a subscript could be confused with is an error.
     length  of a vector coordinate x[length]; 0 for a scalar one. Components are numbered on from the last coordinate.
     */
PetscErrorCode FormulaAddCoordinate(Formula formula, const char *where, const char *name, int length);
PetscErrorCode FormulaAddConstant(Formula formula, const char *where, const char *name, double value);
/* A list of numbers c, read as c[0] .. c[n - 1] or as a vector.  values [in] [n], copied. */
PetscErrorCode FormulaAddData(Formula formula, const char *where, const char *name, int n, const double values[]);
/* A network output: a leaf whose jets the caller supplies. `output` is its component in the network's arrays. */
PetscErrorCode FormulaAddOutput(Formula formula, const char *where, const char *name, int output);
/* A name for an expression (field defined by a transform, problem.define, manufactured forcing, exact solution). */
PetscErrorCode FormulaDefine(Formula formula, const char *where, const char *name, FormulaNode node);
/* Takes a name away again, so that it can mean something else from now on (`net` differs from field to field; fields
   stand for the exact solution while a forcing is manufactured). Nodes already built keep their meaning. */
PetscErrorCode FormulaUndefine(Formula formula, const char *name);

/* Parses text into a node. Errors (PETSC_ERR_USER_INPUT): "<where>: column 7: ..." with the text and a caret line where
   it helps, for syntax, unknown symbols (with the nearest known one), derivatives by unknown coordinates, wrong
   argument counts, vectors where a number is wanted, an index outside a vector. */
PetscErrorCode FormulaParse(Formula formula, const char *where, const char *text, FormulaNode *node);
/* Sums of more than n terms (1000 at first) are kept as loops where their terms allow it: expressions of at most 8
   coordinates and 8 numbers, x[k i + m], c[k i + m] and i, without fields, derivatives and whole vectors. Their
   derivatives are loops again, or a few terms, in time and memory that do not depend on the dimension; evaluated at a
   point they cost one pass over the terms. */
PetscErrorCode FormulaSetLongSum(Formula formula, int n);
/* A constant expression ("2*pi", "nu/4") to its value; an error where it depends on anything else. */
PetscErrorCode FormulaParseConstant(Formula formula, const char *where, const char *text, double *value);

int FormulaCoordinates(Formula formula);                       /* number, vector components counted one by one */
const char *FormulaCoordinateName(Formula formula, int coord); /* "x", "x[3]"; owned by formula */
const char *const *FormulaCoordinateNames(Formula formula);    /* of them all; until the next one is added */
int FormulaFindCoordinate(Formula formula, const char *name);  /* -1 where unknown */
bool FormulaUsesNormal(Formula formula, FormulaNode node);
bool FormulaUsesNetwork(Formula formula, FormulaNode node);
/* The highest order by which the node derives network output `output` by the coordinate, mixed derivatives included; -1
   where it does not depend on the output. Cost: that of all nodes before it. */
PetscErrorCode FormulaOrder(Formula formula, FormulaNode node, int output, int coord, int *order);
/* The node as text, for messages (truncated to size). Cannot fail. */
void FormulaPrint(Formula formula, FormulaNode node, char *text, size_t size);

/* A program evaluates several nodes (roots) at points. It decides the columns every node carries: the plan of the
   network outputs, collapsed where that carries fewer columns: sums of derivatives with constant coefficients, and with
   coefficients that depend on the point, whose products are multiplied out for it. The formula is borrowed, and grows.
     reducer  coordinates of the network are replaced by fewer as it says (jet.h); NULL = they stay
   ProgramIsLinear: the roots are affine in the network outputs and their derivatives (a least-squares stage then needs
   one solve). */
typedef struct Program_s *Program;
typedef struct ProgramWork_s *ProgramWork;

PetscErrorCode ProgramCreate(Formula formula, int n_root, const FormulaNode roots[], const JetReducer *reducer,
                             Program *program);
PetscErrorCode ProgramDestroy(Program *program);
JetPlan ProgramPlan(Program program); /* of the network outputs: at least column 0; borrowed */
/* The plan's columns in one line (JetPlanDescribe) with the names of the formula; of a plan with groups, their number
   and "laplacian over x[100] compressed to 16 coordinates" or "stde: 16 of 100 second derivatives". Cannot fail. */
void ProgramDescribe(Program program, char *text, size_t size);
/* Groups of coordinates that others stand for in the plan, and of terms that slots stand for; borrowed. */
void ProgramGroups(Program program, int *n, const JetGroup **groups);
bool ProgramUsesNetwork(Program program);
bool ProgramIsLinear(Program program);
int ProgramRoots(Program program);

/* Parts that do not depend on the network (coefficients, manufactured forcing) are computed once a point set and kept
   by the caller: ProgramStatics numbers a point, ProgramEvaluateStatics fills them. The first of them are the values of
   the factors of ProgramPlan, in the plan's order.
     x       [in]   [n][n_coord]
     normal  [in]   [n][n_coord] outward unit normal, or NULL where no root uses it
     statics [out]  [n_static][n] with row stride `stride` */
int ProgramStatics(Program program);
void ProgramEvaluateStatics(Program program, ProgramWork work, int n, const double x[], const double normal[],
                            double statics[], size_t stride);

/* Factors of slots whose terms have different ones (JetGroup.factor) are among them: those of the terms that were
   picked for the slots of a group, terms [in] [slots]. Picking marks what they need; evaluating them alone renews their
   rows of the statics, and costs no more than they do. */
bool ProgramHasSlots(Program program);
void ProgramPickFactors(Program program, int group, const int terms[]);
void ProgramEvaluateSlots(Program program, ProgramWork work, int n, const double x[], const double normal[],
                          double statics[], size_t stride);

/* The same into the work space, for a caller that keeps none: borrowed, until the next call that has this work. */
const double *ProgramWorkStatics(Program program, ProgramWork work, int n, const double x[], const double normal[],
                                 size_t *stride);

/* Work space of one thread for at most max_point points. Holds what the last evaluation left. */
PetscErrorCode ProgramWorkCreate(Program program, int max_point, ProgramWork *work);
PetscErrorCode ProgramWorkDestroy(ProgramWork *work);
size_t ProgramWorkBytes(Program program, int max_point); /* how much it would take */

/* Which draw of the reducer's terms the next evaluations with this work space read: 0 (so it begins), or 1 where there
   are two. */
void ProgramSetDraw(ProgramWork work, int draw);

/* Values of the roots. x, normal and statics are borrowed until the next evaluation, net is not. Without statics (NULL)
   they are computed on the way.
     net    [in]   [column][n][n_output] jets of the network outputs (columns of ProgramPlan), or NULL without network
     roots  [out]  [n_root][n] with row stride n
   Cannot fail: NaN and Inf come out as they arise. */
void ProgramEvaluate(Program program, ProgramWork work, int n, const double x[], const double normal[],
                     const double statics[], size_t stride, const double net[], int n_output, double roots[]);

/* At the points of the last evaluation: net_bar = sum over roots of (d root / d net)^T root_bar.
     root_bar  [in]   [n_root][n] with row stride n
     net_bar   [out]  [column][n][n_output], overwritten */
void ProgramReverse(Program program, ProgramWork work, const double root_bar[], double net_bar[]);
/* At the points of the last evaluation: root_dot = (d root / d net) net_dot. */
void ProgramTangent(Program program, ProgramWork work, const double net_dot[], double root_dot[]);

/* After an evaluation that gave NaN or Inf at point p in root `root`: the innermost node where it first appeared, as
   text ("log(u - 1), where its argument is -0.3"). Returns false where the value is finite. Cannot fail. */
bool ProgramExplain(Program program, ProgramWork work, int root, int p, char *text, size_t size);

/* A program on a device (device.h): the same evaluation and sweeps, with all arrays there. Borrows program.
     n_output   of the network's jets
     points     n <= max_point points; its work space and ld are the program's own
     net        [column][n][n_output], likewise net_bar [out] and net_dot; rows, rows_bar, rows_dot as DevicePoints says
   Errors: PETSC_ERR_USER_INPUT in one sentence for what a device does not do, PETSC_ERR_MEM. */
typedef struct ProgramDevice_s *ProgramDevice;
PetscErrorCode ProgramDeviceCreate(const Device *device, Program program, int n_output, int max_point,
                                   ProgramDevice *created);
PetscErrorCode ProgramDeviceDestroy(ProgramDevice *created);
double ProgramDeviceBytes(Program program, int max_point);
void ProgramDeviceEvaluate(ProgramDevice d, const DevicePoints *points, const double *net, double *rows);
void ProgramDeviceReverse(ProgramDevice d, const DevicePoints *points, const double *rows_bar, double *net_bar);
void ProgramDeviceTangent(ProgramDevice d, const DevicePoints *points, const double *net_dot, double *rows_dot);
