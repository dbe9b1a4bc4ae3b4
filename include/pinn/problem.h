/* What is solved: the case's `problem` group as expression nodes.

   Blocks are the sets of rows: the first ones are the interior with the equations, one block unless equations choose
   how their own derivatives are made; the others are the conditions. */
#pragma once
#include "pinn/config.h"
#include "pinn/formula.h"

typedef struct Problem_s *Problem;

typedef struct {
  char *name;       /* equation or condition name, for tables and messages */
  char *text;       /* residual as written */
  FormulaNode node; /* its expression */
  double weight;    /* w_e of the loss */
  int number;       /* of its equation in the case's list; 0 elsewhere */
  bool gradient;    /* it is the equation's residual derived by a coordinate, or of a slope */
} Term;

typedef struct {
  char *on;        /* selection text; "interior" for equations */
  char *path;      /* "problem.conditions[2]", for ConfigWhere */
  char *estimator; /* the group that says how derivatives are made: "estimator", or one of its own */
  bool interior;   /* equations */
  bool slope;   /* rows are the derivatives of the terms along random directions, new points and directions each step */
  bool jump;    /* rows are what the terms differ by from those of the slab of time before (ProblemAddJump) */
  int periodic; /* a coordinate: rows are what the terms differ by at its two ends; -1 elsewhere */
  int measured; /* k: rows are what the term differs by from the values of problem.measurements[k]; -1 elsewhere */
  bool integral; /* its one row is the integral of its term less `value` */
  double value;
  int n_term;
  Term *terms; /* [n_term] */
} Block;

/* Reads `problem`: constants, coordinates, data, definitions, fields (with transforms), exact solutions (known to
   formulas as exact_u), manufactured forcings, equations and conditions. Nothing of config is kept. Not collective.
   Errors: PETSC_ERR_USER_INPUT with file and line, for formulas with the column. */
PetscErrorCode ProblemCreate(Config config, Problem *problem);
PetscErrorCode ProblemDestroy(Problem *problem);

Formula ProblemFormula(Problem problem); /* borrowed */
int ProblemFields(Problem problem);
const char *ProblemFieldName(Problem problem, int field);
const char *ProblemFieldRegion(Problem problem, int field); /* problem.regions: where it is; NULL = everywhere */
FormulaNode ProblemField(Problem problem, int field);       /* the field as an expression of the network outputs */
FormulaNode ProblemExact(Problem problem, int field);       /* -1 where none is known */
/* Unknown coefficients (problem.unknowns): outputs ProblemFields, ProblemFields + 1 ... of formulas, the same at all
   points. Truth: NAN where problem.exact has none. */
int ProblemUnknowns(Problem problem);
const char *ProblemUnknownName(Problem problem, int unknown);
double ProblemUnknownTruth(Problem problem, int unknown);
int ProblemBlocks(Problem problem);
int ProblemInteriorBlocks(Problem problem); /* the first of them */
int ProblemInteriorTerms(Problem problem);  /* of these */
const Block *ProblemBlock(Problem problem, int block);
/* How often the equations derive a field by the coordinate, their gradients left aside. */
PetscErrorCode ProblemHighestOrder(Problem problem, int field, int coord, int *highest);
/* One more block, of one term: the jump of the order-th time derivative of a field where a slab begins. path: the
   condition that its points are placed like, or the setting that stands for it. */
PetscErrorCode ProblemAddJump(Problem problem, int field, int order, const char *path, double weight);
