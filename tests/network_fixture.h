/* Networks from a line of a case file, and the same functions of complex coordinates. */
#pragma once
#include <stdio.h>
#include <string.h>
#include "jet_fixture.h"
#include "pinn/network.h"

static const char *const CoordinateNames[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
#define MOST_COORDINATES 310

/* The box is [-1 + i/10, 2 + i/10] in coordinate i. Coordinates that share weights are components of one vector.
   `problem`: more settings of this group. */
static inline PetscErrorCode TryNetworkOf(const char *problem, const char *precision, const char *settings, int n_coord,
                                          int n_field, Network *network)
{
  char text[1024];
  double lower[MOST_COORDINATES], upper[MOST_COORDINATES];
  static char components[MOST_COORDINATES][16];
  const char *names[MOST_COORDINATES];
  Config config;
  PetscFunctionBegin;
  for (int i = 0; i < n_coord; i++) {
    lower[i] = -1 + 0.1 * (i % 10);
    upper[i] = lower[i] + 3;
    snprintf(components[i], sizeof(components[i]), "x[%d]", i);
    names[i] = strstr(settings, "block") ? components[i] : CoordinateNames[i % 10];
  }
  snprintf(text, sizeof(text),
           "problem: { coordinates = [ \"a\" ]; fields = [ \"u\" ]; equations = ( { residual = \"u\"; } ); %s };\n"
           "domain: { };\nseed = 3; precision = \"%s\";\nnetwork: { %s };\n",
           problem, precision, settings);
  PetscCall(ConfigLoadText("a.cfg", text, 0, NULL, &config));
  PetscCall(NetworkCreate(config, n_coord, names, n_field, lower, upper, network));
  PetscCall(ConfigDestroy(&config));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static inline PetscErrorCode TryNetworkIn(const char *precision, const char *settings, int n_coord, int n_field,
                                          Network *network)
{
  return TryNetworkOf("", precision, settings, n_coord, n_field, network);
}

static inline PetscErrorCode TryNetwork(const char *settings, int n_coord, int n_field, Network *network)
{
  return TryNetworkIn("double", settings, n_coord, n_field, network);
}

static inline Network NetworkOf(const char *settings, int n_coord, int n_field)
{
  Network network;
  ck_petsc(TryNetwork(settings, n_coord, n_field, &network));
  return network;
}

/* Its parameters, drawn, with something added so that no bias or weight is zero. */
static inline double *ThetaOf(Network network)
{
  const size_t n = NetworkParameters(network);
  double *theta;
  ck_petsc(PetscMalloc1(n, &theta));
  NetworkInitialize(network, theta);
  for (size_t k = 0; k < n; k++) theta[k] += 0.2 * TestRandom(11, k);
  return theta;
}

static inline void PointsOf(int n, int n_coord, double *x)
{
  for (int p = 0; p < n; p++)
    for (int i = 0; i < n_coord; i++)
      x[p * n_coord + i] = 0.5 + 0.1 * (i % 10) + 1.4 * TestRandom(12, (uint64_t)(p * n_coord + i));
}
